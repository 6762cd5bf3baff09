/*
 * initdata/annotation.c - init data as Kata's annotation holds it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/base64.h"
#include "base/bytes.h"
#include "base/fail.h"
#include "initdata/initdata.h"

#include <string.h>
#include <zlib.h>

#define GZIP_WINDOW (15 + 16) /* 16: gzip's head and tail around it, RFC 1952 */
#define CHUNK 16384
#define PACKED_MAX (COCO_INITDATA_MAX + 4096)

/* Base64 of the two bytes that gzip starts with, and of its one method: never TOML, which has '='.
 */
bool
coco_initdata_is_packed(const char *text)
{
    return strncmp(text, "H4sI", 4) == 0;
}

static coco_status
decode(const char *text, struct coco_buf *packed, coco_error **err)
{
    size_t len = strlen(text);

    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    return coco_base64_decode(COCO_BASE64, text, len, packed, err);
}

/* Appends what comes out of stream; PROTO if that breaks off or is not all. */
static coco_status
inflate_all(z_stream *stream, struct coco_buf *buf, coco_error **err)
{
    uint8_t chunk[CHUNK];
    int rc = Z_OK;

    while (rc == Z_OK) {
        stream->next_out = chunk;
        stream->avail_out = sizeof(chunk);
        rc = inflate(stream, Z_NO_FLUSH);
        if (rc != Z_OK && rc != Z_STREAM_END)
            break;
        coco_status status = coco_buf_append(buf, chunk, sizeof(chunk) - stream->avail_out, err);
        if (status != COCO_OK)
            return status;
    }
    if (rc == Z_MEM_ERROR)
        return coco_fail_nomem(err);
    if (rc != Z_STREAM_END || stream->avail_in > 0)
        return coco_fail(err, COCO_ERR_PROTO, "not what gzip makes");
    return COCO_OK;
}

coco_status
coco_initdata_unpack(const char *text, struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf packed = {.limit = PACKED_MAX};
    z_stream stream = {0};

    coco_status status = decode(text, &packed, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "packed init data");
    stream.next_in = packed.data;
    stream.avail_in = (uInt)packed.len;
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return coco_fail_nomem(err);
    status = inflate_all(&stream, buf, err);
    (void)inflateEnd(&stream);
    return status == COCO_OK ? status : coco_wrap(err, status, "packed init data");
}

/* No name and no time of a file: the same document is the same annotation. */
static coco_status
pack(const struct coco_buf *text, struct coco_buf *packed, coco_error **err)
{
    z_stream stream = {0};

    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY)
        != Z_OK)
        return coco_fail_nomem(err);
    uLong room = deflateBound(&stream, (uLong)text->len);
    _cleanup_free_ uint8_t *out = malloc(room);
    int rc = Z_MEM_ERROR;
    if (out) {
        stream.next_in = text->data;
        stream.avail_in = (uInt)text->len;
        stream.next_out = out;
        stream.avail_out = (uInt)room;
        rc = deflate(&stream, Z_FINISH);
    }
    size_t len = stream.total_out;
    (void)deflateEnd(&stream);
    if (rc != Z_STREAM_END)
        return coco_fail_nomem(err);
    return coco_buf_append(packed, out, len, err);
}

coco_status
coco_initdata_annotation(const coco_initdata *initdata, coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf packed = {.limit = PACKED_MAX};
    _cleanup_buf_ struct coco_buf encoded = {.limit = 2 * PACKED_MAX};

    coco_status status = pack(&initdata->text, &packed, err);
    if (status == COCO_OK)
        status = coco_base64_encode(COCO_BASE64, packed.data, packed.len, &encoded, err);
    if (status == COCO_OK)
        status = coco_bytes_take(&encoded, ret, err);
    return status;
}
