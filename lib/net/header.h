/*
 * net/header.h - the fields of an answer's head, as they are kept
 *
 * "name: value\n" each, names in lower case: no value holds a line's end, so a
 * field cannot become two (RFC 9112 section 11.1).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_NET_HEADER_H
#define COCO_NET_HEADER_H

#include "base/buf.h"

/* Whether the bytes are a field's name, or may be its value (RFC 9110 sections 5.1 and 5.5). */
bool coco_header_is_name(const char *text, size_t len);
bool coco_header_is_value(const char *text, size_t len);

/*
 * Appends the field that the line is, without the line's end. COCO_ERR_PROTO, and
 * headers are as they were, for what is none: folded ones, too, and such with
 * space before the colon.
 */
coco_status coco_header_append(struct coco_buf *headers, const char *line, size_t len,
                               coco_error **err);

/*
 * The value of the first field of that name (lower case) from *line on, not ended
 * by a NUL, and *line is then what follows it; NULL if there is none.
 */
const char *coco_header_next(const char **line, const char *name, size_t *len);

#endif
