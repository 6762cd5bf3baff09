/*
 * base/text.c - text from outside
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"

#include <string.h>

#define HEX_DIGITS "0123456789abcdef"

static bool
is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* RFC 3629 section 4: the second byte is what tells overlong forms and surrogates apart. */
static bool
second_is_valid(uint8_t first, uint8_t second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0 && second <= 0xbf;
    case 0xed:
        return second >= 0x80 && second <= 0x9f;
    case 0xf0:
        return second >= 0x90 && second <= 0xbf;
    case 0xf4:
        return second >= 0x80 && second <= 0x8f;
    default:
        return is_continuation(second);
    }
}

static size_t
length_by_first(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    if (first >= 0xf0 && first <= 0xf4)
        return 4;
    return 0;
}

size_t
coco_utf8_len(const uint8_t *p, size_t len)
{
    size_t n = len ? length_by_first(p[0]) : 0;

    if (n == 0 || n > len)
        return 0;
    if (n > 1 && !second_is_valid(p[0], p[1]))
        return 0;
    for (size_t i = 2; i < n; i++)
        if (!is_continuation(p[i]))
            return 0;
    return n;
}

/* How many bytes at p are ASCII: eight at a time, for nearly all of most texts is. */
static size_t
ascii_len(const uint8_t *p, size_t len)
{
    size_t n = 0;

    for (uint64_t word; len - n >= sizeof(word); n += sizeof(word)) {
        memcpy(&word, p + n, sizeof(word));
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    while (n < len && p[n] < 0x80)
        n++;
    return n;
}

bool
coco_utf8_valid(const void *data, size_t len)
{
    const uint8_t *p = data;

    while (len > 0) {
        size_t ascii = ascii_len(p, len);
        if (ascii == len)
            return true;
        p += ascii;
        len -= ascii;
        size_t n = coco_utf8_len(p, len);
        if (n == 0)
            return false;
        p += n;
        len -= n;
    }
    return true;
}

size_t
coco_utf8_put(uint32_t code, char buf[4])
{
    uint8_t *p = (uint8_t *)buf;
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    for (size_t i = n; i-- > 1; code >>= 6)
        p[i] = 0x80 | (code & 0x3f);
    p[0] = (uint8_t)(n == 1 ? code : (0xf00 >> n & 0xff) | code);
    return n;
}

/*
 * What is not seen, and makes other text look like what it is not (CVE-2021-42574; Unicode
 * TR 36): format characters and the ends of lines and paragraphs. The joiners U+200C and
 * U+200D are none of them: Persian and the scripts of India are not readable without.
 */
static const struct {
    uint32_t first, last;
} unseen[] = {
    {0x80, 0x9f},       /* C1 controls, which steer terminals as ESC sequences do */
    {0xad, 0xad},       /* soft hyphen */
    {0x61c, 0x61c},     /* Arabic letter mark */
    {0x180e, 0x180e},   /* Mongolian vowel separator */
    {0x200b, 0x200b},   /* zero width space */
    {0x200e, 0x200f},   /* marks of direction */
    {0x2028, 0x202e},   /* separators, embeddings and overrides of direction */
    {0x2060, 0x206f},   /* word joiner, invisible operators, isolates, and what is deprecated */
    {0xfeff, 0xfeff},   /* byte order mark */
    {0xfff9, 0xfffb},   /* annotations between lines */
    {0xe0000, 0xe007f}, /* tags: all of ASCII once more */
};

/* Of a valid sequence of 2 to 4 bytes. */
static uint32_t
code_of(const uint8_t *p, size_t n)
{
    uint32_t code = p[0] & (0x7fU >> n);

    for (size_t i = 1; i < n; i++)
        code = code << 6 | (p[i] & 0x3fU);
    return code;
}

static bool
is_printable(const uint8_t *p, size_t n)
{
    if (n == 0)
        return false;
    if (n == 1)
        return p[0] >= 0x20 && p[0] != 0x7f;
    uint32_t code = code_of(p, n);
    for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
        if (code >= unseen[i].first && code <= unseen[i].last)
            return false;
    return true;
}

void
coco_text_escape(const char *text, size_t len, char *buf, size_t size)
{
    const uint8_t *p = (const uint8_t *)text;
    const uint8_t *end = p + len;
    size_t used = 0;

    while (p < end) {
        size_t n = coco_utf8_len(p, (size_t)(end - p));
        bool plain = is_printable(p, n);
        size_t want = plain ? n : 4;

        if (want >= size - used)
            break;
        if (plain) {
            memcpy(buf + used, p, n);
            p += n;
        } else {
            const char escaped[] = {'\\', 'x', HEX_DIGITS[*p >> 4], HEX_DIGITS[*p & 15]};
            memcpy(buf + used, escaped, sizeof(escaped));
            p++;
        }
        used += want;
    }
    buf[used] = '\0';
}

bool
coco_text_is_all(const char *text, const char *allowed, size_t max)
{
    size_t n = strspn(text, allowed);

    return n > 0 && n <= max && text[n] == '\0';
}

void
coco_hex(const void *data, size_t len, char *buf)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len; i++) {
        *buf++ = HEX_DIGITS[bytes[i] >> 4];
        *buf++ = HEX_DIGITS[bytes[i] & 15];
    }
    *buf = '\0';
}

int
coco_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool
coco_unhex(const char *text, size_t text_len, void *data, size_t len)
{
    uint8_t *bytes = data;

    if (text_len / 2 != len || text_len % 2 != 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = coco_hex_value(text[2 * i]);
        int low = coco_hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
