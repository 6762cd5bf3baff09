/*
 * fuzz/jws/target.c - a JWS is taken apart without harm, and only the key's own verify
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/jws.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* RFC 7515 appendix A.3. */
static const char jwk[] = "{\"kty\":\"EC\",\"crv\":\"P-256\","
                          "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                          "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static EVP_PKEY *key;
    _cleanup_jws_ struct coco_jws jws = {0};
    coco_error *err = NULL;

    if (!key && coco_key_parse_public(jwk, strlen(jwk), &key, NULL) != COCO_OK)
        abort();
    coco_status status = coco_jws_parse((const char *)data, len, &jws, &err);
    if (status == COCO_OK) {
        /* What was signed is the text as it came. */
        if (jws.signed_text.len > len
            || memcmp(jws.signed_text.data, data, jws.signed_text.len) != 0)
            abort();
        status = coco_jws_verify(&jws, key, &err);
    }
    if (status == COCO_OK)
        status = coco_jwt_check_times(jws.payload, 1300819000, &err);
    coco_error_free(err);
    return 0;
}
