/*
 * tests/token/test_verifier.c - lib/token/verifier.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token/verifier.h"

#include "tests/faults.h"
#include "tests/token/kit.h"

#define VERIFIER _cleanup_(coco_token_verifier_freep) coco_token_verifier

static EVP_PKEY *key;

static int
begin(void **state)
{
    (void)state;
    key = new_key(COCO_KEY_P256);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

static void
the_claims_come_as_they_were_signed(void **state)
{
    static const char signed_text[] =
        "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"}},\"big\":9007199254740993,"
        "\"exp\":1800000300}";
    _cleanup_(coco_bytes_freep) coco_bytes *claims = NULL;
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    _cleanup_buf_ struct coco_buf payload = {.limit = sizeof(signed_text)};
    _cleanup_buf_ struct coco_buf head = {.limit = 256};
    _cleanup_buf_ struct coco_buf token = {.limit = 1024};
    coco_error *err = NULL;

    (void)state;
    VERIFIER *verifier = new_verifier(&key, 1);
    assert_ok(coco_jws_header(key, "JWT", NULL, &head, &err), err);
    assert_ok(coco_buf_append_text(&payload, signed_text, &err), err);
    assert_ok(coco_jws_sign_text(key, coco_buf_text(&head), &payload, &token, &err), err);
    assert_int_equal(coco_ctx_new(&ctx, NULL), COCO_OK);
    assert_ok(coco_token_verify(verifier, ctx, token.data, token.len, &claims, &err), err);
    assert_int_equal(coco_bytes_size(claims), sizeof(signed_text) - 1);
    assert_memory_equal(coco_bytes_data(claims), signed_text, sizeof(signed_text) - 1);
    coco_ctx_cancel(ctx);
    coco_bytes *none = NULL;
    assert_fails(coco_token_verify(verifier, ctx, token.data, token.len, &none, &err), err,
                 COCO_ERR_CANCELED, "");
}

static void
claims_are_judged(void **state)
{
    static const struct {
        const char *claims;
        const char *issuer, *audience, *accept; /* NULL: not set */
        coco_status status;
        const char *words;
    } cases[] = {
        {CLAIMS, NULL, NULL, NULL, COCO_OK, NULL},
        {CLAIMS, "https://kbs.example", NULL, NULL, COCO_OK, NULL},
        {CLAIMS, "https://kbs.example/", NULL, NULL, COCO_OK, NULL},
        {CLAIMS, "https://other.example", NULL, NULL, COCO_ERR_VERIFY, "another issuer"},
        {"{\"exp\":1800000300" SUBMODS "}", "https://kbs.example", NULL, NULL, COCO_ERR_VERIFY,
         "another issuer"},
        {"{\"exp\":1800000300,\"iss\":[\"https://kbs.example\"]" SUBMODS "}", "https://kbs.example",
         NULL, NULL, COCO_ERR_PROTO, "iss"},
        {CLAIMS_OF(",\"aud\":\"https://bank.example\"" SUBMODS), NULL, "https://bank.example", NULL,
         COCO_OK, NULL},
        {CLAIMS_OF(",\"aud\":[\"x\",\"https://bank.example\"]" SUBMODS), NULL,
         "https://bank.example", NULL, COCO_OK, NULL},
        {CLAIMS_OF(",\"aud\":\"https://bank.example\"" SUBMODS), NULL, NULL, NULL, COCO_ERR_VERIFY,
         "somebody else"},
        {CLAIMS_OF(",\"aud\":[]" SUBMODS), NULL, NULL, NULL, COCO_ERR_VERIFY, "somebody else"},
        {CLAIMS_OF(",\"aud\":\"https://bank.example.evil\"" SUBMODS), NULL, "https://bank.example",
         NULL, COCO_ERR_VERIFY, "another audience"},
        {CLAIMS, NULL, "https://bank.example", NULL, COCO_ERR_VERIFY, "another audience"},
        {"{\"exp\":1799999939" SUBMODS "}", NULL, NULL, NULL, COCO_ERR_VERIFY, "expired"},
        {"{\"exp\":1799999941" SUBMODS "}", NULL, NULL, NULL, COCO_OK, NULL},
        {"{\"iat\":1800000000" SUBMODS "}", NULL, NULL, NULL, COCO_ERR_VERIFY, "exp"},
        {"{\"exp\":\"1800000300\"" SUBMODS "}", NULL, NULL, NULL, COCO_ERR_VERIFY, "exp"},
        {CLAIMS_OF(",\"nbf\":1800000061" SUBMODS), NULL, NULL, NULL, COCO_ERR_VERIFY, "nbf"},
        {"{\"exp\":1800000300,\"iat\":1800000061" SUBMODS "}", NULL, NULL, NULL, COCO_ERR_VERIFY,
         "iat"},
        {CLAIMS_OF(""), NULL, NULL, NULL, COCO_ERR_PROTO, "no submods"},
        {CLAIMS_OF(",\"submods\":{\"cpu0\":{\"ear.status\":\"warning\"}}"), NULL, NULL, NULL,
         COCO_ERR_DENIED, "cpu0 is warning"},
        {CLAIMS_OF(",\"submods\":{\"cpu0\":{\"ear.status\":\"warning\"}}"), NULL, NULL, "warning",
         COCO_OK, NULL},
        {CLAIMS_OF(",\"submods\":{\"cpu0\":{\"ear.status\":\"none\"}}"), NULL, NULL,
         "contraindicated", COCO_ERR_DENIED, "cpu0 is none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        VERIFIER *verifier = new_verifier(&key, 1);
        _cleanup_buf_ struct coco_buf token = {0};
        coco_error *err = NULL;

        assert_ok(coco_token_verifier_set_issuer(verifier, cases[i].issuer, &err), err);
        assert_ok(coco_token_verifier_set_audience(verifier, cases[i].audience, &err), err);
        if (cases[i].accept)
            assert_ok(coco_token_verifier_accept(verifier, cases[i].accept, &err), err);
        make_token(key, NULL, cases[i].claims, &token);
        coco_status status = verify(verifier, &token, &err);
        print_message("# %zu %s\n", i, err ? coco_error_message(err) : "");
        if (cases[i].status == COCO_OK)
            assert_ok(status, err);
        else
            assert_fails(status, err, cases[i].status, cases[i].words);
    }
}

/* Each bit of it. */
static void
a_token_that_was_changed_is_refused(void **state)
{
    _cleanup_buf_ struct coco_buf token = {0};
    coco_error *err = NULL;

    (void)state;
    VERIFIER *verifier = new_verifier(&key, 1);
    make_token(key, NULL, CLAIMS, &token);
    for (size_t i = 0; i < 8 * token.len; i++) {
        token.data[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_not_equal(verify(verifier, &token, &err), COCO_OK);
        coco_error_free(err);
        err = NULL;
        token.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_ok(verify(verifier, &token, &err), err);
}

static void
make_raw(const char *header, const char *claims, const char *signature, struct coco_buf *ret)
{
    coco_error *err = NULL;

    *ret = (struct coco_buf){.limit = 4096};
    assert_ok(coco_base64_encode(COCO_BASE64URL, header, strlen(header), ret, &err), err);
    assert_ok(coco_buf_append_text(ret, ".", &err), err);
    assert_ok(coco_base64_encode(COCO_BASE64URL, claims, strlen(claims), ret, &err), err);
    assert_ok(coco_buf_append_text(ret, ".", &err), err);
    assert_ok(coco_buf_append_text(ret, signature, &err), err);
}

static void
what_is_no_token_is_refused(void **state)
{
    static const char *const headers[] = {
        "{\"alg\":\"none\"}",
        "{\"alg\":\"None\"}",
        "{\"alg\":\"HS256\"}",
        "{\"alg\":\"ES256\"}",
        "{\"alg\":\"RS256\"}",
        "{}",
        "{\"alg\":1}",
        "[]",
        "{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"b64\":false}",
    };
    static const char *const texts[] = {"",         ".",   "..",   "a.b.c",          "e30.e30",
                                        "e30.e30.", "x y", "....", "e30.e30.e30.e30"};

    (void)state;
    VERIFIER *verifier = new_verifier(&key, 1);
    for (size_t i = 0; i < 2 * sizeof(headers) / sizeof(headers[0]); i++) {
        _cleanup_buf_ struct coco_buf token = {0};
        coco_error *err = NULL;

        make_raw(headers[i / 2], CLAIMS, i % 2 ? "" : "AAAA", &token);
        coco_status status = verify(verifier, &token, &err);
        assert_true(status == COCO_ERR_VERIFY || status == COCO_ERR_PROTO);
        assert_contains(coco_error_message(err), "token: ");
        coco_error_free(err);
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        _cleanup_buf_ struct coco_buf token = {.limit = 64};
        coco_error *err = NULL;

        assert_ok(coco_buf_append_text(&token, texts[i], &err), err);
        coco_status status = verify(verifier, &token, &err);
        assert_true(status == COCO_ERR_VERIFY || status == COCO_ERR_PROTO);
        coco_error_free(err);
    }
}

static void
settings_that_cannot_be_are_refused(void **state)
{
    static const uint8_t text[] = "no such thing";
    coco_error *err = NULL;

    (void)state;
    VERIFIER *verifier = new_verifier(&key, 1);
    assert_fails(coco_token_verifier_set_keys(verifier, text, sizeof(text), &err), err,
                 COCO_ERR_PROTO, "");
    assert_fails(coco_token_verifier_set_roots(verifier, text, sizeof(text), &err), err,
                 COCO_ERR_PROTO, "");
    assert_fails(coco_token_verifier_set_tls_ca(verifier, text, sizeof(text), &err), err,
                 COCO_ERR_PROTO, "");
    assert_fails(coco_token_verifier_set_tls_ca(verifier, text, 0, &err), err, COCO_ERR_PROTO, "");
    assert_fails(coco_token_verifier_set_issuer(verifier, "", &err), err, COCO_ERR_INVALID,
                 "issuer is empty");
    assert_fails(coco_token_verifier_set_audience(verifier, "", &err), err, COCO_ERR_INVALID,
                 "audience is empty");
    assert_fails(coco_token_verifier_accept(verifier, "good", &err), err, COCO_ERR_INVALID,
                 "'good'");
    /* What was set before is as it was. */
    _cleanup_buf_ struct coco_buf token = {0};
    make_token(key, NULL, CLAIMS, &token);
    assert_ok(verify(verifier, &token, &err), err);
    coco_token_verifier_free(NULL);
}

/* A token that Trustee's KBS made, with the chain of its certificates in it. */
static void
an_issuer_with_more_than_an_address_is_refused(void **state)
{
    static const char *const issuers[] = {
        "https://me:hunter2@kbs.example", "https://hunter2@kbs.example",
        "https://kbs.example?hunter2",    "https://kbs.example/#hunter2",
        "https://kbs.example/hunter2?",   "https://",

        "ftp://kbs.example/hunter2",      "https://kbs.example:99999",
        "https://kbs.example /hunter2",
    };
    static const char *const good[] = {"https://kbs.example/a/b", "https://[::1]:8080/",
                                       "http://kbs.example", "CoCo-Attestation-Service"};
    coco_error *err = NULL;

    (void)state;
    VERIFIER *verifier = new_verifier(NULL, 0);
    for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++) {
        coco_status status = coco_token_verifier_set_issuer(verifier, issuers[i], &err);

        assert_null(strstr(coco_error_message(err), "hunter2"));
        assert_fails(status, err, COCO_ERR_INVALID, "issuer is no address");
        assert_null(verifier->issuer);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_ok(coco_token_verifier_set_issuer(verifier, good[i], &err), err);
}

static void
a_recorded_token_is_verified(void **state)
{
    size_t len = 0;
    _cleanup_free_ char *text = read_fixture("rcar/attest-p256/token.jwt", &len);
    _cleanup_jws_ struct coco_jws jws = {0};
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    if (!text)
        skip();
    while (len > 0 && text[len - 1] == '\n')
        len--;
    assert_ok(coco_jws_parse(text, len, &jws, &err), err);
    const cJSON *jwk = cJSON_GetObjectItem(jws.header, "jwk");
    const cJSON *x5c = cJSON_GetObjectItem(jwk, "x5c");
    int n = cJSON_GetArraySize(x5c);
    assert_int_equal(n, 2);
    assert_ok(coco_buf_printf(&pem, &err,
                              "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n",
                              cJSON_GetArrayItem(x5c, n - 1)->valuestring),
              err);
    uint64_t issued = 0;
    assert_ok(coco_json_get_u64(jws.payload, "iat", &issued, &err), err);
    _cleanup_buf_ struct coco_buf token = {.limit = COCO_JSON_SIZE_MAX};
    assert_ok(coco_buf_append(&token, text, len, &err), err);

    VERIFIER *verifier = new_verifier(NULL, 0);
    assert_ok(coco_token_verifier_set_roots(verifier, pem.data, pem.len, &err), err);
    assert_ok(coco_token_verifier_set_issuer(verifier, "CoCo-Attestation-Service", &err), err);
    coco_token_verifier_set_time(verifier, (int64_t)issued);
    assert_ok(verify(verifier, &token, &err), err);
    coco_token_verifier_set_time(verifier, (int64_t)issued + 361);
    assert_fails(verify(verifier, &token, &err), err, COCO_ERR_VERIFY, "expired");
}

static void
every_allocation_may_fail(void **state)
{
    _cleanup_buf_ struct coco_buf token = {0};
    _cleanup_buf_ struct coco_buf set = {0};
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;

    (void)state;
    make_token(key, "{\"kid\":\"a\"}", CLAIMS_OF(",\"aud\":\"x\"" SUBMODS), &token);
    make_set(&key, 1, &set);
    assert_int_equal(coco_ctx_new(&ctx, NULL), COCO_OK);
    for_each_fault()
    {
        VERIFIER *verifier = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *claims = NULL;
        coco_error *err = NULL;

        coco_status status = coco_token_verifier_new(&verifier, &err);
        if (status == COCO_OK)
            status = coco_token_verifier_set_keys(verifier, set.data, set.len, &err);
        if (status == COCO_OK)
            status = coco_token_verifier_set_issuer(verifier, "https://kbs.example", &err);
        if (status == COCO_OK)
            status = coco_token_verifier_set_audience(verifier, "x", &err);
        if (status == COCO_OK) {
            coco_token_verifier_set_time(verifier, NOW);
            status = coco_token_verify(verifier, ctx, token.data, token.len, &claims, &err);
        }
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_claims_come_as_they_were_signed),
        cmocka_unit_test(claims_are_judged),
        cmocka_unit_test(a_token_that_was_changed_is_refused),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(settings_that_cannot_be_are_refused),
        cmocka_unit_test(an_issuer_with_more_than_an_address_is_refused),
        cmocka_unit_test(a_recorded_token_is_verified),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests_name("token/verifier", tests, begin, end);
}
