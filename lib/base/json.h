/*
 * base/json.h - JSON from outside, strictly
 *
 * The tree is cJSON's; the reader is not, for cJSON lets through what a
 * signature, a policy or another reader would see differently: duplicate and
 * case-different members, NULs, text after the end, numbers as doubles.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_JSON_H
#define COCO_BASE_JSON_H

#include "base/buf.h"
#include "base/cleanup.h"

#include <cjson/cJSON.h>

/* Wipes every string, for a tree does not know whether it held a key, and frees; NULL is fine. */
void coco_json_free(cJSON *value);
COCO_DEFINE_CLEANUP(cJSON *, coco_json_free);
#define _cleanup_json_ _cleanup_(coco_json_freep)

#define COCO_JSON_DEPTH_MAX 64
#define COCO_JSON_SIZE_MAX ((size_t)4 << 20)
#define COCO_JSON_LONG_MAX ((size_t)96 << 20) /* with 64 MiB in base64, and some more */
#define COCO_JSON_VALUES_MAX (1 << 18)        /* a value takes up to a hundred times its text */
#define COCO_JSON_NUMBER_MAX 1024             /* characters */

/*
 * Reads one JSON text (RFC 8259, and what RFC 7493 demands of strings and names).
 *
 * COCO_ERR_LIMIT beyond the limits above. COCO_ERR_PROTO, with the byte offset,
 * for everything that is not JSON, and for a BOM, invalid UTF-8, NUL in any form,
 * lone surrogates, two members of one object whose names are equal but for ASCII
 * case, and text after the end.
 *
 * A number's own text is kept in its valuestring, so that 64-bit integers stay
 * exact; use coco_json_u64() and kin: valuedouble and valueint are not set.
 */
coco_status coco_json_parse(const char *text, size_t len, cJSON **ret, coco_error **err);

/* The same, for a text that must be an object. */
coco_status coco_json_parse_object(const char *text, size_t len, cJSON **ret, coco_error **err);

/*
 * The same, but an array of COCO_JSON_PACK_MIN or more numbers from 0 to 255 is one
 * value, for evidence has its bytes so, and to make thousands of values of them takes
 * longer than to verify what they are. Whoever asks for an array there finds none;
 * tee/serde.h reads both.
 */
#define COCO_JSON_PACK_MIN 32
coco_status coco_json_parse_packed(const char *text, size_t len, cJSON **ret, coco_error **err);

/*
 * As coco_json_parse_object(), for a text of up to COCO_JSON_LONG_MAX bytes, a secret with its
 * few members; it has no more values than any other.
 */
coco_status coco_json_parse_long(const char *text, size_t len, cJSON **ret, coco_error **err);

/* The text of such a value, NULL for another. From there on, each byte until there is none. */
const char *coco_json_bytes(const cJSON *value);
bool coco_json_next_byte(const char **text, uint8_t *ret);

/* Length of the array of numbers from 0 to 255 that text starts with, and how many; 0 for none. */
size_t coco_json_bytes_len(const char *text, size_t len, size_t *n);
/* Copies it without spaces, and ends it with a NUL. */
void coco_json_copy_bytes(char *ret, const char *text, size_t len);

/* Length of the number that text starts with (RFC 8259 section 6), 0 for none. */
size_t coco_json_number_len(const char *text, size_t len);

/*
 * Members of an object, by exact name. A missing or null member, or one of
 * another type, is COCO_ERR_PROTO and names the member; the _opt forms store
 * NULL (or the fallback) for a missing or null member instead. Results are lent.
 */
coco_status coco_json_get_string(const cJSON *object, const char *name, const char **ret,
                                 coco_error **err);
coco_status coco_json_get_string_opt(const cJSON *object, const char *name, const char **ret,
                                     coco_error **err);
/* A string that is the base64 of exactly size bytes. */
coco_status coco_json_get_base64(const cJSON *object, const char *name, void *bytes, size_t size,
                                 coco_error **err);
coco_status coco_json_get_object(const cJSON *object, const char *name, const cJSON **ret,
                                 coco_error **err);
coco_status coco_json_get_object_opt(const cJSON *object, const char *name, const cJSON **ret,
                                     coco_error **err);
coco_status coco_json_get_array(const cJSON *object, const char *name, const cJSON **ret,
                                coco_error **err);
coco_status coco_json_get_array_opt(const cJSON *object, const char *name, const cJSON **ret,
                                    coco_error **err);
/* An array that must be there; null is one without values, as Go writes those it never filled. */
coco_status coco_json_get_list(const cJSON *object, const char *name, const cJSON **ret,
                               coco_error **err);
coco_status coco_json_get_u64(const cJSON *object, const char *name, uint64_t *ret,
                              coco_error **err);
coco_status coco_json_get_u64_opt(const cJSON *object, const char *name, uint64_t fallback,
                                  uint64_t *ret, coco_error **err);
coco_status coco_json_get_bool_opt(const cJSON *object, const char *name, bool fallback, bool *ret,
                                   coco_error **err);
/* Any value, COCO_ERR_PROTO only when the member is missing; null is a value. */
coco_status coco_json_get_any(const cJSON *object, const char *name, const cJSON **ret,
                              coco_error **err);

/*
 * What a JSON pointer (RFC 6901) leads to by the members of objects, arrays are not gone
 * into; NULL if it leads nowhere. Lent.
 */
const cJSON *coco_json_at(const cJSON *from, const char *pointer);

/* The number itself: an integer without fraction or exponent that fits. */
coco_status coco_json_u64(const cJSON *number, uint64_t *ret, coco_error **err);
coco_status coco_json_i64(const cJSON *number, int64_t *ret, coco_error **err);

/* A NumericDate (RFC 7519 section 2), which may have a fraction: that is cut off. */
coco_status coco_json_seconds(const cJSON *number, int64_t *ret, coco_error **err);

/*
 * Whether two values are the same, whatever the order of members. Numbers are
 * compared by their text: 1 and 1.0 differ, and so do 2^53 and 2^53 + 1.
 */
bool coco_json_equal(const cJSON *a, const cJSON *b);

/*
 * Refuses members that are not in names, which a NULL ends, with the nearest
 * known name: for configuration, where a misspelt key must not be ignored.
 */
coco_status coco_json_check_members(const cJSON *object, const char *const *names,
                                    coco_error **err);

/*
 * Building. Each adds to object (name not NULL) or array (name NULL) and fails
 * with COCO_ERR_NOMEM; _add_object and _add_array lend the new one, _add_item
 * takes item on success and failure alike.
 */
coco_status coco_json_new_object(cJSON **ret, coco_error **err);
coco_status coco_json_add_string(cJSON *to, const char *name, const char *value, coco_error **err);
coco_status coco_json_add_u64(cJSON *to, const char *name, uint64_t value, coco_error **err);
coco_status coco_json_add_i64(cJSON *to, const char *name, int64_t value, coco_error **err);
coco_status coco_json_add_bool(cJSON *to, const char *name, bool value, coco_error **err);
coco_status coco_json_add_null(cJSON *to, const char *name, coco_error **err);
coco_status coco_json_add_object(cJSON *to, const char *name, cJSON **ret, coco_error **err);
coco_status coco_json_add_array(cJSON *to, const char *name, cJSON **ret, coco_error **err);
coco_status coco_json_add_item(cJSON *to, const char *name, cJSON *item, coco_error **err);
/* A deep copy of item is added; numbers keep their text. */
coco_status coco_json_add_copy(cJSON *to, const char *name, const cJSON *item, coco_error **err);
/* Bytes as a base64 or base64url string. */
coco_status coco_json_add_base64(cJSON *to, const char *name, const void *data, size_t len,
                                 coco_error **err);
coco_status coco_json_add_base64url(cJSON *to, const char *name, const void *data, size_t len,
                                    coco_error **err);

enum coco_json_style {
    COCO_JSON_COMPACT,   /* members in their order, no space */
    COCO_JSON_CANONICAL, /* RFC 8785: members sorted by UTF-16, no space, numbers as doubles */
    COCO_JSON_PRETTY,    /* for people: two spaces a level */
};

/*
 * Appends value's text to buf, which is left half written on failure.
 *
 * COCO_ERR_INVALID for strings that are not UTF-8 and, in canonical form, for
 * numbers past the range of a double and integers that no double holds exactly:
 * they would be signed as something else. COCO_ERR_LIMIT for too many levels.
 */
coco_status coco_json_write(const cJSON *value, enum coco_json_style style, struct coco_buf *buf,
                            coco_error **err);

#endif
