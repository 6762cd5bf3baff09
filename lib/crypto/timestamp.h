/*
 * crypto/timestamp.h - tokens of time-stamping authorities (RFC 3161)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_TIMESTAMP_H
#define COCO_CRYPTO_TIMESTAMP_H

#include "crypto/cert.h"

#define COCO_TIMESTAMP_SIZE_MAX ((size_t)64 << 10)

/* What an authority says: when, and how far the time may be off, both in seconds. */
struct coco_timestamp {
    int64_t time, accuracy;
};

/*
 * When the authority saw data, since 1970: of a token, or a reply that has one, whose signer's
 * certificate leads to one of anchors and was valid then. The certificates may be in the token or
 * among anchors. The accuracy is rounded up, and a second where the policy is that of ETSI's.
 *
 * COCO_ERR_PROTO for what is none, COCO_ERR_LIMIT, COCO_ERR_NOTSUP for a hash other than SHA-2,
 * COCO_ERR_VERIFY for other data and other signers.
 */
coco_status coco_timestamp_check(const void *token, size_t len, const void *data, size_t data_len,
                                 const struct coco_cert_chain *anchors, struct coco_timestamp *ret,
                                 coco_error **err);

#endif
