/*
 * rpc/grpc_frame.c - one message of gRPC within the bytes of an HTTP/2 stream
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/grpc_frame.h"

#include "base/fail.h"

#include <string.h>

static coco_status
read_head(struct coco_grpc_frame *e, coco_error **err)
{
    size_t len = (size_t)e->head[1] << 24 | (size_t)e->head[2] << 16 | (size_t)e->head[3] << 8
                 | (size_t)e->head[4];

    if (e->head[0] == 1)
        return coco_fail(err, COCO_ERR_NOTSUP, "message is compressed");
    if (e->head[0] != 0)
        return coco_fail(err, COCO_ERR_PROTO, "message begins with %#x", e->head[0]);
    if (len > e->limit)
        return coco_fail(err, COCO_ERR_LIMIT, "message of %zu bytes", len);
    e->len = len;
    e->message.limit = len;
    return COCO_OK;
}

coco_status
coco_grpc_frame_feed(struct coco_grpc_frame *e, const void *data, size_t len, coco_error **err)
{
    const uint8_t *p = data;
    size_t n = COCO_GRPC_FRAME_HEAD_SIZE - e->head_len;

    if (n > 0 && len > 0) {
        n = n < len ? n : len;
        memcpy(e->head + e->head_len, p, n);
        e->head_len += n;
        p += n;
        len -= n;
        coco_status status = e->head_len == COCO_GRPC_FRAME_HEAD_SIZE ? read_head(e, err) : COCO_OK;
        if (status != COCO_OK)
            return status;
    }
    if (len == 0)
        return COCO_OK;
    if (len > e->len - e->message.len)
        return coco_fail(err, COCO_ERR_PROTO, "bytes behind the message of a unary call");
    return coco_buf_append(&e->message, p, len, err);
}

coco_status
coco_grpc_frame_finish(const struct coco_grpc_frame *e, bool *empty, coco_error **err)
{
    if (e->head_len > 0 && (e->head_len < COCO_GRPC_FRAME_HEAD_SIZE || e->message.len < e->len))
        return coco_fail(err, COCO_ERR_PROTO, "message ends after %zu of %zu bytes", e->message.len,
                         e->len);
    *empty = e->head_len == 0;
    return COCO_OK;
}

coco_status
coco_grpc_frame_format(const void *message, size_t len, struct coco_buf *buf, coco_error **err)
{
    const uint8_t head[COCO_GRPC_FRAME_HEAD_SIZE] = {0, (uint8_t)(len >> 24), (uint8_t)(len >> 16),
                                                     (uint8_t)(len >> 8), (uint8_t)len};

    if (len > UINT32_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "message of %zu bytes", len);
    coco_status status = coco_buf_append(buf, head, sizeof(head), err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, message, len, err);
    return status;
}

void
coco_grpc_frame_done(struct coco_grpc_frame *e)
{
    coco_buf_done(&e->message);
}
