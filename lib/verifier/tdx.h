/*
 * verifier/tdx.h - quotes of TDs, for all evidence that holds one
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_TDX_H
#define COCO_VERIFIER_TDX_H

#include "tee/quote.h"
#include "verifier/driver.h"

/*
 * Adds all checks of a TD's quote but for what it is bound to, and its claims. ret
 * is what was read, with pointers into data: whether its report data and
 * MRCONFIGID are right is the caller's to check.
 */
coco_status coco_tdx_verify_quote(const struct coco_verification *verification, const void *data,
                                  size_t len, coco_verdict *verdict, cJSON *claims,
                                  struct coco_quote *ret, coco_error **err);

#endif
