/*
 * tests/kbs/test_admin.c - lib/kbs/admin.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/admin.h"

#include "kbs/policy.h"
#include "kbs/provider.h"

#include "tests/faults.h"
#include "tests/idp.h"
#include "tests/kbs/engine.h"
#include "tests/kbs/world.h"
#include "tests/pki.h"

#include <time.h>

static int64_t
real_now(void)
{
    return (int64_t)time(NULL);
}

static void
bearer_tokens_are_found(void **state)
{
    (void)state;
    assert_null(coco_kbs_bearer(NULL));
    assert_null(coco_kbs_bearer(""));
    assert_null(coco_kbs_bearer("Bearer"));
    assert_null(coco_kbs_bearer("Bearer "));
    assert_null(coco_kbs_bearer("Basic abc"));
    assert_null(coco_kbs_bearer("Bearerabc"));
    assert_string_equal(coco_kbs_bearer("bearer  abc"), "abc");
}

static void
the_owner_puts_lists_and_deletes(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask_as_owner(w, "POST", "/kbs/v0/resource/b/t/1", "two"), 200);
    assert_int_equal(w->reply.body.len, 0);
    assert_int_equal(ask_as_owner(w, "POST", "/kbs/v0/resource/a/t/1", "one"), 200);
    assert_int_equal(ask_as_owner(w, "GET", "/kbs/v0/resource", ""), 200);
    assert_string_equal(said(w), "[\"a/t/1\",\"b/t/1\"]");
    assert_int_equal(ask_as_owner(w, "DELETE", "/kbs/v0/resource/a/t/1", ""), 200);
    assert_int_equal(ask_as_owner(w, "DELETE", "/kbs/v0/resource/a/t/1", ""), 404);
    assert_says_no(w, "ResourceNotFound");
    assert_int_equal(ask_as_owner(w, "GET", "/kbs/v0/resource", ""), 200);
    assert_string_equal(said(w), "[\"b/t/1\"]");
}

static void
tokens_are_refused(void **state)
{
    struct world *w = *state;
    _cleanup_pkey_ EVP_PKEY *other = NULL;
    _cleanup_pkey_ EVP_PKEY *ec = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_generate(COCO_KEY_ED25519, &other, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &ec, &err), err);
    const struct {
        const char *what;
        EVP_PKEY *key;
        const char *claims;
        int status;
    } cases[] = {
        {"right", w->owner, "{\"role\":\"admin\",\"exp\":1800000001}", 200},
        {"no exp", w->owner, "{\"role\":\"admin\"}", 401},
        {"exp is text", w->owner, "{\"role\":\"admin\",\"exp\":\"1800000600\"}", 401},
        {"expired", w->owner, "{\"role\":\"admin\",\"exp\":1799999900}", 401},
        {"not yet", w->owner, "{\"role\":\"admin\",\"exp\":1800000600,\"nbf\":1800000500}", 401},
        {"no role", w->owner, "{\"exp\":1800000600}", 401},
        {"role is a list", w->owner, "{\"role\":[\"admin\"],\"exp\":1800000600}", 401},
        {"role may something else", w->owner, "{\"role\":\"reader\",\"exp\":1800000600}", 403},
        {"role nobody knows", w->owner, "{\"role\":\"Admin\",\"exp\":1800000600}", 403},
        {"key nobody knows", other, "{\"role\":\"admin\",\"exp\":1800000600}", 401},
        {"key of another kind", ec, "{\"role\":\"admin\",\"exp\":1800000600}", 401},
        {"key of the guests' tokens", w->core->token_key, "{\"role\":\"admin\",\"exp\":1800000600}",
         401},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char token[4096];

        sign_claims(cases[i].key, cases[i].claims, token, sizeof(token));
        int status = ask(w, "POST", "/kbs/v0/resource/a/b/c", NULL, token, "x");
        if (status != cases[i].status)
            fail_msg("%s gives %d", cases[i].what, status);
        if (status != 200)
            assert_says_no(w, "AdminAuthAccess");
    }
}

/* That there is no memory is the server's fault, not the token's: that of the first of two keys. */
static void
without_memory_nobody_is_a_stranger(void **state)
{
    _cleanup_pkey_ EVP_PKEY *first = NULL;
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};
    _cleanup_buf_ struct coco_buf config = {.limit = 8192};
    struct world w;
    char token[4096];
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_ED25519, &first, &err), err);
    assert_ok(coco_key_public_pem(first, &pem, &err), err);
    assert_ok(coco_buf_printf(&config, &err,
                              "[[admin.authentication.bearer_jwt.identity_providers]]\n"
                              "public_key = \"\"\"\n%s\"\"\"\n",
                              coco_buf_text(&pem)),
              err);
    world_begin(&w, coco_buf_text(&config));
    sign_claims(first, "{\"role\":\"admin\",\"exp\":1800000001}", token, sizeof(token));
    for_each_fault()
    {
        int status = ask(&w, "GET", "/kbs/v0/resource", NULL, token, "");

        if (status != 200 && status != 500)
            fail_msg("%d %s", status, said(&w));
    }
    world_end(&w);
}

static void
what_is_no_token_is_refused(void **state)
{
    struct world *w = *state;
    char token[4096];
    char none[4096];
    static const char *const headers[] = {
        NULL,
        "",
        "Bearer",
        "Bearer x",
        "Bearer ..",
        "Bearer a.b.c",
        /* {"alg":"none"} with the right claims, without and with a signature */
        "Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4iLCJleHAiOjE4MDAwMDA2MDB9.",
        "Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4iLCJleHAiOjE4MDAwMDA2MDB9.AAAA",
        /* {"alg":"HS256"} */
        "Bearer eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYWRtaW4iLCJleHAiOjE4MDAwMDA2MDB9.AAAA",
        "Basic YWRtaW46YWRtaW4=",
    };

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        if (ask(w, "GET", "/kbs/v0/resource", NULL, headers[i], "") != 401)
            fail_msg("case %zu gives %d", i, w->reply.status);

    /* The right signature under another header. */
    sign_claims(w->owner, "{\"role\":\"admin\",\"exp\":1800000600}", token, sizeof(token));
    (void)snprintf(none, sizeof(none), "Bearer eyJhbGciOiJub25lIn0%s", strchr(token, '.'));
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource", NULL, none, ""), 401);
    /* A character of each part changed. */
    for (size_t i = strlen("Bearer "); i < strlen(token); i += 11) {
        char c = token[i];

        token[i] = c == 'A' ? 'B' : 'A';
        if (ask(w, "GET", "/kbs/v0/resource", NULL, token, "") != 401)
            fail_msg("%zu of %zu, %c: %s", i, strlen(token), c, token);
        token[i] = c;
    }
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource", NULL, token, ""), 200);
}

static void
a_guest_is_no_owner(void **state)
{
    struct world *w = *state;
    _cleanup_json_ cJSON *reply = NULL;
    const char *token = NULL;
    char bearer[8192];
    coco_error *err = NULL;

    add_references(w);
    assert_int_equal(attest(w), 200);
    assert_ok(coco_json_parse_object(said(w), w->reply.body.len, &reply, &err), err);
    assert_ok(coco_json_get_string(reply, "token", &token, &err), err);
    (void)snprintf(bearer, sizeof(bearer), "Bearer %s", token);
    static const char *const asked[][2] = {
        {"GET", "/kbs/v0/resource"},          {"POST", "/kbs/v0/resource/a/b/c"},
        {"DELETE", "/kbs/v0/resource/a/b/c"}, {"POST", "/kbs/v0/resource-policy"},
        {"GET", "/kbs/v0/resource-policy"},   {"POST", "/kbs/v0/attestation-policy"},
        {"POST", "/kbs/v0/reference-value"},  {"GET", "/kbs/v0/reference-value/a"},
        {"GET", "/kbs/v0/explain/a"},
    };
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        assert_int_equal(ask(w, asked[i][0], asked[i][1], w->cookie, bearer, "{}"), 401);
        assert_int_equal(ask(w, asked[i][0], asked[i][1], NULL, NULL, "{}"), 401);
    }
}

static void
without_keys_nobody_is_the_owner(void **state)
{
    struct world *w = *state;
    size_t n = w->core->config.admin.n_providers;

    w->core->config.admin.n_providers = 0;
    assert_int_equal(ask_as_owner(w, "GET", "/kbs/v0/resource", ""), 401);
    w->core->config.admin.n_providers = n;
}

/* Upstream's lists see the query, by which a path becomes any other. */
static void
acls_see_the_path_and_not_the_query(void **state)
{
    struct world *w = *state;
    char token[4096];

    sign_claims(w->owner, "{\"role\":\"reader\",\"exp\":1800000600}", token, sizeof(token));
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource", NULL, token, ""), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource?x=1", NULL, token, ""), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource-policy?/kbs/v0/resource", NULL, token, ""),
                     403);
    assert_int_equal(ask(w, "POST", "/kbs/v0/resource/a/b/c?/kbs/v0/resource", NULL, token, "x"),
                     403);
    /* On every path it is the same error, that of who may do what. */
    assert_says_no(w, "AdminAuthAccess");
}

static void
issuer_and_audience_are_checked(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *claims;
        int status;
    } cases[] = {
        {"{\"role\":\"admin\",\"exp\":1800000600}", 401},
        {"{\"role\":\"admin\",\"exp\":1800000600,\"iss\":\"me\"}", 401},
        {"{\"role\":\"admin\",\"exp\":1800000600,\"iss\":\"me\",\"aud\":\"other\"}", 401},
        {"{\"role\":\"admin\",\"exp\":1800000600,\"iss\":\"you\",\"aud\":\"kbs\"}", 401},
        {"{\"role\":\"admin\",\"exp\":1800000600,\"iss\":1,\"aud\":\"kbs\"}", 401},
        {"{\"role\":\"admin\",\"exp\":1800000600,\"iss\":\"me\",\"aud\":[\"other\"]}", 401},
        {"{\"role\":\"admin\",\"exp\":1800000600,\"iss\":\"me\",\"aud\":[1,\"kbs\"]}", 200},
        {"{\"role\":\"admin\",\"exp\":1800000600,\"iss\":\"me\",\"aud\":\"kbs\"}", 200},
    };

    w->core->config.admin.providers[0].issuer = strdup("me");
    w->core->config.admin.providers[0].audience = strdup("kbs");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char token[4096];

        sign_claims(w->owner, cases[i].claims, token, sizeof(token));
        if (ask(w, "GET", "/kbs/v0/resource", NULL, token, "") != cases[i].status)
            fail_msg("case %zu gives %d", i, w->reply.status);
    }
}

/* A provider with keys of every kind that rotates one, while nobody restarts anything. */
static void
an_identity_provider_says_who_is_the_owner(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_RSA, COCO_KEY_P256, COCO_KEY_P384,
                                               COCO_KEY_ED25519};
    static const char *const kids[] = {"rs", "p2", "p3", "ed"};
    static struct idp idp;
    struct world *w = *state;
    char text[2048];
    char token[4096];
    coco_error *err = NULL;

    idp_start(&idp);
    for (size_t i = 0; i < 4; i++)
        idp_add(&idp, kinds[i], kids[i]);
    world_end(w);
    (void)snprintf(text, sizeof(text),
                   "[admin]\nauthorization_mode = \"AuthenticatedAuthorization\"\n"
                   "[[admin.authentication.bearer_jwt.identity_providers]]\n"
                   "issuer = \"%s\"\naudience = \"kbs\"\nca = \"\"\"\n%s\"\"\"\n"
                   "[[admin.authorization.regex_acl.acls]]\n"
                   "role = \"admin\"\nallowed_endpoints = \"^/kbs/v0/.+$\"\n",
                   idp.issuer, idp.ca_pem);
    *w = (struct world){0};
    assert_ok(coco_ctx_new(&w->ctx, &err), err);
    assert_ok(coco_kbs_core_new(w->ctx, text, &w->core, &err), err);
    w->core->now = world_now;
    coco_kbs_providers_settle(w->core->providers);

    (void)snprintf(text, sizeof(text),
                   "{\"role\":\"admin\",\"exp\":1800000600,\"iss\":\"%s\",\"aud\":\"kbs\"}",
                   idp.issuer);
    idp_sign(idp.keys[0], kids[0], text, token, sizeof(token));
    /* What was got at the start is long past for the clock of this world. */
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource", NULL, token, ""), 503);
    assert_says_no(w, "AdminAuthAccess");
    assert_contains(coco_buf_text(&w->reply.fields), "Retry-After: 1");
    coco_kbs_providers_settle(w->core->providers);
    for (size_t i = 0; i < 4; i++) {
        idp_sign(idp.keys[i], kids[i], text, token, sizeof(token));
        assert_int_equal(ask(w, "GET", "/kbs/v0/resource", NULL, token, ""), 200);
        /* The kid is what picks the key. */
        idp_sign(idp.keys[i], kids[(i + 1) % 4], text, token, sizeof(token));
        assert_int_equal(ask(w, "GET", "/kbs/v0/resource", NULL, token, ""), 401);
        idp_sign(idp.keys[i], NULL, text, token, sizeof(token));
        assert_int_equal(ask(w, "GET", "/kbs/v0/resource", NULL, token, ""), 401);
    }
    static const char *const wrong[] = {
        "{\"role\":\"admin\",\"iss\":\"%s\",\"aud\":\"kbs\"}",
        "{\"role\":\"admin\",\"exp\":1799999900,\"iss\":\"%s\",\"aud\":\"kbs\"}",
        "{\"role\":\"admin\",\"exp\":1800000600,\"iss\":\"%s/\",\"aud\":\"kbs\"}",
        "{\"role\":\"admin\",\"exp\":1800000600,\"iss\":\"%s\",\"aud\":\"other\"}",
        "{\"roles\":[\"admin\"],\"exp\":1800000600,\"iss\":\"%s\",\"aud\":\"kbs\"}",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char claims[512];
        _cleanup_buf_ struct coco_buf made = {.limit = sizeof(claims)};
        const char *gap = strstr(wrong[i], "%s");

        assert_ok(coco_buf_append(&made, wrong[i], (size_t)(gap - wrong[i]), &err), err);
        assert_ok(coco_buf_append_text(&made, idp.issuer, &err), err);
        assert_ok(coco_buf_append_text(&made, gap + 2, &err), err);
        idp_sign(idp.keys[0], kids[0], coco_buf_text(&made), token, sizeof(token));
        if (ask(w, "GET", "/kbs/v0/resource", NULL, token, "") != 401)
            fail_msg("case %zu gives %d", i, w->reply.status);
    }

    idp_add(&idp, COCO_KEY_P256, "new");
    idp_publish(&idp, 1);
    world_clock += COCO_KBS_PROVIDER_PAUSE;
    idp_sign(idp.keys[4], "new", text, token, sizeof(token));
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource", NULL, token, ""), 503);
    coco_kbs_providers_settle(w->core->providers);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource", NULL, token, ""), 200);
    idp_sign(idp.keys[0], kids[0], text, token, sizeof(token));
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource", NULL, token, ""), 401);
    idp_stop(&idp);
}

static void
a_certificate_says_who_is_the_owner(void **state)
{
    struct world *w = *state;
    struct coco_kbs_config *config = &w->core->config;
    struct pki_cert cert;

    pki_make(&cert, NULL, "alice", 30);
    config->admin.certificates = calloc(1, sizeof(*config->admin.certificates));
    config->admin.certificates[0].role = strdup("reader");
    config->admin.certificates[0].san = strdup("DNS:alice");
    config->admin.n_certificates = 1;
    w->core->now = real_now; /* the certificate's */
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource", NULL, NULL, ""), 401);
    w->certificate = cert.cert;
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource", NULL, NULL, ""), 200);
    assert_int_equal(ask(w, "POST", "/kbs/v0/resource/a/b/c", NULL, NULL, "x"), 403);
    /* A token that is none is not made up for. */
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource", NULL, "Bearer x", ""), 401);
    config->admin.certificates[0].san[4] = 'b';
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource", NULL, NULL, ""), 401);
    assert_says_no(w, "AdminAuthAccess");
    w->certificate = NULL;
    pki_done(&cert);
}

static void
policies_are_checked_before_they_are_set(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *path, *body, *name;
        int status;
    } cases[] = {
        /* package policy\ndefault allow := false */
        {"resource-policy", "{\"policy\":\"cGFja2FnZSBwb2xpY3kKZGVmYXVsdCBhbGxvdyA6PSBmYWxzZQ\"}",
         NULL, 200},
        {"resource-policy", "{\"policy\":\"cGFja2FnZSBwb2xpY3kKZGVmYXVsdCBhbGxvdyA6PSBmYWxzZQ==\"}",
         NULL, 200},
        {"resource-policy", "{\"policy\":\"cGFja2FnZSBwb2xpY3kKZGVmYXVsdCBhbGxvdyA6PSBmYWxzZQ=\"}",
         "PolicyEngineError", 400},
        {"resource-policy", "{\"policy\":\"bm90IHJlZ28\"}", "PolicyEngineError", 400},
        {"resource-policy", "{\"policy\":\"AA\"}", "PolicyEngineError", 400},
        {"resource-policy", "{\"policy\":\"\"}", "PolicyEngineError", 400},
        {"resource-policy", "{\"policy\":\"***\"}", "PolicyEngineError", 400},
        {"resource-policy", "{\"policy\":1}", "PolicyEngineError", 400},
        {"resource-policy", "{}", "PolicyEngineError", 400},
        {"resource-policy", "x", "ParsePolicyError", 400},
        {"attestation-policy", "{\"policy\":\"bm90IHJlZ28\"}", "ParsePolicyError", 400},
        {"attestation-policy",
         "{\"policy_id\":\"../"
         "x\",\"policy\":\"cGFja2FnZSBwb2xpY3kKZGVmYXVsdCBhbGxvdyA6PSBmYWxzZQ\"}",
         "PolicyEngineError", 400},
        {"attestation-policy",
         "{\"policy_id\":\"resource-policy\",\"policy\":\"cGFja2FnZSBwb2xpY3k\"}",
         "ParsePolicyError", 400},
        {"attestation-policy",
         "{\"type\":\"rego\",\"policy_id\":\"default_gpu\",\"policy\":\"cGFja2FnZSBwb2xpY3k\"}",
         NULL, 200},
    };

    if (!have_engine())
        return;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[128];

        (void)snprintf(path, sizeof(path), "/kbs/v0/%s", cases[i].path);
        if (ask_as_owner(w, "POST", path, cases[i].body) != cases[i].status)
            fail_msg("case %zu gives %d: %s", i, w->reply.status, said(w));
        if (cases[i].name)
            assert_says_no(w, cases[i].name);
    }
}

static void
reference_values_are_set_and_read(void **state)
{
    struct world *w = *state;

    /* {"a/b":[1],"c":"x"} */
    assert_int_equal(ask_as_owner(w, "POST", "/kbs/v0/reference-value",
                                  "{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":"
                                  "\"eyJhL2IiOlsxXSwiYyI6IngifQ==\"}"),
                     200);
    assert_int_equal(ask_as_owner(w, "GET", "/kbs/v0/reference-value/a/b", ""), 200);
    assert_string_equal(said(w), "[1]");
    assert_int_equal(ask_as_owner(w, "GET", "/kbs/v0/reference-value/none", ""), 404);
    assert_says_no(w, "RvpsError");
    assert_int_equal(ask_as_owner(w, "GET", "/kbs/v0/explain/none", ""), 404);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(bearer_tokens_are_found),
        IN_WORLD(the_owner_puts_lists_and_deletes),
        IN_WORLD(tokens_are_refused),
        cmocka_unit_test(without_memory_nobody_is_a_stranger),
        IN_WORLD(what_is_no_token_is_refused),
        IN_WORLD(a_guest_is_no_owner),
        IN_WORLD(without_keys_nobody_is_the_owner),
        IN_WORLD(acls_see_the_path_and_not_the_query),
        IN_WORLD(issuer_and_audience_are_checked),
        IN_WORLD(an_identity_provider_says_who_is_the_owner),
        IN_WORLD(a_certificate_says_who_is_the_owner),
        IN_WORLD(policies_are_checked_before_they_are_set),
        IN_WORLD(reference_values_are_set_and_read),
    };

    return cmocka_run_group_tests_name("kbs/admin", tests, NULL, NULL);
}
