/*
 * fuzz/jwe/target.c - a JWE opens with the right key only, whatever its form
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/jwe.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The recipient of RFC 7518 appendix C, so that corpora stay good. */
static const char jwk[] = "{\"kty\":\"EC\",\"crv\":\"P-256\","
                          "\"x\":\"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ\","
                          "\"y\":\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck\","
                          "\"d\":\"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw\"}";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static EVP_PKEY *key;
    _cleanup_secret_ struct coco_secret secret = {0};
    coco_error *err = NULL;

    if (!key && coco_key_parse_private(jwk, strlen(jwk), &key, NULL) != COCO_OK)
        abort();
    coco_status status = coco_jwe_decrypt(
        data, len, key, COCO_JWE_RSA_OAEP_256 | COCO_JWE_ECDH_ES_A256KW, &secret, &err);
    coco_error_free(err);
    if ((status == COCO_OK) != (secret.data != NULL))
        abort();
    return 0;
}
