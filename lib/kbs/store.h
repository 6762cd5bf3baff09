/*
 * kbs/store.h - what a KBS keeps
 *
 * Resources, policies, reference values and its own keys, in a SQLite database
 * that only its owner may read, or in memory. A value that was put is on the
 * disk when the call returns.
 *
 * Threads: any number.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_STORE_H
#define COCO_KBS_STORE_H

#include "base/json.h"
#include "base/secret.h"

#define COCO_KBS_VALUE_MAX ((size_t)64 << 20)
#define COCO_KBS_NAME_MAX 1023

/* What a value is. The numbers are on the disk. */
enum coco_kbs_kind {
    COCO_KBS_RESOURCE = 1,
    COCO_KBS_POLICY = 2,
    COCO_KBS_REFERENCE = 3, /* JSON */
    COCO_KBS_KEY = 4,
};

struct coco_kbs_store;

/*
 * Opens or makes the database at path; NULL is one in memory. COCO_ERR_DENIED if
 * others than its owner may read the file that is there.
 */
coco_status coco_kbs_store_open(const char *path, struct coco_kbs_store **ret, coco_error **err);
void coco_kbs_store_close(struct coco_kbs_store *store);
COCO_DEFINE_CLEANUP(struct coco_kbs_store *, coco_kbs_store_close);

/* COCO_ERR_INVALID for what is no name, 1 to COCO_KBS_NAME_MAX bytes long. */
coco_status coco_kbs_store_check_name(const char *name, coco_error **err);

/* Replaces what was there. */
coco_status coco_kbs_store_put(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                               const char *name, const void *data, size_t len, coco_error **err);

/*
 * Puts all members of values, an object, as JSON under their names, or none of them:
 * who reads gets those of before or those of after.
 */
coco_status coco_kbs_store_put_values(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                                      const cJSON *values, coco_error **err);

/* Leaves what was there and stores that in *ret, so that all who make a key get the same. */
coco_status coco_kbs_store_put_new(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                                   const char *name, const void *data, size_t len,
                                   struct coco_secret *ret, coco_error **err);

/* COCO_ERR_NOTFOUND if there is none. */
coco_status coco_kbs_store_get(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                               const char *name, struct coco_secret *ret, coco_error **err);

/* COCO_ERR_NOTFOUND if there is none. */
coco_status coco_kbs_store_delete(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                                  const char *name, coco_error **err);

/* An array of the names of a kind, sorted by their bytes. */
coco_status coco_kbs_store_names(struct coco_kbs_store *store, enum coco_kbs_kind kind, cJSON **ret,
                                 coco_error **err);

/* An object of all values of a kind that are JSON, by name. */
coco_status coco_kbs_store_values(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                                  cJSON **ret, coco_error **err);

#endif
