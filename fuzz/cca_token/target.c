/*
 * fuzz/cca_token/target.c - tokens of Arm CCA, and the claim sets in them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/cca.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What was read can be written, and is the same again. */
static void
use_platform(const struct coco_cca_platform *platform)
{
    _cleanup_buf_ struct coco_buf again = {.limit = COCO_CBOR_SIZE_MAX};
    struct coco_cca_platform read;

    if (coco_cca_state_of(platform) > COCO_CCA_DECOMMISSIONED
        || coco_cca_platform_format(platform, &again, NULL) != COCO_OK
        || coco_cca_platform_parse(again.data, again.len, &read, NULL) != COCO_OK
        || read.n_components != platform->n_components || read.lifecycle != platform->lifecycle)
        abort();
}

static void
use_realm(const struct coco_cca_realm *realm)
{
    _cleanup_buf_ struct coco_buf again = {.limit = COCO_CBOR_SIZE_MAX};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    struct coco_cca_realm read;

    (void)coco_cca_realm_key(realm, &key, NULL);
    if (coco_cca_realm_format(realm, &again, NULL) != COCO_OK
        || coco_cca_realm_parse(again.data, again.len, &read, NULL) != COCO_OK
        || read.key.len != realm->key.len)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct coco_cca_platform platform;
    struct coco_cca_realm realm;
    struct coco_cca_token token;

    if (coco_cca_platform_parse(data, len, &platform, NULL) == COCO_OK)
        use_platform(&platform);
    if (coco_cca_realm_parse(data, len, &realm, NULL) == COCO_OK)
        use_realm(&realm);
    if (coco_cca_token_parse(data, len, &token, NULL) != COCO_OK)
        return 0;
    use_platform(&token.platform);
    use_realm(&token.realm);
    return 0;
}
