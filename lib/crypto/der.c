/*
 * crypto/der.c - what DER is made of (X.690)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/der.h"

#include "base/fail.h"

#include <string.h>

#define LEN_MAX ((size_t)UINT16_MAX)

/* A length is as short as can be (X.690 section 10.1). */
static size_t
read_length(struct coco_reader *r)
{
    uint8_t first = coco_read_u8(r);
    size_t len = first;

    if (first == 0x81)
        len = coco_read_u8(r);
    else if (first == 0x82)
        len = coco_read_u16be(r);
    if (first > 0x82 || first == 0x80 || (first == 0x81 && len < 0x80)
        || (first == 0x82 && len < 0x100))
        r->exhausted = true;
    return len;
}

struct coco_reader
coco_der_read(struct coco_reader *r, uint8_t tag)
{
    if (coco_read_u8(r) != tag)
        r->exhausted = true;
    size_t len = read_length(r);
    return coco_read_part(r, len);
}

bool
coco_der_is_next(const struct coco_reader *r, uint8_t tag)
{
    return !r->exhausted && r->len > 0 && r->data[0] == tag;
}

bool
coco_der_is(const struct coco_reader *value, const void *bytes, size_t len)
{
    return !value->exhausted && value->len == len
           && (len == 0 || memcmp(value->data, bytes, len) == 0);
}

struct coco_reader
coco_der_read_any(struct coco_reader *r, uint8_t tag)
{
    struct coco_reader whole = *r;
    struct coco_reader inside = coco_der_read(r, tag);

    if (inside.exhausted)
        return inside;
    whole.len -= r->len;
    return whole;
}

bool
coco_der_read_expected(struct coco_reader *r, uint8_t tag, const void *bytes, size_t len)
{
    struct coco_reader value = coco_der_read(r, tag);

    if (!coco_der_is(&value, bytes, len)) {
        r->exhausted = true;
        return false;
    }
    return true;
}

coco_status
coco_der_write(struct coco_buf *buf, uint8_t tag, const void *data, size_t len, coco_error **err)
{
    const uint8_t high = (uint8_t)(len >> 8);
    const uint8_t low = (uint8_t)len;
    const uint8_t heads[][4] = {{tag, low}, {tag, 0x81, low}, {tag, 0x82, high, low}};
    size_t kind = len < 0x80 ? 0 : len < 0x100 ? 1 : 2;

    if (len > LEN_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "element of %zu bytes", len);
    coco_status status = coco_buf_append(buf, heads[kind], kind + 2, err);
    if (status == COCO_OK && len > 0)
        status = coco_buf_append(buf, data, len, err);
    return status;
}
