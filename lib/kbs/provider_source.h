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

/* What is added to an issuer (OpenID Connect Discovery 1.0 section 4.1). */
#define COCO_KBS_PROVIDER_DISCOVERY "/.well-known/openid-configuration"
#define COCO_KBS_PROVIDER_ABOUT_MAX ((size_t)64 << 10)

/* Whether a set is a file of this machine, which is there at once. */
bool coco_kbs_provider_is_file(const struct coco_kbs_provider *provider);

/*
 * The address of the keys in what an issuer says about itself. COCO_ERR_PROTO unless it
 * is of the issuer that was asked, but for a "/" at its end, and they are at https.
 */
coco_status coco_kbs_provider_about(const char *text, size_t len, const char *issuer, char **ret,
                                    coco_error **err);

/*
 * Gets the set of keys: from the file; or from the address, as upstream does, which holds
 * a set or is an issuer's; or from what the issuer of the configuration says. Waits for
 * the network until ctx is canceled.
 */
coco_status coco_kbs_provider_get(const struct coco_kbs_provider *provider, coco_ctx *ctx,
                                  struct coco_jwk_set *ret, coco_error **err);

#endif
