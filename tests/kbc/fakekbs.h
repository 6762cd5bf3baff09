/*
 * tests/kbc/fakekbs.h - a KBS that is honest, or lies in one place
 *
 * Honest, it checks what upstream's checks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_KBC_FAKEKBS_H
#define COCO_TESTS_KBC_FAKEKBS_H

#include "base/base64.h"
#include "crypto/jwe.h"
#include "rcar/messages.h"
#include "rcar/response.h"

#include "tests/faults.h"
#include "tests/httpd.h"
#include "tests/rng.h"

#include <stdio.h>
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
    bool cut;         /* nothing is said at all, to what was done */
};

struct kbs {
    struct lie lies[STEPS];
    unsigned asked[STEPS];
    const char *cookie; /* for Set-Cookie */
    EVP_PKEY *other;    /* who secrets are encrypted to instead of the guest; or NULL */
    const char *want_init_data;
    bool want_device;
    enum coco_rcar_version speaks;

    const char *target;       /* that is asked for last; NULL: the resource's */
    const char *question;     /* that is posted there; or NULL */
    bool question_is_got;     /* GET it is, with a body */
    const char *secret;       /* NULL: SECRET */
    const char *etag;         /* of it; or NULL */
    const char *cache;        /* its Cache-Control; or NULL */
    unsigned not_modified;    /* how often the guest had it already */
    const char *token;        /* NULL: one that cannot be read */
    bool want_bearer;         /* the token, where a resource is asked for, not a cookie */
    const char *refuse_again; /* what evidence is told that was shown before; or NULL */
    const char *refuse_all;   /* what all evidence is told; or NULL */

    bool used; /* the nonce */
    EVP_PKEY *guest;
    bool tells_apart;  /* sessions, by one more cookie: then an earlier one is good, too */
    EVP_PKEY *earlier; /* the guest of the session before */
    unsigned session;  /* the last; counted from 1 */
    char nonce[64];
    char audience[COCO_RCAR_AUDIENCE_MAX + 1]; /* that was asked for last */
    char why[256];                             /* what the honest server found wrong */
    char reply[TEXT_MAX];
};

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
        || coco_rcar_challenge_build(coco_buf_text(&nonce), COCO_SHA384, &reply, NULL) != COCO_OK)
        return object_to(kbs, "out of memory");
    (void)snprintf(kbs->nonce, sizeof(kbs->nonce), "%s", coco_buf_text(&nonce));
    (void)snprintf(kbs->audience, sizeof(kbs->audience), "%s", parsed.audience);
    kbs->used = false;
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
    if (kbs->refuse_all || (kbs->refuse_again && kbs->used)) {
        (void)snprintf(kbs->reply, sizeof(kbs->reply), "%s",
                       kbs->refuse_all ? kbs->refuse_all : kbs->refuse_again);
        return false;
    }
    kbs->used = true;
    EVP_PKEY_free(kbs->earlier);
    kbs->earlier = kbs->guest;
    kbs->guest = NULL;
    kbs->session++;
    if (coco_rcar_tee_key_parse(kbs->speaks, attestation.tee_pubkey, &kbs->guest, NULL) != COCO_OK)
        return object_to(kbs, "no tee-pubkey");
    return coco_rcar_token_build(kbs->token ? kbs->token : "header.payload.signature", &reply, NULL)
               == COCO_OK
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
shows_token(const struct kbs *kbs, const struct httpd_request *request)
{
    char bearer[2048];

    httpd_header(request, "authorization", bearer, sizeof(bearer));
    return strncmp(bearer, "Bearer ", 7) == 0 && strcmp(bearer + 7, kbs->token) == 0;
}

/* Whom a secret is for. */
static EVP_PKEY *
guest_of(const struct kbs *kbs, const char *cookie)
{
    char earlier[32];

    (void)snprintf(earlier, sizeof(earlier), "session=%u", kbs->session - 1);
    return kbs->tells_apart && strstr(cookie, earlier) ? kbs->earlier : kbs->guest;
}

static bool
serve_get(struct kbs *kbs, const struct httpd_request *request)
{
    _cleanup_buf_ struct coco_buf reply = {.limit = TEXT_MAX};
    const char *secret = kbs->secret ? kbs->secret : SECRET;
    char cookie[256];

    httpd_header(request, "cookie", cookie, sizeof(cookie));
    if (kbs->want_bearer && !shows_token(kbs, request))
        return object_to(kbs, "no token at the resource");
    if ((!kbs->want_bearer && !strstr(cookie, COOKIE)) || !kbs->guest)
        return object_to(kbs, "no session at the resource");
    if (strcmp(request->target, kbs->target ? kbs->target : "/kbs/v0/resource/default/key/1") != 0)
        return object_to(kbs, "another resource");
    if (strcmp(request->method, kbs->question && !kbs->question_is_got ? "POST" : "GET") != 0
        || strcmp(request->body, kbs->question ? kbs->question : "") != 0)
        return object_to(kbs, "another question");
    if (kbs->other)
        return seal_to_other(kbs, &reply) && keep_reply(kbs, &reply);
    return coco_rcar_response_build(kbs->speaks, guest_of(kbs, cookie), secret, strlen(secret),
                                    &reply, NULL)
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

static inline bool
reply_with_etag(struct kbs *kbs, const struct httpd_request *request)
{
    char theirs[512];
    char headers[512];

    (void)snprintf(headers, sizeof(headers), "ETag: %s\r\n%s%s%s", kbs->etag,
                   kbs->cache ? "Cache-Control: " : "", kbs->cache ? kbs->cache : "",
                   kbs->cache ? "\r\n" : "");
    httpd_header(request, "if-none-match", theirs, sizeof(theirs));
    if (strcmp(theirs, kbs->etag) != 0)
        return httpd_reply(request->httpd, "200 OK", headers, kbs->reply);
    kbs->not_modified++;
    return httpd_reply(request->httpd, "304 Not Modified", headers, "");
}

/* The client waits for the answer, so what the server allocates is kept out of its faults. */
static inline bool
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
        return !lie->cut && tell_lie(lie, request);
    if (ok && step == GET && kbs->etag)
        return reply_with_etag(kbs, request);
    int len = snprintf(headers, sizeof(headers), "Set-Cookie: %s\r\n", kbs->cookie);
    if (kbs->tells_apart && step == AUTH)
        (void)snprintf(headers + len, sizeof(headers) - (size_t)len, "Set-Cookie: session=%u\r\n",
                       kbs->session + 1);
    bool is_json = kbs->reply[0] == '{';
    return httpd_reply(request->httpd,
                       ok        ? "200 OK"
                       : is_json ? "401 Unauthorized"
                                 : "400 Bad Request",
                       step == GET ? "" : headers, kbs->reply);
}

static inline void
fakekbs_begin(struct kbs *kbs)
{
    *kbs = (struct kbs){
        .speaks = COCO_RCAR_NEWEST,
        .cookie = COOKIE "; Expires=Mon, 23 Nov 2026 21:05:26 GMT",
    };
}

static inline void
fakekbs_end(struct kbs *kbs)
{
    EVP_PKEY_free(kbs->guest);
    EVP_PKEY_free(kbs->earlier);
    EVP_PKEY_free(kbs->other);
}

#endif
