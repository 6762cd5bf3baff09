/*
 * collateral/expiry.h - until when collateral is good
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_COLLATERAL_EXPIRY_H
#define COCO_COLLATERAL_EXPIRY_H

#include <coco/error.h>

/*
 * When what is called name ends, by its own word, which nobody has verified yet:
 * seconds since 1970, 0 if it does not say. COCO_ERR_PROTO or COCO_ERR_LIMIT unless
 * it is what things of that name are: a certificate, a chain, a list of revoked ones
 * or a signed answer of the PCS.
 */
coco_status coco_collateral_expiry(const char *name, const void *data, size_t len, int64_t *ret,
                                   coco_error **err);

#endif
