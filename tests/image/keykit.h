/*
 * tests/image/keykit.h - keys that a client is given
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_IMAGE_KEYKIT_H
#define COCO_TESTS_IMAGE_KEYKIT_H

#include "crypto/key.h"
#include "image/client.h"
#include "tests/support.h"

#define URI "kbs:///default/key/1"
/* RFC 7517 appendix A.2 */
#define JWK_D "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"
#define JWK_PUBLIC                                                                                 \
    "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","      \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\""
#define JWK "{" JWK_PUBLIC ",\"d\":\"" JWK_D "\"}"
/* The y of another point */
#define JWK_OFF_CURVE                                                                              \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","     \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyI\",\"d\":\"" JWK_D "\"}"

static const uint8_t kek[COCO_LAYER_KEY_SIZE] = "a key of thirty-two bytes, or so";

static inline const uint8_t *
bytes_of(const char *text)
{
    return (const uint8_t *)text;
}

/* Both halves of a key of that kind. */
static inline void
new_key(enum coco_key_kind kind, struct coco_buf *private, struct coco_buf *public)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_generate(kind, &key, &err), err);
    assert_ok(coco_key_private_pem(key, private, &err), err);
    assert_ok(coco_key_public_pem(key, public, &err), err);
}

#endif
