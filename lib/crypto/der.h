/*
 * crypto/der.h - what DER is made of (X.690): for what X.509 libraries do not know
 *
 * Reading is as base/reader.h has it: what does not fit exhausts the reader, and is asked
 * for once, at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_DER_H
#define COCO_CRYPTO_DER_H

#include "base/buf.h"
#include "base/reader.h"

enum coco_der_tag {
    COCO_DER_BOOLEAN = 0x01,
    COCO_DER_INTEGER = 0x02,
    COCO_DER_OCTETS = 0x04,
    COCO_DER_NULL = 0x05,
    COCO_DER_OID = 0x06,
    COCO_DER_ENUMERATED = 0x0a,
    COCO_DER_SEQUENCE = 0x30,
    COCO_DER_SET = 0x31,
};

/* The context's own tag n, of a value or of what is made of others. */
#define COCO_DER_OWN(n) (0x80 | (n))
#define COCO_DER_OWN_MADE(n) (0xa0 | (n))

/*
 * What is inside the next element, which has tag and at most 64 KiB; an exhausted reader, and
 * r too, if not.
 */
struct coco_reader coco_der_read(struct coco_reader *r, uint8_t tag);

/* Whether the next element has tag; nothing is read. */
bool coco_der_is_next(const struct coco_reader *r, uint8_t tag);

/* Whether a value that was read is exactly those bytes. */
bool coco_der_is(const struct coco_reader *value, const void *bytes, size_t len);

/* All of the next element, head included. */
struct coco_reader coco_der_read_any(struct coco_reader *r, uint8_t tag);

/* Whether the next element is exactly those bytes, which are passed over; else r is exhausted. */
bool coco_der_read_expected(struct coco_reader *r, uint8_t tag, const void *bytes, size_t len);

/* Appends an element; COCO_ERR_LIMIT above 64 KiB. */
coco_status coco_der_write(struct coco_buf *buf, uint8_t tag, const void *data, size_t len,
                           coco_error **err);

#endif
