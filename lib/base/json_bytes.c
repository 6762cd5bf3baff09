/*
 * base/json_bytes.c - arrays of bytes as one value
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/json.h"

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *
skip_space(const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    return p;
}

/* What is behind the number from 0 to 255 at p, in the one form that JSON has for it; or NULL. */
static const char *
skip_byte(const char *p, const char *end)
{
    const char *from = p;
    unsigned value = 0;

    for (; p < end && is_digit(*p) && value <= UINT8_MAX; p++)
        value = value * 10 + (unsigned)(*p - '0');
    if (p == from || value > UINT8_MAX || (*from == '0' && p > from + 1))
        return NULL;
    return p;
}

size_t
coco_json_bytes_len(const char *text, size_t len, size_t *n)
{
    const char *end = text + len;
    const char *p = text;

    *n = 0;
    if (p == end || *p != '[')
        return 0;
    do {
        p = skip_byte(skip_space(p + 1, end), end);
        if (!p)
            return 0;
        ++*n;
        p = skip_space(p, end);
    } while (p < end && *p == ',');
    return p < end && *p == ']' ? (size_t)(p + 1 - text) : 0;
}

void
coco_json_copy_bytes(char *ret, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_space(text[i]))
            *ret++ = text[i];
    *ret = '\0';
}

const char *
coco_json_bytes(const cJSON *value)
{
    return cJSON_IsRaw(value) ? value->valuestring : NULL;
}

bool
coco_json_next_byte(const char **text, uint8_t *ret)
{
    const char *p = *text;
    unsigned value = 0;

    if (*p != '[' && *p != ',')
        return false;
    for (p++; is_digit(*p); p++)
        value = value * 10 + (unsigned)(*p - '0');
    *text = p;
    *ret = (uint8_t)value;
    return true;
}
