/*
 * base/cbor_head.h - the first bytes of an item of CBOR (RFC 8949 section 3)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_CBOR_HEAD_H
#define COCO_BASE_CBOR_HEAD_H

#include "base/cbor.h"

/* RFC 8949 section 3.1 */
enum coco_cbor_major {
    COCO_CBOR_UINT = 0,
    COCO_CBOR_NEGATIVE = 1,
    COCO_CBOR_BYTES = 2,
    COCO_CBOR_TEXT = 3,
    COCO_CBOR_ARRAY = 4,
    COCO_CBOR_MAP = 5,
    COCO_CBOR_TAG = 6,
    COCO_CBOR_SIMPLE = 7,
};

#define COCO_CBOR_FALSE 0xf4
#define COCO_CBOR_TRUE 0xf5
#define COCO_CBOR_NULL 0xf6
#define COCO_CBOR_OPEN 31 /* the argument of what ends with a break */
#define COCO_CBOR_BREAK 0xff

struct coco_cbor_head {
    enum coco_cbor_major major;
    uint8_t info;
    uint64_t value;
};

/* Reads a head; whether its argument is as short as it can be. */
bool coco_cbor_read_head(struct coco_reader *r, struct coco_cbor_head *ret);

/* Writes the shortest head to buf; its length. */
size_t coco_cbor_make_head(enum coco_cbor_major major, uint64_t value, uint8_t buf[9]);

#endif
