/*
 * crypto/jwe.h - JSON Web Encryption (RFC 7516) for one or several recipients
 *
 * Algorithms come from a list, never from the message alone: RSA-OAEP,
 * RSA-OAEP-256 and ECDH-ES with AES key wrap lead to a key, A256GCM encrypts;
 * "zip", "crit" and everything else is refused (T19 in doc/threats.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_JWE_H
#define COCO_CRYPTO_JWE_H

#include "base/json.h"
#include "base/secret.h"
#include "crypto/key.h"

#define COCO_JWE_RECIPIENTS_MAX 16

/* Key management algorithms, for sets of them. */
enum coco_jwe_alg {
    COCO_JWE_RSA_OAEP = 1 << 0, /* SHA-1 and MGF1 with SHA-1: only ocicrypt still uses it */
    COCO_JWE_RSA_OAEP_256 = 1 << 1,
    COCO_JWE_ECDH_ES_A256KW = 1 << 2,
    /* What ocicrypt makes for a JWK that says so; nothing is encrypted by them here. */
    COCO_JWE_ECDH_ES_A192KW = 1 << 3,
    COCO_JWE_ECDH_ES_A128KW = 1 << 4,
};

/* "RSA-OAEP-256" and its kin; the parse gives 0 for an unknown name. */
const char *coco_jwe_alg_name(enum coco_jwe_alg alg);
unsigned coco_jwe_alg_parse(const char *name);

/* RSA-OAEP-256 or ECDH-ES+A256KW, whichever key is for. */
coco_status coco_jwe_alg_for(const EVP_PKEY *key, enum coco_jwe_alg *ret, coco_error **err);

struct coco_jwe_recipient {
    EVP_PKEY *key; /* lent */
    enum coco_jwe_alg alg;
};

/*
 * Appends the JSON serialization of data encrypted to the recipients: flattened
 * for one, general for several.
 *
 * For one recipient the protected header is exactly {"alg":…,"enc":"A256GCM"
 * [,"epk":{"crv","kty","x","y"}]}, compact and in this order, and the members
 * are protected, encrypted_key, iv, ciphertext, tag: Rust guests rebuild the
 * header from its members and fail on any other form (kbs-protocol A.6).
 */
coco_status coco_jwe_encrypt(const struct coco_jwe_recipient *recipients, size_t n,
                             const void *data, size_t len, struct coco_buf *buf, coco_error **err);

/*
 * Decrypts the flattened or general JSON serialization, or the compact one, with
 * key; allowed is a set of enum coco_jwe_alg.
 *
 * COCO_ERR_PROTO or COCO_ERR_LIMIT for what is not such a JWE, of COCO_JSON_LONG_MAX bytes at most,
 * COCO_ERR_NOTSUP for an algorithm that is not allowed. Every failure of the decryption itself is
 * COCO_ERR_VERIFY "cannot decrypt with this key", whatever the cause.
 */
coco_status coco_jwe_decrypt(const void *jwe, size_t len, EVP_PKEY *key, unsigned allowed,
                             struct coco_secret *ret, coco_error **err);

#endif
