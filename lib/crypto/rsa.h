/*
 * crypto/rsa.h - RSA as formats other than X.509 and JOSE have it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_RSA_H
#define COCO_CRYPTO_RSA_H

#include "base/digest.h"
#include "base/secret.h"
#include "crypto/key.h"

/* The public key of two big-endian numbers, checked as coco_key_check() does. */
coco_status coco_rsa_key_from_numbers(const uint8_t *modulus, size_t modulus_len,
                                      const uint8_t *exponent, size_t exponent_len, EVP_PKEY **ret,
                                      coco_error **err);

/* RSASSA-PSS with a salt as long as the hash, which is that of MGF1, too. */
coco_status coco_rsa_pss_sign(EVP_PKEY *key, enum coco_hash_alg alg, const void *data, size_t len,
                              struct coco_buf *buf, coco_error **err);
/* COCO_ERR_VERIFY if sig is not key's signature of data. */
coco_status coco_rsa_pss_verify(EVP_PKEY *key, enum coco_hash_alg alg, const void *data, size_t len,
                                const uint8_t *sig, size_t sig_len, coco_error **err);

/* RSAES-PKCS1-v1_5, for nothing but what is told no other way. */
coco_status coco_rsa_pkcs1_wrap(EVP_PKEY *key, const struct coco_secret *secret,
                                struct coco_buf *buf, coco_error **err);
/*
 * COCO_ERR_VERIFY unless len bytes come out. Who sends the wrapped bytes must not
 * learn more than that (RFC 8017 section 7.2.2, note).
 */
coco_status coco_rsa_pkcs1_unwrap(EVP_PKEY *key, const struct coco_buf *wrapped, size_t len,
                                  struct coco_secret *ret, coco_error **err);

#endif
