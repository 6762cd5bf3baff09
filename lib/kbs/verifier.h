/*
 * kbs/verifier.h - the verifier that the configuration describes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_VERIFIER_H
#define COCO_KBS_VERIFIER_H

#include "kbs/config.h"
#include "verifier/driver.h"

/* ctx is for requests to services of the makers, and must outlive the verifier. */
coco_status coco_kbs_verifier_open(coco_ctx *ctx, const struct coco_kbs_config *config,
                                   coco_verifier **ret, coco_error **err);

#endif
