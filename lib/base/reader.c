/*
 * base/reader.c - binary formats from outside, field by field
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/reader.h"

#include "base/fail.h"

#include <string.h>

struct coco_reader
coco_reader_of(const void *data, size_t len)
{
    return (struct coco_reader){.data = data, .len = len};
}

const uint8_t *
coco_read_piece(struct coco_reader *r, size_t n)
{
    static const uint8_t nothing = 0;
    const uint8_t *piece = r->data ? r->data : &nothing;

    if (r->exhausted || n > r->len) {
        r->exhausted = true;
        r->at += r->len;
        r->len = 0;
        return NULL;
    }
    /* Nothing may be lent of a reader of nothing. */
    if (n > 0)
        r->data += n;
    r->len -= n;
    r->at += n;
    return piece;
}

void
coco_read_bytes(struct coco_reader *r, void *ret, size_t n)
{
    const uint8_t *piece = coco_read_piece(r, n);

    if (piece)
        memcpy(ret, piece, n);
    else
        memset(ret, 0, n);
}

struct coco_reader
coco_read_part(struct coco_reader *r, size_t n)
{
    const uint8_t *piece = coco_read_piece(r, n);

    if (!piece)
        return (struct coco_reader){.exhausted = true};
    return coco_reader_of(piece, n);
}

void
coco_read_skip(struct coco_reader *r, size_t n)
{
    (void)coco_read_piece(r, n);
}

bool
coco_read_zeros(struct coco_reader *r, size_t n)
{
    const uint8_t *piece = coco_read_piece(r, n);
    uint8_t any = 0;

    if (!piece)
        return false;
    for (size_t i = 0; i < n; i++)
        any |= piece[i];
    return any == 0;
}

static uint64_t
read_le(struct coco_reader *r, size_t n)
{
    const uint8_t *piece = coco_read_piece(r, n);
    uint64_t value = 0;

    for (size_t i = n; piece && i-- > 0;)
        value = value << 8 | piece[i];
    return value;
}

static uint64_t
read_be(struct coco_reader *r, size_t n)
{
    const uint8_t *piece = coco_read_piece(r, n);
    uint64_t value = 0;

    for (size_t i = 0; piece && i < n; i++)
        value = value << 8 | piece[i];
    return value;
}

uint8_t
coco_read_u8(struct coco_reader *r)
{
    return (uint8_t)read_le(r, 1);
}

uint16_t
coco_read_u16le(struct coco_reader *r)
{
    return (uint16_t)read_le(r, 2);
}

uint32_t
coco_read_u32le(struct coco_reader *r)
{
    return (uint32_t)read_le(r, 4);
}

uint64_t
coco_read_u64le(struct coco_reader *r)
{
    return read_le(r, 8);
}

uint16_t
coco_read_u16be(struct coco_reader *r)
{
    return (uint16_t)read_be(r, 2);
}

uint32_t
coco_read_u32be(struct coco_reader *r)
{
    return (uint32_t)read_be(r, 4);
}

uint64_t
coco_read_u64be(struct coco_reader *r)
{
    return read_be(r, 8);
}

coco_status
coco_reader_check(const struct coco_reader *r, const char *what, coco_error **err)
{
    if (r->exhausted)
        return coco_fail(err, COCO_ERR_PROTO, "%s: ends after %zu bytes", what, r->at);
    return COCO_OK;
}

coco_status
coco_reader_finish(const struct coco_reader *r, const char *what, coco_error **err)
{
    coco_status status = coco_reader_check(r, what, err);

    if (status == COCO_OK && r->len > 0)
        return coco_fail(err, COCO_ERR_PROTO, "%s: %zu bytes too many after %zu", what, r->len,
                         r->at);
    return status;
}
