/*
 * base/cbor_get.c - what is in CBOR that was checked
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/cbor_head.h"

#include "base/fail.h"

#include <inttypes.h>
#include <string.h>

/* Past one item that was checked, and is of no open length. */
static struct coco_cbor
take(struct coco_reader *r)
{
    struct coco_reader whole = *r;
    uint64_t left = 1;
    struct coco_cbor_head head;

    for (; left > 0 && !r->exhausted; left--) {
        (void)coco_cbor_read_head(r, &head);
        if (head.major == COCO_CBOR_BYTES || head.major == COCO_CBOR_TEXT)
            coco_read_skip(r, (size_t)head.value);
        else if (head.major == COCO_CBOR_ARRAY)
            left += head.value;
        else if (head.major == COCO_CBOR_MAP)
            left += 2 * head.value;
        else if (head.major == COCO_CBOR_TAG)
            left++;
    }
    if (r->exhausted)
        return (struct coco_cbor){0};
    return (struct coco_cbor){.data = whole.data, .len = r->at - whole.at};
}

/* ---- what an item is ---- */

/* The head of item if it is of that type; r is behind it. */
static bool
head_is(struct coco_cbor item, enum coco_cbor_major major, struct coco_cbor_head *ret,
        struct coco_reader *r)
{
    *r = coco_reader_of(item.data, item.len);
    (void)coco_cbor_read_head(r, ret);
    return item.len > 0 && ret->major == major;
}

bool
coco_cbor_is_null(struct coco_cbor item)
{
    return item.len == 1 && item.data[0] == COCO_CBOR_NULL;
}

bool
coco_cbor_is_bool(struct coco_cbor item, bool *ret)
{
    if (item.len != 1 || (item.data[0] != COCO_CBOR_FALSE && item.data[0] != COCO_CBOR_TRUE))
        return false;
    *ret = item.data[0] == COCO_CBOR_TRUE;
    return true;
}

bool
coco_cbor_is_int(struct coco_cbor item, int64_t *ret)
{
    struct coco_reader r;
    struct coco_cbor_head head;
    bool is_uint = head_is(item, COCO_CBOR_UINT, &head, &r);

    if ((!is_uint && !head_is(item, COCO_CBOR_NEGATIVE, &head, &r)) || head.value > INT64_MAX)
        return false;
    *ret = is_uint ? (int64_t)head.value : -1 - (int64_t)head.value;
    return true;
}

coco_status
coco_cbor_u64(struct coco_cbor item, uint64_t *ret, coco_error **err)
{
    struct coco_reader r;
    struct coco_cbor_head head;

    if (!head_is(item, COCO_CBOR_UINT, &head, &r))
        return coco_fail(err, COCO_ERR_PROTO, "is no unsigned integer");
    *ret = head.value;
    return COCO_OK;
}

coco_status
coco_cbor_i64(struct coco_cbor item, int64_t *ret, coco_error **err)
{
    if (!coco_cbor_is_int(item, ret))
        return coco_fail(err, COCO_ERR_PROTO, "is no integer, or one out of range");
    return COCO_OK;
}

static bool
string_of(struct coco_cbor item, enum coco_cbor_major major, struct coco_cbor_string *ret)
{
    struct coco_reader r;
    struct coco_cbor_head head;

    if (!head_is(item, major, &head, &r))
        return false;
    *ret = (struct coco_cbor_string){.data = r.data, .len = r.len};
    return true;
}

bool
coco_cbor_is_bytes(struct coco_cbor item, struct coco_cbor_string *ret)
{
    return string_of(item, COCO_CBOR_BYTES, ret);
}

bool
coco_cbor_is_text(struct coco_cbor item, struct coco_cbor_string *ret)
{
    return string_of(item, COCO_CBOR_TEXT, ret);
}

coco_status
coco_cbor_bytes(struct coco_cbor item, struct coco_cbor_string *ret, coco_error **err)
{
    if (!string_of(item, COCO_CBOR_BYTES, ret))
        return coco_fail(err, COCO_ERR_PROTO, "is no byte string");
    return COCO_OK;
}

coco_status
coco_cbor_text(struct coco_cbor item, struct coco_cbor_string *ret, coco_error **err)
{
    if (!string_of(item, COCO_CBOR_TEXT, ret))
        return coco_fail(err, COCO_ERR_PROTO, "is no text");
    return COCO_OK;
}

bool
coco_cbor_tag(struct coco_cbor item, uint64_t *tag, struct coco_cbor *ret)
{
    struct coco_reader r;
    struct coco_cbor_head head;

    if (!head_is(item, COCO_CBOR_TAG, &head, &r))
        return false;
    *tag = head.value;
    *ret = (struct coco_cbor){.data = r.data, .len = r.len};
    return true;
}

coco_status
coco_cbor_untag(struct coco_cbor item, uint64_t tag, struct coco_cbor *ret, coco_error **err)
{
    struct coco_cbor content;
    uint64_t got = 0;

    if (!coco_cbor_tag(item, &got, &content) || got != tag)
        return coco_fail(err, COCO_ERR_PROTO, "has not the tag %" PRIu64, tag);
    *ret = content;
    return COCO_OK;
}

bool
coco_cbor_string_is(struct coco_cbor_string text, const char *that)
{
    size_t len = strlen(that);

    return text.len == len && (len == 0 || memcmp(text.data, that, len) == 0);
}

/* ---- what is in it ---- */

coco_status
coco_cbor_array(struct coco_cbor item, struct coco_cbor_items *ret, coco_error **err)
{
    struct coco_reader r;
    struct coco_cbor_head head;

    if (!head_is(item, COCO_CBOR_ARRAY, &head, &r))
        return coco_fail(err, COCO_ERR_PROTO, "is no array");
    *ret = (struct coco_cbor_items){.r = r, .left = head.value};
    return COCO_OK;
}

coco_status
coco_cbor_array_of(struct coco_cbor item, size_t n, struct coco_cbor_items *ret, coco_error **err)
{
    struct coco_cbor_items items;

    coco_status status = coco_cbor_array(item, &items, err);
    if (status != COCO_OK)
        return status;
    if (items.left != n)
        return coco_fail(err, COCO_ERR_PROTO, "is an array of %" PRIu64 ", not of %zu", items.left,
                         n);
    *ret = items;
    return COCO_OK;
}

static bool
map_of(struct coco_cbor item, struct coco_cbor_items *ret)
{
    struct coco_reader r;
    struct coco_cbor_head head;

    if (!head_is(item, COCO_CBOR_MAP, &head, &r))
        return false;
    *ret =
        (struct coco_cbor_items){.r = r, .left = head.value, .open = head.info == COCO_CBOR_OPEN};
    return true;
}

coco_status
coco_cbor_map(struct coco_cbor item, struct coco_cbor_items *ret, coco_error **err)
{
    if (!map_of(item, ret))
        return coco_fail(err, COCO_ERR_PROTO, "is no map");
    return COCO_OK;
}

bool
coco_cbor_next(struct coco_cbor_items *items, struct coco_cbor *ret)
{
    bool at_end =
        items->open ? items->r.len == 0 || items->r.data[0] == COCO_CBOR_BREAK : items->left == 0;

    if (at_end)
        return false;
    items->left--;
    *ret = take(&items->r);
    return ret->len > 0;
}

bool
coco_cbor_next_pair(struct coco_cbor_items *items, struct coco_cbor *key, struct coco_cbor *value)
{
    if (!coco_cbor_next(items, key))
        return false;
    *value = take(&items->r);
    return value->len > 0;
}

bool
coco_cbor_find(struct coco_cbor item, int64_t key, struct coco_cbor *ret)
{
    struct coco_cbor_items items;
    struct coco_cbor name;
    struct coco_cbor value;
    int64_t number = 0;

    if (!map_of(item, &items))
        return false;
    while (coco_cbor_next_pair(&items, &name, &value))
        if (coco_cbor_is_int(name, &number) && number == key) {
            *ret = value;
            return true;
        }
    return false;
}

bool
coco_cbor_find_text(struct coco_cbor item, const char *key, struct coco_cbor *ret)
{
    struct coco_cbor_string text;
    struct coco_cbor_items items;
    struct coco_cbor name;
    struct coco_cbor value;

    if (!map_of(item, &items))
        return false;
    while (coco_cbor_next_pair(&items, &name, &value))
        if (string_of(name, COCO_CBOR_TEXT, &text) && coco_cbor_string_is(text, key)) {
            *ret = value;
            return true;
        }
    return false;
}

coco_status
coco_cbor_get(struct coco_cbor item, int64_t key, struct coco_cbor *ret, coco_error **err)
{
    struct coco_cbor_items items;

    coco_status status = coco_cbor_map(item, &items, err);
    if (status != COCO_OK)
        return status;
    if (!coco_cbor_find(item, key, ret))
        return coco_fail(err, COCO_ERR_PROTO, "has no %" PRId64, key);
    return COCO_OK;
}

/* The getters of members differ in their type alone. */
#define DEFINE_GET(name, type)                                                                     \
    coco_status coco_cbor_get_##name(struct coco_cbor item, int64_t key,                           \
                                     type *ret, /* NOLINT(bugprone-macro-parentheses) */           \
                                     coco_error **err)                                             \
    {                                                                                              \
        struct coco_cbor value;                                                                    \
                                                                                                   \
        coco_status status = coco_cbor_get(item, key, &value, err);                                \
        if (status != COCO_OK)                                                                     \
            return status;                                                                         \
        status = coco_cbor_##name(value, ret, err);                                                \
        if (status != COCO_OK)                                                                     \
            return coco_wrap(err, status, "%" PRId64, key);                                        \
        return COCO_OK;                                                                            \
    }

DEFINE_GET(u64, uint64_t)
DEFINE_GET(i64, int64_t)
DEFINE_GET(bytes, struct coco_cbor_string)
DEFINE_GET(text, struct coco_cbor_string)
