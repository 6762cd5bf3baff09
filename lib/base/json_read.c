/*
 * base/json_read.c - the strict reader of JSON
 *
 * One pass without recursion: a member or element is read, hung into the
 * innermost open container, and then what closes is closed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/json.h"

#include "base/fail.h"
#include "base/text.h"

#include <openssl/crypto.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct reader {
    const char *text;
    size_t len;
    size_t max; /* of len */
    size_t at;
    size_t values; /* at most COCO_JSON_VALUES_MAX */
    cJSON *root;
    cJSON *open[COCO_JSON_DEPTH_MAX]; /* containers not yet closed, the innermost last */
    size_t depth;
    bool pack;
};

static void
reader_done(struct reader *r)
{
    coco_json_free(r->root);
}

#define _cleanup_reader_ _cleanup_(reader_done)

static coco_status
refuse(size_t at, const char *what, coco_error **err)
{
    return coco_fail(err, COCO_ERR_PROTO, "not JSON: %s at byte %zu", what, at);
}

/* The byte that comes next, or 0 at the end: a NUL is nowhere allowed, so they may look alike. */
static char
peek(const struct reader *r)
{
    if (r->at == r->len)
        return '\0';
    return r->text[r->at];
}

static void
skip_space(struct reader *r)
{
    for (; r->at < r->len; r->at++) {
        char c = r->text[r->at];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
    }
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Four hex digits at p, or -1. */
static int32_t
hex4(const char *p, const char *end)
{
    uint8_t bytes[2];

    if (end - p < 4 || !coco_unhex(p, 4, bytes, sizeof(bytes)))
        return -1;
    return bytes[0] << 8 | bytes[1];
}

/*
 * Decodes what follows "\u" at *p; 0 for no hex digits, NUL, and a surrogate
 * without its other half (RFC 7493 section 2.1).
 */
static size_t
decode_unicode(const char **p, const char *end, char *out)
{
    int32_t unit = hex4(*p, end);

    if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return 0;
    *p += 4;
    if (unit < 0xd800 || unit > 0xdbff)
        return coco_utf8_put((uint32_t)unit, out);

    if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return 0;
    int32_t low = hex4(*p + 2, end);
    if (low < 0xdc00 || low > 0xdfff)
        return 0;
    *p += 6;
    return coco_utf8_put(0x10000 + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00),
                         out);
}

/* Decodes what follows the backslash at *p; 0 if it is no escape. */
static size_t
decode_escape(const char **p, const char *end, char *out)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    char c = **p;

    ++*p;
    if (c == 'u')
        return decode_unicode(p, end, out);
    const char *at = c ? strchr(names, c) : NULL;
    if (!at)
        return 0;
    *out = values[at - names];
    return 1;
}

/* How many bytes from p on stand for themselves: ASCII that is seen, and no backslash. */
static size_t
plain_len(const char *p, const char *end)
{
    const char *from = p;

    while (p < end && *p >= 0x20 && *p < 0x7f && *p != '\\')
        p++;
    return (size_t)(p - from);
}

/* Decodes the inside of a string; out holds as much, for no escape is shorter than its meaning. */
static coco_status
decode_string(const struct reader *r, size_t from, size_t to, char *out, coco_error **err)
{
    const char *p = r->text + from;
    const char *end = r->text + to;

    while (p < end) {
        size_t at = (size_t)(p - r->text);
        size_t n = plain_len(p, end);

        if (n > 0) {
            memcpy(out, p, n);
            p += n;
        } else if (*p == '\\') {
            p++;
            n = decode_escape(&p, end, out);
            if (n == 0)
                return refuse(at, "bad escape", err);
        } else {
            n = coco_utf8_len((const uint8_t *)p, (size_t)(end - p));
            if (n == 0)
                return refuse(at, "invalid UTF-8", err);
            if ((unsigned char)*p < 0x20)
                return refuse(at, "control character in a string", err);
            memcpy(out, p, n);
            p += n;
        }
        out += n;
    }
    *out = '\0';
    return COCO_OK;
}

/*
 * Reads the string at r->at into *slot, which is part of the tree: what was
 * decoded before a failure is wiped together with it.
 */
static coco_status
read_string(struct reader *r, char **slot, coco_error **err)
{
    size_t start = r->at + 1;
    size_t end = start;

    if (peek(r) != '"')
        return refuse(r->at, "a string is missing", err);
    while (end < r->len && r->text[end] != '"')
        end += r->text[end] == '\\' ? 2 : 1;
    if (end >= r->len)
        return refuse(r->at, "string without end", err);

    *slot = cJSON_malloc(end - start + 1);
    if (!*slot)
        return coco_fail_nomem(err);
    memset(*slot, 0, end - start + 1); /* a string at any time, even half decoded */

    r->at = end + 1;
    return decode_string(r, start, end, *slot, err);
}

static const char *
skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

size_t
coco_json_number_len(const char *text, size_t len)
{
    const char *end = text + len;
    const char *from = len > 0 && *text == '-' ? text + 1 : text;
    const char *p = skip_digits(from, end);

    if (p == from || (*from == '0' && p > from + 1))
        return 0;
    if (p < end && *p == '.') {
        from = ++p;
        p = skip_digits(p, end);
        if (p == from)
            return 0;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        from = p;
        p = skip_digits(p, end);
        if (p == from)
            return 0;
    }
    return (size_t)(p - text);
}

static coco_status
read_number(struct reader *r, cJSON *item, coco_error **err)
{
    size_t len = coco_json_number_len(r->text + r->at, r->len - r->at);

    if (len == 0)
        return refuse(r->at, "bad number", err);
    if (len > COCO_JSON_NUMBER_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "JSON number of more than %d characters",
                         COCO_JSON_NUMBER_MAX);

    item->valuestring = cJSON_malloc(len + 1);
    if (!item->valuestring)
        return coco_fail_nomem(err);
    memcpy(item->valuestring, r->text + r->at, len);
    item->valuestring[len] = '\0';
    item->type = cJSON_Number;
    r->at += len;
    return COCO_OK;
}

static coco_status
read_word(struct reader *r, cJSON *item, coco_error **err)
{
    static const struct {
        const char *word;
        int type;
    } words[] = {{"true", cJSON_True}, {"false", cJSON_False}, {"null", cJSON_NULL}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t len = strlen(words[i].word);
        if (r->len - r->at >= len && memcmp(r->text + r->at, words[i].word, len) == 0) {
            item->type = words[i].type;
            r->at += len;
            return COCO_OK;
        }
    }
    return refuse(r->at, "a value is missing", err);
}

/* Reads an array as one value if it is one of bytes: see coco_json_parse_packed(). */
static coco_status
try_packed(struct reader *r, cJSON *item, bool *ret, coco_error **err)
{
    size_t n = 0;
    size_t len = coco_json_bytes_len(r->text + r->at, r->len - r->at, &n);

    *ret = len > 0 && n >= COCO_JSON_PACK_MIN;
    if (!*ret)
        return COCO_OK;
    if (n > COCO_JSON_VALUES_MAX - r->values)
        return coco_fail(err, COCO_ERR_LIMIT, "JSON of more than %d values", COCO_JSON_VALUES_MAX);
    item->valuestring = cJSON_malloc(len + 1);
    if (!item->valuestring)
        return coco_fail_nomem(err);
    coco_json_copy_bytes(item->valuestring, r->text + r->at, len);
    item->type = cJSON_Raw;
    r->values += n;
    r->at += len;
    return COCO_OK;
}

/* Reads a value into item; of a container only its opening. */
static coco_status
read_value(struct reader *r, cJSON *item, coco_error **err)
{
    char c = peek(r);

    if (c == '"') {
        item->type = cJSON_String;
        return read_string(r, &item->valuestring, err);
    }
    if (c == '-' || is_digit(c))
        return read_number(r, item, err);
    if (c != '{' && c != '[')
        return read_word(r, item, err);

    if (r->depth == COCO_JSON_DEPTH_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "JSON of more than %d levels", COCO_JSON_DEPTH_MAX);
    if (r->pack && c == '[') {
        bool packed = false;
        coco_status status = try_packed(r, item, &packed, err);
        if (status != COCO_OK || packed)
            return status;
    }
    item->type = c == '{' ? cJSON_Object : cJSON_Array;
    r->at++;
    return COCO_OK;
}

/* Reads "name": into item. */
static coco_status
read_name(struct reader *r, cJSON *item, coco_error **err)
{
    coco_status status = read_string(r, &item->string, err);
    if (status != COCO_OK)
        return status;
    skip_space(r);
    if (peek(r) != ':')
        return refuse(r->at, "a colon is missing", err);
    r->at++;
    skip_space(r);
    return COCO_OK;
}

/* Folds ASCII only, whatever the process's locale is. */
static int
compare_folded(const char *a, const char *b)
{
    for (;; a++, b++) {
        int x = *a >= 'A' && *a <= 'Z' ? *a + ('a' - 'A') : *a;
        int y = *b >= 'A' && *b <= 'Z' ? *b + ('a' - 'A') : *b;
        if (x != y || x == '\0')
            return x - y;
    }
}

static int
compare_names(const void *a, const void *b)
{
    return compare_folded(*(const char *const *)a, *(const char *const *)b);
}

/*
 * Two readers of one text may disagree on which of two equal names counts, and
 * cJSON_GetObjectItem() or Go's encoding/json on which case (T9 in doc/threats.md). Sorted,
 * for the peer chooses how many there are.
 */
static coco_status
check_names(const struct reader *r, const cJSON *object, coco_error **err)
{
    const cJSON *item = NULL;
    size_t n = 0;

    cJSON_ArrayForEach(item, object)
        n++;
    if (n < 2)
        return COCO_OK;

    _cleanup_free_ const char **names = malloc(n * sizeof(*names));
    if (!names)
        return coco_fail_nomem(err);
    n = 0;
    cJSON_ArrayForEach(item, object)
        names[n++] = item->string;
    qsort(names, n, sizeof(*names), compare_names);

    for (size_t i = 1; i < n; i++)
        if (compare_folded(names[i - 1], names[i]) == 0)
            return coco_fail(err, COCO_ERR_PROTO,
                             "member '%.100s' is there twice in the object before byte %zu",
                             names[i], r->at);
    return COCO_OK;
}

static bool
closes(const struct reader *r)
{
    return r->depth > 0 && peek(r) == (cJSON_IsObject(r->open[r->depth - 1]) ? '}' : ']');
}

/* What may stand behind a value: the end of its containers, then a comma or the end of all. */
static coco_status
read_after_value(struct reader *r, coco_error **err)
{
    skip_space(r);
    while (closes(r)) {
        const cJSON *closed = r->open[--r->depth];
        r->at++;
        coco_status status = cJSON_IsObject(closed) ? check_names(r, closed, err) : COCO_OK;
        if (status != COCO_OK)
            return status;
        skip_space(r);
    }
    if (r->depth == 0)
        return r->at == r->len ? COCO_OK : refuse(r->at, "text after the end", err);
    if (peek(r) != ',')
        return refuse(r->at, "a comma or closing bracket is missing", err);
    r->at++;
    return COCO_OK;
}

/* Reads one member, element or the whole text's value, and what closes behind it. */
static coco_status
read_item(struct reader *r, coco_error **err)
{
    coco_status status = COCO_OK;

    if (r->values++ >= COCO_JSON_VALUES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "JSON of more than %d values", COCO_JSON_VALUES_MAX);

    _cleanup_json_ cJSON *item = cJSON_CreateNull();
    if (!item)
        return coco_fail_nomem(err);

    skip_space(r);
    if (r->depth > 0 && cJSON_IsObject(r->open[r->depth - 1]))
        status = read_name(r, item, err);
    if (status == COCO_OK)
        status = read_value(r, item, err);
    if (status != COCO_OK)
        return status;

    cJSON *added = coco_steal(&item);
    if (r->depth == 0)
        r->root = added;
    else
        (void)cJSON_AddItemToArray(r->open[r->depth - 1], added); /* fails for NULL only */

    if (cJSON_IsObject(added) || cJSON_IsArray(added)) {
        r->open[r->depth++] = added;
        skip_space(r);
        if (!closes(r))
            return COCO_OK;
    }
    return read_after_value(r, err);
}

static coco_status
parse(struct reader *r, cJSON **ret, coco_error **err)
{
    coco_status status = COCO_OK;

    if (r->len > r->max)
        return coco_fail(err, COCO_ERR_LIMIT, "JSON of more than %zu bytes", r->max);

    do
        status = read_item(r, err);
    while (status == COCO_OK && r->depth > 0);
    if (status == COCO_OK)
        *ret = coco_steal(&r->root);
    return status;
}

static coco_status
parse_object(struct reader *r, cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *value = NULL;

    coco_status status = parse(r, &value, err);
    if (status != COCO_OK)
        return status;
    if (!cJSON_IsObject(value))
        return coco_fail(err, COCO_ERR_PROTO, "JSON is not an object");
    *ret = coco_steal(&value);
    return COCO_OK;
}

coco_status
coco_json_parse(const char *text, size_t len, cJSON **ret, coco_error **err)
{
    _cleanup_reader_ struct reader r = {.text = text, .len = len, .max = COCO_JSON_SIZE_MAX};

    return parse(&r, ret, err);
}

coco_status
coco_json_parse_object(const char *text, size_t len, cJSON **ret, coco_error **err)
{
    _cleanup_reader_ struct reader r = {.text = text, .len = len, .max = COCO_JSON_SIZE_MAX};

    return parse_object(&r, ret, err);
}

coco_status
coco_json_parse_long(const char *text, size_t len, cJSON **ret, coco_error **err)
{
    _cleanup_reader_ struct reader r = {.text = text, .len = len, .max = COCO_JSON_LONG_MAX};

    return parse_object(&r, ret, err);
}

coco_status
coco_json_parse_packed(const char *text, size_t len, cJSON **ret, coco_error **err)
{
    _cleanup_reader_ struct reader r = {
        .text = text, .len = len, .max = COCO_JSON_SIZE_MAX, .pack = true};

    return parse_object(&r, ret, err);
}
