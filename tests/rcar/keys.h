/*
 * tests/rcar/keys.h - keys of guests, good and bad
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_RCAR_KEYS_H
#define COCO_TESTS_RCAR_KEYS_H

#include "rcar/tee_key.h"

#include "tests/support.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define X "EPBEz2567LHxZrUt1zznz9XBr0AH0OVUA4u-g2Gx_dI"
#define Y "YdH5vTL8ptetQlLM-Rghv96VR7cQb2uT3kOwF7qRvhQ"
#define EC(alg)                                                                                    \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"" alg "\",\"x\":\"" X "\",\"y\":\"" Y "\"}"
#define GOOD_KEY EC("ECDH-ES+A256KW")

/* What must be refused, how, and with which words. */
struct hostile {
    const char *text;
    coco_status status;
    const char *why;
};

/* The tee-pubkey of a new key. */
static inline cJSON *
tee_key_of(enum coco_rcar_version version, enum coco_key_kind kind)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    cJSON *jwk = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_generate(kind, &key, &err), err);
    assert_ok(coco_rcar_tee_key_build(version, key, &jwk, &err), err);
    return jwk;
}

#endif
