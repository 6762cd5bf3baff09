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

/* One kind of source. */
struct coco_collateral_driver {
    /* Appends what is called name, which is well formed; COCO_ERR_NOTFOUND. Any thread. */
    coco_status (*get)(void *self, const char *name, struct coco_buf *ret, coco_error **err);
    void (*free)(void *self);
};

/* Takes over self on success. */
coco_status coco_collateral_wrap(const struct coco_collateral_driver *driver, void *self,
                                 coco_collateral **ret, coco_error **err);

/* The name that fmt makes, for callers that have no use of a coco_bytes. */
coco_status coco_collateral_read(const coco_collateral *collateral, struct coco_buf *ret,
                                 coco_error **err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
