/*
 * base/toml_string.c - the four kinds of strings in TOML
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/toml_reader.h"

#include "base/fail.h"
#include "base/text.h"

#include <string.h>

/* Control characters but tab (TOML 1.0.0, String). */
static bool
is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* Length of the line end at r->at; a carriage return alone is none. */
static size_t
newline_len(const struct coco_toml *r)
{
    if (coco_toml_peek(r, 0) == '\n')
        return 1;
    return coco_toml_peek(r, 0) == '\r' && coco_toml_peek(r, 1) == '\n' ? 2 : 0;
}

/* Reads digits hex digits as a character; 0 for none, and for NUL, which no string here can hold.
 */
static uint32_t
read_code(const struct coco_toml *r, size_t digits)
{
    uint8_t bytes[4] = {0};
    uint32_t code = 0;

    if (r->len - r->at < digits || !coco_unhex(r->text + r->at, digits, bytes, digits / 2))
        return 0;
    for (size_t i = 0; i < digits / 2; i++)
        code = code << 8 | bytes[i];
    return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : code;
}

static coco_status
append_unicode(struct coco_toml *r, size_t digits, struct coco_buf *buf, coco_error **err)
{
    char utf8[4];
    uint32_t code = read_code(r, digits);

    if (code == 0)
        return coco_toml_refuse(r, "bad Unicode escape", err);
    r->at += digits;
    return coco_buf_append(buf, utf8, coco_utf8_put(code, utf8), err);
}

/* A backslash at the end of a line: it and all white space behind it are not there. */
static bool
skip_line_end(struct coco_toml *r)
{
    size_t start = r->at;

    r->at += strspn(r->text + r->at, " \t");
    if (newline_len(r) == 0) {
        r->at = start;
        return false;
    }
    while (newline_len(r) > 0) {
        r->at += newline_len(r);
        r->at += strspn(r->text + r->at, " \t");
    }
    return true;
}

/* What follows a backslash. */
static coco_status
append_escape(struct coco_toml *r, bool multi_line, struct coco_buf *buf, coco_error **err)
{
    static const char names[] = "btnfr\"\\";
    static const char values[] = "\b\t\n\f\r\"\\";
    char c = coco_toml_peek(r, 0);
    const char *at = c ? strchr(names, c) : NULL;

    if (multi_line && skip_line_end(r))
        return COCO_OK;
    if (!at && c != 'u' && c != 'U')
        return coco_toml_refuse(r, "bad escape", err);
    r->at++;
    if (!at)
        return append_unicode(r, c == 'u' ? 4 : 8, buf, err);
    return coco_buf_append(buf, values + (at - names), 1, err);
}

/* Appends what needs no second look, up to a quote, backslash, line end or what is not allowed. */
static coco_status
append_plain(struct coco_toml *r, char quote, struct coco_buf *buf, coco_error **err)
{
    size_t start = r->at;

    while (r->at < r->len && r->text[r->at] != quote && !is_control(r->text[r->at])
           && !(quote == '"' && r->text[r->at] == '\\'))
        r->at++;
    return coco_buf_append(buf, r->text + start, r->at - start, err);
}

static coco_status
read_single_line(struct coco_toml *r, char quote, struct coco_buf *buf, coco_error **err)
{
    for (;;) {
        coco_status status = append_plain(r, quote, buf, err);
        char c = coco_toml_peek(r, 0);

        if (status != COCO_OK)
            return status;
        if (c == quote) {
            r->at++;
            return COCO_OK;
        }
        if (c != '\\')
            return coco_toml_refuse(r, r->at == r->len ? "string without end" : "control character",
                                    err);
        r->at++;
        status = append_escape(r, false, buf, err);
        if (status != COCO_OK)
            return status;
    }
}

/* How many of the same quotes are next, of at most five: two that belong to the text and the end.
 */
static size_t
count_quotes(const struct coco_toml *r, char quote)
{
    size_t n = 0;

    while (n < 5 && coco_toml_peek(r, n) == quote)
        n++;
    return n;
}

/* What append_plain() stopped at in the middle of a multi-line string. */
static coco_status
append_special(struct coco_toml *r, struct coco_buf *buf, coco_error **err)
{
    size_t n = newline_len(r);

    if (coco_toml_peek(r, 0) == '\\') {
        r->at++;
        return append_escape(r, true, buf, err);
    }
    if (n == 0)
        return coco_toml_refuse(r, r->at == r->len ? "string without end" : "control character",
                                err);
    r->at += n;
    return coco_buf_append(buf, "\n", 1, err); /* whatever the editor made of it */
}

static coco_status
read_multi_line(struct coco_toml *r, char quote, struct coco_buf *buf, coco_error **err)
{
    r->at += newline_len(r); /* one behind the opening does not count */
    for (;;) {
        coco_status status = append_plain(r, quote, buf, err);
        size_t quotes = count_quotes(r, quote);

        if (status == COCO_OK && quotes >= 3) {
            r->at += quotes;
            return coco_buf_append(buf, r->text + r->at - quotes, quotes - 3, err);
        }
        if (status == COCO_OK && quotes > 0) {
            status = coco_buf_append(buf, r->text + r->at, quotes, err);
            r->at += quotes;
        } else if (status == COCO_OK) {
            status = append_special(r, buf, err);
        }
        if (status != COCO_OK)
            return status;
    }
}

coco_status
coco_toml_string(struct coco_toml *r, bool multi_line, struct coco_buf *buf, coco_error **err)
{
    char quote = coco_toml_peek(r, 0);

    if (count_quotes(r, quote) >= 3 && multi_line) {
        r->at += 3;
        return read_multi_line(r, quote, buf, err);
    }
    r->at++;
    return read_single_line(r, quote, buf, err);
}
