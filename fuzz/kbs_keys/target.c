/*
 * fuzz/kbs_keys/target.c - generations of keys: what is read as one has both its keys
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/keyring.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_generation_ struct coco_kbs_generation made = {0};
    coco_error *err = NULL;

    if (coco_kbs_generation_parse((const char *)data, len, &made, &err) == COCO_OK
        && (!made.token.key || strlen(made.token.kid) != COCO_KBS_KID_SIZE - 1
            || made.seal.len != COCO_KBS_SEAL_KEY_SIZE))
        abort();
    coco_error_free(err);
    return 0;
}
