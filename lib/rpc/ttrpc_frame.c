/*
 * rpc/ttrpc_frame.c - frames of ttrpc: ten bytes of a head, and a message
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/ttrpc_frame.h"

#include "base/fail.h"
#include "base/reader.h"

#include <string.h>

static void
read_head(struct coco_ttrpc_frame *f)
{
    struct coco_reader r = coco_reader_of(f->bytes, sizeof(f->bytes));

    f->len = coco_read_u32be(&r);
    f->stream = coco_read_u32be(&r);
    f->kind = coco_read_u8(&r);
    f->flags = coco_read_u8(&r);
    f->data.limit = COCO_TTRPC_DATA_MAX;
}

bool
coco_ttrpc_frame_is_too_long(const struct coco_ttrpc_frame *f)
{
    return f->len > COCO_TTRPC_DATA_MAX;
}

bool
coco_ttrpc_frame_is_whole(const struct coco_ttrpc_frame *f)
{
    return f->head_len == COCO_TTRPC_HEAD_SIZE && f->passed + f->data.len == f->len;
}

coco_status
coco_ttrpc_frame_feed(struct coco_ttrpc_frame *f, const void *data, size_t len, size_t *n,
                      coco_error **err)
{
    const uint8_t *p = data;
    size_t head = COCO_TTRPC_HEAD_SIZE - f->head_len;
    coco_status status = COCO_OK;

    head = head < len ? head : len;
    memcpy(f->bytes + f->head_len, p, head);
    f->head_len += head;
    if (head > 0 && f->head_len == COCO_TTRPC_HEAD_SIZE)
        read_head(f);
    *n = head;
    if (f->head_len < COCO_TTRPC_HEAD_SIZE)
        return COCO_OK;
    size_t rest = f->len - f->passed - f->data.len;
    rest = rest < len - head ? rest : len - head;
    if (coco_ttrpc_frame_is_too_long(f))
        f->passed += (uint32_t)rest;
    else
        status = coco_buf_append(&f->data, p + head, rest, err);
    *n += rest;
    return status;
}

void
coco_ttrpc_frame_reset(struct coco_ttrpc_frame *f)
{
    coco_buf_done(&f->data);
    *f = (struct coco_ttrpc_frame){0};
}

coco_status
coco_ttrpc_frame_format(uint32_t stream, enum coco_ttrpc_kind kind, const void *data, size_t len,
                        struct coco_buf *buf, coco_error **err)
{
    if (len > COCO_TTRPC_DATA_MAX)
        return coco_fail(err, COCO_ERR_LIMIT,
                         "message length %zu exceed maximum message size of %zu", len,
                         COCO_TTRPC_DATA_MAX);
    const uint8_t head[COCO_TTRPC_HEAD_SIZE] = {(uint8_t)(len >> 24),    (uint8_t)(len >> 16),
                                                (uint8_t)(len >> 8),     (uint8_t)len,
                                                (uint8_t)(stream >> 24), (uint8_t)(stream >> 16),
                                                (uint8_t)(stream >> 8),  (uint8_t)stream,
                                                (uint8_t)kind,           0};
    coco_status status = coco_buf_append(buf, head, sizeof(head), err);
    return status == COCO_OK ? coco_buf_append(buf, data, len, err) : status;
}
