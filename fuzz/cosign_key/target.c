/*
 * fuzz/cosign_key/target.c - a private key of cosign's is read without harm
 *
 * It is not opened, which takes a tenth of a second.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/cosign_key.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_cosign_key_ struct coco_cosign_key key = {0};

    if (coco_cosign_key_parse(data, len, &key, NULL) != COCO_OK)
        return 0;
    /* What opening it costs. */
    if (key.n > 1 << 17 || key.salt.len > COCO_COSIGN_SALT_MAX || key.box.len > COCO_COSIGN_BOX_MAX)
        abort();
    return 0;
}
