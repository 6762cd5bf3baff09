/*
 * base/base64.h - base64 and base64url
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_BASE64_H
#define COCO_BASE_BASE64_H

#include "base/buf.h"

enum coco_base64 {
    COCO_BASE64,    /* RFC 4648 section 4, with padding */
    COCO_BASE64URL, /* RFC 4648 section 5, without padding, as JOSE has it (RFC 7515 section 2) */
    COCO_BASE64URL_PADDED, /* RFC 4648 section 5, with padding, as evidence of Azure has it */
};

/* Appends the encoded form of data to buf. */
coco_status coco_base64_encode(enum coco_base64 kind, const void *data, size_t len,
                               struct coco_buf *buf, coco_error **err);

/*
 * Appends what text stands for to buf.
 *
 * COCO_ERR_PROTO for a byte outside the alphabet (white space too), padding that
 * is missing or not allowed, and bits that are not 0 behind the last byte: one
 * value has one text, so nothing signed can be changed unnoticed.
 */
coco_status coco_base64_decode(enum coco_base64 kind, const char *text, size_t len,
                               struct coco_buf *buf, coco_error **err);

/*
 * The same of COCO_BASE64 with line ends (CR, LF) wherever they are, as base64(1) and sigstore-rs
 * write it and Go's encoding/base64 reads it. For what is not signed as text.
 */
coco_status coco_base64_decode_lines(const char *text, size_t len, struct coco_buf *buf,
                                     coco_error **err);

#endif
