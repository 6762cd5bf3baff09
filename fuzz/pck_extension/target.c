/*
 * fuzz/pck_extension/target.c - what a PCK certificate says of its machine
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/pck.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* DER: there is one text for what is read. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_buf_ struct coco_buf again = {.limit = COCO_PCK_SIZE_MAX};
    struct coco_pck pck = {0};

    if (coco_pck_parse(data, len, &pck, NULL) != COCO_OK)
        return 0;
    if (coco_pck_format(&pck, &again, NULL) != COCO_OK || again.len != len
        || memcmp(again.data, data, len) != 0)
        abort();
    return 0;
}
