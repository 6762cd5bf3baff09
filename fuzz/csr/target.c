/*
 * fuzz/csr/target.c - requests for certificates
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/csr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A key that comes out is one that certificates may be made of. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    if (coco_csr_parse(data, len, &key, NULL) == COCO_OK
        && coco_key_check(key, false, NULL) != COCO_OK)
        abort();
    return 0;
}
