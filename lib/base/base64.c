/*
 * base/base64.c - base64 and base64url
 *
 * What is coded may be a key: characters are found without branches and tables, whose
 * timing would tell of it. Blocks at a time, for a compiler does many of those at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/base64.h"

#include "base/fail.h"

#include <openssl/crypto.h>
#include <string.h>

#define BLOCK_CHARS ((size_t)1024) /* in whole groups */
#define BLOCK_BYTES (BLOCK_CHARS / 4 * 3)
#define NO_VALUE 0xff

/* The last two characters of the alphabet; the others are A-Z, a-z, 0-9. */
struct alphabet {
    uint8_t c62, c63;
    bool is_padded;
};

static const struct alphabet alphabets[] = {
    [COCO_BASE64] = {'+', '/', true},
    [COCO_BASE64URL] = {'-', '_', false},
    [COCO_BASE64URL_PADDED] = {'-', '_', true},
};

/* All ones if c is one of first to last, all below 256, and 0 if not. */
static inline uint32_t
within(uint32_t c, uint32_t first, uint32_t last)
{
    return 0U - (((first - 1 - c) & (c - last - 1)) >> 31);
}

static inline uint8_t
char_of(uint32_t value, const struct alphabet *alphabet)
{
    return (uint8_t)((within(value, 0, 25) & (value + 'A'))
                     | (within(value, 26, 51) & (value - 26 + 'a'))
                     | (within(value, 52, 61) & (value - 52 + '0'))
                     | (within(value, 62, 62) & alphabet->c62)
                     | (within(value, 63, 63) & alphabet->c63));
}

static inline uint8_t
value_of(uint32_t c, const struct alphabet *alphabet)
{
    uint32_t upper = within(c, 'A', 'Z');
    uint32_t lower = within(c, 'a', 'z');
    uint32_t digit = within(c, '0', '9');
    uint32_t is_62 = within(c, alphabet->c62, alphabet->c62);
    uint32_t is_63 = within(c, alphabet->c63, alphabet->c63);

    return (uint8_t)((upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52))
                     | (is_62 & 62) | (is_63 & 63)
                     | (~(upper | lower | digit | is_62 | is_63) & NO_VALUE));
}

/* Three bytes a group, of which the last may have fewer; how many characters that makes. */
static size_t
encode_block(const struct alphabet *alphabet, const uint8_t *in, size_t len,
             uint8_t out[BLOCK_CHARS])
{
    const size_t whole = len / 3;
    const size_t rest = len % 3;
    size_t used = whole * 4;

    for (size_t i = 0; i < whole; i++) {
        uint32_t bits = (uint32_t)in[3 * i] << 16 | (uint32_t)in[3 * i + 1] << 8 | in[3 * i + 2];

        for (size_t j = 0; j < 4; j++)
            out[4 * i + j] = (uint8_t)(bits >> (18 - 6 * j) & 63);
    }
    if (rest > 0) {
        uint32_t bits = (uint32_t)in[3 * whole] << 16;

        bits |= rest > 1 ? (uint32_t)in[3 * whole + 1] << 8 : 0;
        for (size_t j = 0; j <= rest; j++)
            out[used++] = (uint8_t)(bits >> (18 - 6 * j) & 63);
    }
    for (size_t i = 0; i < used; i++)
        out[i] = char_of(out[i], alphabet);
    while (alphabet->is_padded && used % 4 != 0)
        out[used++] = '=';
    return used;
}

coco_status
coco_base64_encode(enum coco_base64 kind, const void *data, size_t len, struct coco_buf *buf,
                   coco_error **err)
{
    const uint8_t *in = data;
    uint8_t out[BLOCK_CHARS];
    coco_status status = COCO_OK;

    for (size_t i = 0; i < len && status == COCO_OK; i += BLOCK_BYTES) {
        size_t n = len - i < BLOCK_BYTES ? len - i : BLOCK_BYTES;
        size_t used = encode_block(&alphabets[kind], in + i, n, out);

        status = coco_buf_append(buf, out, used, err);
    }
    OPENSSL_cleanse(out, sizeof(out));
    return status;
}

/*
 * Decodes four characters a group, of which the last may have two or three. Returns where the
 * first is that is none of base64, or whose bits behind the last byte are not 0; len for no such.
 */
static size_t
decode_block(const struct alphabet *alphabet, const char *in, size_t len, uint8_t out[BLOCK_BYTES])
{
    uint8_t values[BLOCK_CHARS];
    uint32_t bad = 0;
    size_t at = len;

    memset(values + len / 4 * 4, 0, sizeof(values) - len / 4 * 4);
    for (size_t i = 0; i < len; i++)
        values[i] = value_of((uint8_t)in[i], alphabet);
    for (size_t i = 0; i < len; i++)
        bad |= values[i];
    for (size_t i = 0; i < len && bad > 63; i++)
        if (values[i] == NO_VALUE && at == len)
            at = i;
    if (len % 4 != 0 && at == len && (values[len - 1] & (len % 4 == 2 ? 15 : 3)) != 0)
        at = len - 1;
    for (size_t i = 0; 4 * i < len; i++) {
        const uint8_t *v = values + 4 * i;
        uint32_t bits = (uint32_t)v[0] << 18 | (uint32_t)v[1] << 12 | (uint32_t)v[2] << 6 | v[3];

        out[3 * i] = (uint8_t)(bits >> 16);
        out[3 * i + 1] = (uint8_t)(bits >> 8);
        out[3 * i + 2] = (uint8_t)bits;
    }
    OPENSSL_cleanse(values, sizeof(values));
    return at;
}

coco_status
coco_base64_decode(enum coco_base64 kind, const char *text, size_t len, struct coco_buf *buf,
                   coco_error **err)
{
    const struct alphabet *alphabet = &alphabets[kind];
    uint8_t out[BLOCK_BYTES];
    coco_status status = COCO_OK;

    if (alphabet->is_padded && len % 4 != 0)
        return coco_fail(err, COCO_ERR_PROTO, "not base64: wrong length");
    if (alphabet->is_padded && len > 0 && text[len - 1] == '=')
        len -= text[len - 2] == '=' ? 2 : 1;
    if (len % 4 == 1)
        return coco_fail(err, COCO_ERR_PROTO, "not base64: wrong length");

    for (size_t i = 0; i < len && status == COCO_OK; i += BLOCK_CHARS) {
        size_t n = len - i < BLOCK_CHARS ? len - i : BLOCK_CHARS;
        size_t bad = decode_block(alphabet, text + i, n, out);

        if (bad < n)
            status = coco_fail(err, COCO_ERR_PROTO, "not base64: bad character at %zu", i + bad);
        else
            status = coco_buf_append(buf, out, n / 4 * 3 + (n % 4 ? n % 4 - 1 : 0), err);
    }
    OPENSSL_cleanse(out, sizeof(out));
    return status;
}

coco_status
coco_base64_decode_lines(const char *text, size_t len, struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf joined = {.limit = len};

    for (size_t i = 0; i < len; i++) {
        size_t from = i;

        while (i < len && text[i] != '\r' && text[i] != '\n')
            i++;
        coco_status status = coco_buf_append(&joined, text + from, i - from, err);
        if (status != COCO_OK)
            return status;
    }
    return coco_base64_decode(COCO_BASE64, coco_buf_text(&joined), joined.len, buf, err);
}
