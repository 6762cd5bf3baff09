/*
 * fuzz/se_block/target.c - control blocks and headers of IBM Secure Execution
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/se_request.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_buf_ struct coco_buf back = {.limit = len + 1};
    struct coco_se_block block;
    struct coco_se_tags tags;

    if (coco_se_block_parse(data, len, &block, NULL) == COCO_OK
        && (coco_se_block_format(&block, &back, NULL) != COCO_OK || back.len != len
            || memcmp(back.data, data, len) != 0))
        abort();
    if (coco_se_tags_of_header(data, len, &tags, NULL) == COCO_OK
        && memmem(data, len, tags.tag, sizeof(tags.tag)) == NULL)
        abort();
    return 0;
}
