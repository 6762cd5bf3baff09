/*
 * base/cbor.h - CBOR from outside, strictly, and written (RFC 8949)
 *
 * All of a text is checked first, and then looked into where it lies: nothing is
 * copied, and of what was checked only the type can be another than was wanted.
 *
 *     struct coco_cbor map;
 *     coco_status status = coco_cbor_parse(data, len, "claims", &map, err);
 *     if (status == COCO_OK)
 *         status = coco_cbor_get_bytes(map, 10, &challenge, err);
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_CBOR_H
#define COCO_BASE_CBOR_H

#include "base/buf.h"
#include "base/reader.h"

/* T26 */
#define COCO_CBOR_DEPTH_MAX 16 /* arrays, maps and tags in each other */
#define COCO_CBOR_SIZE_MAX ((size_t)1 << 20)
#define COCO_CBOR_PAIRS_MAX 256 /* of one map */

/* One item that was checked, with all that is in it. Lends the bytes it was read of. */
struct coco_cbor {
    const uint8_t *data;
    size_t len; /* 0: no item */
};

/* What a byte or text string holds; lent, a text without a NUL behind it. */
struct coco_cbor_string {
    const uint8_t *data;
    size_t len;
};

/*
 * Reads one item and nothing behind it.
 *
 * COCO_ERR_LIMIT beyond the limits above; COCO_ERR_PROTO for lengths that are
 * left open, text that is not UTF-8, two equal keys in a map, simple values that
 * RFC 8949 gives no meaning, and any length, number or tag that is longer than it
 * need be. The last is more than the formats ask for, but all that write them
 * keep to it, and so equal keys are equal bytes and one item has one text. The
 * order of keys is not looked at: tokens of Arm CCA have them in any.
 */
coco_status coco_cbor_parse(const void *data, size_t len, const char *what, struct coco_cbor *ret,
                            coco_error **err);

/* The same, of an item with anything behind it; ret->len is where that begins. */
coco_status coco_cbor_parse_first(const void *data, size_t len, const char *what,
                                  struct coco_cbor *ret, coco_error **err);

/*
 * The same as coco_cbor_parse(), of a map whose own length may be left open, but
 * none in it: the security module of AWS Nitro writes such since 2025.
 */
coco_status coco_cbor_parse_open_map(const void *data, size_t len, const char *what,
                                     struct coco_cbor *ret, coco_error **err);

/* ---- what an item is ---- */

/* Whether it is of that type, and its value: for what may be of several. */
bool coco_cbor_is_null(struct coco_cbor item);
bool coco_cbor_is_bool(struct coco_cbor item, bool *ret);
bool coco_cbor_is_int(struct coco_cbor item, int64_t *ret);
bool coco_cbor_is_bytes(struct coco_cbor item, struct coco_cbor_string *ret);
bool coco_cbor_is_text(struct coco_cbor item, struct coco_cbor_string *ret);

/* Its value; COCO_ERR_PROTO, "is no text", for another type or a value out of range. */
coco_status coco_cbor_u64(struct coco_cbor item, uint64_t *ret, coco_error **err);
coco_status coco_cbor_i64(struct coco_cbor item, int64_t *ret, coco_error **err);
coco_status coco_cbor_bytes(struct coco_cbor item, struct coco_cbor_string *ret, coco_error **err);
coco_status coco_cbor_text(struct coco_cbor item, struct coco_cbor_string *ret, coco_error **err);

/* Whether item has a tag: which one, and what it is of. */
bool coco_cbor_tag(struct coco_cbor item, uint64_t *tag, struct coco_cbor *ret);

/* What has that tag; COCO_ERR_PROTO if item has not. */
coco_status coco_cbor_untag(struct coco_cbor item, uint64_t tag, struct coco_cbor *ret,
                            coco_error **err);

/* Whether text is exactly that. */
bool coco_cbor_string_is(struct coco_cbor_string text, const char *that);

/* ---- what is in it ---- */

/* What is left of an array or a map. */
struct coco_cbor_items {
    struct coco_reader r;
    uint64_t left;
    bool open; /* left is not known: there is a break at the end */
};

coco_status coco_cbor_array(struct coco_cbor item, struct coco_cbor_items *ret, coco_error **err);
coco_status coco_cbor_map(struct coco_cbor item, struct coco_cbor_items *ret, coco_error **err);

/* An array of n elements: COCO_ERR_PROTO for another number of them. */
coco_status coco_cbor_array_of(struct coco_cbor item, size_t n, struct coco_cbor_items *ret,
                               coco_error **err);

/* The next element, or key and value; false past the last. */
bool coco_cbor_next(struct coco_cbor_items *items, struct coco_cbor *ret);
bool coco_cbor_next_pair(struct coco_cbor_items *items, struct coco_cbor *key,
                         struct coco_cbor *value);

/* The value of a key; false if item is no map or has no such key. */
bool coco_cbor_find(struct coco_cbor item, int64_t key, struct coco_cbor *ret);
bool coco_cbor_find_text(struct coco_cbor item, const char *key, struct coco_cbor *ret);

/* The same; COCO_ERR_PROTO, naming the key, if it is missing or its value of another type. */
coco_status coco_cbor_get(struct coco_cbor item, int64_t key, struct coco_cbor *ret,
                          coco_error **err);
coco_status coco_cbor_get_u64(struct coco_cbor item, int64_t key, uint64_t *ret, coco_error **err);
coco_status coco_cbor_get_i64(struct coco_cbor item, int64_t key, int64_t *ret, coco_error **err);
coco_status coco_cbor_get_bytes(struct coco_cbor item, int64_t key, struct coco_cbor_string *ret,
                                coco_error **err);
coco_status coco_cbor_get_text(struct coco_cbor item, int64_t key, struct coco_cbor_string *ret,
                               coco_error **err);

/* ---- writing ---- */

/*
 * Items are appended one after the other, and whether all of them were is asked
 * once: status is what the first failure was, and err was filled with it. An
 * array, a map or a tag is followed by what is in it. All is in its shortest form;
 * the order of keys is the caller's.
 *
 *     struct coco_cbor_writer w = coco_cbor_writer_of(buf, err);
 *     coco_cbor_put_map(&w, 1);
 *     coco_cbor_put_int(&w, 10);
 *     coco_cbor_put_bytes(&w, challenge, sizeof(challenge));
 *     return w.status;
 */
struct coco_cbor_writer {
    struct coco_buf *buf;
    coco_error **err;
    coco_status status;
};

struct coco_cbor_writer coco_cbor_writer_of(struct coco_buf *buf, coco_error **err);

void coco_cbor_put_u64(struct coco_cbor_writer *w, uint64_t value);
void coco_cbor_put_int(struct coco_cbor_writer *w, int64_t value);
void coco_cbor_put_bytes(struct coco_cbor_writer *w, const void *data, size_t len);
/* COCO_ERR_INVALID for what is not UTF-8. */
void coco_cbor_put_text(struct coco_cbor_writer *w, const void *text, size_t len);
void coco_cbor_put_string(struct coco_cbor_writer *w, const char *text);
void coco_cbor_put_array(struct coco_cbor_writer *w, size_t n);
void coco_cbor_put_map(struct coco_cbor_writer *w, size_t pairs);
void coco_cbor_put_tag(struct coco_cbor_writer *w, uint64_t tag);
void coco_cbor_put_null(struct coco_cbor_writer *w);
/* One that was checked, or written elsewhere. */
void coco_cbor_put_item(struct coco_cbor_writer *w, struct coco_cbor item);

#endif
