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

static int
begin(void **state)
{
    static struct world w;

    world_begin(&w, "");
    *state = &w;
    return 0;
}

static int
end(void **state)
{
    world_end(*state);
    return 0;
}

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

#define AUTH_FOR(audience)                                                                         \
    "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":{\"audience\":\"" audience "\"}}"

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
tokens_are_made_for_the_audiences_of_the_owner_alone(void **state)
{
    static const char *const bodies[] = {AUTH_FOR("https://bank.example/"),
                                         AUTH_FOR("https://bank"),
                                         AUTH_FOR("CoCo-Attestation-Service")};
    struct world w;

    world_begin(&w, "[attestation_service.attestation_token_broker]\n"
                    "audiences = [\"https://bank.example\"]\n");
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(ask(&w, "POST", "/kbs/v0/auth", NULL, NULL, bodies[i]), 403);
        assert_says_no(&w, "AttestationError");
        assert_int_equal(w.reply.cookie.len, 0);
    }
    world_end(&w);
    /* Without a list, for nobody. */
    assert_int_equal(ask(*state, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_FOR("a")), 403);
}

static void
auth_refuses(void **state)
{
    struct world *w = *state;
    static const char *const bodies[] = {
        "",
        "{",
        "[]",
        "null",
        "{}",
        "{\"version\":\"0.4.0\",\"tee\":\"sample\"}{}",
        "{\"version\":\"0.1.2\",\"tee\":\"sample\",\"extra-params\":\"\"}",
        "{\"version\":\"0.4.1\",\"tee\":\"sample\",\"extra-params\":\"\"}",
        "{\"version\":\"abc\",\"tee\":\"sample\",\"extra-params\":\"\"}",
        "{\"version\":4,\"tee\":\"sample\",\"extra-params\":\"\"}",
        "{\"version\":\"0.4.0\",\"tee\":\"\",\"extra-params\":\"\"}",
        "{\"version\":\"0.4.0\",\"tee\":null,\"extra-params\":\"\"}",
        "{\"version\":\"0.4.0\",\"tee\":\"tdy\",\"extra-params\":\"\"}",
        "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"TEE\":\"tdx\",\"extra-params\":\"\"}",
        ("\xef\xbb\xbf" AUTH_BODY),
    };

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        if (ask(w, "POST", "/kbs/v0/auth", NULL, NULL, bodies[i]) != 400)
            fail_msg("case %zu gives %d", i, w->reply.status);
        assert_says_no(w, "AttestationError");
        assert_int_equal(w->reply.cookie.len, 0);
    }
}

static void
evidence_is_refused(void **state)
{
    struct world *w = *state;
    _cleanup_pkey_ EVP_PKEY *other = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &other, &err), err);
    const struct {
        const char *what;
        struct attestation how;
    } cases[] = {
        {"another nonce", {.nonce = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}},
        {"evidence of another key", {.bound = other}},
        {"additional evidence of a device nobody knows", {.additional = "{\"toaster\":{}}"}},
        {"additional evidence that is bound to nothing",
         {.additional = "{\"sampledevice\":{\"svn\":\"2\",\"report_data\":\"AAAA\"}}"}},
        {"additional evidence that is no object", {.additional = "[]"}},
        {"init data that is no TOML", {.init_data = "="}},
        {"init data of another version", {.init_data = "version = \"9\"\nalgorithm = \"sha384\""}},
        {"init data under another hash",
         {.init_data = "version = \"0.1.0\"\nalgorithm = \"md5\"\n[data]"}},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char id[64];

        if (attest_how(w, &cases[i].how) != 401)
            fail_msg("%s gives %d", cases[i].what, w->reply.status);
        assert_says_no(w, "AttestationError");
        assert_int_equal(w->reply.cookie.len, 0);
        refusal_id(w, id, sizeof(id));
    }
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
a_nonce_works_once(void **state)
{
    struct world *w = *state;
    const struct attestation how = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 1 << 20};
    char cookie[4096];

    assert_int_equal(ask(w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_BODY), 200);
    make_attestation(w, &how, &body);
    strcpy(cookie, w->cookie);
    assert_int_equal(ask_bytes(w, "POST", "/kbs/v0/attest", cookie, NULL, body.data, body.len),
                     200);
    /* The same words from somebody else, or from the same guest with its new session. */
    assert_int_equal(ask_bytes(w, "POST", "/kbs/v0/attest", cookie, NULL, body.data, body.len),
                     401);
    assert_int_equal(ask_bytes(w, "POST", "/kbs/v0/attest", w->cookie, NULL, body.data, body.len),
                     401);
}

static void
a_failed_attempt_does_not_use_the_nonce_up(void **state)
{
    struct world *w = *state;
    const struct attestation right = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 1 << 20};
    _cleanup_buf_ struct coco_buf wrong = {.limit = 1 << 20};
    _cleanup_pkey_ EVP_PKEY *other = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &other, &err), err);
    const struct attestation how = {.bound = other};
    assert_int_equal(ask(w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_BODY), 200);
    make_attestation(w, &right, &body);
    make_attestation(w, &how, &wrong);
    assert_int_equal(ask_bytes(w, "POST", "/kbs/v0/attest", w->cookie, NULL, wrong.data, wrong.len),
                     401);
    assert_int_equal(ask_bytes(w, "POST", "/kbs/v0/attest", w->cookie, NULL, body.data, body.len),
                     200);
}

static void
sessions_are_refused(void **state)
{
    struct world *w = *state;
    const struct attestation how = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 1 << 20};
    char cookie[4096];

    assert_int_equal(ask(w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_BODY), 200);
    make_attestation(w, &how, &body);
    strcpy(cookie, w->cookie);
    static const char *const cookies[] = {
        NULL,
        "",
        "kbs-session-id",
        "kbs-session-id=",
        "kbs-session-id=AAAA",
        "kbs-session-id=8af65ef770584b4180d1327859db94fa",
        "other=1",
    };
    for (size_t i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++) {
        if (ask_bytes(w, "POST", "/kbs/v0/attest", cookies[i], NULL, body.data, body.len) != 401)
            fail_msg("cookie %zu gives %d", i, w->reply.status);
        assert_says_no(w, "AttestationError");
    }
    for (size_t i = strlen("kbs-session-id="); i < strlen(cookie); i += 7) {
        char tampered[4096];

        strcpy(tampered, cookie);
        tampered[i] = tampered[i] == 'A' ? 'B' : 'A';
        assert_int_equal(
            ask_bytes(w, "POST", "/kbs/v0/attest", tampered, NULL, body.data, body.len), 401);
    }
    world_clock += 5 * 60;
    assert_int_equal(ask_bytes(w, "POST", "/kbs/v0/attest", cookie, NULL, body.data, body.len),
                     401);
    world_clock--;
    assert_int_equal(ask_bytes(w, "POST", "/kbs/v0/attest", cookie, NULL, body.data, body.len),
                     200);
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

static void
init_data_comes_into_the_claims(void **state)
{
    struct world *w = *state;
    static const char init_data[] = "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n"
                                    "\"aa.toml\" = '''\n[token_configs]\nurl = \"u\"\n'''\n"
                                    "\"policy.rego\" = '''\npackage agent_policy\n"
                                    "policy_data := {\"containers\":[]}\n'''\n";
    _cleanup_guest_ struct coco_kbs_guest *guest = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 20};
    const struct attestation how = {.init_data = init_data};
    struct coco_httpd_request request = {.cookie = w->cookie};
    struct coco_kbs_call call = {.core = w->core,
                                 .root = w->core,
                                 .asked = request.path,
                                 .request = &request,
                                 .reply = &w->reply};
    coco_error *err = NULL;

    assert_int_equal(attest_how(w, &how), 200);
    assert_ok(coco_kbs_guest_of(&call, &guest, &err), err);
    assert_ok(coco_json_write(guest->claims, COCO_JSON_COMPACT, &text, &err), err);
    assert_contains(coco_buf_text(&text), "\"aa.toml\":{\"token_configs\":{\"url\":\"u\"}}");
    assert_contains(coco_buf_text(&text), "\"agent_policy_claims\":{\"containers\":[]}");
    assert_contains(coco_buf_text(&text), "\"init_data\":\"");
}

static void
sample_is_refused_unless_it_is_allowed(void **state)
{
    struct world *w = *state;
    struct world strict;

    (void)w;
    world_begin(&strict, "");
    coco_verifier_free(strict.core->verifier);
    strict.core->verifier = NULL;
    coco_error *err = NULL;
    assert_ok(coco_verifier_new(&strict.core->verifier, &err), err);
    assert_int_equal(attest(&strict), 401);
    world_end(&strict);
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

/* An attestation counts in the session that it was made for, whichever version it is of. */
static void
a_session_of_another_version_is_refused(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < GOLDENS; i++)
        for (size_t j = 0; j < GOLDENS; j++) {
            struct golden mixed = golden[i];

            if (i == j)
                continue;
            mixed.version = golden[j].version;
            seal_golden(w, &mixed);
            int status = ask(w, "POST", "/kbs/v0/attest", w->cookie, NULL, mixed.attestation);
            assert_true(status == 400 || status == 401);
        }
}

static void
versions_that_are_too_old_for_the_owner_are_refused(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "oldest_protocol = \"0.2.0\"\n");
    for (size_t i = 0; i < GOLDENS; i++) {
        int want = strcmp(golden[i].version, "0.2.0") < 0 ? 400 : 200;

        assert_int_equal(ask(&w, "POST", "/kbs/v0/auth", NULL, NULL, golden[i].request), want);
        if (want == 400)
            assert_contains(said(&w), "Version Mismatch: expect at least 0.2.0");
    }
    world_end(&w);
}

/* A service that is asked for collateral keeps no guest waiting, nor the one who asked. */
static void
a_guest_is_told_to_come_back_when_collateral_is_fetched(void **state)
{
    struct world w;
    size_t len = 0;
    char *text = read_fixture("snp/as_e2e_evidence.json", &len);
    struct coco_rcar_challenge challenge = {0};
    _cleanup_json_ cJSON *jwk = NULL;
    _cleanup_json_ cJSON *evidence = NULL;
    _cleanup_buf_ struct coco_buf body = {.limit = 1 << 20};
    coco_error *err = NULL;

    (void)state;
    /* Nobody listens at this port, which is that of discarded bytes (RFC 863). */
    world_begin(&w, "collateral = [\"amd=http://127.0.0.1:9\"]\n");
    assert_int_equal(ask(&w, "POST", "/kbs/v0/auth", NULL, NULL,
                         "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":{}}"),
                     200);
    assert_ok(coco_rcar_challenge_parse(w.reply.body.data, w.reply.body.len, &challenge, &err),
              err);
    assert_ok(coco_rcar_tee_key_build(COCO_RCAR_0_4_0, w.tee, &jwk, &err), err);
    assert_ok(coco_json_parse(text, len, &evidence, &err), err);
    const struct coco_rcar_attestation attestation = {
        .nonce = challenge.nonce,
        .additional = "",
        .tee_pubkey = jwk,
        .evidence = evidence,
    };
    assert_ok(coco_rcar_attestation_build(COCO_RCAR_0_4_0, &attestation, &body, &err), err);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(
            ask_bytes(&w, "POST", "/kbs/v0/attest", w.cookie, NULL, body.data, body.len), 503);
        assert_says_no(&w, "AttestationError");
        assert_contains(coco_buf_text(&w.reply.fields), "Retry-After: 1");
        assert_contains(said(&w), "being fetched");
    }
    coco_rcar_challenge_done(&challenge);
    free(text);
    world_end(&w);
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

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_guest_attests_and_gets_its_resource),
        T(the_token_is_a_bearer_token),
        T(a_token_for_somebody_else_is_worth_nothing_here),
        T(tokens_are_made_for_the_audiences_of_the_owner_alone),
        T(auth_refuses),
        T(evidence_is_refused),
        T(a_refusal_tells_the_guest_nothing_and_the_owner_everything),
        T(a_nonce_works_once),
        T(a_failed_attempt_does_not_use_the_nonce_up),
        T(sessions_are_refused),
        T(a_challenge_is_no_token),
        T(attest_refuses_bodies),
        T(keys_that_nothing_can_be_encrypted_to_get_no_token),
        T(init_data_comes_into_the_claims),
        T(guests_of_every_version_get_their_secrets),
        T(a_session_of_another_version_is_refused),
        cmocka_unit_test(versions_that_are_too_old_for_the_owner_are_refused),
        cmocka_unit_test(a_guest_is_told_to_come_back_when_collateral_is_fetched),
        T(without_random_bytes_nothing_is_given),
        T(sample_is_refused_unless_it_is_allowed),
    };

    return cmocka_run_group_tests_name("kbs/attest", tests, NULL, NULL);
}
