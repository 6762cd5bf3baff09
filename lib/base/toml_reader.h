/*
 * base/toml_reader.h - what the parts of the TOML reader share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_TOML_READER_H
#define COCO_BASE_TOML_READER_H

#include "base/json.h"

/* A document, known to be UTF-8 without NULs, and where in it the reader is. */
struct coco_toml {
    const char *text;
    size_t len;
    size_t at;
};

/* The byte n behind the current one, or 0 past the end. */
static inline char
coco_toml_peek(const struct coco_toml *r, size_t n)
{
    if (n >= r->len - r->at)
        return '\0';
    return r->text[r->at + n];
}

/* COCO_ERR_PROTO with the line. */
coco_status coco_toml_refuse(const struct coco_toml *r, const char *what, coco_error **err);

/* Appends the content of the string at r->at; multi-line ones only where a value may stand. */
coco_status coco_toml_string(struct coco_toml *r, bool multi_line, struct coco_buf *buf,
                             coco_error **err);

/* Makes item the boolean, number, date or time at r->at. */
coco_status coco_toml_scalar(struct coco_toml *r, cJSON *item, coco_error **err);

#endif
