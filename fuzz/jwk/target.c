/*
 * fuzz/jwk/target.c - keys: what is read as one can be written and reads the same again
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/jwk.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_public(const EVP_PKEY *key)
{
    _cleanup_pkey_ EVP_PKEY *again = NULL;
    _cleanup_json_ cJSON *jwk = NULL;
    _cleanup_buf_ struct coco_buf der = {.limit = 1 << 16};
    enum coco_key_kind kind = 0;

    if (coco_key_kind_of(key, &kind, NULL) != COCO_OK
        || coco_jwk_public(key, NULL, &jwk, NULL) != COCO_OK
        || coco_key_public_der(key, &der, NULL) != COCO_OK
        || coco_jwk_parse(jwk, &again, NULL) != COCO_OK)
        abort();
    if (EVP_PKEY_eq(key, again) != 1)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_pkey_ EVP_PKEY *public = NULL;
    _cleanup_pkey_ EVP_PKEY *private = NULL;
    coco_error *err = NULL;

    if (coco_key_parse_public(data, len, &public, &err) == COCO_OK)
        check_public(public);
    coco_error_free(err);
    err = NULL;
    if (coco_key_parse_private(data, len, &private, &err) == COCO_OK)
        check_public(private);
    coco_error_free(err);
    return 0;
}
