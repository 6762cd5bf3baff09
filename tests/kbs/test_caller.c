/*
 * tests/kbs/test_caller.c - lib/kbs/caller.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/caller.h"

#include "tests/kbs/world.h"

#define AUTH_FOR(audience)                                                                         \
    "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":{\"audience\":\"" audience "\"}}"

static void
the_token_is_a_bearer_token(void **state)
{
    struct world *w = *state;
    _cleanup_json_ cJSON *reply = NULL;
    const char *token = NULL;
    char bearer[8192];
    coco_error *err = NULL;

    add_references(w);
    add_resource(w, "a/b/c", "x");
    assert_int_equal(attest(w), 200);
    assert_ok(coco_json_parse_object(said(w), w->reply.body.len, &reply, &err), err);
    assert_ok(coco_json_get_string(reply, "token", &token, &err), err);
    assert_true((size_t)snprintf(bearer, sizeof(bearer), "Bearer %s", token) < sizeof(bearer));
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", NULL, bearer, ""), 200);

    /* A session that is none does not stand in the way of a token that is one. */
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", "kbs-session-id=x", bearer, ""), 200);

    world_clock += 5 * 60 + COCO_JWT_LEEWAY_S + 1;
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", NULL, bearer, ""), 401);
    assert_says_no(w, "TokenVerifierError");
    world_clock = WORLD_NOW;
    bearer[strlen(bearer) - 20] ^= 1;
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", NULL, bearer, ""), 401);
    assert_says_no(w, "TokenVerifierError");
}

/* It is for that audience alone: neither bearer nor session get anything here. */
static void
a_token_for_somebody_else_is_worth_nothing_here(void **state)
{
    static const struct attestation how = {.auth = AUTH_FOR("https://bank.example")};
    struct world w;
    _cleanup_json_ cJSON *reply = NULL;
    _cleanup_jws_ struct coco_jws jws = {0};
    const char *token = NULL;
    const char *audience = NULL;
    char bearer[8192];
    coco_error *err = NULL;

    (void)state;
    world_begin(&w, "[attestation_service.attestation_token_broker]\n"
                    "audiences = [\"urn:x\", \"https://bank.example\"]\n");
    add_references(&w);
    add_resource(&w, "a/b/c", "x");
    assert_int_equal(attest_how(&w, &how), 200);
    assert_int_equal(w.reply.cookie.len, 0);
    assert_ok(coco_json_parse_object(said(&w), w.reply.body.len, &reply, &err), err);
    assert_ok(coco_json_get_string(reply, "token", &token, &err), err);
    assert_ok(coco_jws_parse(token, strlen(token), &jws, &err), err);
    assert_ok(coco_json_get_string(jws.payload, "aud", &audience, &err), err);
    assert_string_equal(audience, "https://bank.example");

    (void)snprintf(bearer, sizeof(bearer), "Bearer %s", token);
    assert_int_equal(ask(&w, "GET", "/kbs/v0/resource/a/b/c", NULL, bearer, ""), 401);
    assert_says_no(&w, "TokenVerifierError");
    /* The challenge's cookie, which is all that the guest has. */
    assert_int_equal(ask(&w, "GET", "/kbs/v0/resource/a/b/c", w.cookie, NULL, ""), 401);
    assert_int_equal(attest(&w), 200);
    assert_int_equal(ask(&w, "GET", "/kbs/v0/resource/a/b/c", w.cookie, NULL, ""), 200);
    world_end(&w);
}

static void
a_challenge_is_no_token(void **state)
{
    struct world *w = *state;

    add_resource(w, "a/b/c", "x");
    assert_int_equal(ask(w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_BODY), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 401);
    assert_says_no(w, "TokenNotFound");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(the_token_is_a_bearer_token),
        IN_WORLD(a_token_for_somebody_else_is_worth_nothing_here),
        IN_WORLD(a_challenge_is_no_token),
    };

    return cmocka_run_group_tests_name("kbs/caller", tests, NULL, NULL);
}
