/*
 * net/header.c - the fields of an answer's head, as they are kept
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/header.h"

#include "base/fail.h"

#include <string.h>

/* RFC 9110 section 5.6.2 */
#define TOKEN_CHARS "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define SEPARATOR ": "

bool
coco_header_is_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\0' || !strchr(TOKEN_CHARS, text[i]))
            return false;
    return len > 0;
}

/* A CR or NUL in a value is how one header becomes two. */
bool
coco_header_is_value(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((uint8_t)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
            return false;
    return true;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

coco_status
coco_header_append(struct coco_buf *headers, const char *line, size_t len, coco_error **err)
{
    const char *colon = len > 0 ? memchr(line, ':', len) : NULL;
    size_t name_len = colon ? (size_t)(colon - line) : 0;

    if (!coco_header_is_value(line, len))
        return coco_fail(err, COCO_ERR_PROTO, "control bytes in a header");
    if (!colon || !coco_header_is_name(line, name_len))
        return coco_fail(err, COCO_ERR_PROTO, "a header line that is none");

    const char *value = colon + 1;
    const char *end = line + len;
    while (value < end && is_blank(*value))
        value++;
    while (end > value && is_blank(end[-1]))
        end--;

    size_t start = headers->len;
    coco_status status = coco_buf_append(headers, line, name_len, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(headers, SEPARATOR, err);
    if (status == COCO_OK)
        status = coco_buf_append(headers, value, (size_t)(end - value), err);
    if (status == COCO_OK)
        status = coco_buf_append_text(headers, "\n", err);
    if (status != COCO_OK)
        return status;
    for (uint8_t *p = headers->data + start; *p != ':'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (uint8_t)(*p - 'A' + 'a');
    return COCO_OK;
}

const char *
coco_header_next(const char **line, const char *name, size_t *len)
{
    size_t head = strlen(name) + strlen(SEPARATOR);

    for (const char *p = *line; *p; p = *line) {
        size_t line_len = strcspn(p, "\n");

        *line = p + line_len + (p[line_len] ? 1 : 0);
        if (line_len >= head && strncmp(p, name, head - strlen(SEPARATOR)) == 0
            && strncmp(p + head - strlen(SEPARATOR), SEPARATOR, strlen(SEPARATOR)) == 0) {
            *len = line_len - head;
            return p + head;
        }
    }
    return NULL;
}
