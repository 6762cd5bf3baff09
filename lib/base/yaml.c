/*
 * base/yaml.c - as much of YAML 1.2 as small files of settings are written in
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/yaml.h"

#include "base/buf.h"
#include "base/fail.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

#define DEPTH_MAX 16
/* What a plain scalar may not begin with (section 5.3). */
#define INDICATORS "&*!|>%@`\"'{}[],?#"

/* A line that says something: its indentation, and what follows. */
struct line {
    const char *text;
    size_t len;
    size_t indent;
};

struct yaml {
    const char *next;
    const char *end;
    struct line line; /* the current one; text NULL behind the last */
    size_t number;    /* of it, for messages */
};

static coco_status
fail(const struct yaml *yaml, coco_status status, const char *what, coco_error **err)
{
    return coco_fail(err, status, "line %zu: %s", yaml->number, what);
}

static bool
is_item(const struct line *line)
{
    return line->text && line->text[0] == '-' && (line->len == 1 || line->text[1] == ' ');
}

/* Goes on to the next line that is neither empty nor a comment alone. */
static coco_status
advance(struct yaml *yaml, coco_error **err)
{
    yaml->line = (struct line){0};
    while (yaml->next < yaml->end) {
        const char *start = yaml->next;
        const char *stop = memchr(start, '\n', (size_t)(yaml->end - start));
        struct line line = {.text = start};

        yaml->number++;
        line.len = (size_t)((stop ? stop : yaml->end) - start);
        yaml->next = stop ? stop + 1 : yaml->end;
        while (line.len > 0 && strchr(" \r", line.text[line.len - 1]))
            line.len--;
        while (line.len > 0 && *line.text == ' ') {
            line.text++;
            line.len--;
            line.indent++;
        }
        if (line.len == 0 || *line.text == '#')
            continue;
        if (memchr(line.text, '\t', line.len))
            return fail(yaml, COCO_ERR_NOTSUP, "a tab", err);
        yaml->line = line;
        break;
    }
    return COCO_OK;
}

/* ---- scalars ---- */

/* Passes over one in double quotes and appends what it means; n is how much of it that was. */
static coco_status
read_double(const struct yaml *yaml, const char *text, size_t len, struct coco_buf *to, size_t *n,
            coco_error **err)
{
    static const char escapes[] = "\"\"\\\\//n\nt\tr\r";
    coco_status status = COCO_OK;

    for (size_t i = 1; i < len && status == COCO_OK; i++) {
        const char *escape = NULL;

        if (text[i] == '"') {
            *n = i + 1;
            return COCO_OK;
        }
        if (text[i] != '\\') {
            status = coco_buf_append(to, text + i, 1, err);
            continue;
        }
        i++;
        for (const char *e = escapes; i < len && *e && !escape; e += 2)
            escape = *e == text[i] ? e + 1 : NULL;
        if (!escape)
            return fail(yaml, COCO_ERR_NOTSUP, "an escape that is not known", err);
        status = coco_buf_append(to, escape, 1, err);
    }
    return status == COCO_OK ? fail(yaml, COCO_ERR_PROTO, "a quote without its end", err) : status;
}

/* The same in single quotes, where two of them are one. */
static coco_status
read_single(const struct yaml *yaml, const char *text, size_t len, struct coco_buf *to, size_t *n,
            coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 1; i < len && status == COCO_OK; i++) {
        if (text[i] == '\'' && (i + 1 == len || text[i + 1] != '\'')) {
            *n = i + 1;
            return COCO_OK;
        }
        if (text[i] == '\'')
            i++;
        status = coco_buf_append(to, text + i, 1, err);
    }
    return status == COCO_OK ? fail(yaml, COCO_ERR_PROTO, "a quote without its end", err) : status;
}

/* Where a plain scalar ends: at ": ", at a comment, or with the line. */
static size_t
plain_len(const char *text, size_t len)
{
    size_t i = 0;

    for (; i < len; i++)
        if ((text[i] == ':' && (i + 1 == len || text[i + 1] == ' '))
            || (text[i] == '#' && i > 0 && text[i - 1] == ' '))
            break;
    while (i > 0 && text[i - 1] == ' ')
        i--;
    return i;
}

/* Reads a scalar from the beginning of text; n is how much of it that was, with blanks behind. */
static coco_status
read_scalar(const struct yaml *yaml, const char *text, size_t len, struct coco_buf *to, size_t *n,
            coco_error **err)
{
    coco_status status = COCO_OK;

    if (len > 0 && *text == '"') {
        status = read_double(yaml, text, len, to, n, err);
    } else if (len > 0 && *text == '\'') {
        status = read_single(yaml, text, len, to, n, err);
    } else if (len > 0 && strchr(INDICATORS, *text)) {
        status = fail(yaml, COCO_ERR_NOTSUP, "more of YAML than is read here", err);
    } else {
        *n = plain_len(text, len);
        status = coco_buf_append(to, text, *n, err);
    }
    while (status == COCO_OK && *n < len && text[*n] == ' ')
        (*n)++;
    return status;
}

/* A scalar that is all there is until the end of the line, but for a comment. */
static coco_status
read_value(const struct yaml *yaml, const char *text, size_t len, cJSON *to, const char *name,
           coco_error **err)
{
    _cleanup_buf_ struct coco_buf value = {.limit = COCO_YAML_SIZE_MAX};
    size_t n = 0;

    coco_status status = read_scalar(yaml, text, len, &value, &n, err);
    if (status == COCO_OK && n < len && text[n] != '#')
        status = fail(yaml, COCO_ERR_NOTSUP, "something behind a value", err);
    if (status == COCO_OK)
        status = coco_json_add_string(to, name, coco_buf_text(&value), err);
    return status;
}

/* ---- blocks ---- */

static coco_status read_mapping(struct yaml *yaml, size_t depth, cJSON *to, coco_error **err);

static coco_status
read_list(struct yaml *yaml, cJSON *to, coco_error **err)
{
    size_t indent = yaml->line.indent;
    coco_status status = COCO_OK;

    while (status == COCO_OK && is_item(&yaml->line) && yaml->line.indent == indent) {
        const char *text = yaml->line.text + 1;
        size_t len = yaml->line.len - 1;

        while (len > 0 && *text == ' ') {
            text++;
            len--;
        }
        if (len == 0 || is_item(&(struct line){.text = text, .len = len}))
            return fail(yaml, COCO_ERR_NOTSUP, "a list of something else than text", err);
        status = read_value(yaml, text, len, to, NULL, err);
        if (status == COCO_OK)
            status = advance(yaml, err);
    }
    return status;
}

/* What stands below a key that has nothing beside it; indent is the key's. */
static coco_status
read_below(struct yaml *yaml, size_t indent, size_t depth, cJSON *to, const char *name,
           coco_error **err)
{
    cJSON *value = NULL;

    coco_status status = advance(yaml, err);
    if (status != COCO_OK)
        return status;
    if (is_item(&yaml->line) && yaml->line.indent >= indent) {
        status = coco_json_add_array(to, name, &value, err);
        return status == COCO_OK ? read_list(yaml, value, err) : status;
    }
    if (!yaml->line.text || yaml->line.indent <= indent)
        return coco_json_add_null(to, name, err);
    status = coco_json_add_object(to, name, &value, err);
    return status == COCO_OK ? read_mapping(yaml, depth + 1, value, err) : status;
}

/* In any case, as JSON's reader has it: another reader of the file may not tell them apart. */
static bool
is_there(const cJSON *mapping, const char *name)
{
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, mapping) {
        if (strcasecmp(item->string, name) == 0)
            return true;
    }
    return false;
}

/* One key and what it has. */
static coco_status
read_entry(struct yaml *yaml, size_t depth, cJSON *to, coco_error **err)
{
    _cleanup_buf_ struct coco_buf name = {.limit = COCO_YAML_SIZE_MAX};
    const struct line line = yaml->line;
    size_t n = 0;

    if (is_item(&line))
        return fail(yaml, COCO_ERR_PROTO, "an item of a list among keys", err);
    coco_status status = read_scalar(yaml, line.text, line.len, &name, &n, err);
    if (status != COCO_OK)
        return status;
    if (n >= line.len || line.text[n] != ':' || (n + 1 < line.len && line.text[n + 1] != ' '))
        return fail(yaml, COCO_ERR_PROTO, "no key", err);
    if (is_there(to, coco_buf_text(&name)))
        return fail(yaml, COCO_ERR_PROTO, "a key for the second time", err);
    for (n++; n < line.len && line.text[n] == ' ';)
        n++;
    if (n == line.len || line.text[n] == '#')
        return read_below(yaml, line.indent, depth, to, coco_buf_text(&name), err);
    status = read_value(yaml, line.text + n, line.len - n, to, coco_buf_text(&name), err);
    return status == COCO_OK ? advance(yaml, err) : status;
}

static coco_status
read_mapping(struct yaml *yaml, size_t depth, cJSON *to, coco_error **err)
{
    size_t indent = yaml->line.indent;
    coco_status status = COCO_OK;

    if (depth > DEPTH_MAX)
        return fail(yaml, COCO_ERR_LIMIT, "too many levels", err);
    while (status == COCO_OK && yaml->line.text && yaml->line.indent == indent)
        status = read_entry(yaml, depth, to, err);
    if (status == COCO_OK && yaml->line.text && yaml->line.indent > indent)
        status = fail(yaml, COCO_ERR_PROTO, "more indented than what it belongs to", err);
    return status;
}

static coco_status
read_document(struct yaml *yaml, cJSON *to, coco_error **err)
{
    coco_status status = advance(yaml, err);

    if (status == COCO_OK && yaml->line.text && yaml->line.indent == 0 && yaml->line.len == 3
        && memcmp(yaml->line.text, "---", 3) == 0)
        status = advance(yaml, err);
    if (status == COCO_OK && yaml->line.text)
        status = read_mapping(yaml, 0, to, err);
    if (status == COCO_OK && yaml->line.text)
        status = fail(yaml, COCO_ERR_PROTO, "less indented than the beginning", err);
    return status;
}

coco_status
coco_yaml_parse(const char *text, size_t len, cJSON **ret, coco_error **err)
{
    struct yaml yaml = {.next = text, .end = text + len};
    _cleanup_json_ cJSON *tree = NULL;

    if (len > COCO_YAML_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "YAML of more than %zu bytes", COCO_YAML_SIZE_MAX);
    if (len > 0 && *text == '{')
        return coco_json_parse_object(text, len, ret, err);
    if (!coco_utf8_valid(text, len) || memchr(text, '\0', len))
        return coco_fail(err, COCO_ERR_PROTO, "YAML is not in UTF-8");
    coco_status status = coco_json_new_object(&tree, err);
    if (status == COCO_OK)
        status = read_document(&yaml, tree, err);
    if (status == COCO_OK)
        *ret = coco_steal(&tree);
    return status;
}
