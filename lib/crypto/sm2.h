/*
 * crypto/sm2.h - signatures of SM2 with SM3 (GB/T 32918, GB/T 32905)
 *
 * Numbers are big-endian and have 32 bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_SM2_H
#define COCO_CRYPTO_SM2_H

#include "base/buf.h"
#include "crypto/key.h"

#define COCO_SM2_SIZE ((size_t)32)
#define COCO_SM3_SIZE ((size_t)32)

/* Whose signature it is goes into it. */
struct coco_sm2_id {
    const uint8_t *data;
    size_t len;
};

/* The public key at x || y; COCO_ERR_PROTO unless on the curve. */
coco_status coco_sm2_key_from_point(const uint8_t point[2 * COCO_SM2_SIZE], EVP_PKEY **ret,
                                    coco_error **err);
/* Stores x || y. */
coco_status coco_sm2_key_point(const EVP_PKEY *key, uint8_t ret[2 * COCO_SM2_SIZE],
                               coco_error **err);
coco_status coco_sm2_generate(EVP_PKEY **ret, coco_error **err);

/* Stores r || s. */
coco_status coco_sm2_sign(EVP_PKEY *key, const struct coco_sm2_id *id, const void *data, size_t len,
                          uint8_t ret[2 * COCO_SM2_SIZE], coco_error **err);
/* COCO_ERR_VERIFY if sig is not r || s of key's signature of data. */
coco_status coco_sm2_verify(EVP_PKEY *key, const struct coco_sm2_id *id, const void *data,
                            size_t len, const uint8_t sig[2 * COCO_SM2_SIZE], coco_error **err);

#endif
