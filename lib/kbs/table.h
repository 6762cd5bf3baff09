/*
 * kbs/table.h - the rows in which a store keeps values
 *
 * The inside of kbs/store: one database, its lock, and the keys that values are
 * sealed with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_TABLE_H
#define COCO_KBS_TABLE_H

#include "kbs/database.h"
#include "kbs/seal.h"
#include "kbs/store.h"

#include <pthread.h>

/* The keys of the seals themselves, as a kind; the numbers of kinds are on the disk. */
#define COCO_KBS_SEAL_KEY 5

struct coco_kbs_table {
    struct coco_database *db;
    pthread_mutex_t lock; /* for all that follows, and db */
    struct coco_kbs_ring ring;
    struct coco_secret master; /* that seals the keys of ring; none: so does nothing */
    bool is_stale;             /* a value was sealed with a key that ring lacks */
};

/* Somebody's work on a value. */
struct coco_kbs_value {
    struct coco_kbs_table *table;
    const char *tenant;
    int kind;
    const char *name; /* NULL: all of that kind */
    void *arg;        /* of the work */
};

typedef coco_status coco_kbs_work(struct coco_kbs_value *value, coco_error **err);

/*
 * Does work, which reads alone, or writes in a transaction. It is done again when the
 * connection was lost meanwhile, or the keys were stale: so it begins anew each time.
 */
coco_status coco_kbs_table_read(struct coco_kbs_value *value, coco_kbs_work *work,
                                coco_error **err);
coco_status coco_kbs_table_write(struct coco_kbs_value *value, coco_kbs_work *work,
                                 coco_error **err);

/*
 * Runs a statement that takes tenant, kind, name if there is one, and up to three more;
 * for work, as all that follows.
 */
coco_status coco_kbs_table_run(const struct coco_kbs_value *value,
                               enum coco_kbs_statement statement, const struct coco_sql_value *more,
                               size_t n, coco_sql_row *row, void *arg, coco_error **err);

/* Appends what the database gets to see of the data of value, and says with which key. */
coco_status coco_kbs_table_seal(const struct coco_kbs_value *value, const void *data, size_t len,
                                struct coco_buf *ret, uint64_t *number, coco_error **err);

/* What the database holds as the data of value, whose name need not be in it. */
coco_status coco_kbs_table_unseal(const struct coco_kbs_value *value, const char *name,
                                  const struct coco_sql_value *number,
                                  const struct coco_sql_value *data, struct coco_secret *ret,
                                  coco_error **err);

/* Reads the keys into the ring; the lock is held. */
coco_status coco_kbs_table_read_ring(struct coco_kbs_table *table, coco_error **err);

/*
 * Reads the keys into the ring, or makes the first one. COCO_ERR_DENIED if the store is
 * sealed and there is no master, or is not, and there is one.
 */
coco_status coco_kbs_table_open_ring(struct coco_kbs_table *table, coco_error **err);

/* See coco_kbs_store_reseal(); master is taken. */
coco_status coco_kbs_table_reseal(struct coco_kbs_table *table, struct coco_secret *master,
                                  coco_error **err);

#endif
