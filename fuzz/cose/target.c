/*
 * fuzz/cose/target.c - COSE_Sign1 and COSE_Key
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/cose.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The key of the message in corpus/, whose private half nobody has kept. */
static const char key_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEuMtHnHZhaQCLqnLUVGG861euztXG\n"
                              "rzx+NdSTlFvpmfg41AZyUf8+olgMZFfBZeHqrXD2SHMC+p+jcDCayWDhdA==\n"
                              "-----END PUBLIC KEY-----\n";

#define PAYLOAD "only this was ever signed"

static void
use_key(const uint8_t *data, size_t len)
{
    _cleanup_buf_ struct coco_buf again = {.limit = 1024};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_pkey_ EVP_PKEY *back = NULL;

    if (coco_cose_key_parse(data, len, &key, NULL) != COCO_OK)
        return;
    if (coco_cose_key_format(key, &again, NULL) != COCO_OK
        || coco_cose_key_parse(again.data, again.len, &back, NULL) != COCO_OK
        || EVP_PKEY_eq(key, back) != 1)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    struct coco_cose_sign1 message;

    use_key(data, len);
    if (coco_cose_sign1_parse(data, len, &message, NULL) != COCO_OK)
        return 0;
    if (coco_key_parse_public(key_pem, strlen(key_pem), &key, NULL) != COCO_OK)
        abort();
    if (coco_cose_sign1_verify(&message, key, NULL, NULL) == COCO_OK
        && !coco_cbor_string_is(message.payload, PAYLOAD))
        abort();
    return 0;
}
