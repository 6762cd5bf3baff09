/*
 * tests/kbs/test_attest.c - lib/kbs/attest.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/attest.h"

#include "rcar/response.h"
#include "tests/golden.h"
#include "tests/kbs/world.h"
#include "tests/rng.h"

static void
a_guest_attests_and_gets_its_resource(void **state)
{
    struct world *w = *state;
    _cleanup_secret_ struct coco_secret secret = {0};
    coco_error *err = NULL;

    add_references(w);
    add_resource(w, "a/b/c", "the secret");
    assert_int_equal(attest(w), 200);
    assert_string_equal(w->reply.type, "application/json");
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 200);
    assert_ok(coco_jwe_decrypt(w->reply.body.data, w->reply.body.len, w->tee,
                               COCO_JWE_ECDH_ES_A256KW, &secret, &err),
              err);
    assert_int_equal(secret.len, strlen("the secret"));
    assert_memory_equal(secret.data, "the secret", secret.len);
}

static void
a_refusal_tells_the_guest_nothing_and_the_owner_everything(void **state)
{
    struct world *w = *state;
    _cleanup_pkey_ EVP_PKEY *other = NULL;
    char id[64];
    char path[128];
    coco_error *err = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &other, &err), err);
    const struct attestation how = {.bound = other};
    assert_int_equal(attest_how(w, &how), 401);
    assert_null(strstr(said(w), "report"));
    refusal_id(w, id, sizeof(id));
    (void)snprintf(path, sizeof(path), "/kbs/v0/explain/%s", id);
    assert_int_equal(ask(w, "GET", path, NULL, NULL, ""), 401);
    assert_int_equal(ask_as_owner(w, "GET", path, ""), 200);
    assert_contains(said(w), "\"name\":\"report-data\",\"ok\":false");
    assert_contains(said(w), "\"tee\":\"sample\"");
}

static void
attest_refuses_bodies(void **state)
{
    struct world *w = *state;
    static const char *const bodies[] = {
        "",
        "{}",
        "[1]",
        "{\"tee-pubkey\":{},\"tee-evidence\":\"\"}",
        "{\"init-data\":null,\"runtime-data\":{},\"tee-evidence\":{}}",
    };

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(ask(w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_BODY), 200);
        if (ask(w, "POST", "/kbs/v0/attest", w->cookie, NULL, bodies[i]) != 400)
            fail_msg("case %zu gives %d: %s", i, w->reply.status, said(w));
    }
}

/* Upstream gives a token for any key, and fails when a secret is to be encrypted to it. */
static void
keys_that_nothing_can_be_encrypted_to_get_no_token(void **state)
{
    static const struct {
        const char *member, *value; /* of tee-pubkey */
    } cases[] = {
        {"alg", "RSA-OAEP-256"}, {"alg", "none"},   {"alg", "ECDH-ES"}, {"alg", ""},
        {"crv", "P-384"},        {"crv", "X25519"}, {"kty", "RSA"},     {"kty", "oct"},
        {"x", "AAAA"},           {"kid", "a"},
    };
    struct world *w = *state;
    const struct attestation how = {0};
    coco_error *err = NULL;

    add_references(w);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf body = {.limit = 1 << 20};
        _cleanup_buf_ struct coco_buf text = {.limit = 1 << 20};
        _cleanup_json_ cJSON *sent = NULL;

        assert_int_equal(ask(w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_BODY), 200);
        make_attestation(w, &how, &body);
        assert_ok(coco_json_parse_object(coco_buf_text(&body), body.len, &sent, &err), err);
        cJSON *key = cJSON_GetObjectItemCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(sent, "runtime-data"), "tee-pubkey");
        cJSON_DeleteItemFromObjectCaseSensitive(key, cases[i].member);
        assert_ok(coco_json_add_string(key, cases[i].member, cases[i].value, &err), err);
        assert_ok(coco_json_write(sent, COCO_JSON_COMPACT, &text, &err), err);
        if (ask_bytes(w, "POST", "/kbs/v0/attest", w->cookie, NULL, text.data, text.len) != 400)
            fail_msg("case %zu gives %d: %s", i, w->reply.status, said(w));
        assert_int_equal(w->reply.cookie.len, 0);
    }
}

/* ---- Old guests ---- */

/* The cookie of a session that asked with g's request and got g's challenge. */
static void
seal_golden(struct world *w, const struct golden *g)
{
    _cleanup_json_ cJSON *state = NULL;
    _cleanup_buf_ struct coco_buf cookie = {.limit = sizeof(w->cookie)};
    const int64_t expires = WORLD_NOW + 60;
    coco_error *err = NULL;

    assert_ok(coco_json_new_object(&state, &err), err);
    assert_ok(coco_json_add_string(state, "is", "challenge", &err), err);
    assert_ok(coco_json_add_string(state, "version", g->version, &err), err);
    assert_ok(coco_json_add_string(state, "tee", "sample", &err), err);
    assert_ok(coco_json_add_string(state, "nonce", g->nonce, &err), err);
    assert_ok(coco_json_add_i64(state, "expires", expires, &err), err);
    assert_ok(coco_kbs_session_seal(w->core->sessions, state, expires, &cookie, &err), err);
    (void)snprintf(w->cookie, sizeof(w->cookie), "kbs-session-id=%s", coco_buf_text(&cookie));
}

/* That the reply opens with g's key, in the form of g's version. */
static void
assert_opens(const struct world *w, const struct golden *g, const char *secret)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_secret_ struct coco_secret got = {0};
    enum coco_rcar_version version = COCO_RCAR_OLDEST;
    coco_error *err = NULL;

    assert_true(coco_rcar_version_parse(g->version, &version));
    assert_ok(coco_key_parse_private(g->key, strlen(g->key), &key, &err), err);
    assert_ok(
        coco_rcar_response_open(version, w->reply.body.data, w->reply.body.len, key, &got, &err),
        err);
    assert_int_equal(got.len, strlen(secret));
    assert_memory_equal(got.data, secret, got.len);
}

/* "Bearer " and the token in the reply. */
static void
bearer_of(const struct world *w, char *buf, size_t size)
{
    _cleanup_buf_ struct coco_buf token = {.limit = COCO_RCAR_TOKEN_MAX};
    coco_error *err = NULL;

    assert_ok(coco_rcar_token_parse(w->reply.body.data, w->reply.body.len, &token, &err), err);
    assert_true(token.len + sizeof("Bearer ") <= size);
    (void)snprintf(buf, size, "Bearer %s", coco_buf_text(&token));
}

static void
guests_of_every_version_get_their_secrets(void **state)
{
    struct world *w = *state;
    char bearer[16384];

    add_references(w);
    add_resource(w, "a/b/c", "secret");
    for (size_t i = 0; i < GOLDENS; i++) {
        const struct golden *g = &golden[i];

        assert_int_equal(ask(w, "POST", "/kbs/v0/auth", NULL, NULL, g->request), 200);
        seal_golden(w, g);
        assert_int_equal(ask(w, "POST", "/kbs/v0/attest", w->cookie, NULL, g->attestation), 200);
        bearer_of(w, bearer, sizeof(bearer));
        assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 200);
        assert_opens(w, g, "secret");
        assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", NULL, bearer, ""), 200);
        assert_opens(w, g, "secret");
    }
}

/* Each answer is the right one, or a 500 that holds neither nonce, cookie, token nor secret. */
static void
without_random_bytes_nothing_is_given(void **state)
{
    static const char *const steps[] = {"/kbs/v0/auth", "/kbs/v0/attest", "/kbs/v0/resource/a/b/c"};
    struct world *w = *state;

    add_references(w);
    add_resource(w, "a/b/c", "secret");
    for (size_t i = 0; i < 3; i++) {
        for_each_rng_fault()
        {
            _cleanup_buf_ struct coco_buf body = {.limit = 1 << 20};
            const struct attestation how = {0};
            coco_error *err = NULL;
            int status;

            rng_pause();
            if (i == 0)
                assert_ok(coco_buf_append_text(&body, AUTH_BODY, &err), err);
            else
                assert_int_equal(ask(w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_BODY), 200);
            if (i > 0)
                make_attestation(w, &how, &body);
            if (i == 2)
                assert_int_equal(
                    ask_bytes(w, "POST", steps[1], w->cookie, NULL, body.data, body.len), 200);
            rng_resume();
            status = ask_bytes(w, i == 2 ? "GET" : "POST", steps[i], w->cookie, NULL, body.data,
                               i == 2 ? 0 : body.len);
            if (status != 200) {
                assert_int_equal(status, 500);
                assert_int_equal(w->reply.cookie.len, 0);
                assert_null(strstr(said(w), "nonce"));
                assert_null(strstr(said(w), "token"));
                assert_null(strstr(said(w), "ciphertext"));
                assert_contains(said(w), "internal error");
            }
            rng_expect_only(status == 200);
        }
    }
}

/* As much as all events of a boot, or a policy for all containers of a pod, and more than fits. */
static void
much_can_be_said_but_not_all(void **state)
{
    static const struct {
        size_t size;
        int status;
    } cases[] = {{30000, 200}, {100000, 413}};
    static uint8_t noise[100000];
    struct world *w = *state;

    add_resource(w, "a/b/c", "x");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 1 << 20};
        coco_error *err = NULL;

        assert_ok(coco_random(noise, cases[i].size, &err), err);
        assert_ok(coco_buf_append_text(
                      &text, "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\nx = \"", &err),
                  err);
        assert_ok(coco_base64_encode(COCO_BASE64, noise, cases[i].size, &text, &err), err);
        assert_ok(coco_buf_append_text(&text, "\"\n", &err), err);
        const struct attestation how = {.init_data = coco_buf_text(&text)};
        assert_int_equal(attest_how(w, &how), cases[i].status);
        if (cases[i].status != 200)
            assert_contains(said(w), "too long for a session");
        else /* the session is known, whatever the policy says then */
            assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 403);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_guest_attests_and_gets_its_resource),
        IN_WORLD(a_refusal_tells_the_guest_nothing_and_the_owner_everything),
        IN_WORLD(attest_refuses_bodies),
        IN_WORLD(keys_that_nothing_can_be_encrypted_to_get_no_token),
        IN_WORLD(guests_of_every_version_get_their_secrets),
        IN_WORLD(much_can_be_said_but_not_all),
        IN_WORLD(without_random_bytes_nothing_is_given),
    };

    return cmocka_run_group_tests_name("kbs/attest", tests, NULL, NULL);
}
