/*
 * crypto/mac.h - HMAC, and AES in counter mode, of short messages
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_MAC_H
#define COCO_CRYPTO_MAC_H

#include "base/secret.h"

#include <openssl/evp.h>

#define COCO_HMAC_SIZE_MAX ((size_t)64)
#define COCO_AES128_SIZE ((size_t)16) /* of a key and of a counter */

/* Stores as many bytes as md has; a key of any length. */
coco_status coco_hmac(const EVP_MD *md, const struct coco_secret *key, const void *data, size_t len,
                      uint8_t *ret, coco_error **err);

/* Encrypts or decrypts, which is the same, len bytes of data to ret, which may be data. */
coco_status coco_aes128_ctr(const struct coco_secret *key, const uint8_t iv[COCO_AES128_SIZE],
                            const void *data, size_t len, uint8_t *ret, coco_error **err);

#endif
