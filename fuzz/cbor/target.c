/*
 * fuzz/cbor/target.c - CBOR
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/cbor.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void copy(struct coco_cbor_writer *w, struct coco_cbor item, size_t depth);

static void
copy_items(struct coco_cbor_writer *w, struct coco_cbor_items *items, size_t depth)
{
    struct coco_cbor item;

    while (coco_cbor_next(items, &item))
        copy(w, item, depth + 1);
}

/* Writes what was read, by what it is. */
static void
copy(struct coco_cbor_writer *w, struct coco_cbor item, size_t depth)
{
    struct coco_cbor_string string;
    struct coco_cbor_items items;
    struct coco_cbor content;
    uint64_t value = 0;
    int64_t number = 0;

    if (depth > COCO_CBOR_DEPTH_MAX)
        abort();
    if (coco_cbor_u64(item, &value, NULL) == COCO_OK) {
        coco_cbor_put_u64(w, value);
    } else if (coco_cbor_is_int(item, &number)) {
        coco_cbor_put_int(w, number);
    } else if (coco_cbor_bytes(item, &string, NULL) == COCO_OK) {
        coco_cbor_put_bytes(w, string.data, string.len);
    } else if (coco_cbor_text(item, &string, NULL) == COCO_OK) {
        coco_cbor_put_text(w, string.data, string.len);
    } else if (coco_cbor_array(item, &items, NULL) == COCO_OK) {
        coco_cbor_put_array(w, (size_t)items.left);
        copy_items(w, &items, depth);
    } else if (coco_cbor_map(item, &items, NULL) == COCO_OK) {
        coco_cbor_put_map(w, (size_t)items.left);
        items.left *= 2;
        copy_items(w, &items, depth);
    } else if (coco_cbor_tag(item, &value, &content)) {
        coco_cbor_put_tag(w, value);
        copy(w, content, depth + 1);
    } else {
        coco_cbor_put_item(w, item);
    }
}

/* Each key of a map is found, and only once. */
static void
find_keys(struct coco_cbor map)
{
    struct coco_cbor_items items;
    struct coco_cbor key;
    struct coco_cbor value;
    struct coco_cbor found;
    int64_t number = 0;

    if (coco_cbor_map(map, &items, NULL) != COCO_OK)
        return;
    while (coco_cbor_next_pair(&items, &key, &value))
        if (coco_cbor_is_int(key, &number)
            && (!coco_cbor_find(map, number, &found) || found.data != value.data))
            abort();
}

/* One item has one text: what is read and written again is what was there. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_buf_ struct coco_buf again = {.limit = COCO_CBOR_SIZE_MAX};
    struct coco_cbor item = {0};

    if (coco_cbor_parse_open_map(data, len, "fuzz", &item, NULL) == COCO_OK)
        find_keys(item);
    if (coco_cbor_parse_first(data, len, "fuzz", &item, NULL) != COCO_OK)
        return 0;
    struct coco_cbor_writer w = coco_cbor_writer_of(&again, NULL);
    copy(&w, item, 0);
    if (w.status != COCO_OK || again.len != item.len
        || memcmp(again.data, item.data, item.len) != 0)
        abort();
    find_keys(item);
    return 0;
}
