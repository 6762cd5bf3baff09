/*
 * base/cbor_write.c - CBOR, written in its shortest form (RFC 8949 section 4.2.1)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/cbor_head.h"

#include "base/fail.h"
#include "base/text.h"

#include <string.h>

size_t
coco_cbor_make_head(enum coco_cbor_major major, uint64_t value, uint8_t buf[9])
{
    uint8_t type = (uint8_t)(major << 5);
    size_t bytes = 1;

    if (value < 24) {
        buf[0] = type | (uint8_t)value;
        return 1;
    }
    buf[0] = type | 24;
    if (value > UINT8_MAX) {
        buf[0] = type | 25;
        bytes = 2;
    }
    if (value > UINT16_MAX) {
        buf[0] = type | 26;
        bytes = 4;
    }
    if (value > UINT32_MAX) {
        buf[0] = type | 27;
        bytes = 8;
    }
    for (size_t i = 0; i < bytes; i++)
        buf[1 + i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    return 1 + bytes;
}

struct coco_cbor_writer
coco_cbor_writer_of(struct coco_buf *buf, coco_error **err)
{
    return (struct coco_cbor_writer){.buf = buf, .err = err};
}

static void
append(struct coco_cbor_writer *w, const void *data, size_t len)
{
    if (w->status == COCO_OK && len > 0)
        w->status = coco_buf_append(w->buf, data, len, w->err);
}

static void
put_head(struct coco_cbor_writer *w, enum coco_cbor_major major, uint64_t value)
{
    uint8_t head[9];

    append(w, head, coco_cbor_make_head(major, value, head));
}

void
coco_cbor_put_u64(struct coco_cbor_writer *w, uint64_t value)
{
    put_head(w, COCO_CBOR_UINT, value);
}

void
coco_cbor_put_int(struct coco_cbor_writer *w, int64_t value)
{
    if (value >= 0)
        put_head(w, COCO_CBOR_UINT, (uint64_t)value);
    else
        put_head(w, COCO_CBOR_NEGATIVE, (uint64_t)(-1 - value));
}

void
coco_cbor_put_bytes(struct coco_cbor_writer *w, const void *data, size_t len)
{
    put_head(w, COCO_CBOR_BYTES, len);
    append(w, data, len);
}

void
coco_cbor_put_text(struct coco_cbor_writer *w, const void *text, size_t len)
{
    if (w->status == COCO_OK && !coco_utf8_valid(text, len))
        w->status = coco_fail(w->err, COCO_ERR_INVALID, "text for CBOR is not UTF-8");
    put_head(w, COCO_CBOR_TEXT, len);
    append(w, text, len);
}

void
coco_cbor_put_string(struct coco_cbor_writer *w, const char *text)
{
    coco_cbor_put_text(w, text, strlen(text));
}

void
coco_cbor_put_array(struct coco_cbor_writer *w, size_t n)
{
    put_head(w, COCO_CBOR_ARRAY, n);
}

void
coco_cbor_put_map(struct coco_cbor_writer *w, size_t pairs)
{
    put_head(w, COCO_CBOR_MAP, pairs);
}

void
coco_cbor_put_tag(struct coco_cbor_writer *w, uint64_t tag)
{
    put_head(w, COCO_CBOR_TAG, tag);
}

void
coco_cbor_put_null(struct coco_cbor_writer *w)
{
    const uint8_t null = COCO_CBOR_NULL;

    append(w, &null, 1);
}

void
coco_cbor_put_item(struct coco_cbor_writer *w, struct coco_cbor item)
{
    append(w, item.data, item.len);
}
