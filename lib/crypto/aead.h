/*
 * crypto/aead.h - AES-GCM for short messages
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_AEAD_H
#define COCO_CRYPTO_AEAD_H

#include "base/buf.h"
#include "base/secret.h"

#define COCO_AEAD_KEY_SIZE 32
#define COCO_AEAD_IV_SIZE 12
#define COCO_AEAD_TAG_SIZE 16

/* Appends ciphertext and stores the tag. The iv must never be used twice with one key. */
coco_status coco_aead_seal(const uint8_t key[COCO_AEAD_KEY_SIZE],
                           const uint8_t iv[COCO_AEAD_IV_SIZE], const struct coco_buf *aad,
                           const void *data, size_t len, struct coco_buf *ciphertext,
                           uint8_t tag[COCO_AEAD_TAG_SIZE], coco_error **err);

/* COCO_ERR_VERIFY "authentication failed", and nothing in *ret, unless the tag is right. */
coco_status coco_aead_open(const uint8_t key[COCO_AEAD_KEY_SIZE],
                           const uint8_t iv[COCO_AEAD_IV_SIZE], const struct coco_buf *aad,
                           const void *ciphertext, size_t len,
                           const uint8_t tag[COCO_AEAD_TAG_SIZE], struct coco_secret *ret,
                           coco_error **err);

/* What both sides of a message have. */
struct coco_gcm {
    const struct coco_secret *key; /* 16, 24 or 32 bytes */
    const uint8_t *iv;             /* COCO_AEAD_IV_SIZE */
    const struct coco_buf *aad;    /* or NULL */
};

/* The same with a key of any size that AES has; COCO_ERR_INVALID for another. */
coco_status coco_gcm_seal(const struct coco_gcm *gcm, const void *data, size_t len,
                          struct coco_buf *ciphertext, uint8_t tag[COCO_AEAD_TAG_SIZE],
                          coco_error **err);
coco_status coco_gcm_open(const struct coco_gcm *gcm, const void *ciphertext, size_t len,
                          const uint8_t tag[COCO_AEAD_TAG_SIZE], struct coco_secret *ret,
                          coco_error **err);

/* RFC 5869 with SHA-256: one purpose, one key. */
coco_status coco_hkdf(const struct coco_secret *key, const char *info, size_t len,
                      struct coco_secret *ret, coco_error **err);

#endif
