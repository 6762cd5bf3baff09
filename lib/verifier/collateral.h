/*
 * verifier/collateral.h - inside of a coco_collateral
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_COLLATERAL_H
#define COCO_VERIFIER_COLLATERAL_H

#include "base/buf.h"
#include "base/cleanup.h"

#include <coco/collateral.h>

COCO_DEFINE_CLEANUP(coco_collateral *, coco_collateral_free);

#define COCO_COLLATERAL_MAX ((size_t)1 << 20)
#define COCO_COLLATERAL_NAME_SIZE 512 /* with the NUL */
#define COCO_COLLATERAL_ITEMS_MAX ((size_t)4096)

/* What is told of each thing that a source has; a failure ends it. */
typedef coco_status coco_collateral_each_fn(void *user, const char *name, coco_error **err);

/* One kind of source. Any thread may call it. */
struct coco_collateral_driver {
    /* Appends what is called name, which is well formed; COCO_ERR_NOTFOUND. */
    coco_status (*get)(void *self, const char *name, struct coco_buf *ret, coco_error **err);
    /* When it was got from its maker, seconds since 1970, 0 if nobody knows; NULL: never known. */
    coco_status (*fetched)(void *self, const char *name, int64_t *ret, coco_error **err);
    /* Names all that is there without asking anybody, in any order; NULL: cannot be told. */
    coco_status (*each)(void *self, coco_collateral_each_fn *fn, void *user, coco_error **err);
    void (*free)(void *self);
};

/* Takes over self on success. */
coco_status coco_collateral_wrap(const struct coco_collateral_driver *driver, void *self,
                                 coco_collateral **ret, coco_error **err);

/* What coco_collateral_wrap() was given, if it was with driver; else NULL. */
void *coco_collateral_self(const coco_collateral *collateral,
                           const struct coco_collateral_driver *driver);

/* Whether it can be a name, and leads nowhere else: parts of names come from evidence. */
bool coco_collateral_is_name(const char *name);

/* The driver's fetched and each; COCO_ERR_NOTSUP of one that cannot tell what it has. */
coco_status coco_collateral_fetched(const coco_collateral *collateral, const char *name,
                                    int64_t *ret, coco_error **err);
coco_status coco_collateral_each(const coco_collateral *collateral, coco_collateral_each_fn *fn,
                                 void *user, coco_error **err);

/* The name that fmt makes, for callers that have no use of a coco_bytes. */
coco_status coco_collateral_read(const coco_collateral *collateral, struct coco_buf *ret,
                                 coco_error **err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
