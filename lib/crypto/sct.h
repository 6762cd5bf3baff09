/*
 * crypto/sct.h - what a log of certificates promised when one was made (RFC 6962 section 3)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_SCT_H
#define COCO_CRYPTO_SCT_H

#include "crypto/cert.h"
#include "crypto/key.h"

/* A log: its public key, and the SHA-256 of its SubjectPublicKeyInfo, by which it is named. */
struct coco_ct_log {
    EVP_PKEY *key;
    uint8_t id[32];
};

/*
 * COCO_ERR_VERIFY unless one of the logs signed that it has seen cert, without the promise,
 * from issuer; COCO_ERR_NOTFOUND for a certificate without one, COCO_ERR_PROTO for a list that
 * cannot be read. *time, seconds since 1970, is when.
 */
coco_status coco_sct_check(X509 *cert, X509 *issuer, const struct coco_ct_log *logs, size_t n,
                           int64_t *time, coco_error **err);

#endif
