/*
 * crypto/key.h - asymmetric keys
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_KEY_H
#define COCO_CRYPTO_KEY_H

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "base/secret.h"

#include <openssl/evp.h>

COCO_DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);
#define _cleanup_pkey_ _cleanup_(EVP_PKEY_freep)

enum coco_key_kind {
    COCO_KEY_P256 = 1,
    COCO_KEY_P384,
    COCO_KEY_P521,
    COCO_KEY_RSA, /* 2048 bits where we make it; 2048 to 8192 where we read it */
    COCO_KEY_ED25519,
};

coco_status coco_key_generate(enum coco_key_kind kind, EVP_PKEY **ret, coco_error **err);

/* Another EC key on the curve of key, whose group is taken over: making that anew costs more. */
coco_status coco_key_generate_like(EVP_PKEY *key, EVP_PKEY **ret, coco_error **err);

/* COCO_ERR_NOTSUP for any other kind, and for RSA outside 2048 to 8192 bits. */
coco_status coco_key_kind_of(const EVP_PKEY *key, enum coco_key_kind *ret, coco_error **err);

/*
 * COCO_ERR_PROTO unless a key from outside is what it says: an EC point on its
 * curve, with its private half if is_private; RSA with an odd modulus and an odd
 * exponent of 3 or more. Errors of coco_key_kind_of() besides.
 */
coco_status coco_key_check(EVP_PKEY *key, bool is_private, coco_error **err);

/*
 * Reads a private key: PEM or DER of PKCS#8, PKCS#1 or SEC 1, or a private JWK.
 * The key is checked. No password: an encrypted key is COCO_ERR_NOTSUP. COCO_ERR_PROTO if it is no
 * key at all.
 */
coco_status coco_key_parse_private(const void *data, size_t len, EVP_PKEY **ret, coco_error **err);

/* Passwords to try a key with that is under one; each a secret without a NUL. */
struct coco_key_passwords {
    const struct coco_secret *list; /* lent */
    size_t n;
};

/*
 * The same for a key that may be under one of the passwords, by PKCS#8, in the old way of PEM, or
 * as cosign keeps it: COCO_ERR_DENIED where none of them opens it, COCO_ERR_NOTSUP where there are
 * none.
 */
coco_status coco_key_parse_locked(const void *data, size_t len,
                                  const struct coco_key_passwords *passwords, EVP_PKEY **ret,
                                  coco_error **err);

/*
 * Reads a public key: PEM or DER of SubjectPublicKeyInfo, PKCS#1 or an X.509
 * certificate (whose validity is not looked at), or a JWK.
 */
coco_status coco_key_parse_public(const void *data, size_t len, EVP_PKEY **ret, coco_error **err);

coco_status coco_key_private_pem(const EVP_PKEY *key, struct coco_buf *buf, coco_error **err);
coco_status coco_key_public_pem(const EVP_PKEY *key, struct coco_buf *buf, coco_error **err);
coco_status coco_key_public_der(const EVP_PKEY *key, struct coco_buf *buf, coco_error **err);

/* ECDSA (DER), RSASSA-PKCS1-v1_5 or Ed25519 over data, with the SHA-2 that fits the key. */
coco_status coco_key_sign(EVP_PKEY *key, const void *data, size_t len, struct coco_buf *buf,
                          coco_error **err);
/* COCO_ERR_VERIFY if sig is not key's signature of data. */
coco_status coco_key_verify(EVP_PKEY *key, const void *data, size_t len, const void *sig,
                            size_t sig_len, coco_error **err);

/* The same with another digest; NULL for the one that fits. */
coco_status coco_key_sign_with(EVP_PKEY *key, const EVP_MD *md, const void *data, size_t len,
                               struct coco_buf *buf, coco_error **err);
coco_status coco_key_verify_with(EVP_PKEY *key, const EVP_MD *md, const void *data, size_t len,
                                 const void *sig, size_t sig_len, coco_error **err);

/*
 * COCO_ERR_VERIFY if sig is not key's signature, ECDSA (DER) or RSASSA-PKCS1-v1_5, of data of that
 * digest; COCO_ERR_NOTSUP for one by another hash than SHA-256 or the SHA-2 that fits the key, and
 * for Ed25519, which signs no digest.
 */
coco_status coco_key_verify_digest(EVP_PKEY *key, const struct coco_digest *digest, const void *sig,
                                   size_t sig_len, coco_error **err);

#endif
