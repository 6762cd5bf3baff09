/*
 * crypto/keywrap.h - wrapping keys: RSA, AES key wrap, ECDH-ES (RFC 7518 section 4)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_KEYWRAP_H
#define COCO_CRYPTO_KEYWRAP_H

#include "base/secret.h"
#include "crypto/key.h"

#define COCO_KEK_SIZE 32

/* What both sides of a key agreement mix in (RFC 7518 section 4.6.2). */
struct coco_agreement {
    const char *alg;
    const struct coco_buf *apu; /* or NULL for none, which is the same as empty */
    const struct coco_buf *apv; /* the same */
    size_t key_size;            /* of the result, in bytes */
};

/* The Concat KDF with SHA-256 over the shared secret z. */
coco_status coco_concat_kdf(const struct coco_secret *z, const struct coco_agreement *agreement,
                            struct coco_secret *ret, coco_error **err);

/*
 * The bare secret (the x of the shared point) of own and peer, which must be on one curve.
 * Each was read or made by a function of key.h, jwk.h or ecdsa.h, which looked at its point.
 */
coco_status coco_ecdh(EVP_PKEY *own, EVP_PKEY *peer, struct coco_secret *ret, coco_error **err);

/* ECDH of own and peer, which must be on one curve, then the Concat KDF. */
coco_status coco_ecdh_es(EVP_PKEY *own, EVP_PKEY *peer, const struct coco_agreement *agreement,
                         struct coco_secret *ret, coco_error **err);

/* RSAES-OAEP; md is used for the label and for MGF1. */
coco_status coco_oaep_wrap(EVP_PKEY *key, const EVP_MD *md, const struct coco_secret *secret,
                           struct coco_buf *buf, coco_error **err);
coco_status coco_oaep_unwrap(EVP_PKEY *key, const EVP_MD *md, const struct coco_buf *wrapped,
                             struct coco_secret *ret, coco_error **err);

/*
 * RSAES-PKCS1-v1_5, which only peers of the KBS protocol 0.1 still use. What does
 * not open to size bytes is a random secret: that it did not would tell whoever
 * may ask often enough what is in it (RFC 3218 section 2.3.2).
 */
coco_status coco_pkcs1_wrap(EVP_PKEY *key, const struct coco_secret *secret, struct coco_buf *buf,
                            coco_error **err);
coco_status coco_pkcs1_unwrap(EVP_PKEY *key, const struct coco_buf *wrapped, size_t size,
                              struct coco_secret *ret, coco_error **err);

/* RFC 3394 with a kek of 16, 24 or COCO_KEK_SIZE bytes; secret is a multiple of 8 bytes. */
coco_status coco_aes_wrap(const struct coco_secret *kek, const struct coco_secret *secret,
                          struct coco_buf *buf, coco_error **err);
coco_status coco_aes_unwrap(const struct coco_secret *kek, const struct coco_buf *wrapped,
                            struct coco_secret *ret, coco_error **err);

#endif
