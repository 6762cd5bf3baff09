/*
 * tests/kbc/test_cc_kbc.c - lib/kbc/cc_kbc.c
 *
 * Against a KBS that is either honest, checking what upstream's checks, or lies
 * in one place (T19, T22 to T25 in doc/threats.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "attester/driver.h"
#include "base/context.h"
#include "crypto/jws.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/kbc/fakekbs.h"
#include "tests/pki.h"
#include "tests/rng.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct fixture {
    struct httpd httpd;
    struct kbs kbs;
    coco_ctx *ctx;
    coco_kbc *kbc;
    coco_error *err;
};

static struct fixture fixture;

/* ---- The client ---- */

static void
open_kbc(struct fixture *f, const char *tee)
{
    coco_attester *attester = NULL;
    char params[128];

    coco_kbc_free(f->kbc);
    f->kbc = NULL;
    (void)snprintf(params, sizeof(params), "cc_kbc::%s", f->httpd.url);
    assert_ok(coco_kbc_new(params, &f->kbc, &f->err), f->err);
    coco_kbc_set_retries(f->kbc, 0);
    if (!tee)
        return;
    assert_ok(coco_attester_new(tee, &attester, &f->err), f->err);
    assert_ok(coco_kbc_set_attester(f->kbc, attester, &f->err), f->err);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){0};
    fakekbs_begin(&f->kbs);
    assert_int_equal(setenv("no_proxy", "*", 1), 0);
    assert_int_equal(unsetenv("COCO_SOFTWARE_TEE"), 0);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    httpd_start(&f->httpd, serve, &f->kbs, NULL);
    open_kbc(f, "sample");
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_kbc_free(f->kbc);
    httpd_stop(&f->httpd);
    fakekbs_end(&f->kbs);
    coco_ctx_free(f->ctx);
    return 0;
}

/* A token of nobody that the client can read; with "aud" unless audience is NULL. */
static const char *
token_for(int seconds, const char *audience)
{
    static char text[1024];
    _cleanup_buf_ struct coco_buf token = {.limit = sizeof(text) - 1};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_json_ cJSON *claims = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
    assert_ok(coco_json_new_object(&claims, &err), err);
    assert_ok(coco_json_add_i64(claims, "exp", (int64_t)time(NULL) + seconds, &err), err);
    if (audience)
        assert_ok(coco_json_add_string(claims, "aud", audience, &err), err);
    assert_ok(coco_jws_sign(key, NULL, claims, &token, &err), err);
    (void)snprintf(text, sizeof(text), "%s", coco_buf_text(&token));
    return text;
}

static const char *
valid_token(int seconds)
{
    return token_for(seconds, NULL);
}

static coco_status
get(struct fixture *f, coco_bytes **ret)
{
    return coco_kbc_get_resource(f->kbc, f->ctx, URI, ret, &f->err);
}

static void
assert_gets_the_secret(struct fixture *f)
{
    _cleanup_(coco_bytes_freep) coco_bytes *secret = NULL;

    coco_status status = get(f, &secret);
    if (status != COCO_OK)
        fail_msg("%s; the server: %s", coco_error_message(f->err), f->kbs.why);
    assert_string_equal((const char *)coco_bytes_data(secret), SECRET);
}

static void
assert_asked(const struct fixture *f, unsigned auth, unsigned attest, unsigned resource)
{
    assert_int_equal(f->kbs.asked[AUTH], auth);
    assert_int_equal(f->kbs.asked[ATTEST], attest);
    assert_int_equal(f->kbs.asked[GET], resource);
}

static void
every_kind_of_key_gets_the_secret(void **state)
{
    static const coco_tee_key kinds[] = {
        COCO_TEE_KEY_DEFAULT,
        COCO_TEE_KEY_P256,
        COCO_TEE_KEY_P521,
        COCO_TEE_KEY_RSA,
    };
    static const enum coco_key_kind keys[] = {
        COCO_KEY_P256,
        COCO_KEY_P256,
        COCO_KEY_P521,
        COCO_KEY_RSA,
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(kinds); i++) {
        enum coco_key_kind kind = 0;

        open_kbc(f, "sample");
        assert_ok(coco_kbc_set_tee_key(f->kbc, kinds[i], &f->err), f->err);
        assert_gets_the_secret(f);
        assert_ok(coco_key_kind_of(f->kbs.guest, &kind, &f->err), f->err);
        assert_int_equal(kind, keys[i]);
    }
}

static void
the_key_is_chosen_before_it_is_made(void **state)
{
    struct fixture *f = *state;

    assert_fails(coco_kbc_set_tee_key(f->kbc, (coco_tee_key)17, &f->err), f->err, COCO_ERR_INVALID,
                 "17");
    assert_gets_the_secret(f);
    assert_fails(coco_kbc_set_tee_key(f->kbc, COCO_TEE_KEY_RSA, &f->err), f->err, COCO_ERR_INVALID,
                 "already");
}

/* Kinds of keys but RSA come with 0.2.0. */
static void
every_version_gets_the_secret(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = COCO_RCAR_VERSIONS; i-- > 0;) {
        unsigned asked = COCO_RCAR_VERSIONS - i;

        memset(f->kbs.asked, 0, sizeof(f->kbs.asked));
        f->kbs.speaks = (enum coco_rcar_version)i;
        open_kbc(f, "sample");
        assert_gets_the_secret(f);
        assert_asked(f, asked, 1, 1);
        assert_gets_the_secret(f);
        assert_asked(f, asked, 1, 2);

        /* What was found is not looked for again. */
        f->kbs.lies[GET] = (struct lie){3, 3, "401 Unauthorized", NULL, NO_SESSION, false};
        assert_gets_the_secret(f);
        assert_asked(f, asked + 1, 2, 4);
        memset(f->kbs.lies, 0, sizeof(f->kbs.lies));
    }
}

static void
a_server_that_was_replaced_is_found_again(void **state)
{
    static const enum coco_rcar_version versions[] = {COCO_RCAR_0_1_1, COCO_RCAR_0_4_0,
                                                      COCO_RCAR_0_2_0};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(versions); i++) {
        f->kbs.speaks = versions[i];
        if (i > 0)
            f->kbs.lies[GET] = (struct lie){f->kbs.asked[GET] + 1,
                                            f->kbs.asked[GET] + 1,
                                            "401 Unauthorized",
                                            NULL,
                                            NO_SESSION,
                                            false};
        assert_gets_the_secret(f);
    }
}

/* What is to be measured, or the key that its owner chose, is not given up for a version. */
static void
a_version_that_cannot_say_it_is_not_tried(void **state)
{
    struct fixture *f = *state;
    coco_attester *device = NULL;
    coco_bytes *secret = NULL;

    f->kbs.speaks = COCO_RCAR_0_3_0;
    assert_ok(coco_kbc_set_init_data(f->kbc, "version = \"0.1.0\"\n", &f->err), f->err);
    assert_fails(get(f, &secret), f->err, COCO_ERR_NOTSUP, "expect =0.3.0");
    assert_asked(f, 1, 0, 0);

    open_kbc(f, "sample");
    f->kbs.speaks = COCO_RCAR_0_2_0;
    assert_ok(coco_attester_new("sampledevice", &device, &f->err), f->err);
    assert_ok(coco_kbc_add_device(f->kbc, device, &f->err), f->err);
    assert_fails(get(f, &secret), f->err, COCO_ERR_NOTSUP, "expect =0.2.0");
    assert_asked(f, 3, 0, 0);

    open_kbc(f, "sample");
    f->kbs.speaks = COCO_RCAR_0_1_1;
    assert_ok(coco_kbc_set_tee_key(f->kbc, COCO_TEE_KEY_P256, &f->err), f->err);
    assert_fails(get(f, &secret), f->err, COCO_ERR_NOTSUP, "expect =0.1.1");
    assert_asked(f, 6, 0, 0);
    assert_null(secret);
}

static void
one_handshake_serves_every_secret(void **state)
{
    struct fixture *f = *state;

    assert_gets_the_secret(f);
    assert_gets_the_secret(f);
    assert_gets_the_secret(f);
    assert_asked(f, 1, 1, 3);
}

static void
a_forgotten_session_is_renewed_once(void **state)
{
    struct fixture *f = *state;

    assert_gets_the_secret(f);
    f->kbs.lies[GET] = (struct lie){2, 2, "401 Unauthorized", NULL, NO_SESSION, false};
    _cleanup_pkey_ EVP_PKEY *first = f->kbs.guest;
    f->kbs.guest = NULL;
    assert_gets_the_secret(f);
    assert_asked(f, 2, 2, 3);
    assert_int_not_equal(EVP_PKEY_eq(first, f->kbs.guest), 1); /* a fresh key for a fresh nonce */
}

static void
a_session_that_stays_forgotten_is_denied(void **state)
{
    struct fixture *f = *state;
    coco_bytes *secret = NULL;

    f->kbs.lies[GET] = (struct lie){2, 0, "401 Unauthorized", NULL, NO_SESSION, false};
    assert_gets_the_secret(f);
    assert_fails(get(f, &secret), f->err, COCO_ERR_DENIED, "Token not found");
    assert_asked(f, 2, 2, 3);
    assert_fails(get(f, &secret), f->err, COCO_ERR_DENIED, "Token not found");
    assert_asked(f, 3, 3, 5);
    assert_null(secret);
}

#define PLUGIN_URI "kbs+ca:///certificate?x=%20y"
#define QUESTION "a request for a certificate"

static coco_status
ask_plugin(struct fixture *f, coco_bytes **ret)
{
    return coco_kbc_ask_plugin(f->kbc, f->ctx, PLUGIN_URI, (const uint8_t *)QUESTION,
                               strlen(QUESTION), ret, &f->err);
}

static void
a_plugin_is_asked_with_the_session(void **state)
{
    struct fixture *f = *state;
    coco_bytes *answer = NULL;

    f->kbs.target = "/kbs/v0/ca/certificate?x=%20y";
    f->kbs.question = QUESTION;
    assert_ok(ask_plugin(f, &answer), f->err);
    assert_string_equal((const char *)coco_bytes_data(answer), SECRET);
    coco_bytes_free(answer);
    f->kbs.question = NULL;
    assert_ok(coco_kbc_get_resource(f->kbc, f->ctx, PLUGIN_URI, &answer, &f->err), f->err);
    assert_string_equal((const char *)coco_bytes_data(answer), SECRET);
    coco_bytes_free(answer);
    assert_asked(f, 1, 1, 2);
}

/* Which upstream's broker hands to its policies, as ours does. */
static void
a_resource_may_be_asked_for_with_a_query(void **state)
{
    static const char uri[] = "kbs:///a/b/c?x=%20y";
    struct fixture *f = *state;
    uint32_t lease = 0;
    coco_bytes *answer = NULL;

    f->kbs.target = "/kbs/v0/resource/a/b/c?x=%20y";
    assert_ok(coco_kbc_get_resource(f->kbc, f->ctx, uri, &answer, &f->err), f->err);
    assert_string_equal((const char *)coco_bytes_data(answer), SECRET);
    coco_bytes_free(answer);
    answer = NULL;
    assert_ok(coco_kbc_get_leased(f->kbc, f->ctx, uri, &answer, &lease, &f->err), f->err);
    coco_bytes_free(answer);
    answer = NULL;
    /* It is for us alone, as without one. */
    f->kbs.lies[GET] = (struct lie){1, 0, "200 OK", NULL, "text", false};
    assert_fails(coco_kbc_get_resource(f->kbc, f->ctx, uri, &answer, &f->err), f->err,
                 COCO_ERR_PROTO, "kbs:///a/b/c?x=%20y: ");
    assert_null(answer);
}

/* What is not for us alone is not encrypted to us. */
static void
what_a_plugin_says_to_everybody_comes_as_it_is(void **state)
{
    static const char *const said[] = {
        "", "text", "{", "{}", "{\"protected\":1}", "[\"protected\",\"ciphertext\"]", "\x80",
    };
    struct fixture *f = *state;
    coco_bytes *answer = NULL;

    for (size_t i = 0; i < COUNT(said); i++) {
        f->kbs.lies[GET] = (struct lie){1, 0, "200 OK", NULL, said[i], false};
        assert_ok(ask_plugin(f, &answer), f->err);
        assert_string_equal((const char *)coco_bytes_data(answer), said[i]);
        coco_bytes_free(answer);
        answer = NULL;
        /* A resource is always for us alone. */
        assert_fails(get(f, &answer), f->err, COCO_ERR_PROTO, "");
    }
    f->kbs.lies[GET] =
        (struct lie){1, 0, "200 OK", NULL, "{\"protected\":\"\",\"ciphertext\":\"\"}", false};
    assert_fails(ask_plugin(f, &answer), f->err, COCO_ERR_PROTO, PLUGIN_URI ": ");
}

static void
a_plugins_no_is_told(void **state)
{
    static const struct {
        const char *status, *body;
        coco_status want;
    } cases[] = {
        {"403 Forbidden", ERROR("PolicyDeny", "no"), COCO_ERR_DENIED},
        {"404 Not Found", ERROR("PluginNotFound", "no such path"), COCO_ERR_NOTFOUND},
        {"400 Bad Request", ERROR("PluginInternalError", "no request"), COCO_ERR_PROTO},
        {"413 Payload Too Large", ERROR("PluginInternalError", "too much"), COCO_ERR_LIMIT},
    };
    struct fixture *f = *state;
    coco_bytes *answer = NULL;

    for (size_t i = 0; i < COUNT(cases); i++) {
        f->kbs.lies[GET] = (struct lie){1, 0, cases[i].status, NULL, cases[i].body, false};
        assert_fails(ask_plugin(f, &answer), f->err, cases[i].want, PLUGIN_URI ": ");
        assert_asked(f, 1, 1, 1 + (unsigned)i);
    }
}

/* It may have done what it was asked for. */
static void
a_question_is_not_put_again(void **state)
{
    struct fixture *f = *state;
    coco_bytes *answer = NULL;

    f->kbs.target = "/kbs/v0/ca/certificate?x=%20y";
    f->kbs.question = QUESTION;
    coco_kbc_set_retries(f->kbc, 3);
    f->kbs.lies[GET] = (struct lie){.from = 1, .to = 1, .cut = true};
    assert_fails(ask_plugin(f, &answer), f->err, COCO_ERR_NET, "");
    assert_int_equal(f->kbs.asked[GET], 1);
}

/* As Trustee's plug-in "pkcs11" unwraps keys: by GET. */
static void
a_key_is_unwrapped_by_a_plugin(void **state)
{
    struct fixture *f = *state;
    coco_bytes *key = NULL;

    f->kbs.target = "/kbs/v0/pkcs11/wrap-key";
    f->kbs.question = QUESTION;
    f->kbs.question_is_got = true;
    assert_ok(coco_kbc_unwrap_key(f->kbc, f->ctx, "kbs+pkcs11:///wrap-key",
                                  (const uint8_t *)QUESTION, strlen(QUESTION), &key, &f->err),
              f->err);
    assert_string_equal((const char *)coco_bytes_data(key), SECRET);
    coco_bytes_free(key);
    key = NULL;
    assert_fails(coco_kbc_unwrap_key(f->kbc, f->ctx, "wrap-key", (const uint8_t *)QUESTION,
                                     strlen(QUESTION), &key, &f->err),
                 f->err, COCO_ERR_INVALID, "is not kbs+<plugin>");
    assert_fails(coco_kbc_wrap_key(f->kbc, f->ctx, "kbs+pkcs11:///wrap-key",
                                   (const uint8_t *)QUESTION, strlen(QUESTION), &key, &f->err),
                 f->err, COCO_ERR_NOTSUP, "only the owner");
    assert_asked(f, 1, 1, 1);
}

static void
only_brokers_with_plugins_are_asked(void **state)
{
    struct fixture *f = *state;
    coco_kbc *sample = NULL;
    coco_bytes *answer = NULL;

    assert_ok(coco_kbc_new("sample_kbc::", &sample, &f->err), f->err);
    assert_fails(coco_kbc_ask_plugin(sample, f->ctx, PLUGIN_URI, NULL, 0, &answer, &f->err), f->err,
                 COCO_ERR_NOTSUP, "sample_kbc has no plug-ins");
    assert_fails(coco_kbc_get_resource(sample, f->ctx, PLUGIN_URI, &answer, &f->err), f->err,
                 COCO_ERR_NOTSUP, "sample_kbc has no plug-ins");
    coco_kbc_free(sample);
    assert_fails(coco_kbc_ask_plugin(f->kbc, f->ctx, URI, NULL, 0, &answer, &f->err), f->err,
                 COCO_ERR_INVALID, "is not kbs+<plugin>");
    assert_fails(coco_kbc_ask_plugin(f->kbc, f->ctx, PLUGIN_URI, (const uint8_t *)"", SIZE_MAX,
                                     &answer, &f->err),
                 f->err, COCO_ERR_INVALID, "question of more than");
    assert_asked(f, 0, 0, 0);
}

static void
asking_a_plugin_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    f->kbs.target = "/kbs/v0/ca/certificate?x=%20y";
    f->kbs.question = QUESTION;
    for_each_fault()
    {
        coco_bytes *answer = NULL;

        coco_status status = ask_plugin(f, &answer);
        fault_expect(status, f->err);
        coco_bytes_free(answer);
    }
}

/* Upstream's client attests three times before it believes a no. */
static void
a_policys_no_is_not_asked_for_twice(void **state)
{
    static const struct {
        const char *status;
        const char *body;
        coco_status want;
        const char *why;
    } cases[] = {
        {"401 Unauthorized", ERROR("PolicyDeny", "Access denied by policy"), COCO_ERR_DENIED,
         "Access denied by policy (401 PolicyDeny)"},
        {"401 Unauthorized", ERROR("PolicyReject", "Resource not permitted."), COCO_ERR_DENIED,
         "Resource not permitted. (401 PolicyReject)"},
        {"403 Forbidden",
         "{\"type\":\"https://github.com/confidential-containers/kbs/errors/PolicyDeny\","
         "\"detail\":\"no\",\"id\":\"d7\"}",
         COCO_ERR_DENIED, "id d7"},
        {"401 Unauthorized", ERROR("PluginInternalError", "Plugin internal error"),
         COCO_ERR_NOTFOUND, "Plugin internal error"},
        {"404 Not Found", ERROR("ResourceNotFound", "no such resource"), COCO_ERR_NOTFOUND,
         "no such resource"},
    };
    struct fixture *f = *state;
    coco_bytes *secret = NULL;

    assert_gets_the_secret(f);
    for (size_t i = 0; i < COUNT(cases); i++) {
        f->kbs.lies[GET] = (struct lie){1, 0, cases[i].status, NULL, cases[i].body, false};
        assert_fails(get(f, &secret), f->err, cases[i].want, cases[i].why);
        assert_asked(f, 1, 1, 2 + (unsigned)i);
    }
}

static void
lies_at_every_step_are_seen(void **state)
{
    static const struct {
        enum step step;
        const char *status;
        const char *headers;
        const char *body;
        coco_status want;
        const char *why;
    } cases[] = {
        {AUTH, "200 OK", NULL, "", COCO_ERR_PROTO, "attestation"},
        {AUTH, "200 OK", NULL, "<html></html>", COCO_ERR_PROTO, "attestation"},
        {AUTH, "200 OK", NULL, "{\"nonce\":\"\"}", COCO_ERR_PROTO, "nonce"},
        {AUTH, "200 OK", NULL,
         "{\"nonce\":\"n\",\"extra-params\":{\"selected-hash-algorithm\":\"sha256\"}}",
         COCO_ERR_DENIED, "sha256"},
        {AUTH, "201 Created", NULL, "{\"nonce\":\"n\"}", COCO_ERR_PROTO, "201"},
        {AUTH, "302 Found", "Location: /elsewhere\r\n", "", COCO_ERR_PROTO, "redirects"},
        {AUTH, "307 Temporary Redirect", "Location: http://127.0.0.1:1/\r\n", "", COCO_ERR_PROTO,
         "redirects"},
        {AUTH, "404 Not Found", NULL, "", COCO_ERR_PROTO, "404"},
        {AUTH, "401 Unauthorized", NULL,
         ERROR("AttestationError",
               "RCAR handshake Auth failed: KBS Client Protocol Version Mismatch: expect =0.2.0 "
               "while the request is 0.4.0"),
         COCO_ERR_NOTSUP, "expect =0.2.0"},
        {AUTH, "500 Internal Server Error", NULL, "", COCO_ERR_NET, "500"},
        {AUTH, "200 OK", "Set-Cookie: other=1\r\n", "{\"nonce\":\"n\",\"extra-params\":\"\"}",
         COCO_ERR_DENIED, "handshake failed"},
        {AUTH, "200 OK", NULL, NULL, COCO_ERR_LIMIT, "more than 4194304 bytes"},
        {ATTEST, "200 OK", NULL, "", COCO_ERR_PROTO, "attestation"},
        {ATTEST, "200 OK", NULL, "{\"token\":\"\"}", COCO_ERR_PROTO, "token"},
        {ATTEST, "200 OK", NULL, "{\"token\":null}", COCO_ERR_PROTO, "token"},
        {ATTEST, "401 Unauthorized", NULL, ERROR("AttestationError", "no"), COCO_ERR_DENIED, "no"},
        {ATTEST, "413 Payload Too Large", NULL, "", COCO_ERR_LIMIT, "413"},
        {ATTEST, "200 OK", NULL, NULL, COCO_ERR_LIMIT, ""},
        {GET, "200 OK", NULL, "", COCO_ERR_PROTO, URI},
        {GET, "200 OK", NULL, "the secret", COCO_ERR_PROTO, URI},
        {GET, "200 OK", NULL, "{}", COCO_ERR_PROTO, URI},
        {GET, "200 OK", NULL,
         "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0.AA.AAAAAAAAAAAAAAAA.AA."
         "AAAAAAAAAAAAAAAAAAAAAA",
         COCO_ERR_NOTSUP, URI},
        {GET, "206 Partial Content", NULL, "{}", COCO_ERR_PROTO, "206"},
        {GET, "303 See Other", "Location: http://127.0.0.1:1/\r\n", "", COCO_ERR_PROTO,
         "redirects"},
        {GET, "429 Too Many Requests", NULL, "", COCO_ERR_NET, "429"},
        {GET, "200 OK", NULL, NULL, COCO_ERR_LIMIT, "more than 100663296 bytes"},
    };
    struct fixture *f = *state;
    coco_bytes *secret = NULL;

    for (size_t i = 0; i < COUNT(cases); i++) {
        memset(f->kbs.lies, 0, sizeof(f->kbs.lies));
        f->kbs.lies[cases[i].step] =
            (struct lie){1, 0, cases[i].status, cases[i].headers, cases[i].body, false};
        open_kbc(f, "sample");
        assert_fails(get(f, &secret), f->err, cases[i].want, cases[i].why);
        assert_null(secret);

        /* A failed handshake leaves nothing behind that a later one would trip over. */
        memset(f->kbs.lies, 0, sizeof(f->kbs.lies));
        assert_gets_the_secret(f);
    }
}

static void
a_secret_for_another_key_is_not_opened(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_P521, COCO_KEY_RSA};
    struct fixture *f = *state;
    coco_bytes *secret = NULL;

    for (size_t i = 0; i < COUNT(kinds); i++) {
        EVP_PKEY_free(f->kbs.other);
        f->kbs.other = NULL;
        assert_ok(coco_key_generate(kinds[i], &f->kbs.other, &f->err), f->err);
        assert_int_not_equal(get(f, &secret), COCO_OK);
        assert_true(coco_error_status(f->err) == COCO_ERR_VERIFY
                    || coco_error_status(f->err) == COCO_ERR_NOTSUP);
        coco_error_free(f->err);
        f->err = NULL;
        assert_null(secret);
    }
}

static void
a_secret_of_an_earlier_session_is_not_opened(void **state)
{
    struct fixture *f = *state;
    static char old[TEXT_MAX];
    coco_bytes *secret = NULL;

    assert_gets_the_secret(f);
    (void)snprintf(old, sizeof(old), "%s", f->kbs.reply);
    open_kbc(f, "sample");
    f->kbs.lies[GET] = (struct lie){1, 0, "200 OK", NULL, old, false};
    assert_fails(get(f, &secret), f->err, COCO_ERR_VERIFY, "cannot decrypt");
}

static void
cookies_go_back_as_they_are_scoped(void **state)
{
    static const struct {
        const char *cookie;
        const char *why; /* the server's complaint; NULL if there is none */
    } cases[] = {
        {COOKIE, NULL},
        {COOKIE "; Path=/", NULL},
        {COOKIE "; Path=/kbs/v0; HttpOnly; SameSite=Strict", NULL},
        {"lb=1; Path=/\r\nSet-Cookie: " COOKIE, NULL},
        {COOKIE "\r\nSet-Cookie: lb=1", NULL},
        {COOKIE "; Path=/kbs/v0/auth", "no session cookie at /attest"},
        {COOKIE "; Path=/kbs/v0/attest", "no session at the resource"},
        {COOKIE "; Secure", "no session cookie at /attest"},
        {COOKIE "; Max-Age=0", "no session cookie at /attest"},
        {"kbs-session-id", "no session cookie at /attest"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        coco_bytes *secret = NULL;

        f->kbs.cookie = cases[i].cookie;
        open_kbc(f, "sample");
        if (!cases[i].why) {
            assert_gets_the_secret(f);
            continue;
        }
        assert_fails(get(f, &secret), f->err, COCO_ERR_DENIED, "handshake failed");
        assert_string_equal(f->kbs.why, cases[i].why);
    }
}

static coco_status
add_device(struct fixture *f, const char *tee)
{
    coco_attester *device = NULL;

    coco_status status = coco_attester_new(tee, &device, &f->err);
    if (status == COCO_OK)
        status = coco_kbc_add_device(f->kbc, device, &f->err);
    return status;
}

static void
evidence_of_a_device_goes_along(void **state)
{
    struct fixture *f = *state;

    f->kbs.want_device = true;
    assert_ok(add_device(f, "sampledevice"), f->err);
    assert_gets_the_secret(f);
    assert_fails(add_device(f, "sampledevice"), f->err, COCO_ERR_INVALID, "already");
}

static void
init_data_is_sent_as_it_is(void **state)
{
    struct fixture *f = *state;

    f->kbs.want_init_data = "version = \"0.1.0\"\n\"\\\"\xc3\xa9\"\r\n";
    assert_fails(coco_kbc_set_init_data(f->kbc, "\xff", &f->err), f->err, COCO_ERR_INVALID,
                 "UTF-8");
    assert_ok(coco_kbc_set_init_data(f->kbc, "first", &f->err), f->err);
    assert_ok(coco_kbc_set_init_data(f->kbc, f->kbs.want_init_data, &f->err), f->err);
    assert_gets_the_secret(f);
}

static void
attesting_gives_the_token(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_bytes_freep) coco_bytes *token = NULL;

    assert_ok(coco_kbc_attest(f->kbc, f->ctx, &token, &f->err), f->err);
    assert_string_equal((const char *)coco_bytes_data(token), "header.payload.signature");
    assert_gets_the_secret(f);
    assert_asked(f, 1, 1, 1);
}

#define BANK "https://bank.example"

static void
a_token_for_an_audience_is_no_session(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_bytes_freep) coco_bytes *token = NULL;

    assert_gets_the_secret(f);
    f->kbs.token = token_for(60, BANK);
    assert_ok(coco_kbc_attest_for(f->kbc, f->ctx, BANK, &token, &f->err), f->err);
    assert_string_equal((const char *)coco_bytes_data(token), f->kbs.token);
    assert_string_equal(f->kbs.audience, BANK);
    assert_asked(f, 2, 2, 1);
    /* The session that was there goes on, with its own key. */
    coco_bytes *secret = NULL;
    assert_fails(get(f, &secret), f->err, COCO_ERR_VERIFY, "");
    assert_asked(f, 2, 2, 2);
}

/* As upstream's servers do, which look for no audience; or one that has another in mind. */
static void
a_token_for_another_audience_is_not_taken(void **state)
{
    static const struct {
        const char *audience;
        coco_status status;
    } cases[] = {
        {NULL, COCO_ERR_NOTSUP},
        {"https://bank.example.org", COCO_ERR_VERIFY},
        {"", COCO_ERR_VERIFY},
    };
    struct fixture *f = *state;
    coco_bytes *token = NULL;

    for (size_t i = 0; i < COUNT(cases); i++) {
        f->kbs.token = token_for(60, cases[i].audience);
        assert_fails(coco_kbc_attest_for(f->kbc, f->ctx, BANK, &token, &f->err), f->err,
                     cases[i].status, "audience");
    }
    f->kbs.token = NULL; /* one that cannot be read */
    assert_fails(coco_kbc_attest_for(f->kbc, f->ctx, BANK, &token, &f->err), f->err, COCO_ERR_PROTO,
                 "");
    const unsigned asked = f->kbs.asked[AUTH];
    assert_fails(coco_kbc_attest_for(f->kbc, f->ctx, "a b", &token, &f->err), f->err,
                 COCO_ERR_INVALID, "audience");
    assert_int_equal(f->kbs.asked[AUTH], asked);
    f->kbs.speaks = COCO_RCAR_0_1_0; /* which has no place for it */
    assert_fails(coco_kbc_attest_for(f->kbc, f->ctx, BANK, &token, &f->err), f->err,
                 COCO_ERR_NOTSUP, "");
}

static void
a_secret_says_how_long_it_may_be_used(void **state)
{
    static const struct {
        const char *cache;
        uint32_t lease;
    } cases[] = {
        {NULL, COCO_KBC_NO_LEASE},
        {"private", COCO_KBC_NO_LEASE},
        {"private, max-age=60", 60},
        {"max-age=0", 0},
        {"max-age=4294967294", COCO_KBC_NO_LEASE - 1},
        {"max-age=4294967295", COCO_KBC_NO_LEASE - 1},
        {"max-age=99999999999999999999", 0},
    };
    struct fixture *f = *state;

    f->kbs.etag = "\"1\"";
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_(coco_bytes_freep) coco_bytes *secret = NULL;
        uint32_t lease = 1;

        f->kbs.cache = cases[i].cache;
        assert_ok(coco_kbc_get_leased(f->kbc, f->ctx, URI, &secret, &lease, &f->err), f->err);
        assert_string_equal((const char *)coco_bytes_data(secret), SECRET);
        assert_int_equal(lease, cases[i].lease);
    }
    assert_asked(f, 1, 1, COUNT(cases));
    coco_bytes *none = NULL;
    uint32_t lease = 1;
    assert_fails(coco_kbc_get_leased(f->kbc, f->ctx, "kbs:///a", &none, &lease, &f->err), f->err,
                 COCO_ERR_INVALID, "");
    assert_int_equal(lease, 1);
}

static void
a_machine_without_a_tee_does_not_pretend(void **state)
{
    struct fixture *f = *state;
    coco_bytes *secret = NULL;

    open_kbc(f, NULL);
    assert_fails(get(f, &secret), f->err, COCO_ERR_NOTSUP, "no TEE detected");
    assert_asked(f, 0, 0, 0);
}

static void
a_canceled_context_asks_nothing(void **state)
{
    struct fixture *f = *state;
    coco_bytes *secret = NULL;

    coco_ctx_cancel(f->ctx);
    assert_fails(get(f, &secret), f->err, COCO_ERR_CANCELED, "");
    assert_fails(coco_kbc_attest(f->kbc, f->ctx, &secret, &f->err), f->err, COCO_ERR_CANCELED, "");
    assert_asked(f, 0, 0, 0);
}

/* T22: plain HTTP, another CA, the right one. */
static void
the_broker_is_who_tls_proves_it_to_be(void **state)
{
    struct fixture *f = *state;
    struct pki_cert ca;
    struct pki_cert other_ca;
    struct pki_cert server;
    coco_bytes *secret = NULL;

    pki_make(&ca, NULL, NULL, 1);
    pki_make(&other_ca, NULL, NULL, 1);
    pki_make(&server, &ca, "127.0.0.1", 1);
    char *pem = pki_pem(&ca);
    char *other_pem = pki_pem(&other_ca);
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    assert_non_null(tls);
    assert_int_equal(SSL_CTX_use_certificate(tls, server.cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls, server.key), 1);
    httpd_stop(&f->httpd);
    httpd_start(&f->httpd, serve, &f->kbs, tls);

    open_kbc(f, "sample");
    assert_fails(get(f, &secret), f->err, COCO_ERR_VERIFY, "");
    assert_ok(coco_kbc_set_tls_ca(f->kbc, (const uint8_t *)other_pem, strlen(other_pem), &f->err),
              f->err);
    assert_fails(get(f, &secret), f->err, COCO_ERR_VERIFY, "");
    assert_asked(f, 0, 0, 0);
    assert_ok(coco_kbc_set_tls_ca(f->kbc, (const uint8_t *)pem, strlen(pem), &f->err), f->err);
    f->kbs.cookie = COOKIE "; Secure";
    assert_gets_the_secret(f);
    assert_fails(coco_kbc_set_tls_ca(f->kbc, (const uint8_t *)"x", 1, &f->err), f->err,
                 COCO_ERR_PROTO, "");

    SSL_CTX_free(tls);
    OPENSSL_free(pem);
    OPENSSL_free(other_pem);
    pki_done(&ca);
    pki_done(&other_ca);
    pki_done(&server);
}

static void
a_secret_is_wiped(void **state)
{
    static const char part[] = "secret of default/key";
    struct fixture *f = *state;
    coco_bytes *secret = NULL;

    assert_gets_the_secret(f); /* the server's own copies are made now */
    canary_begin(part, strlen(part));
    assert_ok(get(f, &secret), f->err);
    coco_bytes_free(secret);
    coco_kbc_free(f->kbc);
    f->kbc = NULL;
    assert_int_equal(canary_end(), 0);
}

static void
a_handshake_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    f->kbs.want_device = true;
    for_each_fault()
    {
        coco_attester *attester = NULL;
        coco_bytes *secret = NULL;
        char params[128];

        coco_kbc_free(f->kbc);
        f->kbc = NULL;
        (void)snprintf(params, sizeof(params), "cc_kbc::%s", f->httpd.url);
        coco_status status = coco_kbc_new(params, &f->kbc, &f->err);
        if (status == COCO_OK)
            status = coco_attester_new("sample", &attester, &f->err);
        if (status == COCO_OK)
            status = coco_kbc_set_attester(f->kbc, attester, &f->err);
        if (status == COCO_OK)
            status = add_device(f, "sampledevice");
        if (status == COCO_OK)
            status = get(f, &secret);
        fault_expect(status, f->err);
        coco_bytes_free(secret);
    }
}

static void
a_token_for_an_audience_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    f->kbs.token = token_for(60, BANK);
    for_each_fault()
    {
        coco_bytes *token = NULL;

        coco_status status = coco_kbc_attest_for(f->kbc, f->ctx, BANK, &token, &f->err);
        fault_expect(status, f->err);
        coco_bytes_free(token);
    }
}

/* The server, which waits for the client and is waited for, has bytes. */
static void
without_random_bytes_no_key_is_shown_to_anybody(void **state)
{
    struct fixture *f = *state;
    coco_bytes *secret = NULL;

    rng_begin();
    assert_true(rng_next());
    assert_fails(get(f, &secret), f->err, COCO_ERR_IO, "cannot generate a key");
    rng_end();
    assert_null(secret);
    assert_int_equal(f->kbs.asked[ATTEST], 0);
    assert_gets_the_secret(f);
}

/* ---- Passports and threads ---- */

/* The key is the session's; the KBS takes the token for what it gave. */
static void
a_passport_is_shown_instead_of_evidence(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_bytes_freep) coco_bytes *passport = NULL;
    coco_bytes *secret = NULL;

    f->kbs.token = valid_token(600);
    assert_ok(coco_kbc_get_passport(f->kbc, f->ctx, &passport, &f->err), f->err);
    assert_asked(f, 1, 1, 0);

    open_kbc(f, NULL);
    assert_ok(coco_kbc_set_passport(f->kbc, coco_bytes_data(passport), coco_bytes_size(passport),
                                    &f->err),
              f->err);
    f->kbs.want_bearer = true;
    assert_gets_the_secret(f);
    assert_gets_the_secret(f);
    assert_asked(f, 1, 1, 2);

    f->kbs.lies[GET] = (struct lie){1, 0, "401 Unauthorized", NULL, NO_SESSION, false};
    assert_fails(get(f, &secret), f->err, COCO_ERR_DENIED, "Token not found");
    assert_asked(f, 1, 1, 3);
}

static void
a_passport_is_got_once_while_it_is_valid(void **state)
{
    struct fixture *f = *state;
    coco_bytes *passport[3] = {NULL};

    f->kbs.token = valid_token(600);
    assert_ok(coco_kbc_get_passport(f->kbc, f->ctx, &passport[0], &f->err), f->err);
    assert_ok(coco_kbc_get_passport(f->kbc, f->ctx, &passport[1], &f->err), f->err);
    assert_string_equal((const char *)coco_bytes_data(passport[0]),
                        (const char *)coco_bytes_data(passport[1]));
    assert_asked(f, 1, 1, 0);

    open_kbc(f, "sample");
    f->kbs.token = valid_token(-600);
    coco_bytes_free(passport[1]);
    passport[1] = NULL;
    assert_ok(coco_kbc_get_passport(f->kbc, f->ctx, &passport[1], &f->err), f->err);
    assert_ok(coco_kbc_get_passport(f->kbc, f->ctx, &passport[2], &f->err), f->err);
    assert_asked(f, 3, 3, 0);
    for (size_t i = 0; i < COUNT(passport); i++)
        coco_bytes_free(passport[i]);
}

static void
what_is_no_passport_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_fails(coco_kbc_set_passport(f->kbc, (const uint8_t *)"{}", 2, &f->err), f->err,
                 COCO_ERR_PROTO, "passport");
    assert_gets_the_secret(f);
    assert_asked(f, 1, 1, 1);
}

#define THREADS 6
#define ROUNDS 10

struct worker {
    pthread_t thread;
    struct fixture *f;
    pthread_barrier_t *met;
    unsigned good;
};

static void *
get_often(void *self)
{
    struct worker *worker = self;

    for (unsigned i = 0; i < ROUNDS; i++) {
        _cleanup_(coco_bytes_freep) coco_bytes *secret = NULL;

        coco_error *err = NULL;

        if (coco_kbc_get_resource(worker->f->kbc, worker->f->ctx, URI, &secret, &err) == COCO_OK
            && strcmp((const char *)coco_bytes_data(secret), SECRET) == 0)
            worker->good++;
        if (err)
            print_message("# %s\n", coco_error_message(err));
        coco_error_free(err);
        /* Who has just made a session takes a no for a no: nobody's first request is the 21st. */
        if (i == 0)
            (void)pthread_barrier_wait(worker->met);
    }
    return NULL;
}

/* One handshake for all; and one more when the server forgets them all. */
static void
threads_share_a_session(void **state)
{
    struct fixture *f = *state;
    struct worker workers[THREADS];
    pthread_barrier_t met;

    assert_int_equal(pthread_barrier_init(&met, NULL, THREADS), 0);
    f->kbs.tells_apart = true;
    f->kbs.lies[GET] = (struct lie){21, 21, "401 Unauthorized", NULL, NO_SESSION, false};
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.f = f, .met = &met};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, get_often, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].good, ROUNDS);
    }
    (void)pthread_barrier_destroy(&met);
    assert_int_equal(f->kbs.asked[AUTH], 2);
    assert_int_equal(f->kbs.asked[ATTEST], 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_of_key_gets_the_secret),
        TEST(the_key_is_chosen_before_it_is_made),
        TEST(every_version_gets_the_secret),
        TEST(a_server_that_was_replaced_is_found_again),
        TEST(a_version_that_cannot_say_it_is_not_tried),
        TEST(one_handshake_serves_every_secret),
        TEST(a_forgotten_session_is_renewed_once),
        TEST(a_session_that_stays_forgotten_is_denied),
        TEST(a_plugin_is_asked_with_the_session),
        TEST(a_resource_may_be_asked_for_with_a_query),
        TEST(what_a_plugin_says_to_everybody_comes_as_it_is),
        TEST(a_plugins_no_is_told),
        TEST(a_question_is_not_put_again),
        TEST(a_key_is_unwrapped_by_a_plugin),
        TEST(only_brokers_with_plugins_are_asked),
        TEST(asking_a_plugin_survives_any_failed_allocation),
        TEST(a_policys_no_is_not_asked_for_twice),
        TEST(lies_at_every_step_are_seen),
        TEST(a_secret_for_another_key_is_not_opened),
        TEST(a_secret_of_an_earlier_session_is_not_opened),
        TEST(cookies_go_back_as_they_are_scoped),
        TEST(evidence_of_a_device_goes_along),
        TEST(init_data_is_sent_as_it_is),
        TEST(attesting_gives_the_token),
        TEST(a_token_for_an_audience_is_no_session),
        TEST(a_token_for_another_audience_is_not_taken),
        TEST(a_secret_says_how_long_it_may_be_used),
        TEST(a_machine_without_a_tee_does_not_pretend),
        TEST(a_canceled_context_asks_nothing),
        TEST(the_broker_is_who_tls_proves_it_to_be),
        TEST(a_passport_is_shown_instead_of_evidence),
        TEST(a_passport_is_got_once_while_it_is_valid),
        TEST(what_is_no_passport_is_refused),
        TEST(threads_share_a_session),
        TEST(a_secret_is_wiped),
        TEST(a_handshake_survives_any_failed_allocation),
        TEST(a_token_for_an_audience_survives_any_failed_allocation),
        TEST(without_random_bytes_no_key_is_shown_to_anybody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
