/*
 * kbs/store_task.h - the inside of a store, and of work on its values
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_STORE_TASK_H
#define COCO_KBS_STORE_TASK_H

#include "base/fail.h"
#include "kbs/table.h"

struct coco_kbs_store {
    struct coco_kbs_table *table;
    bool is_owner; /* of table */
    char tenant[COCO_KBS_TENANT_MAX + 1];
    uint64_t versions;
    struct coco_kbs_quota quota;
    int64_t swept; /* when what has expired was forgotten; under the table's lock */
};

/* What work on a value needs besides; each uses what is its own. */
struct coco_kbs_task {
    const void *data; /* that is put, len bytes; NULL: that it was deleted */
    size_t len;
    const struct coco_kbs_set *sets; /* that are put, n_sets of them */
    size_t n_sets;
    struct coco_secret *ret; /* where it goes; NULL: nowhere */
    cJSON *list;             /* that is filled */
    uint64_t kept;           /* versions of such values */
    struct coco_kbs_quota quota;
    uint64_t wanted;  /* version to be put again; 0: the newest before */
    uint64_t version; /* 0: none was found */
    bool deleted;
};

static inline coco_status
coco_kbs_store_fail_missing(const char *name, coco_error **err)
{
    return coco_fail(err, COCO_ERR_NOTFOUND, "%s is not there", name);
}

/* One with that name, or, where it is NULL, all of that kind; task is lent. */
static inline struct coco_kbs_value
coco_kbs_store_value(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                     struct coco_kbs_task *task)
{
    task->kept = 1;
    task->quota = store->quota;
    if (kind == COCO_KBS_RESOURCE)
        task->kept = store->versions;
    return (struct coco_kbs_value){
        .table = store->table,
        .tenant = store->tenant,
        .kind = (int)kind,
        .name = name,
        .arg = task,
    };
}

#endif
