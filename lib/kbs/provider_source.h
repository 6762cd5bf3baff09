/*
 * kbs/provider_source.h - where the keys of an identity provider come from
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_PROVIDER_SOURCE_H
#define COCO_KBS_PROVIDER_SOURCE_H

#include "crypto/jwk_set.h"
#include "kbs/config.h"

#include <coco/context.h>

/* Whether a set is a file of this machine, which is there at once. */
bool coco_kbs_provider_is_file(const struct coco_kbs_provider *provider);

/*
 * Gets the set of keys: from the file; or from the address, as upstream does, which holds
 * a set or is an issuer's; or from what the issuer of the configuration says. Waits for
 * the network until ctx is canceled.
 */
coco_status coco_kbs_provider_get(const struct coco_kbs_provider *provider, coco_ctx *ctx,
                                  struct coco_jwk_set *ret, coco_error **err);

#endif
