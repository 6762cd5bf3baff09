/*
 * tee/se_request.h - the control block of a request to IBM Secure Execution
 *
 * What an ultravisor needs to answer, encrypted so that only that of a machine
 * with one of some host keys can read it (s390-tools, rust/pv, "ARCB").
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_SE_REQUEST_H
#define COCO_TEE_SE_REQUEST_H

#include "crypto/key.h"
#include "tee/se.h"

#define COCO_SE_SLOTS_MAX 64
/* x and y of a key on P-521, big-endian, 80 bytes each */
#define COCO_SE_POINT_SIZE ((size_t)160)
#define COCO_SE_IV_SIZE ((size_t)12)
#define COCO_SE_GCM_TAG_SIZE ((size_t)16)
#define COCO_SE_REQUEST_KEY_SIZE ((size_t)32)

/* What is asked for, in the order of IBM's bits: 0 is the highest. */
#define COCO_SE_FLAG_NONCE (1ULL << 62)
#define COCO_SE_FLAG_IMAGE_PHKH (1ULL << 61)
#define COCO_SE_FLAG_ATTESTATION_PHKH (1ULL << 60)

/* What is encrypted, and the key that it is encrypted with. */
struct coco_se_secrets {
    struct coco_secret request_key; /* ARPK */
    struct coco_secret measurement_key;
    struct coco_secret nonce;
};

void coco_se_secrets_done(struct coco_se_secrets *secrets);
#define _cleanup_se_secrets_ _cleanup_(coco_se_secrets_done)

/* The request key, for one host. */
struct coco_se_slot {
    uint8_t host[COCO_SE_PHKH_SIZE];
    uint8_t wrapped[COCO_SE_REQUEST_KEY_SIZE];
    uint8_t tag[COCO_SE_GCM_TAG_SIZE];
};

struct coco_se_block {
    uint8_t iv[COCO_SE_IV_SIZE];
    uint64_t flags;
    uint8_t customer[COCO_SE_POINT_SIZE];
    struct coco_se_slot slots[COCO_SE_SLOTS_MAX];
    size_t slot_count;
    uint8_t sealed[COCO_SE_KEY_SIZE + COCO_SE_NONCE_SIZE];
    uint8_t tag[COCO_SE_GCM_TAG_SIZE];
};

coco_status coco_se_block_parse(const void *data, size_t len, struct coco_se_block *ret,
                                coco_error **err);
coco_status coco_se_block_format(const struct coco_se_block *block, struct coco_buf *buf,
                                 coco_error **err);

/* By which a host is told in a slot, and in what the ultravisor answers. */
coco_status coco_se_host_hash(const EVP_PKEY *host, uint8_t ret[COCO_SE_PHKH_SIZE],
                              coco_error **err);

/*
 * Makes a block for hosts, public keys on P-521, that asks for a nonce and for both
 * hashes. customer is a key made for this one request; never use an iv twice with a
 * request key.
 */
coco_status coco_se_block_seal(EVP_PKEY *customer, EVP_PKEY *const *hosts, size_t host_count,
                               const struct coco_se_secrets *secrets,
                               const uint8_t iv[COCO_SE_IV_SIZE], struct coco_se_block *ret,
                               coco_error **err);

/*
 * Opens it, as the ultravisor does with the private key of host, or as who made it
 * with that of the customer, which is then own. COCO_ERR_NOTFOUND without a slot for
 * host, COCO_ERR_VERIFY where something was changed.
 */
coco_status coco_se_block_open(const struct coco_se_block *block, EVP_PKEY *own, EVP_PKEY *host,
                               struct coco_se_secrets *ret, coco_error **err);

#endif
