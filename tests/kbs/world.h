/*
 * tests/kbs/world.h - a KBS without sockets, an owner and a guest
 *
 *     struct world w;
 *     world_begin(&w, "");
 *     ask(&w, "GET", "/healthz", NULL, NULL, "");   w.reply.status is 200
 *     world_end(&w);
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_KBS_WORLD_H
#define COCO_TESTS_KBS_WORLD_H

#include "base/base64.h"
#include "base/context.h"
#include "base/json.h"
#include "crypto/jwe.h"
#include "crypto/jws.h"
#include "kbs/core.h"
#include "kbs/router.h"
#include "rcar/messages.h"
#include "rcar/tee_key.h"

#include "tests/support.h"

#include <openssl/x509.h>
#include <string.h>

#define WORLD_NOW 1800000000

/* The reference values that make sample evidence affirming. */
#define SAMPLE_REFERENCES                                                                          \
    {"launch_digest", "[\"abcde\"]"}, {"svn", "[\"1\"]"}, {"major_version", "1"},                  \
    {                                                                                              \
        "minimum_minor_version", "1"                                                               \
    }

static int64_t world_clock = WORLD_NOW;

static inline int64_t
world_now(void)
{
    return world_clock;
}

struct world {
    coco_ctx *ctx;
    struct coco_kbs_core *core;
    EVP_PKEY *owner; /* Ed25519, role admin */
    EVP_PKEY *tee;
    struct coco_httpd_reply reply;
    X509 *certificate; /* that TLS has verified, or NULL */
    struct coco_httpd_source source;
    const char *traceparent;
    char cookie[COCO_KBS_COOKIE_MAX + 64]; /* as a Cookie header */
    char body[8192];
};

/* Appends the configuration that knows the owner's key. */
static inline void
owner_config(EVP_PKEY *owner, struct coco_buf *config)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};
    coco_error *err = NULL;

    assert_ok(coco_key_public_pem(owner, &pem, &err), err);
    assert_ok(coco_buf_printf(config, &err,
                              "\n[admin]\nauthorization_mode = \"AuthenticatedAuthorization\"\n"
                              "[[admin.authentication.bearer_jwt.identity_providers]]\n"
                              "public_key = \"\"\"\n%s\"\"\"\n"
                              "[[admin.authorization.regex_acl.acls]]\n"
                              "role = \"admin\"\nallowed_endpoints = \"^/kbs/v0/.+$\"\n"
                              "[[admin.authorization.regex_acl.acls]]\n"
                              "role = \"reader\"\nallowed_endpoints = \"^/kbs/v0/resource$\"\n",
                              coco_buf_text(&pem)),
              err);
}

static inline void
world_begin(struct world *w, const char *attestation)
{
    _cleanup_buf_ struct coco_buf config = {.limit = 65536};
    coco_error *err = NULL;

    *w = (struct world){0};
    world_clock = WORLD_NOW;
    assert_ok(coco_key_generate(COCO_KEY_ED25519, &w->owner, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &w->tee, &err), err);
    assert_ok(coco_buf_printf(&config, &err, "[attestation_service]\nallow_sample = true\n%s\n",
                              attestation),
              err);
    owner_config(w->owner, &config);
    assert_ok(coco_ctx_new(&w->ctx, &err), err);
    assert_ok(coco_kbs_core_new(w->ctx, coco_buf_text(&config), &w->core, &err), err);
    w->core->now = world_now;
}

static inline void
world_end(struct world *w)
{
    coco_httpd_reply_done(&w->reply);
    coco_kbs_core_free(w->core);
    coco_ctx_free(w->ctx);
    EVP_PKEY_free(w->owner);
    EVP_PKEY_free(w->tee);
}

/* Asks; a cookie that is set is kept, target may have a query. */
static inline int
ask_bytes(struct world *w, const char *method, const char *target, const char *cookie,
          const char *authorization, const void *body, size_t len)
{
    char path[4096];
    struct coco_httpd_request request = {
        .method = method,
        .path = path,
        .cookie = cookie,
        .authorization = authorization,
        .body = body,
        .body_len = len,
        .certificate = w->certificate,
        .source = w->source,
        .traceparent = w->traceparent,
    };

    assert_true(strlen(target) < sizeof(path));
    strcpy(path, target);
    char *query = strchr(path, '?');
    if (query) {
        *query++ = '\0';
        request.query = query;
    }
    coco_httpd_reply_done(&w->reply);
    w->reply = (struct coco_httpd_reply){0};
    coco_kbs_handle(w->core, &request, &w->reply);
    if (w->reply.cookie.len) {
        size_t n = strcspn(coco_buf_text(&w->reply.cookie), ";");

        assert_true(n < sizeof(w->cookie));
        memcpy(w->cookie, w->reply.cookie.data, n);
        w->cookie[n] = '\0';
    }
    return w->reply.status;
}

static inline int
ask(struct world *w, const char *method, const char *target, const char *cookie,
    const char *authorization, const char *body)
{
    return ask_bytes(w, method, target, cookie, authorization, body, strlen(body));
}

static inline const char *
said(const struct world *w)
{
    return coco_buf_text(&w->reply.body);
}

/* "Bearer <JWT>" of key with these claims. */
static inline void
sign_claims(EVP_PKEY *key, const char *claims, char *buf, size_t size)
{
    _cleanup_json_ cJSON *payload = NULL;
    _cleanup_buf_ struct coco_buf token = {.limit = 8192};
    coco_error *err = NULL;

    assert_ok(coco_json_parse_object(claims, strlen(claims), &payload, &err), err);
    assert_ok(coco_buf_append_text(&token, "Bearer ", &err), err);
    assert_ok(coco_jws_sign(key, NULL, payload, &token, &err), err);
    assert_true(token.len < size);
    strcpy(buf, coco_buf_text(&token));
}

static inline const char *
owner_token(const struct world *w)
{
    static char token[4096];

    sign_claims(w->owner, "{\"role\":\"admin\",\"exp\":1800000600}", token, sizeof(token));
    return token;
}

static inline int
ask_as_owner(struct world *w, const char *method, const char *path, const char *body)
{
    return ask(w, method, path, NULL, owner_token(w), body);
}

static inline void
add_references(const struct world *w)
{
    static const char *const values[][2] = {SAMPLE_REFERENCES};
    coco_error *err = NULL;

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_ok(coco_kbs_store_put(w->core->store, COCO_KBS_REFERENCE, values[i][0], values[i][1],
                                     strlen(values[i][1]), &err),
                  err);
}

static inline void
add_resource(const struct world *w, const char *name, const char *text)
{
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_put(w->core->store, COCO_KBS_RESOURCE, name, text, strlen(text), &err),
              err);
}

/* What can be wrong with an attestation. */
struct attestation {
    const char *nonce;     /* NULL: the challenge's */
    const char *init_data; /* NULL: none */
    const char *additional;
    EVP_PKEY *key;    /* NULL: w->tee; the one that is sent */
    EVP_PKEY *bound;  /* NULL: the same; the one that the evidence is bound to */
    const char *auth; /* the body of /auth; NULL: AUTH_BODY */
};

/* The body of /attest that answers the challenge in w->reply. */
static inline void
make_attestation(struct world *w, const struct attestation *how, struct coco_buf *body)
{
    struct coco_rcar_challenge challenge = {0};
    struct coco_digest report_data;
    _cleanup_json_ cJSON *jwk = NULL;
    _cleanup_json_ cJSON *bound = NULL;
    _cleanup_json_ cJSON *evidence = NULL;
    coco_error *err = NULL;

    assert_ok(coco_rcar_challenge_parse(w->reply.body.data, w->reply.body.len, &challenge, &err),
              err);
    const char *nonce = how->nonce ? how->nonce : challenge.nonce;
    EVP_PKEY *key = how->key ? how->key : w->tee;
    assert_ok(coco_rcar_tee_key_build(COCO_RCAR_0_4_0, key, &jwk, &err), err);
    assert_ok(coco_rcar_tee_key_build(COCO_RCAR_0_4_0, how->bound ? how->bound : key, &bound, &err),
              err);
    const struct coco_rcar_binding binding = {
        .version = COCO_RCAR_0_4_0,
        .alg = COCO_SHA384,
        .nonce = nonce,
        .tee_pubkey = bound,
        .additional = how->additional,
    };
    assert_ok(coco_rcar_report_data(&binding, &report_data, &err), err);
    assert_ok(coco_json_new_object(&evidence, &err), err);
    assert_ok(coco_json_add_string(evidence, "svn", "1", &err), err);
    assert_ok(coco_json_add_base64(evidence, "report_data", report_data.bytes, 48, &err), err);
    const struct coco_rcar_attestation attestation = {
        .nonce = nonce,
        .init_data = how->init_data,
        .additional = how->additional ? how->additional : "",
        .tee_pubkey = jwk,
        .evidence = evidence,
    };
    assert_ok(coco_rcar_attestation_build(COCO_RCAR_0_4_0, &attestation, body, &err), err);
    coco_rcar_challenge_done(&challenge);
}

#define AUTH_BODY "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":{}}"

/* Both steps; the status of the second. */
static inline int
attest_how(struct world *w, const struct attestation *how)
{
    _cleanup_buf_ struct coco_buf body = {.limit = 1 << 20};

    assert_int_equal(ask(w, "POST", "/kbs/v0/auth", NULL, NULL, how->auth ? how->auth : AUTH_BODY),
                     200);
    make_attestation(w, how, &body);
    return ask_bytes(w, "POST", "/kbs/v0/attest", w->cookie, NULL, body.data, body.len);
}

static inline int
attest(struct world *w)
{
    const struct attestation how = {0};

    return attest_how(w, &how);
}

/* Fails unless the reply is an ErrorInformation with this name. */
static inline void
assert_says_no(const struct world *w, const char *name)
{
    struct coco_rcar_error no;
    coco_error *err = NULL;

    assert_string_equal(w->reply.type, "application/problem+json");
    assert_ok(coco_rcar_error_parse(w->reply.body.data, w->reply.body.len, &no, &err), err);
    assert_string_equal(no.name, name);
}

/* The "id" of a refusal. */
static inline void
refusal_id(const struct world *w, char *buf, size_t size)
{
    struct coco_rcar_error no;
    coco_error *err = NULL;

    assert_ok(coco_rcar_error_parse(w->reply.body.data, w->reply.body.len, &no, &err), err);
    assert_true(strlen(no.id) == 32 && size > 32);
    strcpy(buf, no.id);
}

/* A world for each test. */
static inline int
world_setup(void **state)
{
    static struct world w;

    world_begin(&w, "");
    *state = &w;
    return 0;
}

static inline int
world_teardown(void **state)
{
    world_end(*state);
    return 0;
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

#endif
