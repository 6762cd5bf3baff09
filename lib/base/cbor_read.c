/*
 * base/cbor_read.c - the strict reader of CBOR
 *
 * One pass without recursion checks all of a text; each map is gone through once
 * more for its keys when it closes. What looks into it afterwards need not check
 * anything again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/cbor_head.h"

#include "base/fail.h"
#include "base/text.h"

#include <string.h>

bool
coco_cbor_read_head(struct coco_reader *r, struct coco_cbor_head *ret)
{
    uint8_t first = coco_read_u8(r);
    bool shortest = true;

    *ret =
        (struct coco_cbor_head){.major = first >> 5, .info = first & 0x1f, .value = first & 0x1f};
    switch (ret->info) {
    case 24:
        ret->value = coco_read_u8(r);
        shortest = ret->value >= 24;
        break;
    case 25:
        ret->value = coco_read_u16be(r);
        shortest = ret->value > UINT8_MAX;
        break;
    case 26:
        ret->value = coco_read_u32be(r);
        shortest = ret->value > UINT16_MAX;
        break;
    case 27:
        ret->value = coco_read_u64be(r);
        shortest = ret->value > UINT32_MAX;
        break;
    default:
        break;
    }
    return shortest;
}

/* An array, a map or a tag that is not at its end. */
struct level {
    const uint8_t *start;
    bool is_map;
    bool open;     /* until a break comes */
    uint64_t left; /* items; of an open one, those that came */
};

struct checker {
    struct coco_reader r;
    const char *what;
    coco_error **err;
    struct level levels[COCO_CBOR_DEPTH_MAX];
    size_t depth;
};

static coco_status
refuse(const struct checker *c, const char *why)
{
    return coco_fail(c->err, COCO_ERR_PROTO, "%s: %s at byte %zu", c->what, why, c->r.at);
}

static int
compare(struct coco_cbor a, struct coco_cbor b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return memcmp(a.data, b.data, a.len);
}

/* Puts key among the n sorted keys; false if it is there. */
static bool
insert(struct coco_cbor *keys, size_t n, struct coco_cbor key)
{
    size_t low = 0;
    size_t high = n;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare(keys[middle], key);

        if (order == 0)
            return false;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(keys + low + 1, keys + low, (n - low) * sizeof(*keys));
    keys[low] = key;
    return true;
}

static coco_status
check_keys(const struct checker *c, struct coco_cbor map)
{
    struct coco_cbor keys[COCO_CBOR_PAIRS_MAX];
    struct coco_cbor_items items;
    struct coco_cbor value;
    size_t n = 0;

    coco_status status = coco_cbor_map(map, &items, c->err);
    if (status != COCO_OK)
        return status;
    for (struct coco_cbor key; coco_cbor_next_pair(&items, &key, &value); n++) {
        if (n == COCO_CBOR_PAIRS_MAX)
            return coco_fail(c->err, COCO_ERR_LIMIT, "%s: map of more than %d pairs", c->what,
                             COCO_CBOR_PAIRS_MAX);
        if (!insert(keys, n, key))
            return refuse(c, "the same key twice in the map that ends");
    }
    return COCO_OK;
}

static coco_status
check_string(struct checker *c, const struct coco_cbor_head *head)
{
    const uint8_t *piece;

    if (head->value > c->r.len)
        return refuse(c, "string longer than what is left");
    piece = coco_read_piece(&c->r, (size_t)head->value);
    if (head->major == COCO_CBOR_TEXT && !coco_utf8_valid(piece, (size_t)head->value))
        return refuse(c, "text that is not UTF-8");
    return COCO_OK;
}

/* false, true, null and undefined; half, single and double precision. */
static coco_status
check_simple(const struct checker *c, const struct coco_cbor_head *head)
{
    if (head->info < 20 || head->info == 24)
        return refuse(c, "simple value without a meaning");
    return COCO_OK;
}

static coco_status
open_level(struct checker *c, const struct coco_cbor_head *head, const uint8_t *start)
{
    bool is_map = head->major == COCO_CBOR_MAP;
    uint64_t n = head->major == COCO_CBOR_TAG ? 1 : head->value;

    if (c->depth == COCO_CBOR_DEPTH_MAX)
        return coco_fail(c->err, COCO_ERR_LIMIT, "%s: more than %d levels", c->what,
                         COCO_CBOR_DEPTH_MAX);
    /* Each item has a byte: more of them than there are bytes cannot be there. */
    if (n > (is_map ? c->r.len / 2 : c->r.len))
        return refuse(c, "more items than what is left can hold");
    c->levels[c->depth++] = (struct level){
        .start = start,
        .is_map = is_map,
        .left = is_map ? 2 * n : n,
    };
    return COCO_OK;
}

/* One head, and what it is of where that is no item itself. */
static coco_status
check_head(struct checker *c)
{
    const uint8_t *start = c->r.data;
    struct coco_cbor_head head;

    bool shortest = coco_cbor_read_head(&c->r, &head);
    if (c->r.exhausted)
        return coco_reader_check(&c->r, c->what, c->err);
    if (head.info > 27)
        return refuse(c, "open or unknown length");
    if (!shortest && head.major != COCO_CBOR_SIMPLE)
        return refuse(c, "longer form of a number");

    switch (head.major) {
    case COCO_CBOR_BYTES:
    case COCO_CBOR_TEXT:
        return check_string(c, &head);
    case COCO_CBOR_ARRAY:
    case COCO_CBOR_MAP:
    case COCO_CBOR_TAG:
        return open_level(c, &head, start);
    case COCO_CBOR_SIMPLE:
        return check_simple(c, &head);
    default:
        return COCO_OK;
    }
}

/* Closes what has come to its end. */
static coco_status
close_levels(struct checker *c)
{
    while (c->depth > 0) {
        struct level *level = &c->levels[c->depth - 1];

        if (level->open && c->r.len > 0 && c->r.data[0] == COCO_CBOR_BREAK) {
            if (level->left % 2 != 0)
                return refuse(c, "key without a value");
            coco_read_skip(&c->r, 1);
        } else if (level->open || level->left > 0) {
            return COCO_OK;
        }
        struct coco_cbor whole = {level->start, (size_t)(c->r.data - level->start)};
        coco_status status = level->is_map ? check_keys(c, whole) : COCO_OK;
        if (status != COCO_OK)
            return status;
        c->depth--;
    }
    return COCO_OK;
}

/* The items of the innermost level one by one, until none is left open. */
static coco_status
check_items(struct checker *c)
{
    coco_status status = COCO_OK;

    do {
        if (c->depth > 0) {
            struct level *level = &c->levels[c->depth - 1];

            level->left += level->open ? 1 : UINT64_MAX; /* counts up, or down */
        }
        status = check_head(c);
        if (status == COCO_OK)
            status = close_levels(c);
    } while (status == COCO_OK && c->depth > 0);
    return status;
}

static coco_status
check(struct checker *c, struct coco_cbor *ret)
{
    const uint8_t *start = c->r.data;

    if (c->r.len > COCO_CBOR_SIZE_MAX)
        return coco_fail(c->err, COCO_ERR_LIMIT, "%s: more than %zu bytes", c->what,
                         COCO_CBOR_SIZE_MAX);
    coco_status status = check_items(c);
    if (status == COCO_OK)
        *ret = (struct coco_cbor){.data = start, .len = c->r.at};
    return status;
}

coco_status
coco_cbor_parse_first(const void *data, size_t len, const char *what, struct coco_cbor *ret,
                      coco_error **err)
{
    struct checker c = {.r = coco_reader_of(data, len), .what = what, .err = err};

    return check(&c, ret);
}

static coco_status
check_whole(struct checker *c, struct coco_cbor *ret)
{
    struct coco_cbor item = {0};

    coco_status status = check(c, &item);
    if (status == COCO_OK)
        status = coco_reader_finish(&c->r, c->what, c->err);
    if (status == COCO_OK)
        *ret = item;
    return status;
}

coco_status
coco_cbor_parse(const void *data, size_t len, const char *what, struct coco_cbor *ret,
                coco_error **err)
{
    struct checker c = {.r = coco_reader_of(data, len), .what = what, .err = err};

    return check_whole(&c, ret);
}

coco_status
coco_cbor_parse_open_map(const void *data, size_t len, const char *what, struct coco_cbor *ret,
                         coco_error **err)
{
    struct checker c = {.r = coco_reader_of(data, len), .what = what, .err = err};
    const uint8_t open = COCO_CBOR_MAP << 5 | COCO_CBOR_OPEN;
    struct coco_cbor item = {0};

    if (len == 0 || *(const uint8_t *)data != open)
        return check_whole(&c, ret);
    c.levels[c.depth++] = (struct level){.start = data, .is_map = true, .open = true};
    coco_read_skip(&c.r, 1);
    coco_status status = close_levels(&c);
    if (status == COCO_OK && c.depth > 0)
        status = check(&c, &item);
    if (status == COCO_OK)
        status = coco_reader_finish(&c.r, what, err);
    if (status == COCO_OK)
        *ret = (struct coco_cbor){.data = data, .len = len};
    return status;
}
