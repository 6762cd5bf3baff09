/*
 * crypto/jwk_set.h - sets of keys that verify signatures (RFC 7517 section 5)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_JWK_SET_H
#define COCO_CRYPTO_JWK_SET_H

#include "crypto/key.h"

#define COCO_JWK_SET_KEYS_MAX 64
#define COCO_JWK_SET_SIZE_MAX ((size_t)256 << 10)
#define COCO_JWK_KID_MAX 256

struct coco_jwk_of_set {
    char *kid; /* or NULL */
    EVP_PKEY *key;
};

struct coco_jwk_set {
    struct coco_jwk_of_set keys[COCO_JWK_SET_KEYS_MAX];
    size_t n;
};

/*
 * Reads {"keys": […]}. Left out are keys for something else than signatures, by use,
 * key_ops or alg, and those of kinds that are not known here, as the RFC has it.
 * COCO_ERR_PROTO if no key is left, two have one kid, or one is private or malformed;
 * COCO_ERR_LIMIT for too many.
 */
coco_status coco_jwk_set_parse(const char *text, size_t len, struct coco_jwk_set *ret,
                               coco_error **err);
void coco_jwk_set_done(struct coco_jwk_set *set);
#define _cleanup_jwk_set_ _cleanup_(coco_jwk_set_done)

/*
 * The key that kid names; without a kid, NULL, the only one of the set. Lent; NULL if
 * there is none.
 */
EVP_PKEY *coco_jwk_set_find(const struct coco_jwk_set *set, const char *kid);

#endif
