/*
 * fuzz/inflate/target.c - compressed streams, whole and in pieces
 *
 * The first byte chooses the compression; pieces must give what the whole gives.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/unpack.h"

#include <stdlib.h>
#include <string.h>

#define OUT_MAX ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static coco_status
inflate_all(enum coco_compression compression, const uint8_t *data, size_t len, size_t step,
            struct coco_buf *out)
{
    _cleanup_(coco_inflate_freep) struct coco_inflate *inflate = NULL;
    const struct coco_sink next = coco_sink_to_buf(out);
    const struct coco_inflate_limits limits = {.max_ratio = 1100, .max_window = 8 << 20};

    coco_status status = coco_inflate_new(compression, &limits, &next, &inflate, NULL);
    if (status != COCO_OK)
        return status;
    const struct coco_sink sink = coco_inflate_sink(inflate);
    for (size_t at = 0; at < len && status == COCO_OK; at += step)
        status = coco_sink_write(&sink, data + at, step < len - at ? step : len - at, NULL);
    if (status == COCO_OK)
        status = coco_sink_end(&sink, NULL);
    return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_buf_ struct coco_buf whole = {.limit = OUT_MAX};
    _cleanup_buf_ struct coco_buf pieces = {.limit = OUT_MAX};

    if (len == 0)
        return 0;
    enum coco_compression compression = (enum coco_compression)(data[0] % 3);
    coco_status status = inflate_all(compression, data + 1, len - 1, len, &whole);
    coco_status again = inflate_all(compression, data + 1, len - 1, 7, &pieces);
    /* Where a limit lies depends on the pieces. */
    if (status == COCO_ERR_LIMIT || again == COCO_ERR_LIMIT)
        return 0;
    if (status != again)
        abort();
    if (status == COCO_OK
        && (whole.len != pieces.len
            || (whole.len > 0 && memcmp(whole.data, pieces.data, whole.len) != 0)))
        abort();
    return 0;
}
