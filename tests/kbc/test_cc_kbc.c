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
#include "base/base64.h"
#include "base/context.h"
#include "crypto/jwe.h"
#include "rcar/messages.h"
#include "rcar/response.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/httpd.h"
#include "tests/pki.h"
#include "tests/rng.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SECRET "the secret of default/key/1"
#define URI "kbs:///default/key/1"
#define COOKIE "kbs-session-id=8af65ef770584b4180d1327859db94fa"
#define ERROR(name, detail)                                                                        \
    "{\"type\":\"https://github.com/confidential-containers/kbs/errors/" name                      \
    "\",\"detail\":\"" detail "\"}"
#define NO_SESSION ERROR("TokenNotFound", "Attestation Token not found")
#define TEXT_MAX (64 << 10)

enum step { AUTH, ATTEST, GET, STEPS };

/* What is said instead of the truth, at one step. */
struct lie {
    unsigned from; /* the first request of its step that is lied to, from 1; 0 for none */
    unsigned to;   /* the last; 0 for all that follow */
    const char *status;
    const char *headers;
    const char *body; /* NULL: a body without end */
};

struct kbs {
    struct lie lies[STEPS];
    unsigned asked[STEPS];
    const char *cookie; /* for Set-Cookie */
    EVP_PKEY *other;    /* who secrets are encrypted to instead of the guest; or NULL */
    const char *want_init_data;
    bool want_device;
    enum coco_rcar_version speaks;

    EVP_PKEY *guest;
    char nonce[64];
    char why[256]; /* what the honest server found wrong */
    char reply[TEXT_MAX];
};

struct fixture {
    struct httpd httpd;
    struct kbs kbs;
    coco_ctx *ctx;
    coco_kbc *kbc;
    coco_error *err;
};

static struct fixture fixture;

/* ---- The server ---- */

static bool
object_to(struct kbs *kbs, const char *why)
{
    (void)snprintf(kbs->why, sizeof(kbs->why), "%s", why);
    (void)snprintf(kbs->reply, sizeof(kbs->reply), "%s",
                   ERROR("AttestationError", "RCAR handshake failed"));
    return false;
}

static bool
keep_reply(struct kbs *kbs, const struct coco_buf *buf)
{
    (void)snprintf(kbs->reply, sizeof(kbs->reply), "%s", coco_buf_text(buf));
    return true;
}

/* As each release words it: one of 0.1.0 trips over the list in extra-params first. */
static bool
refuse_version(struct kbs *kbs)
{
    (void)object_to(kbs, "another version");
    if (kbs->speaks == COCO_RCAR_0_1_0)
        (void)snprintf(kbs->reply, sizeof(kbs->reply), "%s",
                       "Json deserialize error: invalid type: map, expected a string at line 1");
    else
        (void)snprintf(kbs->reply, sizeof(kbs->reply), ERROR("AttestationError", "%s%s%s"),
                       "KBS Client Protocol Version Mismatch: expect =",
                       coco_rcar_version_name(kbs->speaks), " while the request is another");
    return false;
}

static bool
serve_auth(struct kbs *kbs, const struct httpd_request *request)
{
    struct coco_rcar_request parsed;
    _cleanup_buf_ struct coco_buf nonce = {.limit = sizeof(kbs->nonce) - 1};
    _cleanup_buf_ struct coco_buf reply = {.limit = TEXT_MAX};

    if (coco_rcar_request_parse(request->body, request->body_len, &parsed, NULL) != COCO_OK)
        return object_to(kbs, "no Request");
    if (parsed.version != kbs->speaks)
        return refuse_version(kbs);
    if (coco_rcar_nonce_new(&nonce, NULL) != COCO_OK
        || coco_rcar_challenge_build(coco_buf_text(&nonce), &reply, NULL) != COCO_OK)
        return object_to(kbs, "out of memory");
    (void)snprintf(kbs->nonce, sizeof(kbs->nonce), "%s", coco_buf_text(&nonce));
    return keep_reply(kbs, &reply);
}

static struct coco_rcar_binding
binding_of(const struct kbs *kbs, const struct coco_rcar_attestation *attestation)
{
    return (struct coco_rcar_binding){
        .version = kbs->speaks,
        .alg = COCO_SHA384,
        .nonce = kbs->nonce,
        .tee_pubkey = attestation->tee_pubkey,
        .additional = attestation->additional,
    };
}

/* That the evidence, of the TEE sample, is bound to this nonce and this key. */
static bool
is_bound(const struct kbs *kbs, const struct coco_rcar_attestation *attestation)
{
    const struct coco_rcar_binding binding = binding_of(kbs, attestation);
    struct coco_digest want;
    _cleanup_buf_ struct coco_buf got = {.limit = 64};
    const char *text = NULL;

    return (!attestation->nonce || strcmp(attestation->nonce, kbs->nonce) == 0)
           && coco_rcar_report_data(&binding, &want, NULL) == COCO_OK
           && coco_json_get_string(attestation->evidence, "report_data", &text, NULL) == COCO_OK
           && coco_base64_decode(COCO_BASE64, text, strlen(text), &got, NULL) == COCO_OK
           && got.len == 48 && memcmp(got.data, want.bytes, 48) == 0;
}

/* That a sampledevice is there, bound to nonce and key by itself, or that none is. */
static bool
has_device(const struct kbs *kbs, const struct coco_rcar_attestation *attestation)
{
    const struct coco_rcar_binding binding = binding_of(kbs, attestation);
    _cleanup_json_ cJSON *devices = NULL;
    _cleanup_buf_ struct coco_buf got = {.limit = 64};
    struct coco_digest want;
    const cJSON *device = NULL;
    const char *text = NULL;

    if (!kbs->want_device)
        return attestation->additional[0] == '\0';
    return coco_json_parse_object(attestation->additional, strlen(attestation->additional),
                                  &devices, NULL)
               == COCO_OK
           && cJSON_GetArraySize(devices) == 1
           && coco_json_get_object(devices, "sampledevice", &device, NULL) == COCO_OK
           && coco_json_get_string(device, "report_data", &text, NULL) == COCO_OK
           && coco_base64_decode(COCO_BASE64, text, strlen(text), &got, NULL) == COCO_OK
           && coco_rcar_device_report_data(&binding, &want, NULL) == COCO_OK && got.len == 48
           && memcmp(got.data, want.bytes, 48) == 0;
}

static bool
same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool
serve_attest(struct kbs *kbs, const struct httpd_request *request)
{
    _cleanup_attestation_ struct coco_rcar_attestation attestation = {0};
    _cleanup_buf_ struct coco_buf reply = {.limit = TEXT_MAX};
    char cookie[256];

    httpd_header(request, "cookie", cookie, sizeof(cookie));
    if (!strstr(cookie, COOKIE))
        return object_to(kbs, "no session cookie at /attest");
    if (coco_rcar_attestation_parse(kbs->speaks, request->body, request->body_len, &attestation,
                                    NULL)
        != COCO_OK)
        return object_to(kbs, "no Attestation");
    if (!is_bound(kbs, &attestation))
        return object_to(kbs, "evidence is not bound");
    if (!has_device(kbs, &attestation))
        return object_to(kbs, "other devices");
    if (!same_text(attestation.init_data, kbs->want_init_data))
        return object_to(kbs, "other init data");
    EVP_PKEY_free(kbs->guest);
    kbs->guest = NULL;
    if (coco_rcar_tee_key_parse(kbs->speaks, attestation.tee_pubkey, &kbs->guest, NULL) != COCO_OK)
        return object_to(kbs, "no tee-pubkey");
    return coco_rcar_token_build("header.payload.signature", &reply, NULL) == COCO_OK
           && keep_reply(kbs, &reply);
}

static bool
seal_to_other(const struct kbs *kbs, struct coco_buf *reply)
{
    struct coco_jwe_recipient recipient = {.key = kbs->other};

    return coco_jwe_alg_for(recipient.key, &recipient.alg, NULL) == COCO_OK
           && coco_jwe_encrypt(&recipient, 1, SECRET, strlen(SECRET), reply, NULL) == COCO_OK;
}

static bool
serve_get(struct kbs *kbs, const struct httpd_request *request)
{
    _cleanup_buf_ struct coco_buf reply = {.limit = TEXT_MAX};
    _cleanup_json_ cJSON *jwk = NULL;
    char cookie[256];

    httpd_header(request, "cookie", cookie, sizeof(cookie));
    if (!strstr(cookie, COOKIE) || !kbs->guest)
        return object_to(kbs, "no session at the resource");
    if (strcmp(request->target, "/kbs/v0/resource/default/key/1") != 0)
        return object_to(kbs, "another resource");
    if (kbs->other)
        return seal_to_other(kbs, &reply) && keep_reply(kbs, &reply);
    return coco_rcar_tee_key_build(kbs->speaks, kbs->guest, &jwk, NULL) == COCO_OK
           && coco_rcar_response_build(kbs->speaks, jwk, SECRET, strlen(SECRET), &reply, NULL)
                  == COCO_OK
           && keep_reply(kbs, &reply);
}

static bool
tell_lie(const struct lie *lie, const struct httpd_request *request)
{
    if (lie->body)
        return httpd_reply(request->httpd, lie->status, lie->headers ? lie->headers : "",
                           lie->body);
    if (!httpd_say(request->httpd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
        return false;
    while (httpd_say(request->httpd, "10\r\n                \r\n"))
        continue;
    return false;
}

/* The client waits for the answer, so what the server allocates is kept out of its faults. */
static bool
serve(void *user, const struct httpd_request *request)
{
    struct kbs *kbs = user;
    enum step step = strcmp(request->target, "/kbs/v0/auth") == 0     ? AUTH
                     : strcmp(request->target, "/kbs/v0/attest") == 0 ? ATTEST
                                                                      : GET;
    const struct lie *lie = &kbs->lies[step];
    unsigned n = ++kbs->asked[step];
    char headers[512];

    faults_pause();
    rng_pause();
    bool ok = step == AUTH     ? serve_auth(kbs, request)
              : step == ATTEST ? serve_attest(kbs, request)
                               : serve_get(kbs, request);
    rng_resume();
    faults_resume();
    if (lie->from > 0 && n >= lie->from && (lie->to == 0 || n <= lie->to))
        return tell_lie(lie, request);
    (void)snprintf(headers, sizeof(headers), "Set-Cookie: %s\r\n", kbs->cookie);
    bool is_json = kbs->reply[0] == '{';
    return httpd_reply(request->httpd,
                       ok        ? "200 OK"
                       : is_json ? "401 Unauthorized"
                                 : "400 Bad Request",
                       step == GET ? "" : headers, kbs->reply);
}

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
    if (!tee)
        return;
    assert_ok(coco_attester_new(tee, &attester, &f->err), f->err);
    assert_ok(coco_kbc_set_attester(f->kbc, attester, &f->err), f->err);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){.kbs = {.speaks = COCO_RCAR_NEWEST,
                                  .cookie = COOKIE "; Expires=Mon, 23 Nov 2026 21:05:26 GMT"}};
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
    EVP_PKEY_free(f->kbs.guest);
    EVP_PKEY_free(f->kbs.other);
    coco_ctx_free(f->ctx);
    return 0;
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
        f->kbs.lies[GET] = (struct lie){3, 3, "401 Unauthorized", NULL, NO_SESSION};
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
            f->kbs.lies[GET] = (struct lie){f->kbs.asked[GET] + 1, f->kbs.asked[GET] + 1,
                                            "401 Unauthorized", NULL, NO_SESSION};
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
    f->kbs.lies[GET] = (struct lie){2, 2, "401 Unauthorized", NULL, NO_SESSION};
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

    f->kbs.lies[GET] = (struct lie){2, 0, "401 Unauthorized", NULL, NO_SESSION};
    assert_gets_the_secret(f);
    assert_fails(get(f, &secret), f->err, COCO_ERR_DENIED, "Token not found");
    assert_asked(f, 2, 2, 3);
    assert_fails(get(f, &secret), f->err, COCO_ERR_DENIED, "Token not found");
    assert_asked(f, 3, 3, 5);
    assert_null(secret);
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
        f->kbs.lies[GET] = (struct lie){1, 0, cases[i].status, NULL, cases[i].body};
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
        {AUTH, "200 OK", NULL, NULL, COCO_ERR_LIMIT, ""},
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
        {GET, "200 OK", NULL, NULL, COCO_ERR_LIMIT, URI},
    };
    struct fixture *f = *state;
    coco_bytes *secret = NULL;

    for (size_t i = 0; i < COUNT(cases); i++) {
        memset(f->kbs.lies, 0, sizeof(f->kbs.lies));
        f->kbs.lies[cases[i].step] =
            (struct lie){1, 0, cases[i].status, cases[i].headers, cases[i].body};
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
    f->kbs.lies[GET] = (struct lie){1, 0, "200 OK", NULL, old};
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
        coco_error_free(f->err);
        f->err = NULL;
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
        TEST(a_policys_no_is_not_asked_for_twice),
        TEST(lies_at_every_step_are_seen),
        TEST(a_secret_for_another_key_is_not_opened),
        TEST(a_secret_of_an_earlier_session_is_not_opened),
        TEST(cookies_go_back_as_they_are_scoped),
        TEST(evidence_of_a_device_goes_along),
        TEST(init_data_is_sent_as_it_is),
        TEST(attesting_gives_the_token),
        TEST(a_machine_without_a_tee_does_not_pretend),
        TEST(a_canceled_context_asks_nothing),
        TEST(the_broker_is_who_tls_proves_it_to_be),
        TEST(a_secret_is_wiped),
        TEST(a_handshake_survives_any_failed_allocation),
        TEST(without_random_bytes_no_key_is_shown_to_anybody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
