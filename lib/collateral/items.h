/*
 * collateral/items.h - collateral in memory, by name
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_COLLATERAL_ITEMS_H
#define COCO_COLLATERAL_ITEMS_H

#include "base/buf.h"
#include "verifier/collateral.h"

/* Bytes of all items together. */
#define COCO_ITEMS_BYTES_MAX ((size_t)64 << 20)

struct coco_item {
    char *name;
    struct coco_buf data;
    int64_t fetched; /* seconds since 1970; 0: nobody knows */
    int64_t expires; /* for whoever wants to keep it here */
    uint64_t used;   /* the same */
};

/* Sorted by name; {0} is empty. */
struct coco_items {
    struct coco_item *list;
    size_t n;
    size_t room;
    size_t bytes;
};

/*
 * Copies data to the item called name, which must be a name, in place of what it was;
 * *ret, if not NULL, is lent until the next change. COCO_ERR_LIMIT for too much of it.
 */
coco_status coco_items_put(struct coco_items *items, const char *name, const void *data, size_t len,
                           struct coco_item **ret, coco_error **err);

/* Lent; NULL if there is none. */
struct coco_item *coco_items_find(const struct coco_items *items, const char *name);

/* Drops one of the list. */
void coco_items_remove(struct coco_items *items, struct coco_item *item);

void coco_items_done(struct coco_items *items);
#define _cleanup_items_ _cleanup_(coco_items_done)

/* The same as a driver's functions, for sources whose self begins with a struct coco_items. */
coco_status coco_items_get(void *self, const char *name, struct coco_buf *ret, coco_error **err);
coco_status coco_items_fetched(void *self, const char *name, int64_t *ret, coco_error **err);
coco_status coco_items_each(void *self, coco_collateral_each_fn *fn, void *user, coco_error **err);

/* A source in memory (sources.c); items are taken on success. */
coco_status coco_collateral_of_items(struct coco_items *items, coco_collateral **ret,
                                     coco_error **err);

#endif
