/*
 * fuzz/chunks/target.c - a list of chunks is refused, or has one text and no other
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/chunks.h"

#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_free_ char *text = strndup((const char *)data, len);
    _cleanup_buf_ struct coco_buf again = {.limit = SIZE_MAX};
    struct coco_chunks chunks = {0};

    if (!text)
        abort();
    if (coco_chunks_read(text, &chunks, NULL) != COCO_OK) {
        if (chunks.size > 0 || chunks.tags.data)
            abort();
        return 0;
    }
    if (chunks.tags.len == 0 || chunks.tags.len % COCO_CHUNK_TAG_SIZE != 0
        || chunks.tags.len / COCO_CHUNK_TAG_SIZE > COCO_CHUNKS_MAX
        || coco_chunks_write(&chunks, &again, NULL) != COCO_OK
        || strcmp(coco_buf_text(&again), text) != 0)
        abort();
    coco_chunks_done(&chunks);
    return 0;
}
