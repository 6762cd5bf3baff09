/*
 * base/toml.c - TOML 1.0 documents
 *
 * Line by line: a header chooses the table that the following keys go to. How a
 * table came to be decides who may still add to it; that is kept in bits of the
 * tree's types that cJSON has no use for, until the document is complete.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/toml.h"

#include "base/fail.h"
#include "base/text.h"
#include "base/toml_reader.h"

#include <string.h>

#define BARE_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

/* How a table or array came to be; none of them is one that only a longer header has named. */
#define BY_HEADER (1 << 16) /* [table], or an element of [[tables]] */
#define BY_DOTS (1 << 17)   /* a.b = ...: later headers may not name it */
#define BY_VALUE (1 << 18)  /* {...} or [...]: complete */
#define OF_TABLES (1 << 19) /* the array of [[tables]] */
#define ORIGIN (BY_HEADER | BY_DOTS | BY_VALUE | OF_TABLES)

/* Keys compared in all, so that one table of very many does not take forever. */
#define COMPARISONS_MAX (1 << 25)

struct document {
    struct coco_toml r;
    cJSON *root;
    unsigned values;
    unsigned comparisons;
};

static void
document_done(struct document *d)
{
    coco_json_free(d->root);
}

#define _cleanup_document_ _cleanup_(document_done)

/* A table, and how many levels of the tree it is below the root. */
struct place {
    cJSON *table;
    unsigned depth;
};

static coco_status read_value(struct document *d, unsigned depth, cJSON *item, coco_error **err);

coco_status
coco_toml_refuse(const struct coco_toml *r, const char *what, coco_error **err)
{
    size_t line = 1;

    for (size_t i = 0; i < r->at; i++)
        line += r->text[i] == '\n';
    return coco_fail(err, COCO_ERR_PROTO, "not TOML: line %zu: %s", line, what);
}

/* ---- white space ---- */

static void
skip_blanks(struct coco_toml *r)
{
    while (coco_toml_peek(r, 0) == ' ' || coco_toml_peek(r, 0) == '\t')
        r->at++;
}

static coco_status
skip_comment(struct coco_toml *r, coco_error **err)
{
    if (coco_toml_peek(r, 0) != '#')
        return COCO_OK;
    while (r->at < r->len && r->text[r->at] != '\n') {
        char c = r->text[r->at];
        bool ends = c == '\r' && coco_toml_peek(r, 1) == '\n';
        if (!ends && (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f))
            return coco_toml_refuse(r, "control character", err);
        r->at++;
    }
    return COCO_OK;
}

/* Skips one line end; false if there is none. */
static bool
skip_newline(struct coco_toml *r)
{
    if (coco_toml_peek(r, 0) == '\r' && coco_toml_peek(r, 1) == '\n')
        r->at++;
    if (coco_toml_peek(r, 0) != '\n')
        return false;
    r->at++;
    return true;
}

/* What may stand behind a key's value or a header: nothing but a comment. */
static coco_status
end_line(struct coco_toml *r, coco_error **err)
{
    skip_blanks(r);
    coco_status status = skip_comment(r, err);
    if (status != COCO_OK)
        return status;
    if (r->at < r->len && !skip_newline(r))
        return coco_toml_refuse(r, "text after the end of a value or header", err);
    return COCO_OK;
}

/* Blanks, line ends and comments, which may stand anywhere between the values of an array. */
static coco_status
skip_lines(struct coco_toml *r, coco_error **err)
{
    coco_status status = COCO_OK;

    do {
        skip_blanks(r);
        status = skip_comment(r, err);
    } while (status == COCO_OK && skip_newline(r));
    return status;
}

/* ---- the tree ---- */

static coco_status
new_item(struct document *d, int type, unsigned depth, cJSON **ret, coco_error **err)
{
    if (depth > COCO_JSON_DEPTH_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "TOML of more than %d levels", COCO_JSON_DEPTH_MAX);
    if (d->values++ == COCO_JSON_VALUES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "TOML of more than %d values", COCO_JSON_VALUES_MAX);

    cJSON *item = cJSON_CreateNull();
    if (!item)
        return coco_fail_nomem(err);
    item->type = type;
    *ret = item;
    return COCO_OK;
}

/* Stores NULL if table has no such key. */
static coco_status
find(struct document *d, const cJSON *table, const char *key, cJSON **ret, coco_error **err)
{
    cJSON *item = NULL;

    cJSON_ArrayForEach(item, table) {
        if (++d->comparisons == COMPARISONS_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "TOML of too many keys");
        if (strcmp(item->string, key) == 0)
            break;
    }
    *ret = item;
    return COCO_OK;
}

/* Adds a new table to the one of place, which then is the new one. */
static coco_status
add_table(struct document *d, const char *key, int origin, struct place *place, coco_error **err)
{
    cJSON *table = NULL;

    coco_status status = new_item(d, cJSON_Object | origin, place->depth + 1, &table, err);
    if (status == COCO_OK)
        status = coco_json_add_item(place->table, key, table, err);
    if (status == COCO_OK)
        *place = (struct place){table, place->depth + 1};
    return status;
}

/* From a table into the one its key is for, made if need be, for a key with dots. */
static coco_status
enter_by_dots(struct document *d, const char *key, struct place *place, coco_error **err)
{
    cJSON *item = NULL;

    coco_status status = find(d, place->table, key, &item, err);
    if (status != COCO_OK)
        return status;
    if (!item)
        return add_table(d, key, BY_DOTS, place, err);
    if (!cJSON_IsObject(item) || (item->type & (BY_HEADER | BY_VALUE)))
        return coco_toml_refuse(&d->r, "key adds to what is complete", err);
    item->type |= BY_DOTS;
    *place = (struct place){item, place->depth + 1};
    return COCO_OK;
}

/* The same for all but the last key of a header; of an array of tables it is the last one. */
static coco_status
enter_by_header(struct document *d, const char *key, struct place *place, coco_error **err)
{
    cJSON *item = NULL;

    coco_status status = find(d, place->table, key, &item, err);
    if (status != COCO_OK)
        return status;
    if (!item)
        return add_table(d, key, 0, place, err);
    if (item->type & OF_TABLES)
        *place = (struct place){item->child->prev, place->depth + 2};
    else if (cJSON_IsObject(item) && !(item->type & BY_VALUE))
        *place = (struct place){item, place->depth + 1};
    else
        return coco_toml_refuse(&d->r, "header adds to what is complete", err);
    return COCO_OK;
}

/* The last key of [table]. */
static coco_status
open_table(struct document *d, const char *key, struct place *place, coco_error **err)
{
    cJSON *item = NULL;

    coco_status status = find(d, place->table, key, &item, err);
    if (status != COCO_OK)
        return status;
    if (!item)
        return add_table(d, key, BY_HEADER, place, err);
    if (!cJSON_IsObject(item) || (item->type & ORIGIN))
        return coco_toml_refuse(&d->r, "table is defined twice", err);
    item->type |= BY_HEADER;
    *place = (struct place){item, place->depth + 1};
    return COCO_OK;
}

/* The last key of [[tables]]. */
static coco_status
open_element(struct document *d, const char *key, struct place *place, coco_error **err)
{
    cJSON *array = NULL;

    coco_status status = find(d, place->table, key, &array, err);
    if (status == COCO_OK && array && !(array->type & OF_TABLES))
        status = coco_toml_refuse(&d->r, "array of tables is defined as something else", err);
    if (status == COCO_OK && !array) {
        status = new_item(d, cJSON_Array | OF_TABLES, place->depth + 1, &array, err);
        if (status == COCO_OK)
            status = coco_json_add_item(place->table, key, array, err);
    }
    if (status != COCO_OK)
        return status;

    struct place in_array = {array, place->depth + 1};
    status = add_table(d, NULL, BY_HEADER, &in_array, err);
    if (status == COCO_OK)
        *place = in_array;
    return status;
}

/* ---- keys ---- */

/* Reads one part of a key, and the blanks around it. */
static coco_status
read_key_part(struct coco_toml *r, struct coco_buf *key, coco_error **err)
{
    coco_status status = COCO_OK;

    skip_blanks(r);
    coco_buf_reset(key);
    char c = coco_toml_peek(r, 0);
    if (c == '"' || c == '\'') {
        status = coco_toml_string(r, false, key, err);
    } else {
        size_t n = strspn(r->text + r->at, BARE_CHARS);
        if (n == 0)
            return coco_toml_refuse(r, "a key is missing", err);
        status = coco_buf_append(key, r->text + r->at, n, err);
        r->at += n;
    }
    skip_blanks(r);
    return status;
}

typedef coco_status enter_fn(struct document *d, const char *key, struct place *place,
                             coco_error **err);

/* Reads a key: its parts but the last choose the place, the last is left in key. */
static coco_status
read_key(struct document *d, enter_fn *enter, struct place *place, struct coco_buf *key,
         coco_error **err)
{
    coco_status status = read_key_part(&d->r, key, err);

    while (status == COCO_OK && coco_toml_peek(&d->r, 0) == '.') {
        status = enter(d, coco_buf_text(key), place, err);
        d->r.at++;
        if (status == COCO_OK)
            status = read_key_part(&d->r, key, err);
    }
    return status;
}

static coco_status
read_key_value(struct document *d, struct place place, coco_error **err)
{
    _cleanup_buf_ struct coco_buf key = {.limit = COCO_JSON_SIZE_MAX};
    _cleanup_json_ cJSON *item = NULL;
    cJSON *there = NULL;

    coco_status status = read_key(d, enter_by_dots, &place, &key, err);
    if (status == COCO_OK && coco_toml_peek(&d->r, 0) != '=')
        status = coco_toml_refuse(&d->r, "'=' is missing", err);
    if (status == COCO_OK)
        status = find(d, place.table, coco_buf_text(&key), &there, err);
    if (status == COCO_OK && there)
        status = coco_toml_refuse(&d->r, "key is there twice", err);
    if (status != COCO_OK)
        return status;

    d->r.at++;
    status = new_item(d, cJSON_NULL, place.depth, &item, err);
    if (status == COCO_OK)
        status = read_value(d, place.depth, item, err);
    if (status != COCO_OK)
        return status;
    return coco_json_add_item(place.table, coco_buf_text(&key), coco_steal(&item), err);
}

/* ---- values ---- */

static coco_status
read_string(struct document *d, cJSON *item, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};

    coco_status status = coco_toml_string(&d->r, true, &text, err);
    if (status != COCO_OK)
        return status;
    item->valuestring = cJSON_malloc(text.len + 1);
    if (!item->valuestring)
        return coco_fail_nomem(err);
    memcpy(item->valuestring, coco_buf_text(&text), text.len + 1);
    item->type = cJSON_String;
    return COCO_OK;
}

static coco_status
read_element(struct document *d, unsigned depth, cJSON *array, coco_error **err)
{
    _cleanup_json_ cJSON *item = NULL;

    coco_status status = new_item(d, cJSON_NULL, depth, &item, err);
    if (status == COCO_OK)
        status = read_value(d, depth, item, err);
    if (status != COCO_OK)
        return status;
    return coco_json_add_item(array, NULL, coco_steal(&item), err);
}

/* A comma may stand behind the last element. */
static coco_status
read_array(struct document *d, unsigned depth, cJSON *array, coco_error **err)
{
    array->type = cJSON_Array | BY_VALUE;
    d->r.at++;
    for (;;) {
        coco_status status = skip_lines(&d->r, err);
        if (status == COCO_OK && coco_toml_peek(&d->r, 0) == ']')
            break;
        if (status == COCO_OK)
            status = read_element(d, depth, array, err);
        if (status == COCO_OK)
            status = skip_lines(&d->r, err);
        if (status != COCO_OK)
            return status;
        if (coco_toml_peek(&d->r, 0) == ']')
            break;
        if (coco_toml_peek(&d->r, 0) != ',')
            return coco_toml_refuse(&d->r, "a comma or ']' is missing", err);
        d->r.at++;
    }
    d->r.at++;
    return COCO_OK;
}

/* On one line, and no comma behind the last key. */
static coco_status
read_inline_table(struct document *d, unsigned depth, cJSON *table, coco_error **err)
{
    coco_status status = COCO_OK;

    table->type = cJSON_Object;
    d->r.at++;
    skip_blanks(&d->r);
    if (coco_toml_peek(&d->r, 0) != '}') {
        for (;;) {
            status = read_key_value(d, (struct place){table, depth}, err);
            if (status != COCO_OK)
                return status;
            skip_blanks(&d->r);
            if (coco_toml_peek(&d->r, 0) != ',')
                break;
            d->r.at++;
        }
    }
    if (coco_toml_peek(&d->r, 0) != '}')
        return coco_toml_refuse(&d->r, "a comma or '}' is missing", err);
    d->r.at++;
    table->type |= BY_VALUE;
    return COCO_OK;
}

/* Reads what a key or an array holds; depth is that of the table or array it goes into. */
static coco_status
read_value(struct document *d, unsigned depth, cJSON *item, coco_error **err)
{
    skip_blanks(&d->r);
    char c = coco_toml_peek(&d->r, 0);

    if (c == '"' || c == '\'')
        return read_string(d, item, err);
    if (c != '[' && c != '{')
        return coco_toml_scalar(&d->r, item, err);
    if (depth == COCO_JSON_DEPTH_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "TOML of more than %d levels", COCO_JSON_DEPTH_MAX);
    return c == '[' ? read_array(d, depth + 1, item, err)
                    : read_inline_table(d, depth + 1, item, err);
}

/* ---- the document ---- */

/* Reads [table] or [[tables]]. */
static coco_status
read_header(struct document *d, struct place *place, coco_error **err)
{
    _cleanup_buf_ struct coco_buf key = {.limit = COCO_JSON_SIZE_MAX};
    size_t brackets = coco_toml_peek(&d->r, 1) == '[' ? 2 : 1;

    *place = (struct place){d->root, 1};
    d->r.at += brackets;
    coco_status status = read_key(d, enter_by_header, place, &key, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < brackets; i++) {
        if (coco_toml_peek(&d->r, 0) != ']')
            return coco_toml_refuse(&d->r, "']' is missing", err);
        d->r.at++;
    }
    return brackets == 2 ? open_element(d, coco_buf_text(&key), place, err)
                         : open_table(d, coco_buf_text(&key), place, err);
}

static coco_status
read_document(struct document *d, coco_error **err)
{
    struct place place = {d->root, 1};
    coco_status status = skip_lines(&d->r, err);

    while (status == COCO_OK && d->r.at < d->r.len) {
        if (coco_toml_peek(&d->r, 0) == '[')
            status = read_header(d, &place, err);
        else
            status = read_key_value(d, place, err);
        if (status == COCO_OK)
            status = end_line(&d->r, err);
        if (status == COCO_OK)
            status = skip_lines(&d->r, err);
    }
    return status;
}

/* The tree is as deep as COCO_JSON_DEPTH_MAX at most. */
static void
forget_origins(cJSON *item)
{
    for (; item; item = item->next) {
        item->type &= ~ORIGIN;
        forget_origins(item->child);
    }
}

coco_status
coco_toml_parse(const char *text, size_t len, cJSON **ret, coco_error **err)
{
    _cleanup_document_ struct document d = {.r.text = "", .r.len = len};
    _cleanup_buf_ struct coco_buf copy = {.limit = COCO_JSON_SIZE_MAX};

    if (len > COCO_JSON_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "TOML of more than %zu bytes", COCO_JSON_SIZE_MAX);
    if (!coco_utf8_valid(text, len))
        return coco_fail(err, COCO_ERR_PROTO, "not TOML: invalid UTF-8");
    if (len > 0 && memchr(text, '\0', len))
        return coco_fail(err, COCO_ERR_PROTO, "not TOML: NUL");

    /* With a NUL behind the end, so that no look ahead passes it. */
    coco_status status = coco_buf_append(&copy, text, len, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&d.root, err);
    if (status != COCO_OK)
        return status;
    d.r.text = coco_buf_text(&copy);

    status = read_document(&d, err);
    if (status != COCO_OK)
        return status;
    forget_origins(d.root);
    *ret = coco_steal(&d.root);
    return COCO_OK;
}
