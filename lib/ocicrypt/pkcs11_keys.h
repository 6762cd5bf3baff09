/*
 * ocicrypt/pkcs11_keys.h - wrapping by RSA-OAEP for tokens of PKCS#11: annotation "keys.pkcs11"
 *
 * Source: containers/ocicrypt keywrap/pkcs11, crypto/pkcs11 (guest-protocols 5.3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_OCICRYPT_PKCS11_KEYS_H
#define COCO_OCICRYPT_PKCS11_KEYS_H

#include "crypto/key.h"
#include "ocicrypt/token_key.h"
#include "ocicrypt/wrapper.h"

/* As many as other schemes have in one blob; a blob for each costs a token's time to open. */
#define COCO_PKCS11_RECIPIENTS_MAX 16

/* One of the two: a public key, to wrap to, or a key in a token. */
struct coco_pkcs11_recipient {
    EVP_PKEY *key;
    struct coco_token_key *token;
};

struct coco_pkcs11_keys {
    const struct coco_pkcs11_recipient *list; /* lent */
    size_t n;
    bool by_sha1; /* to wrap: by OAEP with SHA-1, which is all that some tokens know */
};

/*
 * To wrap: COCO_ERR_INVALID for more than 16, COCO_ERR_LIMIT for options that are more than an RSA
 * key takes. A token that cannot be used is what it fails with; a blob that no key opens is
 * COCO_ERR_VERIFY, whatever the token says.
 */
struct coco_wrapper coco_pkcs11_wrapper(const struct coco_pkcs11_keys *keys);

#endif
