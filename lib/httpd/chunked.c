/*
 * httpd/chunked.c - a body that comes in chunks (RFC 9112 section 7.1)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/chunked.h"

#include "base/text.h"
#include "httpd/http.h"
#include "httpd/limits.h"

/* Of 64 bits, however many of them are zeros. */
#define DIGITS_MAX 16

/* Extensions and trailers mean nothing here: there need not be many of them. */
static int
pass_over(struct coco_httpd_chunked *chunked)
{
    return ++chunked->extra > COCO_HTTPD_CHUNK_EXTRA ? 400 : 0;
}

static int
read_size(struct coco_httpd_chunked *chunked, uint8_t c)
{
    int value = coco_hex_value((char)c);

    if (value >= 0) {
        chunked->size = chunked->size << 4 | (uint64_t)value;
        return ++chunked->digits > DIGITS_MAX ? 400 : 0;
    }
    if (chunked->digits == 0 || (c != ';' && c != '\r'))
        return 400;
    chunked->state = c == ';' ? COCO_HTTPD_CHUNKED_EXTENSION : COCO_HTTPD_CHUNKED_SIZE_LF;
    return 0;
}

static int
read_extension(struct coco_httpd_chunked *chunked, uint8_t c)
{
    if (c == '\r') {
        chunked->state = COCO_HTTPD_CHUNKED_SIZE_LF;
        return 0;
    }
    if ((c < ' ' && c != '\t') || c >= 0x7f || c == '"')
        return 400;
    return pass_over(chunked);
}

/* A size is whole: before any of its bytes comes it is known whether they may. */
static int
begin_chunk(struct coco_httpd_chunked *chunked)
{
    if (chunked->size > chunked->limit - chunked->len)
        return 413;
    chunked->len += chunked->size;
    chunked->digits = 0;
    chunked->state = chunked->size > 0 ? COCO_HTTPD_CHUNKED_DATA : COCO_HTTPD_CHUNKED_LINE;
    return 0;
}

/* What a trailer says is dropped, but it is a field: whatever is none may be another request. */
static int
read_trailer(struct coco_httpd_chunked *chunked, uint8_t c)
{
    bool in_value = chunked->state == COCO_HTTPD_CHUNKED_VALUE;

    if (c == '\r' && chunked->state != COCO_HTTPD_CHUNKED_NAME) {
        chunked->state = in_value ? COCO_HTTPD_CHUNKED_VALUE_LF : COCO_HTTPD_CHUNKED_END_LF;
        return 0;
    }
    if (in_value
            ? (c < ' ' && c != '\t') || c == 0x7f
            : !coco_httpd_is_tchar(c) && (c != ':' || chunked->state == COCO_HTTPD_CHUNKED_LINE))
        return 400;
    if (!in_value)
        chunked->state = c == ':' ? COCO_HTTPD_CHUNKED_VALUE : COCO_HTTPD_CHUNKED_NAME;
    return pass_over(chunked);
}

/* Takes c, which is not of the data. */
static int
read_byte(struct coco_httpd_chunked *chunked, uint8_t c)
{
    switch (chunked->state) {
    case COCO_HTTPD_CHUNKED_SIZE:
        return read_size(chunked, c);
    case COCO_HTTPD_CHUNKED_EXTENSION:
        return read_extension(chunked, c);
    case COCO_HTTPD_CHUNKED_SIZE_LF:
        return c == '\n' ? begin_chunk(chunked) : 400;
    case COCO_HTTPD_CHUNKED_DATA_CR:
        chunked->state = COCO_HTTPD_CHUNKED_DATA_LF;
        return c == '\r' ? 0 : 400;
    case COCO_HTTPD_CHUNKED_DATA_LF:
        chunked->state = COCO_HTTPD_CHUNKED_SIZE;
        return c == '\n' ? 0 : 400;
    case COCO_HTTPD_CHUNKED_VALUE_LF:
        chunked->state = COCO_HTTPD_CHUNKED_LINE;
        return c == '\n' ? 0 : 400;
    case COCO_HTTPD_CHUNKED_END_LF:
        chunked->state = COCO_HTTPD_CHUNKED_END;
        return c == '\n' ? 0 : 400;
    default:
        return read_trailer(chunked, c);
    }
}

int
coco_httpd_chunked_read(struct coco_httpd_chunked *chunked, const uint8_t *in, size_t len,
                        struct coco_httpd_chunked_step *ret)
{
    size_t used = 0;
    int bad = 0;

    *ret = (struct coco_httpd_chunked_step){0};
    while (!bad && used < len && chunked->state != COCO_HTTPD_CHUNKED_DATA
           && chunked->state != COCO_HTTPD_CHUNKED_END)
        bad = read_byte(chunked, in[used++]);
    if (!bad && used < len && chunked->state == COCO_HTTPD_CHUNKED_DATA) {
        ret->data = chunked->size < len - used ? (size_t)chunked->size : len - used;
        used += ret->data;
        chunked->size -= ret->data;
        if (chunked->size == 0)
            chunked->state = COCO_HTTPD_CHUNKED_DATA_CR;
    }
    ret->used = used;
    return bad;
}
