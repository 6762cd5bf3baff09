/*
 * collateral/shelf.h - collateral that was got: in memory, and in files
 *
 * What may change is good for a day, a chain for a month, and what cannot change until
 * it ends. A cache that cannot be read or written is none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_COLLATERAL_SHELF_H
#define COCO_COLLATERAL_SHELF_H

#include "collateral/items.h"
#include "net/retry.h"

#include <pthread.h>

/* Seconds for which things that may change are good. */
#define COCO_SHELF_FRESH ((int64_t)24 * 3600)
/* The same of certificates between a chip and its root. */
#define COCO_SHELF_FRESH_CHAIN ((int64_t)30 * 24 * 3600)

struct coco_shelf {
    coco_ctx *ctx;                  /* lent, for the log */
    const struct coco_clock *clock; /* lent; NULL: the machine's */
    coco_collateral *files;         /* what is in the cache; NULL without */
    int cache;                      /* the same directory, or -1 */

    pthread_mutex_t lock; /* of what follows */
    struct coco_items items;
    uint64_t uses;
};

void coco_shelf_init(struct coco_shelf *shelf, coco_ctx *ctx);
void coco_shelf_done(struct coco_shelf *shelf);

/* Files beneath dir, which is made if it is missing. COCO_ERR_IO. */
coco_status coco_shelf_set_cache(struct coco_shelf *shelf, const char *dir, coco_error **err);

/* Puts what was got just now; COCO_ERR_PROTO if something has ended already. */
coco_status coco_shelf_put(struct coco_shelf *shelf, struct coco_items *items, coco_error **err);

/* Whether name is in memory, and good. */
bool coco_shelf_has(struct coco_shelf *shelf, const char *name);

/* Appends what is there, if it is good, or at least has not ended; whether that was so. */
coco_status coco_shelf_give(struct coco_shelf *shelf, const char *name, bool must_be_good,
                            struct coco_buf *ret, bool *given, coco_error **err);

/* As the functions of a driver. */
coco_status coco_shelf_fetched(struct coco_shelf *shelf, const char *name, int64_t *ret,
                               coco_error **err);
coco_status coco_shelf_each(struct coco_shelf *shelf, coco_collateral_each_fn *fn, void *user,
                            coco_error **err);

#endif
