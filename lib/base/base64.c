/*
 * base/base64.c - base64 and base64url
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/base64.h"

#include "base/fail.h"

#include <openssl/crypto.h>
#include <string.h>

static const char *const alphabets[] = {
    [COCO_BASE64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [COCO_BASE64URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    [COCO_BASE64URL_PADDED] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

static bool
is_padded(enum coco_base64 kind)
{
    return kind != COCO_BASE64URL;
}

static size_t
encode_group(const char *alphabet, bool pad, const uint8_t *in, size_t n, char out[4])
{
    uint32_t bits =
        (uint32_t)in[0] << 16 | (n > 1 ? (uint32_t)in[1] << 8 : 0) | (n > 2 ? in[2] : 0);

    for (unsigned i = 0; i < 4; i++) {
        out[i] = '=';
        if (i <= n)
            out[i] = alphabet[bits >> (18 - 6 * i) & 63];
    }
    return pad ? 4 : n + 1;
}

coco_status
coco_base64_encode(enum coco_base64 kind, const void *data, size_t len, struct coco_buf *buf,
                   coco_error **err)
{
    const uint8_t *in = data;
    char out[4] = {0};

    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        size_t used = encode_group(alphabets[kind], is_padded(kind), in + i, n, out);
        coco_status status = coco_buf_append(buf, out, used, err);
        if (status != COCO_OK)
            return status;
    }
    OPENSSL_cleanse(out, sizeof(out));
    return COCO_OK;
}

static int
value_of(const char *alphabet, char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;

    return at ? (int)(at - alphabet) : -1;
}

/* Decodes n (2 to 4) characters to n - 1 bytes; false if they are not base64. */
static bool
decode_group(const char *alphabet, const char *in, size_t n, uint8_t out[3])
{
    uint32_t bits = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i < n ? value_of(alphabet, in[i]) : 0;
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
    }
    out[0] = (uint8_t)(bits >> 16);
    out[1] = (uint8_t)(bits >> 8);
    out[2] = (uint8_t)bits;
    for (size_t i = n - 1; i < 3; i++)
        if (out[i] != 0)
            return false;
    return true;
}

coco_status
coco_base64_decode(enum coco_base64 kind, const char *text, size_t len, struct coco_buf *buf,
                   coco_error **err)
{
    uint8_t out[3] = {0};
    coco_status status = COCO_OK;

    if (is_padded(kind) && len % 4 != 0)
        return coco_fail(err, COCO_ERR_PROTO, "not base64: wrong length");
    if (is_padded(kind) && len > 0 && text[len - 1] == '=')
        len -= text[len - 2] == '=' ? 2 : 1;
    if (len % 4 == 1)
        return coco_fail(err, COCO_ERR_PROTO, "not base64: wrong length");

    for (size_t i = 0; i < len && status == COCO_OK; i += 4) {
        size_t n = len - i < 4 ? len - i : 4;
        if (!decode_group(alphabets[kind], text + i, n, out))
            status = coco_fail(err, COCO_ERR_PROTO, "not base64: bad character at %zu", i);
        else
            status = coco_buf_append(buf, out, n - 1, err);
    }
    OPENSSL_cleanse(out, sizeof(out));
    return status;
}
