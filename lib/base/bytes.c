/*
 * base/bytes.c - bytes that a call gives
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"

#include "base/fail.h"

#include <stdlib.h>

struct coco_bytes {
    struct coco_buf buf; /* data is never NULL */
};

coco_status
coco_bytes_new(const void *data, size_t len, coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = len};

    coco_status status = coco_buf_append(&buf, data, len, err);
    if (status != COCO_OK)
        return status;
    return coco_bytes_take(&buf, ret, err);
}

coco_status
coco_bytes_take(struct coco_buf *buf, coco_bytes **ret, coco_error **err)
{
    /* So that an empty result has a NUL to point at, too. */
    coco_status status = coco_buf_append(buf, "", 0, err);
    if (status != COCO_OK)
        return status;

    coco_bytes *bytes = malloc(sizeof(*bytes));
    if (!bytes)
        return coco_fail_nomem(err);

    bytes->buf = *buf;
    *buf = (struct coco_buf){.limit = buf->limit};
    *ret = bytes;
    return COCO_OK;
}

const uint8_t *
coco_bytes_data(const coco_bytes *bytes)
{
    return bytes->buf.data;
}

size_t
coco_bytes_size(const coco_bytes *bytes)
{
    return bytes->buf.len;
}

void
coco_bytes_free(coco_bytes *bytes)
{
    if (!bytes)
        return;
    coco_buf_done(&bytes->buf);
    free(bytes);
}
