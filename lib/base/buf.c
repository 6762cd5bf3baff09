/*
 * base/buf.c - bytes that grow, up to a limit
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/buf.h"

#include "base/fail.h"
#include "base/text.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ROOM_MIN ((size_t)256)

/* Not realloc(): that may leave a copy of a secret behind. */
static coco_status
grow(struct coco_buf *buf, size_t need, coco_error **err)
{
    size_t room = buf->room < ROOM_MIN ? ROOM_MIN : buf->room * 2;

    if (room < need)
        room = need;
    uint8_t *grown = malloc(room);
    if (!grown)
        return coco_fail_nomem(err);

    if (buf->data) {
        memcpy(grown, buf->data, buf->len);
        OPENSSL_cleanse(buf->data, buf->room);
        free(buf->data);
    }
    buf->data = grown;
    buf->room = room;
    return COCO_OK;
}

coco_status
coco_buf_append(struct coco_buf *buf, const void *data, size_t len, coco_error **err)
{
    if (len > buf->limit - buf->len)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %zu bytes", buf->limit);

    if (buf->len + len + 1 > buf->room) {
        coco_status status = grow(buf, buf->len + len + 1, err);
        if (status != COCO_OK)
            return status;
    }
    if (len > 0)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return COCO_OK;
}

coco_status
coco_buf_append_text(struct coco_buf *buf, const char *text, coco_error **err)
{
    return coco_buf_append(buf, text, strlen(text), err);
}

coco_status
coco_buf_printf(struct coco_buf *buf, coco_error **err, const char *fmt, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list args;

    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0) {
        text = NULL;
        return coco_fail_nomem(err);
    }
    coco_status status = coco_buf_append(buf, text, (size_t)n, err);
    OPENSSL_cleanse(text, (size_t)n); /* it may hold a secret as buf may */
    return status;
}

coco_status
coco_buf_append_hex(struct coco_buf *buf, const void *data, size_t len, coco_error **err)
{
    const uint8_t *p = data;
    char hex[513];
    coco_status status = COCO_OK;

    for (size_t n; len > 0 && status == COCO_OK; p += n, len -= n) {
        n = len < sizeof(hex) / 2 ? len : sizeof(hex) / 2;
        coco_hex(p, n, hex);
        status = coco_buf_append(buf, hex, 2 * n, err);
    }
    return status;
}

const char *
coco_buf_text(const struct coco_buf *buf)
{
    return buf->data ? (const char *)buf->data : "";
}

void
coco_buf_reset(struct coco_buf *buf)
{
    if (buf->data) {
        OPENSSL_cleanse(buf->data, buf->room);
        buf->data[0] = '\0';
    }
    buf->len = 0;
}

void
coco_buf_done(struct coco_buf *buf)
{
    if (buf->data)
        OPENSSL_cleanse(buf->data, buf->room);
    free(buf->data);
    *buf = (struct coco_buf){0};
}
