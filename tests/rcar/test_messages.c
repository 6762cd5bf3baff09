/*
 * tests/rcar/test_messages.c - lib/rcar/messages.c
 *
 * The recorded conversations were held by upstream's client and server; what
 * those hashed, signed and encrypted must come out the same here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rcar/messages.h"
#include "rcar/response.h"

#include "base/base64.h"
#include "base/text.h"
#include "crypto/jws.h"
#include "tests/faults.h"
#include "tests/golden.h"
#include "tests/rcar/keys.h"

#include <stdio.h>
#include <string.h>

static coco_status
bind(bool of_device, enum coco_hash_alg alg, const char *nonce, const cJSON *tee_pubkey,
     const char *additional, struct coco_digest *ret, coco_error **err)
{
    const struct coco_rcar_binding binding = {
        .version = COCO_RCAR_0_4_0,
        .alg = alg,
        .nonce = nonce,
        .tee_pubkey = tee_pubkey,
        .additional = additional,
    };

    return of_device ? coco_rcar_device_report_data(&binding, ret, err)
                     : coco_rcar_report_data(&binding, ret, err);
}

/* ---- Recorded conversations ---- */

struct recording {
    char dir[64];
    cJSON *exchanges;
    cJSON *checks;
    EVP_PKEY *key;
    const cJSON *tee_pubkey; /* of the last attestation */
    size_t n_hashed;
    size_t n_tokens;
    size_t n_opened;
    size_t n_refused;
};

static char *
read_recorded(const struct recording *r, const char *file, size_t *len)
{
    char name[128];

    (void)snprintf(name, sizeof(name), "rcar/%s/%s", r->dir, file);
    return read_fixture(name, len);
}

static cJSON *
read_json(const struct recording *r, const char *file)
{
    size_t len = 0;
    _cleanup_free_ char *text = read_recorded(r, file, &len);
    cJSON *json = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_parse(text, len, &json, &err), err);
    return json;
}

static const char *
string_in(const cJSON *object, const char *name)
{
    const char *text = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_get_string(object, name, &text, &err), err);
    return text;
}

/* The n-th entry of check.json that has this member, as independent code computed it. */
static const char *
checked(const struct recording *r, const char *name, size_t n)
{
    const cJSON *check = NULL;

    cJSON_ArrayForEach(check, r->checks) {
        if (cJSON_HasObjectItem(check, name) && n-- == 0)
            return string_in(check, name);
    }
    fail_msg("check.json has no such %s", name);
    return NULL;
}

static void
replay_auth(const char *request, const char *response)
{
    struct coco_rcar_request parsed;
    _cleanup_challenge_ struct coco_rcar_challenge challenge = {0};
    coco_error *err = NULL;

    assert_ok(coco_rcar_request_parse(request, strlen(request), &parsed, &err), err);
    assert_string_equal(parsed.tee, "sample");
    assert_ok(coco_rcar_challenge_parse(response, strlen(response), &challenge, &err), err);
    assert_int_equal(strlen(challenge.nonce), 44);
    assert_int_equal(challenge.alg, COCO_SHA384);
}

static void
replay_attest(struct recording *r, const char *request, const char *response)
{
    _cleanup_attestation_ struct coco_rcar_attestation attestation = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_RCAR_TOKEN_MAX};
    _cleanup_buf_ struct coco_buf report_data = {.limit = 64};
    struct coco_digest digest;
    char hex[97];
    coco_error *err = NULL;

    assert_ok(
        coco_rcar_attestation_parse(COCO_RCAR_0_4_0, request, strlen(request), &attestation, &err),
        err);
    assert_ok(bind(false, COCO_SHA384, attestation.nonce, attestation.tee_pubkey,
                   attestation.additional, &digest, &err),
              err);
    coco_hex(digest.bytes, 48, hex);
    assert_string_equal(hex, checked(r, "sha384", r->n_hashed++));

    const char *evidence = string_in(attestation.evidence, "report_data");
    assert_ok(coco_base64_decode(COCO_BASE64, evidence, strlen(evidence), &report_data, &err), err);
    assert_int_equal(report_data.len, 48);
    assert_memory_equal(report_data.data, digest.bytes, 48);

    assert_ok(coco_rcar_token_parse(response, strlen(response), &text, &err), err);
    _cleanup_jws_ struct coco_jws jws = {0};
    const cJSON *tee_pubkey = NULL;
    assert_ok(coco_jws_parse(coco_buf_text(&text), text.len, &jws, &err), err);
    assert_ok(coco_rcar_tee_key_of_token(jws.payload, NULL, &tee_pubkey, &err), err);
    assert_true(cJSON_Compare(tee_pubkey, attestation.tee_pubkey, true));
    r->n_tokens++;
}

static void
replay_get(struct recording *r, const char *response)
{
    _cleanup_secret_ struct coco_secret secret = {0};
    _cleanup_buf_ struct coco_buf want = {.limit = 4096};
    coco_error *err = NULL;

    const char *plain = checked(r, "plaintext_b64", r->n_opened++);
    assert_ok(coco_base64_decode(COCO_BASE64, plain, strlen(plain), &want, &err), err);
    assert_ok(
        coco_rcar_response_open(COCO_RCAR_0_4_0, response, strlen(response), r->key, &secret, &err),
        err);
    assert_int_equal(secret.len, want.len);
    assert_memory_equal(secret.data, want.data, want.len);
}

static void
replay_refusal(struct recording *r, const char *response)
{
    struct coco_rcar_error error;
    coco_error *err = NULL;

    assert_ok(coco_rcar_error_parse(response, strlen(response), &error, &err), err);
    assert_true(error.name[0] != '\0' && error.detail[0] != '\0');
    assert_string_equal(error.id, "");
    r->n_refused++;
}

static void
replay(struct recording *r)
{
    const cJSON *exchange = NULL;

    cJSON_ArrayForEach(exchange, r->exchanges) {
        const cJSON *request = cJSON_GetObjectItemCaseSensitive(exchange, "request");
        const cJSON *response = cJSON_GetObjectItemCaseSensitive(exchange, "response");
        const char *path = string_in(request, "path");
        const char *answer = string_in(response, "body");
        uint64_t status = 0;

        assert_int_equal(coco_json_get_u64(response, "status", &status, NULL), COCO_OK);
        if (status != 200)
            replay_refusal(r, answer);
        else if (strcmp(path, "/kbs/v0/auth") == 0)
            replay_auth(string_in(request, "body"), answer);
        else if (strcmp(path, "/kbs/v0/attest") == 0)
            replay_attest(r, string_in(request, "body"), answer);
        else if (strcmp(string_in(request, "method"), "GET") == 0)
            replay_get(r, answer);
    }
}

static void
recorded_conversations_are_understood(void **state)
{
    static const struct {
        const char *dir;
        const char *key;
        size_t hashed;
        size_t opened;
    } cases[] = {
        {"get-p256", "tee-p256.pem", 1, 1},       {"get-p521", "tee-p521.pem", 1, 1},
        {"get-rsa2048", "tee-rsa2048.pem", 1, 1}, {"attest-p256", "tee-p256.pem", 1, 0},
        {"bearer-p256", "tee-p256.pem", 0, 1},    {"device-p256", "tee-p256.pem", 1, 1},
        {"initdata-p256", "tee-p256.pem", 1, 1},  {"affirming-p256", "tee-p256.pem", 1, 1},
        {"denied-p256", "tee-p256.pem", 2, 0},    {"missing-p256", "tee-p256.pem", 2, 0},
    };
    size_t hashed = 0;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct recording r = {0};
        size_t len = 0;

        (void)snprintf(r.dir, sizeof(r.dir), "%s", cases[i].dir);
        r.exchanges = read_json(&r, "conversation.json");
        r.checks = read_json(&r, "check.json");
        _cleanup_free_ char *pem = read_recorded(&r, cases[i].key, &len);
        assert_ok(coco_key_parse_private(pem, len, &r.key, &err), err);
        replay(&r);
        assert_true(r.n_hashed >= cases[i].hashed);
        assert_int_equal(r.n_tokens, r.n_hashed);
        assert_int_equal(r.n_opened, cases[i].opened);
        hashed += r.n_hashed;
        coco_json_free(r.exchanges);
        coco_json_free(r.checks);
        EVP_PKEY_free(r.key);
    }
    print_message("# %zu attestations hashed as recorded\n", hashed);
}

static void
recorded_init_data_is_sent_as_it_was_measured(void **state)
{
    struct recording r = {.dir = "initdata-p256"};
    coco_error *err = NULL;
    size_t len = 0;

    (void)state;
    _cleanup_json_ cJSON *exchanges = read_json(&r, "conversation.json");
    _cleanup_free_ char *toml = read_recorded(&r, "initdata.toml", &len);
    const cJSON *exchange = NULL;
    size_t seen = 0;

    cJSON_ArrayForEach(exchange, exchanges) {
        const cJSON *request = cJSON_GetObjectItemCaseSensitive(exchange, "request");
        _cleanup_attestation_ struct coco_rcar_attestation attestation = {0};

        if (strcmp(string_in(request, "path"), "/kbs/v0/attest") != 0)
            continue;
        const char *body = string_in(request, "body");
        assert_ok(
            coco_rcar_attestation_parse(COCO_RCAR_0_4_0, body, strlen(body), &attestation, &err),
            err);
        assert_int_equal(strlen(attestation.init_data), len - 1); /* the shell ate a newline */
        assert_memory_equal(attestation.init_data, toml, len - 1);
        seen++;
    }
    assert_int_equal(seen, 1);
}

/* RSA1_5 is a decryption oracle waiting to be asked: T19 in doc/threats.md. */
static void
the_recorded_rsa15_key_is_refused(void **state)
{
    struct recording r = {.dir = "get-rsa15"};
    struct coco_rcar_attestation attestation;
    const cJSON *exchange = NULL;
    coco_error *err = NULL;
    size_t seen = 0;

    (void)state;
    _cleanup_json_ cJSON *exchanges = read_json(&r, "conversation.json");
    cJSON_ArrayForEach(exchange, exchanges) {
        const cJSON *request = cJSON_GetObjectItemCaseSensitive(exchange, "request");

        if (strcmp(string_in(request, "path"), "/kbs/v0/attest") != 0)
            continue;
        const char *body = string_in(request, "body");
        assert_fails(
            coco_rcar_attestation_parse(COCO_RCAR_0_4_0, body, strlen(body), &attestation, &err),
            err, COCO_ERR_NOTSUP, "RSA1_5");
        seen++;
    }
    assert_int_equal(seen, 1);
}

/* ---- Request ---- */

static void
a_request_is_built_as_it_is_read(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 1024};
    struct coco_rcar_request request;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_rcar_request_build(COCO_RCAR_0_4_0, "az-snp-vtpm", NULL, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf),
                        "{\"version\":\"0.4.0\",\"tee\":\"az-snp-vtpm\",\"extra-params\":"
                        "{\"supported-hash-algorithms\":[\"sha384\",\"sha512\"]}}");
    assert_ok(coco_rcar_request_parse(buf.data, buf.len, &request, &err), err);
    assert_string_equal(request.tee, "az-snp-vtpm");
    assert_int_equal(request.version, COCO_RCAR_0_4_0);
}

/* In the object that all released servers look into for one member of theirs. */
static void
a_request_may_name_an_audience(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 1024};
    struct coco_rcar_request request;
    char longest[COCO_RCAR_AUDIENCE_MAX + 2];
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_rcar_request_build(COCO_RCAR_0_1_1, "snp", "https://bank.example", &buf, &err),
              err);
    assert_string_equal(coco_buf_text(&buf),
                        "{\"version\":\"0.1.1\",\"tee\":\"snp\",\"extra-params\":"
                        "{\"supported-hash-algorithms\":[\"sha384\",\"sha512\"],"
                        "\"audience\":\"https://bank.example\"}}");
    assert_ok(coco_rcar_request_parse(buf.data, buf.len, &request, &err), err);
    assert_string_equal(request.audience, "https://bank.example");

    assert_fails(coco_rcar_request_build(COCO_RCAR_0_1_0, "snp", "a", &buf, &err), err,
                 COCO_ERR_NOTSUP, "0.1.0");
    memset(longest, 'a', sizeof(longest));
    longest[COCO_RCAR_AUDIENCE_MAX + 1] = '\0';
    const char *const refused[] = {"", " ", "a b", "a\n", "a\"", "a\\", "<a>", "\xc3\xa9", longest};
    for (size_t i = 0; i < COUNT(refused); i++) {
        assert_fails(coco_rcar_audience_check(refused[i], &err), err, COCO_ERR_INVALID, "audience");
        assert_fails(coco_rcar_request_build(COCO_RCAR_0_4_0, "snp", refused[i], &buf, &err), err,
                     COCO_ERR_INVALID, "audience");
    }
    longest[COCO_RCAR_AUDIENCE_MAX] = '\0';
    assert_ok(coco_rcar_audience_check(longest, &err), err);
}

static void
requests_may_say_what_they_like_in_extra_params(void **state)
{
    static const char *const extras[] = {
        "",
        ",\"extra-params\":\"\"",
        ",\"extra-params\":null",
        ",\"extra-params\":{}",
        ",\"extra-params\":[[1]]",
        ",\"extra-params\":{\"supported-hash-algorithms\":[\"sha256\",\"sm3\"]}",
        ",\"further\":1",
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(extras); i++) {
        struct coco_rcar_request request;
        char text[256];

        (void)snprintf(text, sizeof(text), "{\"version\":\"0.4.0\",\"tee\":\"sample\"%s}",
                       extras[i]);
        assert_ok(coco_rcar_request_parse(text, strlen(text), &request, &err), err);
        assert_string_equal(request.audience, "");
    }
}

static void
hostile_requests_are_refused(void **state)
{
    static const struct hostile cases[] = {
        {"", COCO_ERR_PROTO, ""},
        {"null", COCO_ERR_PROTO, ""},
        {"[]", COCO_ERR_PROTO, ""},
        {"{}", COCO_ERR_PROTO, "version"},
        {"{\"version\":0.4,\"tee\":\"sample\"}", COCO_ERR_PROTO, "version"},
        {"{\"version\":\"0.4.0\"}", COCO_ERR_PROTO, "tee"},
        {"{\"version\":\"0.4.0\",\"tee\":[]}", COCO_ERR_PROTO, "tee"},
        {"{\"version\":\"0.4.0\",\"tee\":\"\"}", COCO_ERR_PROTO, "tee"},
        {"{\"version\":\"0.4.0\",\"tee\":\"Sample\"}", COCO_ERR_PROTO, "tee"},
        {"{\"version\":\"0.4.0\",\"tee\":\"../sample\"}", COCO_ERR_PROTO, "tee"},
        {"{\"version\":\"0.4.0\",\"tee\":\"s\\n\"}", COCO_ERR_PROTO, "tee"},
        {"{\"version\":\"0.4.0\",\"tee\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", COCO_ERR_PROTO,
         "tee"},
        {"{\"version\":\"0.4.0\",\"tee\":\"sample\",\"tee\":\"tdx\"}", COCO_ERR_PROTO, "tee"},
        {"{\"version\":\"0.4.0\",\"tee\":\"sample\",\"TEE\":\"tdx\"}", COCO_ERR_PROTO, "TEE"},
        {"{\"version\":\"0.4.0\",\"tee\":\"sample\"}}", COCO_ERR_PROTO, ""},
        {"{\"version\":\"0.4.1\",\"tee\":\"sample\"}", COCO_ERR_NOTSUP,
         "Version Mismatch: expect =0.4.0 or an older one while the request is 0.4.1"},
        {"{\"version\":\"0.1.2\",\"tee\":\"sample\"}", COCO_ERR_NOTSUP, "0.1.2"},
        {"{\"version\":\"0.4.0-rc1\",\"tee\":\"sample\"}", COCO_ERR_NOTSUP, "0.4.0-rc1"},
        {"{\"version\":\"\",\"tee\":\"sample\"}", COCO_ERR_NOTSUP, "Version Mismatch"},
        {"{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":{\"audience\":1}}",
         COCO_ERR_PROTO, "audience"},
        {"{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":{\"audience\":\"\"}}",
         COCO_ERR_PROTO, "audience"},
        {"{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":{\"audience\":\"a b\"}}",
         COCO_ERR_PROTO, "audience"},
        {"{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":{\"audience\":\"a\","
         "\"audience\":"
         "\"b\"}}",
         COCO_ERR_PROTO, "audience"},
    };
    struct coco_rcar_request request;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(coco_rcar_request_parse(cases[i].text, strlen(cases[i].text), &request, &err),
                     err, cases[i].status, cases[i].why);
}

static void
messages_beyond_the_limit_are_not_read(void **state)
{
    size_t len = COCO_RCAR_BODY_MAX + 1;
    _cleanup_free_ char *text = malloc(len);
    struct coco_rcar_request request;
    struct coco_rcar_challenge challenge;
    struct coco_rcar_attestation attestation;
    struct coco_rcar_error error;
    coco_error *err = NULL;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', len);
    assert_fails(coco_rcar_request_parse(text, len, &request, &err), err, COCO_ERR_LIMIT, "bytes");
    assert_fails(coco_rcar_challenge_parse(text, len, &challenge, &err), err, COCO_ERR_LIMIT,
                 "bytes");
    assert_fails(coco_rcar_attestation_parse(COCO_RCAR_0_4_0, text, len, &attestation, &err), err,
                 COCO_ERR_LIMIT, "bytes");
    assert_fails(coco_rcar_error_parse(text, len, &error, &err), err, COCO_ERR_LIMIT, "bytes");
}

/* ---- Challenge ---- */

static void
nonces_are_fresh(void **state)
{
    _cleanup_buf_ struct coco_buf one = {.limit = 64};
    _cleanup_buf_ struct coco_buf two = {.limit = 64};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_rcar_nonce_new(&one, &err), err);
    assert_ok(coco_rcar_nonce_new(&two, &err), err);
    assert_int_equal(one.len, 44);
    assert_string_not_equal(coco_buf_text(&one), coco_buf_text(&two));
}

static void
a_challenge_is_read_whatever_its_extra_params(void **state)
{
    static const struct {
        const char *text;
        enum coco_hash_alg alg;
    } cases[] = {
        {"{\"nonce\":\"n\"}", COCO_SHA384},
        {"{\"nonce\":\"n\",\"extra-params\":\"\"}", COCO_SHA384},
        {"{\"nonce\":\"n\",\"extra-params\":{}}", COCO_SHA384},
        {"{\"nonce\":\"n\",\"extra-params\":null}", COCO_SHA384},
        {"{\"nonce\":\"n\",\"extra-params\":[{\"selected-hash-algorithm\":\"sm3\"}]}", COCO_SHA384},
        {"{\"nonce\":\"n\",\"extra-params\":{\"selected-hash-algorithm\":null}}", COCO_SHA384},
        {"{\"nonce\":\"n\",\"extra-params\":{\"selected-hash-algorithm\":\"sha384\"}}",
         COCO_SHA384},
        {"{\"nonce\":\"n\",\"extra-params\":{\"selected-hash-algorithm\":\"SHA512\"}}",
         COCO_SHA512},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_challenge_ struct coco_rcar_challenge challenge = {0};

        assert_ok(coco_rcar_challenge_parse(cases[i].text, strlen(cases[i].text), &challenge, &err),
                  err);
        assert_string_equal(challenge.nonce, "n");
        assert_int_equal(challenge.alg, cases[i].alg);
    }
}

static void
hostile_challenges_are_refused(void **state)
{
    static const struct hostile cases[] = {
        {"", COCO_ERR_PROTO, "challenge"},
        {"<html>", COCO_ERR_PROTO, "challenge"},
        {"{}", COCO_ERR_PROTO, "nonce"},
        {"{\"nonce\":null}", COCO_ERR_PROTO, "nonce"},
        {"{\"nonce\":7}", COCO_ERR_PROTO, "nonce"},
        {"{\"nonce\":\"\"}", COCO_ERR_PROTO, "nonce is empty"},
        {"{\"Nonce\":\"n\"}", COCO_ERR_PROTO, "nonce"},
        {"{\"nonce\":\"a\",\"nonce\":\"b\"}", COCO_ERR_PROTO, "nonce"},
        {"{\"nonce\":\"n\\u0000\"}", COCO_ERR_PROTO, "challenge"},
        {"{\"nonce\":\"n\",\"extra-params\":{\"selected-hash-algorithm\":1}}", COCO_ERR_PROTO,
         "selected-hash-algorithm"},
        {"{\"nonce\":\"n\",\"extra-params\":{\"selected-hash-algorithm\":\"sha256\"}}",
         COCO_ERR_DENIED, "sha256"},
        {"{\"nonce\":\"n\",\"extra-params\":{\"selected-hash-algorithm\":\"sm3\"}}",
         COCO_ERR_DENIED, "sm3"},
        {"{\"nonce\":\"n\",\"extra-params\":{\"selected-hash-algorithm\":\"\"}}", COCO_ERR_DENIED,
         "selected"},
    };
    struct coco_rcar_challenge challenge;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(
            coco_rcar_challenge_parse(cases[i].text, strlen(cases[i].text), &challenge, &err), err,
            cases[i].status, cases[i].why);
}

static void
a_nonce_is_bounded(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_RCAR_BODY_MAX};
    _cleanup_buf_ struct coco_buf nonce = {.limit = COCO_RCAR_BODY_MAX};
    struct coco_rcar_challenge challenge = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_buf_printf(&nonce, &err, "%0*d", (int)COCO_RCAR_NONCE_MAX, 0), err);
    assert_ok(coco_rcar_challenge_build(coco_buf_text(&nonce), COCO_SHA384, &text, &err), err);
    assert_ok(coco_rcar_challenge_parse(text.data, text.len, &challenge, &err), err);
    coco_rcar_challenge_done(&challenge);

    coco_buf_reset(&text);
    assert_ok(coco_buf_append_text(&nonce, "0", &err), err);
    assert_ok(coco_rcar_challenge_build(coco_buf_text(&nonce), COCO_SHA384, &text, &err), err);
    assert_fails(coco_rcar_challenge_parse(text.data, text.len, &challenge, &err), err,
                 COCO_ERR_LIMIT, "nonce");
}

/* ---- Attestation ---- */

#define ATTESTATION(init, nonce, key, evidence)                                                    \
    "{" init "\"runtime-data\":{\"nonce\":" nonce ",\"tee-pubkey\":" key                           \
    "},\"tee-evidence\":" evidence "}"
#define EVIDENCE "{\"primary_evidence\":{\"a\":1},\"additional_evidence\":\"\"}"

static void
an_attestation_is_built_as_it_is_read(void **state)
{
    static const char *const init_data[] = {NULL, "version = \"0.1.0\"\n", ""};
    _cleanup_json_ cJSON *jwk = tee_key_of(COCO_RCAR_0_4_0, COCO_KEY_P256);
    _cleanup_json_ cJSON *evidence = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_json_parse("[1.50,18446744073709551615]", 27, &evidence, &err), err);
    for (size_t i = 0; i < COUNT(init_data); i++) {
        struct coco_rcar_attestation sent = {
            .nonce = "n\"\n",
            .init_data = init_data[i],
            .additional = i == 1 ? "{\"nvidia\":\"\xc3\xa9\"}" : NULL,
            .tee_pubkey = jwk,
            .evidence = evidence,
        };
        _cleanup_attestation_ struct coco_rcar_attestation got = {0};
        _cleanup_buf_ struct coco_buf buf = {.limit = COCO_RCAR_BODY_MAX};
        struct coco_digest a;
        struct coco_digest b;

        assert_ok(coco_rcar_attestation_build(COCO_RCAR_0_4_0, &sent, &buf, &err), err);
        assert_ok(coco_rcar_attestation_parse(COCO_RCAR_0_4_0, buf.data, buf.len, &got, &err), err);
        assert_string_equal(got.nonce, sent.nonce);
        assert_string_equal(got.additional, sent.additional ? sent.additional : "");
        if (init_data[i])
            assert_string_equal(got.init_data, init_data[i]);
        else
            assert_null(got.init_data);
        assert_contains(coco_buf_text(&buf), "[1.50,18446744073709551615]");
        assert_ok(bind(false, COCO_SHA384, sent.nonce, jwk, sent.additional, &a, &err), err);
        assert_ok(bind(false, COCO_SHA384, got.nonce, got.tee_pubkey, got.additional, &b, &err),
                  err);
        assert_true(coco_digest_equal(&a, &b));
    }
}

static void
what_may_be_missing_may_be_missing(void **state)
{
    static const char *const cases[] = {
        ATTESTATION("", "\"n\"", GOOD_KEY, EVIDENCE),
        ATTESTATION("\"init-data\":null,", "\"n\"", GOOD_KEY, EVIDENCE),
        ATTESTATION("", "\"n\"", GOOD_KEY, "{\"primary_evidence\":\"\"}"),
        ATTESTATION("\"further\":[],", "\"n\"", GOOD_KEY, EVIDENCE),
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_attestation_ struct coco_rcar_attestation attestation = {0};

        assert_ok(coco_rcar_attestation_parse(COCO_RCAR_0_4_0, cases[i], strlen(cases[i]),
                                              &attestation, &err),
                  err);
        assert_null(attestation.init_data);
        assert_string_equal(attestation.additional, "");
    }
}

static void
hostile_attestations_are_refused(void **state)
{
    static const struct hostile cases[] = {
        {"", COCO_ERR_PROTO, ""},
        {"{}", COCO_ERR_PROTO, "runtime-data"},
        {"{\"runtime-data\":[]}", COCO_ERR_PROTO, "runtime-data"},
        {"{\"runtime-data\":{}}", COCO_ERR_PROTO, "nonce"},
        {ATTESTATION("", "\"\"", GOOD_KEY, EVIDENCE), COCO_ERR_PROTO, "nonce"},
        {ATTESTATION("", "1", GOOD_KEY, EVIDENCE), COCO_ERR_PROTO, "nonce"},
        {ATTESTATION("", "\"n\"", "null", EVIDENCE), COCO_ERR_PROTO, "tee-pubkey"},
        {ATTESTATION("", "\"n\"", "\"key\"", EVIDENCE), COCO_ERR_PROTO, "tee-pubkey"},
        {ATTESTATION("", "\"n\"", EC("dir"), EVIDENCE), COCO_ERR_NOTSUP, "dir"},
        {ATTESTATION("", "\"n\"", GOOD_KEY, "null"), COCO_ERR_PROTO, "tee-evidence"},
        {ATTESTATION("", "\"n\"", GOOD_KEY, "\"{}\""), COCO_ERR_PROTO, "tee-evidence"},
        {ATTESTATION("", "\"n\"", GOOD_KEY, "{}"), COCO_ERR_PROTO, "primary_evidence"},
        {ATTESTATION("", "\"n\"", GOOD_KEY, "{\"primary_evidence\":1,\"additional_evidence\":{}}"),
         COCO_ERR_PROTO, "additional_evidence"},
        {ATTESTATION("\"init-data\":\"x\",", "\"n\"", GOOD_KEY, EVIDENCE), COCO_ERR_PROTO,
         "init-data"},
        {ATTESTATION("\"init-data\":{},", "\"n\"", GOOD_KEY, EVIDENCE), COCO_ERR_PROTO, "format"},
        {ATTESTATION("\"init-data\":{\"format\":\"toml\"},", "\"n\"", GOOD_KEY, EVIDENCE),
         COCO_ERR_PROTO, "body"},
        {ATTESTATION("\"init-data\":{\"format\":\"json\",\"body\":\"{}\"},", "\"n\"", GOOD_KEY,
                     EVIDENCE),
         COCO_ERR_NOTSUP, "json"},
        {ATTESTATION("\"init-data\":null,\"init-data\":null,", "\"n\"", GOOD_KEY, EVIDENCE),
         COCO_ERR_PROTO, "init-data"},
    };
    struct coco_rcar_attestation attestation;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(coco_rcar_attestation_parse(COCO_RCAR_0_4_0, cases[i].text,
                                                 strlen(cases[i].text), &attestation, &err),
                     err, cases[i].status, cases[i].why);
}

/* T23 and T24 in doc/threats.md: whatever is exchanged, the hash is another. */
static void
the_report_data_binds_every_part(void **state)
{
    _cleanup_json_ cJSON *one = tee_key_of(COCO_RCAR_0_4_0, COCO_KEY_P256);
    _cleanup_json_ cJSON *two = tee_key_of(COCO_RCAR_0_4_0, COCO_KEY_P256);
    const struct {
        const char *nonce;
        const cJSON *key;
        const char *additional;
    } cases[] = {
        {"n", one, ""}, {"m", one, ""}, {"n", two, ""}, {"n", one, "{}"}, {"", one, "n"},
    };
    struct coco_digest digests[COUNT(cases)];
    struct coco_digest null;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_ok(bind(false, COCO_SHA384, cases[i].nonce, cases[i].key, cases[i].additional,
                       &digests[i], &err),
                  err);
        for (size_t j = 0; j < i; j++)
            assert_false(coco_digest_equal(&digests[i], &digests[j]));
    }
    assert_ok(bind(false, COCO_SHA384, "n", one, NULL, &null, &err), err);
    assert_true(coco_digest_equal(&null, &digests[0]));
}

/* Another object than that of the TEE: neither evidence can stand for the other. */
static void
the_report_data_of_a_device_is_its_own(void **state)
{
    _cleanup_json_ cJSON *one = tee_key_of(COCO_RCAR_0_4_0, COCO_KEY_P256);
    _cleanup_json_ cJSON *two = tee_key_of(COCO_RCAR_0_4_0, COCO_KEY_P256);
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    struct coco_digest got;
    struct coco_digest want;
    coco_error *err = NULL;

    (void)state;
    assert_ok(bind(true, COCO_SHA384, "n", one, NULL, &got, &err), err);
    assert_ok(coco_buf_append_text(&text, "{\"nonce\":\"n\",\"tee-pubkey\":", &err), err);
    assert_ok(coco_json_write(one, COCO_JSON_CANONICAL, &text, &err), err);
    assert_ok(coco_buf_append_text(&text, "}", &err), err);
    assert_ok(coco_digest_of(COCO_SHA384, text.data, text.len, &want, &err), err);
    assert_true(coco_digest_equal(&got, &want));

    assert_ok(bind(false, COCO_SHA384, "n", one, NULL, &want, &err), err);
    assert_false(coco_digest_equal(&got, &want));
    assert_ok(bind(true, COCO_SHA384, "m", one, NULL, &want, &err), err);
    assert_false(coco_digest_equal(&got, &want));
    assert_ok(bind(true, COCO_SHA384, "n", two, NULL, &want, &err), err);
    assert_false(coco_digest_equal(&got, &want));
}

/* ---- Every version ---- */

static enum coco_rcar_version
version_of(const struct golden *g)
{
    enum coco_rcar_version version = COCO_RCAR_OLDEST;

    assert_true(coco_rcar_version_parse(g->version, &version));
    return version;
}

static void
every_version_asks_in_its_own_words(void **state)
{
    coco_error *err = NULL;

    (void)state;
    assert_int_equal(GOLDENS, COCO_RCAR_VERSIONS);
    for (size_t i = 0; i < GOLDENS; i++) {
        const struct golden *g = &golden[i];
        _cleanup_buf_ struct coco_buf buf = {.limit = 1024};
        _cleanup_challenge_ struct coco_rcar_challenge challenge = {0};
        struct coco_rcar_request request;

        assert_ok(coco_rcar_request_build(version_of(g), "sample", NULL, &buf, &err), err);
        assert_string_equal(coco_buf_text(&buf), g->request);
        assert_ok(coco_rcar_request_parse(g->request, strlen(g->request), &request, &err), err);
        assert_int_equal(request.version, version_of(g));
        assert_ok(coco_rcar_challenge_parse(g->challenge, strlen(g->challenge), &challenge, &err),
                  err);
        assert_string_equal(challenge.nonce, g->nonce);
        coco_buf_reset(&buf);
        assert_ok(coco_rcar_challenge_build(g->nonce, COCO_SHA384, &buf, &err), err);
        assert_string_equal(coco_buf_text(&buf), g->challenge);
    }
}

/* The digest that the golden evidence holds, and that of what was parsed. */
static void
assert_bound(const struct golden *g, const struct coco_rcar_attestation *attestation)
{
    const struct coco_rcar_binding binding = {
        .version = version_of(g),
        .alg = COCO_SHA384,
        .nonce = g->nonce,
        .tee_pubkey = attestation->tee_pubkey,
        .additional = attestation->additional,
    };
    _cleanup_buf_ struct coco_buf sent = {.limit = 64};
    struct coco_digest digest;
    char hex[97];
    coco_error *err = NULL;

    assert_ok(coco_rcar_report_data(&binding, &digest, &err), err);
    coco_hex(digest.bytes, 48, hex);
    assert_string_equal(hex, g->report_data);
    const char *text = string_in(attestation->evidence, "report_data");
    assert_ok(coco_base64_decode(COCO_BASE64, text, strlen(text), &sent, &err), err);
    assert_int_equal(sent.len, 48);
    assert_memory_equal(sent.data, digest.bytes, 48);
}

static void
every_version_attests_in_its_own_form(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < GOLDENS; i++) {
        const struct golden *g = &golden[i];
        enum coco_rcar_version version = version_of(g);
        _cleanup_attestation_ struct coco_rcar_attestation attestation = {0};
        _cleanup_buf_ struct coco_buf buf = {.limit = 4096};

        assert_ok(coco_rcar_attestation_parse(version, g->attestation, strlen(g->attestation),
                                              &attestation, &err),
                  err);
        if (coco_rcar_has_init_data(version))
            assert_string_equal(attestation.nonce, g->nonce);
        else
            assert_null(attestation.nonce);
        assert_int_equal(attestation.init_data != NULL, coco_rcar_has_init_data(version));
        assert_bound(g, &attestation);
        assert_ok(coco_rcar_attestation_build(version, &attestation, &buf, &err), err);
        assert_string_equal(coco_buf_text(&buf), g->attestation);
    }
}

static void
no_version_reads_the_form_of_another(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < GOLDENS; i++)
        for (size_t j = 0; j < GOLDENS; j++) {
            _cleanup_attestation_ struct coco_rcar_attestation attestation = {0};
            const struct golden *g = &golden[i];

            coco_status status = coco_rcar_attestation_parse(
                version_of(&golden[j]), g->attestation, strlen(g->attestation), &attestation, &err);
            coco_error_free(err);
            err = NULL;
            /* Evidence is any JSON to 0.1.1 and 0.2.0: what it is bound to tells them apart. */
            if (status == COCO_OK && i != j)
                assert_true(version_of(&golden[j]) == COCO_RCAR_0_1_1
                            || version_of(&golden[j]) == COCO_RCAR_0_2_0);
        }
}

static void
what_a_version_cannot_say_is_not_left_out(void **state)
{
    _cleanup_json_ cJSON *jwk = tee_key_of(COCO_RCAR_0_2_0, COCO_KEY_P256);
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
    struct coco_rcar_attestation attestation = {
        .nonce = "n", .tee_pubkey = jwk, .evidence = jwk, .init_data = "x"};
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_rcar_attestation_build(COCO_RCAR_0_3_0, &attestation, &buf, &err), err,
                 COCO_ERR_NOTSUP, "init-data");
    attestation.init_data = NULL;
    attestation.additional = "{}";
    assert_fails(coco_rcar_attestation_build(COCO_RCAR_0_2_0, &attestation, &buf, &err), err,
                 COCO_ERR_NOTSUP, "devices");
    assert_int_equal(buf.len, 0);
    assert_ok(coco_rcar_attestation_build(COCO_RCAR_0_3_0, &attestation, &buf, &err), err);
}

static void
hostile_old_attestations_are_refused(void **state)
{
    static const struct {
        enum coco_rcar_version version;
        struct hostile hostile;
    } cases[] = {
        {COCO_RCAR_0_1_0, {"{}", COCO_ERR_PROTO, "tee-pubkey"}},
        {COCO_RCAR_0_1_0,
         {"{\"tee-pubkey\":" GOOD_KEY ",\"tee-evidence\":\"{}\"}", COCO_ERR_NOTSUP,
          "RSA keys only"}},
        {COCO_RCAR_0_2_0, {"{\"tee-pubkey\":" GOOD_KEY "}", COCO_ERR_PROTO, "tee-evidence"}},
        {COCO_RCAR_0_2_0,
         {"{\"tee-pubkey\":" EC("RSA1_5") ",\"tee-evidence\":{}}", COCO_ERR_NOTSUP, "RSA1_5"}},
        {COCO_RCAR_0_3_0,
         {"{\"tee-pubkey\":" GOOD_KEY ",\"tee-evidence\":\"{}\"}", COCO_ERR_PROTO, "tee-evidence"}},
        {COCO_RCAR_0_3_0,
         {"{\"tee-pubkey\":" GOOD_KEY ",\"tee-evidence\":{}}", COCO_ERR_PROTO, "primary_evidence"}},
    };
    struct coco_rcar_attestation attestation;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct hostile *h = &cases[i].hostile;

        assert_fails(coco_rcar_attestation_parse(cases[i].version, h->text, strlen(h->text),
                                                 &attestation, &err),
                     err, h->status, h->why);
    }
}

/* In 0.1.0 evidence is a text that must be JSON. */
static void
evidence_that_is_no_json_is_refused(void **state)
{
    static const char *const cases[] = {"\"\"", "\"{\"", "\"{} {}\"", "{}", "null", "1"};
    const char *start = golden[0].attestation;
    const char *end = strstr(start, ",\"tee-evidence\":");
    struct coco_rcar_attestation attestation;
    coco_error *err = NULL;

    (void)state;
    assert_non_null(end);
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};

        assert_ok(coco_buf_append(&text, start, (size_t)(end - start), &err), err);
        assert_ok(coco_buf_printf(&text, &err, ",\"tee-evidence\":%s}", cases[i]), err);
        assert_fails(coco_rcar_attestation_parse(COCO_RCAR_0_1_0, coco_buf_text(&text), text.len,
                                                 &attestation, &err),
                     err, COCO_ERR_PROTO, "");
    }
}

/* ---- Token ---- */

static void
a_token_is_built_as_it_is_read(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 1024};
    _cleanup_buf_ struct coco_buf token = {.limit = 1024};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_rcar_token_build("aA-_.b.c9", &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), "{\"token\":\"aA-_.b.c9\"}");
    assert_ok(coco_rcar_token_parse(buf.data, buf.len, &token, &err), err);
    assert_string_equal(coco_buf_text(&token), "aA-_.b.c9");
}

static void
what_is_no_token_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "{}",
        "{\"token\":null}",
        "{\"token\":{}}",
        "{\"token\":\"\"}",
        "{\"token\":\"a.b\"}",
        "{\"token\":\"a..c\"}",
        "{\"token\":\".b.c\"}",
        "{\"token\":\"a.b.\"}",
        "{\"token\":\"a.b.c.d\"}",
        "{\"token\":\"a.b.c\\r\\nX: y\"}",
        "{\"token\":\"a.b=.c\"}",
        "{\"token\":\"a.b.c\",\"token\":\"a.b.d\"}",
    };
    _cleanup_buf_ struct coco_buf token = {.limit = 1024};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(coco_rcar_token_parse(cases[i], strlen(cases[i]), &token, &err), err,
                     COCO_ERR_PROTO, "");
    assert_int_equal(token.len, 0);
}

/* ---- ErrorInformation ---- */

static void
an_error_is_built_as_it_is_read(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 1024};
    struct coco_rcar_error error;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_rcar_error_build("PolicyDeny", "Access denied", "ab-12", NULL, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf),
                        "{\"type\":\"https://github.com/confidential-containers/kbs/errors/"
                        "PolicyDeny\",\"detail\":\"Access denied\",\"id\":\"ab-12\"}");
    assert_ok(coco_rcar_error_parse(buf.data, buf.len, &error, &err), err);
    assert_string_equal(error.name, "PolicyDeny");
    assert_string_equal(error.detail, "Access denied");
    assert_string_equal(error.id, "ab-12");
}

static void
an_error_from_outside_is_made_harmless(void **state)
{
    static const char text[] = "{\"type\":\"https://evil.test/\\u001b[2J\",\"detail\":"
                               "\"\\u001b]0;pwned\\u0007\\n\",\"id\":\"x\\r\\nA: b\"}";
    struct coco_rcar_error error;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_rcar_error_parse(text, strlen(text), &error, &err), err);
    assert_string_equal(error.name, "");
    assert_string_equal(error.detail, "\\x1b]0;pwned\\x07\\x0a");
    assert_string_equal(error.id, "");
}

static void
what_is_no_error_is_refused(void **state)
{
    static const char *const cases[] = {
        "", "<html>502</html>", "{}", "{\"type\":\"x\"}", "{\"type\":1,\"detail\":\"x\"}", "[]",
    };
    struct coco_rcar_error error;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(coco_rcar_error_parse(cases[i], strlen(cases[i]), &error, &err), err,
                     COCO_ERR_PROTO, "");
}

static coco_status
talk(EVP_PKEY *key, coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_RCAR_BODY_MAX};
    _cleanup_json_ cJSON *jwk = NULL;
    _cleanup_challenge_ struct coco_rcar_challenge challenge = {0};
    _cleanup_attestation_ struct coco_rcar_attestation attestation = {0};
    struct coco_rcar_request request;
    struct coco_digest digest;

    coco_status status = coco_rcar_request_build(COCO_RCAR_0_4_0, "sample", NULL, &buf, err);
    if (status == COCO_OK)
        status = coco_rcar_request_parse(buf.data, buf.len, &request, err);
    coco_buf_reset(&buf);
    if (status == COCO_OK)
        status = coco_rcar_challenge_build("nonce", COCO_SHA512, &buf, err);
    if (status == COCO_OK)
        status = coco_rcar_challenge_parse(buf.data, buf.len, &challenge, err);
    coco_buf_reset(&buf);
    if (status == COCO_OK)
        status = coco_rcar_tee_key_build(COCO_RCAR_0_4_0, key, &jwk, err);
    if (status == COCO_OK)
        status = bind(false, challenge.alg, challenge.nonce, jwk, NULL, &digest, err);
    if (status == COCO_OK)
        status = coco_rcar_attestation_build(
            COCO_RCAR_0_4_0,
            &(struct coco_rcar_attestation){
                .nonce = challenge.nonce, .tee_pubkey = jwk, .evidence = jwk, .init_data = "x"},
            &buf, err);
    if (status == COCO_OK)
        status = coco_rcar_attestation_parse(COCO_RCAR_0_4_0, buf.data, buf.len, &attestation, err);
    coco_buf_reset(&buf);
    if (status == COCO_OK)
        status = coco_rcar_error_build("A", "b", "c", "d", &buf, err);
    return status;
}

static void
a_handshake_survives_any_failed_allocation(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
    for_each_fault()
    {
        coco_status status = talk(key, &err);

        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_conversations_are_understood),
        cmocka_unit_test(recorded_init_data_is_sent_as_it_was_measured),
        cmocka_unit_test(the_recorded_rsa15_key_is_refused),
        cmocka_unit_test(a_request_is_built_as_it_is_read),
        cmocka_unit_test(a_request_may_name_an_audience),
        cmocka_unit_test(requests_may_say_what_they_like_in_extra_params),
        cmocka_unit_test(hostile_requests_are_refused),
        cmocka_unit_test(messages_beyond_the_limit_are_not_read),
        cmocka_unit_test(nonces_are_fresh),
        cmocka_unit_test(a_challenge_is_read_whatever_its_extra_params),
        cmocka_unit_test(hostile_challenges_are_refused),
        cmocka_unit_test(a_nonce_is_bounded),
        cmocka_unit_test(an_attestation_is_built_as_it_is_read),
        cmocka_unit_test(what_may_be_missing_may_be_missing),
        cmocka_unit_test(hostile_attestations_are_refused),
        cmocka_unit_test(the_report_data_binds_every_part),
        cmocka_unit_test(the_report_data_of_a_device_is_its_own),
        cmocka_unit_test(every_version_asks_in_its_own_words),
        cmocka_unit_test(every_version_attests_in_its_own_form),
        cmocka_unit_test(no_version_reads_the_form_of_another),
        cmocka_unit_test(what_a_version_cannot_say_is_not_left_out),
        cmocka_unit_test(hostile_old_attestations_are_refused),
        cmocka_unit_test(evidence_that_is_no_json_is_refused),
        cmocka_unit_test(a_token_is_built_as_it_is_read),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(an_error_is_built_as_it_is_read),
        cmocka_unit_test(an_error_from_outside_is_made_harmless),
        cmocka_unit_test(what_is_no_error_is_refused),
        cmocka_unit_test(a_handshake_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
