/*
 * tests/kbs/test_token.c - lib/kbs/token.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/token.h"

#include "tests/kbs/world.h"

/* The token of an attested guest. */
static void
get_token(struct world *w, struct coco_buf *ret)
{
    _cleanup_json_ cJSON *reply = NULL;
    const char *token = NULL;
    coco_error *err = NULL;

    assert_int_equal(attest(w), 200);
    assert_ok(coco_json_parse_object(said(w), w->reply.body.len, &reply, &err), err);
    assert_ok(coco_json_get_string(reply, "token", &token, &err), err);
    assert_ok(coco_buf_append_text(ret, token, &err), err);
}

static void
same_members(const cJSON *want, const cJSON *got, const char *but)
{
    const cJSON *member = NULL;

    cJSON_ArrayForEach(member, want) {
        const cJSON *other = cJSON_GetObjectItemCaseSensitive(got, member->string);

        if (!other || (member->type & 0xff) != (other->type & 0xff))
            fail_msg("%s is missing or of another type", member->string);
        if (cJSON_IsObject(member))
            same_members(member, other, "");
    }
    cJSON_ArrayForEach(member, got) {
        if (strcmp(member->string, but) != 0
            && !cJSON_GetObjectItemCaseSensitive(want, member->string))
            fail_msg("%s is too much", member->string);
    }
}

/* Member by member the one that upstream issued for the same evidence, and cnf and sub. */
static void
a_token_is_what_upstreams_is(void **state)
{
    struct world *w = *state;
    size_t len = 0;
    _cleanup_free_ char *recorded = read_fixture("rcar/attest-p256/token.jwt", &len);
    _cleanup_buf_ struct coco_buf token = {.limit = 65536};
    _cleanup_jws_ struct coco_jws want = {0};
    _cleanup_jws_ struct coco_jws got = {0};
    coco_error *err = NULL;

    while (len && recorded[len - 1] == '\n')
        len--;
    add_references(w);
    get_token(w, &token);
    assert_ok(coco_jws_parse(recorded, len, &want, &err), err);
    assert_ok(coco_jws_parse(coco_buf_text(&token), token.len, &got, &err), err);
    const char *subject = NULL;
    const cJSON *key = NULL;
    _cleanup_buf_ struct coco_buf id = {.limit = 64};
    assert_ok(coco_json_get_string(got.payload, "sub", &subject, &err), err);
    assert_ok(coco_rcar_tee_key_of_token(got.payload, NULL, &key, &err), err);
    assert_ok(coco_rcar_tee_key_id(key, &id, &err), err);
    assert_memory_equal(subject, "urn:ietf:params:oauth:jwk-thumbprint:sha-256:", 45);
    assert_string_equal(subject + 45, coco_buf_text(&id));
    coco_json_free(cJSON_DetachItemFromObjectCaseSensitive(got.payload, "sub"));
    same_members(want.payload, got.payload, "cnf");
    cJSON *jwk = cJSON_GetObjectItemCaseSensitive(want.header, "jwk");
    coco_json_free(cJSON_DetachItemFromObjectCaseSensitive(jwk, "x5c"));
    same_members(want.header, got.header, "kid");
}

static void
own_tokens_are_taken_while_they_last(void **state)
{
    struct world *w = *state;
    _cleanup_buf_ struct coco_buf token = {.limit = 65536};
    _cleanup_json_ cJSON *claims = NULL;
    cJSON *late = NULL;
    coco_error *err = NULL;

    get_token(w, &token);
    world_clock += 5 * 60;
    assert_ok(coco_kbs_token_verify(w->core, coco_buf_text(&token), token.len, &claims, &err), err);
    world_clock += COCO_JWT_LEEWAY_S + 1;
    assert_fails(coco_kbs_token_verify(w->core, coco_buf_text(&token), token.len, &late, &err), err,
                 COCO_ERR_VERIFY, "");
}

static void
tokens_of_others_are_refused(void **state)
{
    struct world *w = *state;
    struct world other;
    size_t len = 0;
    _cleanup_free_ char *recorded = read_fixture("rcar/attest-p256/token.jwt", &len);
    _cleanup_buf_ struct coco_buf token = {.limit = 65536};
    cJSON *claims = NULL;
    char bearer[8192];

    world_begin(&other, "");
    get_token(&other, &token);
    world_end(&other);
    /* It carries its key in its header, as any forger's would. */
    assert_int_equal(
        coco_kbs_token_verify(w->core, coco_buf_text(&token), token.len, &claims, NULL),
        COCO_ERR_VERIFY);
    assert_int_not_equal(coco_kbs_token_verify(w->core, recorded, strlen(recorded), &claims, NULL),
                         COCO_OK);
    static const char *const payloads[] = {
        "{\"exp\":1800000600}",
        "{\"exp\":1800000600,\"iss\":\"somebody\"}",
        "{\"iss\":\"CoCo-Attestation-Service\"}",
        "{\"exp\":1800000600,\"iss\":\"CoCo-Attestation-Service\",\"aud\":\"somebody\"}",
        "{\"exp\":1800000600,\"iss\":\"CoCo-Attestation-Service\",\"aud\":[]}",
        "{\"exp\":1800000600,\"iss\":\"CoCo-Attestation-Service\",\"aud\":null}",
    };
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        sign_claims(w->core->token_key, payloads[i], bearer, sizeof(bearer));
        const char *jwt = bearer + strlen("Bearer ");
        assert_int_not_equal(coco_kbs_token_verify(w->core, jwt, strlen(jwt), &claims, NULL),
                             COCO_OK);
    }
    assert_null(claims);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_token_is_what_upstreams_is),
        IN_WORLD(own_tokens_are_taken_while_they_last),
        IN_WORLD(tokens_of_others_are_refused),
    };

    return cmocka_run_group_tests_name("kbs/token", tests, NULL, NULL);
}
