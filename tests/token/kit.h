/*
 * tests/token/kit.h - attestation tokens of a test's own making
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_TOKEN_KIT_H
#define COCO_TESTS_TOKEN_KIT_H

#include "base/base64.h"
#include "base/bytes.h"
#include "base/context.h"
#include "token/verifier.h"

#include "tests/idp.h"
#include "tests/support.h"

COCO_DEFINE_CLEANUP(coco_token_verifier *, coco_token_verifier_free);

#define NOW 1800000000
#define CLAIMS_OF(more)                                                                            \
    "{\"iss\":\"https://kbs.example\",\"iat\":1800000000,\"exp\":1800000300" more "}"
#define SUBMODS ",\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"}}"
#define CLAIMS CLAIMS_OF(SUBMODS)

/* The token of claims, with header, which is JSON or NULL, signed by key. */
static inline void
make_token(EVP_PKEY *key, const char *header, const char *claims, struct coco_buf *ret)
{
    _cleanup_json_ cJSON *head = NULL;
    _cleanup_json_ cJSON *payload = NULL;
    coco_error *err = NULL;

    if (header)
        assert_ok(coco_json_parse_object(header, strlen(header), &head, &err), err);
    assert_ok(coco_json_parse_object(claims, strlen(claims), &payload, &err), err);
    *ret = (struct coco_buf){.limit = COCO_JSON_SIZE_MAX};
    assert_ok(coco_jws_sign(key, head, payload, ret, &err), err);
}

static inline coco_status
verify(coco_token_verifier *verifier, const struct coco_buf *token, coco_error **err)
{
    _cleanup_(coco_bytes_freep) coco_bytes *claims = NULL;
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;

    assert_int_equal(coco_ctx_new(&ctx, NULL), COCO_OK);
    return coco_token_verify(verifier, ctx, token->data, token->len, &claims, err);
}

/* A set of the public halves, each called by its letter: a, b, … */
static inline void
make_set(EVP_PKEY *const *keys, size_t n, struct coco_buf *ret)
{
    _cleanup_json_ cJSON *set = NULL;
    cJSON *list = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_new_object(&set, &err), err);
    assert_ok(coco_json_add_array(set, "keys", &list, &err), err);
    for (size_t i = 0; i < n; i++) {
        const char kid[] = {(char)('a' + i), '\0'};
        cJSON *jwk = NULL;

        assert_ok(coco_jwk_public(keys[i], NULL, &jwk, &err), err);
        assert_ok(coco_json_add_string(jwk, "kid", kid, &err), err);
        assert_ok(coco_json_add_item(list, NULL, jwk, &err), err);
    }
    *ret = (struct coco_buf){.limit = COCO_JSON_SIZE_MAX};
    assert_ok(coco_json_write(set, COCO_JSON_COMPACT, ret, &err), err);
}

/* Who trusts these keys, at NOW. */
static inline coco_token_verifier *
new_verifier(EVP_PKEY *const *keys, size_t n)
{
    _cleanup_buf_ struct coco_buf set = {0};
    coco_token_verifier *verifier = NULL;
    coco_error *err = NULL;

    assert_ok(coco_token_verifier_new(&verifier, &err), err);
    coco_token_verifier_set_time(verifier, NOW);
    if (n > 0) {
        make_set(keys, n, &set);
        assert_ok(coco_token_verifier_set_keys(verifier, set.data, set.len, &err), err);
    }
    return verifier;
}

static inline EVP_PKEY *
new_key(enum coco_key_kind kind)
{
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_generate(kind, &key, &err), err);
    return key;
}

#endif
