/*
 * base/toml_scalar.c - booleans, numbers, dates and times in TOML
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/toml_reader.h"

#include "base/fail.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WORD_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_.:"

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_hex_digit(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Gives item text of its own. */
static coco_status
set_text(cJSON *item, int type, const char *text, size_t len, coco_error **err)
{
    item->valuestring = cJSON_malloc(len + 1);
    if (!item->valuestring)
        return coco_fail_nomem(err);
    memcpy(item->valuestring, text, len);
    item->valuestring[len] = '\0';
    item->type = type;
    return COCO_OK;
}

/* ---- dates and times (RFC 3339 section 5.6) ---- */

/* Reads n digits, then the byte behind, unless that is 0; false if either is not there. */
static bool
take_number(const char **p, size_t n, char behind, unsigned *ret)
{
    unsigned value = 0;

    for (size_t i = 0; i < n; i++) {
        if (!is_digit(**p))
            return false;
        value = value * 10 + (unsigned)(*(*p)++ - '0');
    }
    if (behind && *(*p)++ != behind)
        return false;
    *ret = value;
    return true;
}

static bool
take_date(const char **p)
{
    static const unsigned char days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year = 0;
    unsigned month = 0;
    unsigned day = 0;

    if (!take_number(p, 4, '-', &year) || !take_number(p, 2, '-', &month)
        || !take_number(p, 2, '\0', &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days[month - 1])
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return leap || month != 2 || day != 29;
}

/* Seconds go up to 60, for there are leap seconds. */
static bool
take_time(const char **p)
{
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;

    if (!take_number(p, 2, ':', &hour) || !take_number(p, 2, ':', &minute)
        || !take_number(p, 2, '\0', &second) || hour > 23 || minute > 59 || second > 60)
        return false;
    if (**p != '.')
        return true;
    ++*p;
    size_t digits = strspn(*p, "0123456789");
    *p += digits;
    return digits > 0;
}

static bool
take_offset(const char **p)
{
    unsigned hour = 0;
    unsigned minute = 0;

    if (**p == 'Z' || **p == 'z') {
        ++*p;
        return true;
    }
    if (**p != '+' && **p != '-')
        return false;
    ++*p;
    return take_number(p, 2, ':', &hour) && take_number(p, 2, '\0', &minute) && hour < 24
           && minute < 60;
}

static bool
is_date_or_time(const char *word)
{
    const char *p = word;

    if (word[2] == ':')
        return take_time(&p) && *p == '\0';
    if (!take_date(&p))
        return false;
    if (*p == '\0')
        return true;
    if (*p != 'T' && *p != 't' && *p != ' ')
        return false;
    p++;
    return take_time(&p) && (*p == '\0' || (take_offset(&p) && *p == '\0'));
}

/* Length of the word at r->at: a date may be followed by a space and a time. */
static size_t
word_len(const struct coco_toml *r)
{
    size_t n = 0;

    while (coco_toml_peek(r, n) && strchr(WORD_CHARS, coco_toml_peek(r, n)))
        n++;
    if (n == sizeof("2026-01-01") - 1 && coco_toml_peek(r, 4) == '-' && coco_toml_peek(r, n) == ' '
        && is_digit(coco_toml_peek(r, n + 1))) {
        n++;
        while (coco_toml_peek(r, n) && strchr(WORD_CHARS, coco_toml_peek(r, n)))
            n++;
    }
    return n;
}

/* ---- numbers ---- */

/* Drops the underscores of word; false if one is not between two digits. */
static bool
drop_underscores(char *word, bool (*is_digit_here)(char))
{
    char *to = word;

    for (const char *p = word; *p; p++) {
        if (*p != '_')
            *to++ = *p;
        else if (p == word || !is_digit_here(p[-1]) || !is_digit_here(p[1]))
            return false;
    }
    *to = '\0';
    return true;
}

/* Reads digits of a base; false if there are none, others, or too many for 63 bits. */
static bool
parse_based(const char *digits, unsigned base, uint64_t *ret)
{
    static const char values[] = "0123456789abcdef";
    uint64_t value = 0;

    if (!*digits)
        return false;
    for (; *digits; digits++) {
        char c = *digits;
        if (c >= 'A' && c <= 'F')
            c = (char)(c - 'A' + 'a');
        const char *at = strchr(values, c);
        uint64_t digit = at ? (uint64_t)(at - values) : base;
        if (digit >= base || value > ((uint64_t)INT64_MAX - digit) / base)
            return false;
        value = value * base + digit;
    }
    *ret = value;
    return true;
}

static unsigned
base_of(const char *word)
{
    if (word[0] != '0')
        return 10;
    return word[1] == 'x' ? 16 : word[1] == 'o' ? 8 : word[1] == 'b' ? 2 : 10;
}

static coco_status
set_integer(cJSON *item, int64_t value, coco_error **err)
{
    char text[sizeof("-9223372036854775808")];

    int n = snprintf(text, sizeof(text), "%" PRId64, value);
    return set_text(item, cJSON_Number, text, (size_t)n, err);
}

/* Decimal: what is left after '+' and underscores is a number of JSON. */
static coco_status
read_decimal(const struct coco_toml *r, const char *word, cJSON *item, coco_error **err)
{
    const char *text = word[0] == '+' ? word + 1 : word;
    size_t len = strlen(text);
    int64_t value = 0;

    if (len == 0 || (word[0] == '+' && word[1] == '-') || coco_json_number_len(text, len) != len)
        return coco_toml_refuse(r, "a value is missing or malformed", err);
    coco_status status = set_text(item, cJSON_Number, text, len, err);
    if (status != COCO_OK || strpbrk(text, ".eE"))
        return status;

    if (coco_json_i64(item, &value, NULL) != COCO_OK)
        return coco_toml_refuse(r, "integer of more than 64 bits", err);
    if (value == 0) /* -0 is 0 */
        memcpy(item->valuestring, "0", sizeof("0"));
    return COCO_OK;
}

static coco_status
read_number(const struct coco_toml *r, char *word, cJSON *item, coco_error **err)
{
    unsigned base = base_of(word);
    uint64_t value = 0;

    if (!drop_underscores(word, base == 16 ? is_hex_digit : is_digit))
        return coco_toml_refuse(r, "underscore that is not between digits", err);
    if (base == 10)
        return read_decimal(r, word, item, err);
    if (!parse_based(word + 2, base, &value))
        return coco_toml_refuse(r, "malformed integer, or one of more than 64 bits", err);
    return set_integer(item, (int64_t)value, err);
}

/* ---- all of them ---- */

static coco_status
read_word(const struct coco_toml *r, char *word, cJSON *item, coco_error **err)
{
    const char *bare = word[0] == '+' || word[0] == '-' ? word + 1 : word;

    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0) {
        item->type = word[0] == 't' ? cJSON_True : cJSON_False;
        return COCO_OK;
    }
    /* JSON has no such numbers. */
    if (strcmp(bare, "inf") == 0)
        return set_text(item, cJSON_String, word[0] == '-' ? "-inf" : "inf", word[0] == '-' ? 4 : 3,
                        err);
    if (strcmp(bare, "nan") == 0)
        return set_text(item, cJSON_String, "nan", 3, err);
    size_t digits = strspn(word, "0123456789");
    if ((digits == 2 && word[2] == ':') || (digits == 4 && word[4] == '-')) {
        if (!is_date_or_time(word))
            return coco_toml_refuse(r, "malformed date or time", err);
        return set_text(item, cJSON_String, word, strlen(word), err);
    }
    return read_number(r, word, item, err);
}

coco_status
coco_toml_scalar(struct coco_toml *r, cJSON *item, coco_error **err)
{
    char word[COCO_JSON_NUMBER_MAX + 1];
    size_t len = word_len(r);

    if (len > COCO_JSON_NUMBER_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "TOML value of more than %d characters",
                         COCO_JSON_NUMBER_MAX);
    if (len == 0)
        return coco_toml_refuse(r, "a value is missing", err);
    memcpy(word, r->text + r->at, len);
    word[len] = '\0';

    coco_status status = read_word(r, word, item, err);
    if (status == COCO_OK)
        r->at += len;
    return status;
}
