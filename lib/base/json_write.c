/*
 * base/json_write.c - JSON as text, also in the one form that can be signed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/json.h"

#include "base/fail.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A double has at most 17 significant digits, and a reader of its text at most so many more. */
#define DIGITS_MAX 17
/* From here on ECMAScript writes an exponent (ECMA-262 section 6.1.6.1.20). */
#define PLAIN_EXPONENT_MAX 21
#define PLAIN_EXPONENT_MIN (-6)
/* Beyond every double, and far from overflowing an int together with the digits. */
#define EXPONENT_MAX 99999

struct writer {
    enum coco_json_style style;
    struct coco_buf *buf;
    unsigned depth;
    coco_error **err;
};

static coco_status write_value(struct writer *w, const cJSON *value);

static coco_status
put(const struct writer *w, const char *text)
{
    return coco_buf_append_text(w->buf, text, w->err);
}

static coco_status
put_escaped(const struct writer *w, unsigned char c)
{
    static const char short_forms[] = "btn-fr"; /* U+0008 to U+000D */
    char text[sizeof("\\u0000")] = {'\\', (char)c};

    if (c >= '\b' && c <= '\r' && c != '\v')
        text[1] = short_forms[c - '\b'];
    else if (c < 0x20)
        (void)snprintf(text, sizeof(text), "\\u%04x", c);
    return put(w, text);
}

/* RFC 8785 section 3.2.2.2: only what must be escaped is. */
static coco_status
write_string(const struct writer *w, const char *text)
{
    if (!coco_utf8_valid(text, strlen(text)))
        return coco_fail(w->err, COCO_ERR_INVALID, "JSON cannot hold a string that is not UTF-8");

    coco_status status = put(w, "\"");
    while (status == COCO_OK) {
        size_t plain = 0;
        while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' && text[plain] != '\\')
            plain++;
        status = coco_buf_append(w->buf, text, plain, w->err);
        text += plain;
        if (status == COCO_OK && *text == '\0')
            return put(w, "\"");
        if (status == COCO_OK)
            status = put_escaped(w, (unsigned char)*text++);
    }
    return status;
}

/* 0.ddd * 10^exponent, without zeros at the end. */
struct decimal {
    char digits[DIGITS_MAX + 2]; /* with room for a carry */
    int exponent;
};

static double
decimal_value(const struct decimal *d)
{
    char text[DIGITS_MAX + 16];

    /* No decimal point: what that is depends on the process's locale. */
    (void)snprintf(text, sizeof(text), "%se%d", d->digits, d->exponent - (int)strlen(d->digits));
    return strtod(text, NULL);
}

/* The n digits nearest to value, which is finite and above 0. */
static struct decimal
decimal_nearest(double value, int n)
{
    char text[DIGITS_MAX + 16];
    struct decimal d = {0};
    size_t used = 0;

    (void)snprintf(text, sizeof(text), "%.*e", n - 1, value);
    const char *mark = strchr(text, 'e');
    for (const char *p = text; p < mark; p++)
        if (*p >= '0' && *p <= '9')
            d.digits[used++] = *p;
    d.exponent = (int)strtol(mark + 1, NULL, 10) + 1;
    while (used > 1 && d.digits[used - 1] == '0')
        d.digits[--used] = '\0';
    return d;
}

/* The next larger one of n digits. */
static struct decimal
decimal_next(struct decimal d, int n)
{
    size_t len = strlen(d.digits);

    memset(d.digits + len, '0', (size_t)n - len);
    len = (size_t)n;
    while (len > 0 && d.digits[len - 1] == '9')
        len--;
    if (len == 0)
        return (struct decimal){.digits = "1", .exponent = d.exponent + 1};
    d.digits[len - 1]++;
    d.digits[len] = '\0';
    return d;
}

/*
 * The fewest digits that are read back as value (ECMA-262 section 6.1.6.1.20). Below a
 * power of two doubles lie twice as close as above it, so there the nearest
 * digits may miss where the next larger hit.
 */
static struct decimal
decimal_shortest(double value)
{
    for (int n = 1; n < DIGITS_MAX; n++) {
        struct decimal d = decimal_nearest(value, n);
        if (decimal_value(&d) == value)
            return d;
        d = decimal_next(d, n);
        if (decimal_value(&d) == value)
            return d;
    }
    return decimal_nearest(value, DIGITS_MAX);
}

static coco_status
put_decimal(const struct writer *w, const struct decimal *d)
{
    int len = (int)strlen(d->digits);
    int point = d->exponent;

    if (point > PLAIN_EXPONENT_MAX || point <= PLAIN_EXPONENT_MIN)
        return coco_buf_printf(w->buf, w->err, "%c%s%se%+d", d->digits[0], len > 1 ? "." : "",
                               d->digits + 1, point - 1);
    if (point >= len)
        return coco_buf_printf(w->buf, w->err, "%s%.*s", d->digits, point - len,
                               "000000000000000000000");
    if (point > 0)
        return coco_buf_printf(w->buf, w->err, "%.*s.%s", point, d->digits, d->digits + point);
    return coco_buf_printf(w->buf, w->err, "0.%.*s%s", -point, "000000", d->digits);
}

/*
 * Reads the text of a number as a double, in any locale: 12.5e3 as 125e2. An
 * exponent that does not matter any more is cut, not counted.
 */
static double
number_value(const char *text)
{
    char plain[COCO_JSON_NUMBER_MAX + sizeof("e-1000000")];
    size_t mantissa = strcspn(text, "eE");
    size_t used = 0;
    long shift = 0;

    for (size_t i = 0; i < mantissa; i++) {
        if (text[i] != '.')
            plain[used++] = text[i];
        else
            shift = (long)(mantissa - i - 1);
    }
    long exponent = text[mantissa] ? strtol(text + mantissa + 1, NULL, 10) : 0;
    if (exponent > EXPONENT_MAX)
        exponent = EXPONENT_MAX;
    if (exponent < -EXPONENT_MAX)
        exponent = -EXPONENT_MAX;
    (void)snprintf(plain + used, sizeof(plain) - used, "e%ld", exponent - shift);
    return strtod(plain, NULL);
}

/* Whether text, an integer, is what the shortest digits of its double stand for. */
static bool
is_exact(const char *text, const struct decimal *d)
{
    const char *digits = text + (*text == '-');
    size_t len = strlen(d->digits);

    return (size_t)d->exponent == strlen(digits) && strncmp(digits, d->digits, len) == 0
           && strspn(digits + len, "0") == strlen(digits + len);
}

/*
 * RFC 8785 section 3.2.2.3: as ECMAScript writes the double that is nearest. An
 * integer that is no double would come out as another integer; it is refused.
 */
static coco_status
write_canonical_number(const struct writer *w, const char *text)
{
    double value = number_value(text);

    if (value == 0)
        return put(w, "0");
    if (!isfinite(value))
        return coco_fail(w->err, COCO_ERR_INVALID, "number '%.40s' has no canonical form", text);

    struct decimal d = decimal_shortest(fabs(value));
    if (!strpbrk(text, ".eE") && !is_exact(text, &d))
        return coco_fail(w->err, COCO_ERR_INVALID, "number '%.40s' has no canonical form", text);

    coco_status status = value < 0 ? put(w, "-") : COCO_OK;
    return status == COCO_OK ? put_decimal(w, &d) : status;
}

static coco_status
write_number(const struct writer *w, const char *text)
{
    if (!text || strlen(text) > COCO_JSON_NUMBER_MAX)
        return coco_fail(w->err, COCO_ERR_INVALID, "number without its text");
    return w->style == COCO_JSON_CANONICAL ? write_canonical_number(w, text) : put(w, text);
}

static coco_status
put_indent(const struct writer *w)
{
    coco_status status = w->style == COCO_JSON_PRETTY ? put(w, "\n") : COCO_OK;

    for (unsigned i = 0; w->style == COCO_JSON_PRETTY && i < w->depth && status == COCO_OK; i++)
        status = put(w, "  ");
    return status;
}

static coco_status
write_member(struct writer *w, const cJSON *item, bool first)
{
    coco_status status = first ? COCO_OK : put(w, ",");

    if (status == COCO_OK)
        status = put_indent(w);
    if (status == COCO_OK && item->string)
        status = write_string(w, item->string);
    if (status == COCO_OK && item->string)
        status = put(w, w->style == COCO_JSON_PRETTY ? ": " : ":");
    if (status == COCO_OK)
        status = write_value(w, item);
    return status;
}

/*
 * UTF-16 sorts surrogates, which stand for what UTF-8 starts with 0xf0 to 0xf4,
 * before U+E000 to U+FFFF, which it starts with 0xee and 0xef; apart from that
 * both orders are one.
 */
static int
utf16_rank(unsigned char byte)
{
    return byte == 0xee || byte == 0xef ? byte + 0x10 : byte;
}

static int
compare_members(const void *a, const void *b)
{
    const char *x = (*(const cJSON *const *)a)->string;
    const char *y = (*(const cJSON *const *)b)->string;

    while (*x && *x == *y) {
        x++;
        y++;
    }
    return utf16_rank((unsigned char)*x) - utf16_rank((unsigned char)*y);
}

static coco_status
write_sorted(struct writer *w, const cJSON *object)
{
    const cJSON *item = NULL;
    size_t n = (size_t)cJSON_GetArraySize(object);
    coco_status status = COCO_OK;

    _cleanup_free_ const cJSON **members = calloc(n, sizeof(const cJSON *));
    if (!members)
        return coco_fail_nomem(w->err);
    n = 0;
    cJSON_ArrayForEach(item, object)
        members[n++] = item;
    qsort(members, n, sizeof(const cJSON *), compare_members);

    for (size_t i = 0; i < n && status == COCO_OK; i++)
        status = write_member(w, members[i], i == 0);
    return status;
}

static coco_status
write_in_order(struct writer *w, const cJSON *container)
{
    const cJSON *item = NULL;
    coco_status status = COCO_OK;

    cJSON_ArrayForEach(item, container) {
        status = write_member(w, item, item == container->child);
        if (status != COCO_OK)
            break;
    }
    return status;
}

static coco_status
write_container(struct writer *w, const cJSON *container)
{
    bool is_object = cJSON_IsObject(container);
    bool sorted = is_object && w->style == COCO_JSON_CANONICAL;

    if (w->depth == COCO_JSON_DEPTH_MAX)
        return coco_fail(w->err, COCO_ERR_LIMIT, "JSON of more than %d levels",
                         COCO_JSON_DEPTH_MAX);
    if (!container->child)
        return put(w, is_object ? "{}" : "[]");

    coco_status status = put(w, is_object ? "{" : "[");
    w->depth++;
    if (status == COCO_OK)
        status = sorted ? write_sorted(w, container) : write_in_order(w, container);
    w->depth--;
    if (status == COCO_OK)
        status = put_indent(w);
    if (status == COCO_OK)
        status = put(w, is_object ? "}" : "]");
    return status;
}

/* Not just any cJSON_Raw, which nobody has looked at. */
static bool
is_packed(const cJSON *value)
{
    const char *text = coco_json_bytes(value);
    size_t n = 0;

    return text && coco_json_bytes_len(text, strlen(text), &n) == strlen(text);
}

static coco_status
write_value(struct writer *w, const cJSON *value)
{
    if (cJSON_IsObject(value) || cJSON_IsArray(value))
        return write_container(w, value);
    if (cJSON_IsString(value))
        return write_string(w, value->valuestring);
    if (cJSON_IsNumber(value))
        return write_number(w, value->valuestring);
    if (is_packed(value))
        return put(w, value->valuestring);
    if (cJSON_IsBool(value))
        return put(w, cJSON_IsTrue(value) ? "true" : "false");
    if (cJSON_IsNull(value))
        return put(w, "null");
    return coco_fail(w->err, COCO_ERR_INVALID, "not a value of JSON");
}

coco_status
coco_json_write(const cJSON *value, enum coco_json_style style, struct coco_buf *buf,
                coco_error **err)
{
    struct writer w = {.style = style, .buf = buf, .err = err};

    return write_value(&w, value);
}
