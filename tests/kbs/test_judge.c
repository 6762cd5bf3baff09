/*
 * tests/kbs/test_judge.c - lib/kbs/judge.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/judge.h"

#include "kbs/caller.h"
#include "tests/kbs/world.h"

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
a_nonce_works_once(void **state)
{
    struct world *w = *state;
    const struct attestation how = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 1 << 20};
    char cookie[sizeof(w->cookie)];

    assert_int_equal(ask(w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_BODY), 200);
    make_attestation(w, &how, &body);
    memcpy(cookie, w->cookie, sizeof(cookie));
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(evidence_is_refused),
        IN_WORLD(a_nonce_works_once),
        IN_WORLD(a_failed_attempt_does_not_use_the_nonce_up),
        IN_WORLD(init_data_comes_into_the_claims),
        IN_WORLD(sample_is_refused_unless_it_is_allowed),
        cmocka_unit_test(a_guest_is_told_to_come_back_when_collateral_is_fetched),
    };

    return cmocka_run_group_tests_name("kbs/judge", tests, NULL, NULL);
}
