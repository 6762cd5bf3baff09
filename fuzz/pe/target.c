/*
 * fuzz/pe/target.c - programs of UEFI
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/pe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t digest[COCO_TCG_HASH_SIZE_MAX];

    (void)coco_pe_digest(COCO_TCG_SHA256, data, len, digest, NULL);
    return 0;
}
