/*
 * fuzz/rcar_response/target.c - secrets sealed as before version 0.2.0
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rcar/response.h"

#include "tests/golden.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A secret, or nothing at all. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static EVP_PKEY *key;
    _cleanup_secret_ struct coco_secret secret = {0};

    if (!key && coco_key_parse_private(golden[0].key, strlen(golden[0].key), &key, NULL) != COCO_OK)
        abort();
    if (coco_rcar_response_open(COCO_RCAR_0_1_0, data, len, key, &secret, NULL) != COCO_OK
        && secret.data)
        abort();
    return 0;
}
