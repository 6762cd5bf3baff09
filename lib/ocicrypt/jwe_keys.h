/*
 * ocicrypt/jwe_keys.h - wrapping by JWE: annotation "keys.jwe"
 *
 * Source: containers/ocicrypt keywrap/jwe (guest-protocols 5.3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_OCICRYPT_JWE_KEYS_H
#define COCO_OCICRYPT_JWE_KEYS_H

#include "crypto/key.h"
#include "ocicrypt/wrapper.h"

struct coco_jwe_keys {
    EVP_PKEY *const *keys; /* public ones to wrap, private ones to unwrap; lent */
    size_t n;
};

/* One JWE for all the keys. To wrap: COCO_ERR_INVALID for more than 16. */
struct coco_wrapper coco_jwe_wrapper(const struct coco_jwe_keys *keys);

#endif
