/*
 * crypto/ecdsa.h - ECDSA as formats other than DER have it
 *
 * Numbers are big-endian and of the length that the key's field has: 32 bytes on
 * P-256, 48 on P-384, 66 on P-521.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_ECDSA_H
#define COCO_CRYPTO_ECDSA_H

#include "base/digest.h"
#include "crypto/key.h"

#define COCO_EC_SIZE_MAX ((size_t)66)

/* Bytes of a coordinate, and of r and s; 0 for a key that is not EC. */
size_t coco_ec_size(enum coco_key_kind kind);

/* The public key at x || y, coco_ec_size(kind) bytes each; COCO_ERR_PROTO unless on the curve. */
coco_status coco_ec_key_from_point(enum coco_key_kind kind, const uint8_t *point, EVP_PKEY **ret,
                                   coco_error **err);

/* Appends x || y of an EC key. */
coco_status coco_ec_key_point(const EVP_PKEY *key, struct coco_buf *buf, coco_error **err);

/* Appends r || s, the signature of data, with the SHA-2 that fits the key. */
coco_status coco_ecdsa_sign(EVP_PKEY *key, const void *data, size_t len, struct coco_buf *buf,
                            coco_error **err);

/* COCO_ERR_VERIFY if sig is not r || s of key's signature of data. */
coco_status coco_ecdsa_verify(EVP_PKEY *key, const void *data, size_t len, const uint8_t *sig,
                              size_t sig_len, coco_error **err);

/* The same with a hash that the format names. */
coco_status coco_ecdsa_sign_with(EVP_PKEY *key, enum coco_hash_alg alg, const void *data,
                                 size_t len, struct coco_buf *buf, coco_error **err);
coco_status coco_ecdsa_verify_with(EVP_PKEY *key, enum coco_hash_alg alg, const void *data,
                                   size_t len, const uint8_t *sig, size_t sig_len,
                                   coco_error **err);

/* Appends a signature r || s as DER; COCO_ERR_PROTO for one that is not as long as key's are. */
coco_status coco_ecdsa_to_der(const EVP_PKEY *key, const uint8_t *sig, size_t sig_len,
                              struct coco_buf *buf, coco_error **err);

#endif
