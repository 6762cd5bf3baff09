/*
 * crypto/pem.h - blocks of PEM texts (RFC 7468)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_PEM_H
#define COCO_CRYPTO_PEM_H

#include "base/cleanup.h"

#include <coco/error.h>
#include <openssl/bio.h>
#include <stdbool.h>
#include <stdint.h>

/* A text that is read block by block. Lends it. */
struct coco_pem_reader {
    BIO *bio;
};

/* COCO_ERR_NOMEM. len is at most INT_MAX, which the caller has seen to. */
coco_status coco_pem_begin(const void *text, size_t len, struct coco_pem_reader *ret,
                           coco_error **err);
void coco_pem_end(struct coco_pem_reader *reader);
#define _cleanup_pem_reader_ _cleanup_(coco_pem_end)

/* One block; it may hold a key, so that its bytes are wiped. */
struct coco_pem_block {
    char *label;  /* "CERTIFICATE" */
    char *header; /* of RFC 1421, as "Proc-Type: …"; mostly empty */
    uint8_t *der;
    size_t len;
};

void coco_pem_block_done(struct coco_pem_block *block);
#define _cleanup_pem_block_ _cleanup_(coco_pem_block_done)

/* The next block, whatever stands in front of it; false where there is none that can be read. */
bool coco_pem_next(struct coco_pem_reader *reader, struct coco_pem_block *ret);

/* Whether nothing but spaces and line ends is left behind the last. */
bool coco_pem_is_over(struct coco_pem_reader *reader);

#endif
