/*
 * tests/crypto/test_jws.c - lib/crypto/jws.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/jws.h"

#include "base/base64.h"
#include "crypto/jwk.h"

#include "tests/crypto/vectors.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <openssl/err.h>
#include <string.h>

static cJSON *
json_of(const char *text)
{
    cJSON *json = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_parse(text, strlen(text), &json, &err), err);
    return json;
}

/* A JWS of the parts, the first two given as JSON and the last as it is. */
static void
make_jws(const char *header, const char *payload, const char *signature, struct coco_buf *buf)
{
    coco_error *err = NULL;

    assert_ok(coco_base64_encode(COCO_BASE64URL, header, strlen(header), buf, &err), err);
    assert_ok(coco_buf_append_text(buf, ".", &err), err);
    assert_ok(coco_base64_encode(COCO_BASE64URL, payload, strlen(payload), buf, &err), err);
    assert_ok(coco_buf_append_text(buf, ".", &err), err);
    assert_ok(coco_buf_append_text(buf, signature, &err), err);
}

static coco_status
verify_text(const char *text, EVP_PKEY *key, coco_error **err)
{
    _cleanup_jws_ struct coco_jws jws = {0};

    coco_status status = coco_jws_parse(text, strlen(text), &jws, err);
    if (status == COCO_OK)
        status = coco_jws_verify(&jws, key, err);
    return status;
}

static void
verify_accepts_the_examples_of_rfc_7515(void **state)
{
    EVP_PKEY *rsa = vector_key(JWS_A2_KEY);
    EVP_PKEY *ec = vector_key(JWS_A3_KEY);
    coco_error *err = NULL;
    struct coco_jws jws = {0};
    const char *issuer = NULL;

    (void)state;
    assert_ok(verify_text(JWS_A2, rsa, &err), err);
    assert_ok(verify_text(JWS_A3, ec, &err), err);
    assert_fails(verify_text(JWS_A2, ec, &err), err, COCO_ERR_VERIFY,
                 "alg of the JWS is not ES256");
    assert_fails(verify_text(JWS_A3, rsa, &err), err, COCO_ERR_VERIFY,
                 "alg of the JWS is not RS256");
    assert_ok(coco_jws_parse(JWS_A3, strlen(JWS_A3), &jws, &err), err);
    assert_ok(coco_json_get_string(jws.payload, "iss", &issuer, &err), err);
    assert_string_equal(issuer, "joe");
    coco_jws_done(&jws);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
}

static void
verify_accepts_the_example_of_rfc_8037(void **state)
{
    EVP_PKEY *key = vector_key(JWS_ED25519_KEY);
    char signed_text[] = JWS_ED25519_SIGNED;
    struct coco_jws jws = {
        .header = json_of("{\"alg\":\"EdDSA\"}"),
        .signed_text = {.data = (uint8_t *)signed_text, .len = strlen(signed_text)},
        .signature = {.limit = 64},
    };
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_base64_decode(COCO_BASE64URL, JWS_ED25519_SIGNATURE,
                                 strlen(JWS_ED25519_SIGNATURE), &jws.signature, &err),
              err);
    assert_ok(coco_jws_verify(&jws, key, &err), err);
    jws.signature.data[63] ^= 1;
    assert_fails(coco_jws_verify(&jws, key, &err), err, COCO_ERR_VERIFY, "signature does not fit");
    jws.signed_text = (struct coco_buf){0};
    coco_jws_done(&jws);
    EVP_PKEY_free(key);
}

static void
what_is_signed_verifies_with_every_kind_of_key(void **state)
{
    static const struct {
        enum coco_key_kind kind;
        const char *header;
    } cases[] = {
        {COCO_KEY_P256, "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"kid\":\"k\"}"},
        {COCO_KEY_P384, "{\"typ\":\"JWT\",\"alg\":\"ES384\",\"kid\":\"k\"}"},
        {COCO_KEY_P521, "{\"typ\":\"JWT\",\"alg\":\"ES512\",\"kid\":\"k\"}"},
        {COCO_KEY_RSA, "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"k\"}"},
        {COCO_KEY_ED25519, "{\"typ\":\"JWT\",\"alg\":\"EdDSA\",\"kid\":\"k\"}"},
    };
    cJSON *header = json_of("{\"kid\":\"k\"}");
    cJSON *payload = json_of("{\"iss\":\"me\",\"exp\":1}");
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_buf text = {.limit = 4096};
        struct coco_buf want = {.limit = 4096};
        struct coco_jws jws = {0};
        EVP_PKEY *key = NULL;
        EVP_PKEY *other = NULL;

        assert_ok(coco_key_generate(cases[i].kind, &key, &err), err);
        assert_ok(coco_key_generate(cases[i].kind, &other, &err), err);
        assert_ok(coco_jws_sign(key, header, payload, &text, &err), err);
        make_jws(cases[i].header, "{\"iss\":\"me\",\"exp\":1}", "", &want);
        assert_memory_equal(text.data, want.data, want.len);
        assert_ok(verify_text(coco_buf_text(&text), key, &err), err);
        assert_fails(verify_text(coco_buf_text(&text), other, &err), err, COCO_ERR_VERIFY,
                     "signature does not fit");

        /* One byte more or less, or changed anywhere. */
        assert_ok(coco_jws_parse(coco_buf_text(&text), text.len, &jws, &err), err);
        jws.signature.data[jws.signature.len / 2] ^= 1;
        assert_fails(coco_jws_verify(&jws, key, &err), err, COCO_ERR_VERIFY, "signature");
        jws.signature.data[jws.signature.len / 2] ^= 1;
        jws.signature.len--;
        assert_fails(coco_jws_verify(&jws, key, &err), err, COCO_ERR_VERIFY, "signature");
        jws.signature.len++;
        jws.signed_text.data[5] ^= 1;
        assert_fails(coco_jws_verify(&jws, key, &err), err, COCO_ERR_VERIFY, "signature");
        coco_jws_done(&jws);
        coco_buf_done(&text);
        coco_buf_done(&want);
        EVP_PKEY_free(key);
        EVP_PKEY_free(other);
    }
    assert_int_equal(ERR_peek_error(), 0);
    coco_json_free(header);
    coco_json_free(payload);
}

static void
sign_refuses_to_have_its_own_members_set(void **state)
{
    static const char *const cases[] = {"{\"alg\":\"none\"}", "{\"typ\":\"JOSE\"}",
                                        "{\"crit\":[\"b64\"]}"};
    EVP_PKEY *key = vector_key(JWS_A3_KEY);
    cJSON *payload = json_of("{}");
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_buf text = {.limit = 4096};
        cJSON *header = json_of(cases[i]);

        assert_fails(coco_jws_sign(key, header, payload, &text, &err), err, COCO_ERR_INVALID,
                     "header member");
        assert_int_equal(text.len, 0);
        coco_json_free(header);
        coco_buf_done(&text);
    }
    coco_json_free(payload);
    EVP_PKEY_free(key);
}

static void
parse_refuses_what_is_no_compact_jws(void **state)
{
    static const char *const cases[] = {
        "",
        ".",
        "..",
        "a.b",
        "e30.e30",
        "e30.e30.AA.",
        "e30.e30.AA.AA",
        "e30.e30.A",    /* no whole byte */
        "e30.e30.AB",   /* bits behind the last byte */
        "e30.e30.AA==", /* padding */
        "e30.e30.+A",   /* of the other alphabet */
        " e30.e30.AA",
        "e30.e30.AA\n",
        "W10.e30.AA",                /* the header is an array */
        "e30.W10.AA",                /* the payload is */
        "e30.bm9uZQ.AA",             /* no JSON */
        "eyJhIjoxLCJhIjoyfQ.e30.AA", /* a twice */
        "e30.eyJhIjoxLCJBIjoyfQ.AA", /* a and A */
        "{\"payload\":\"e30\",\"protected\":\"e30\",\"signature\":\"AA\"}",
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_jws jws = {0};

        coco_status status = coco_jws_parse(cases[i], strlen(cases[i]), &jws, &err);
        if (status != COCO_ERR_PROTO)
            fail_msg("case %zu: %s", i, coco_status_name(status));
        coco_error_free(err);
        err = NULL;
        assert_null(jws.header);
    }
}

static void
verify_believes_the_key_not_the_header(void **state)
{
    static const struct {
        const char *header, *signature, *why;
    } cases[] = {
        {"{\"alg\":\"none\"}", "", "alg of the JWS"},
        {"{\"alg\":\"None\"}", "", "alg of the JWS"},
        {"{\"alg\":\"HS256\"}", "AA", "alg of the JWS"},
        {"{\"alg\":\"es256\"}", "AA", "alg of the JWS"},
        {"{\"alg\":[\"ES256\"]}", "AA", "alg of the JWS"},
        {"{\"alg\":null}", "AA", "alg of the JWS"},
        {"{}", "", "alg of the JWS"},
        {"{\"alg\":\"ES256\"}", "", "0 bytes"},
        {"{\"alg\":\"ES256\"}", "AA", "1 bytes"},
        {"{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"b64\":false}", "", "critical"},
        /* r = s = 0, the "psychic" signature. */
        {"{\"alg\":\"ES256\"}",
         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
         "does not fit"},
    };
    EVP_PKEY *key = vector_key(JWS_A3_KEY);
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_buf text = {.limit = 4096};

        make_jws(cases[i].header, "{}", cases[i].signature, &text);
        assert_fails(verify_text(coco_buf_text(&text), key, &err), err, COCO_ERR_VERIFY,
                     cases[i].why);
        coco_buf_done(&text);
    }
    EVP_PKEY_free(key);
}

static void
times_are_checked_with_a_minute_of_leeway(void **state)
{
    static const struct {
        const char *claims;
        const char *why; /* NULL: good */
    } cases[] = {
        {"{\"exp\":1001}", NULL},
        {"{\"exp\":941}", NULL},
        {"{\"exp\":940}", "expired"},
        {"{\"exp\":-1}", "expired"},
        {"{\"exp\":2000,\"iat\":1060,\"nbf\":1060}", NULL},
        {"{\"exp\":2000,\"iat\":1061}", "not valid yet: iat"},
        {"{\"exp\":2000,\"nbf\":1061}", "not valid yet: nbf"},
        {"{\"exp\":9223372036854775807,\"nbf\":-9223372036854775808}", NULL},
        {"{\"exp\":9223372036854775808}", "'exp' is no time"},
        {"{\"exp\":1e9}", "'exp' is no time"},
        {"{\"exp\":941.5,\"nbf\":1060.9,\"iat\":999.999}", NULL}, /* as of Python's time.time() */
        {"{\"exp\":940.999999}", "expired"},
        {"{\"exp\":9223372036854775807.5}", NULL},
        {"{\"exp\":9223372036854775808.0}", "'exp' is no time"},
        {"{\"exp\":2000.5e1}", "'exp' is no time"},
        {"{\"exp\":\"2000\"}", "'exp' is no time"},
        {"{\"exp\":null}", "'exp' is no time"},
        {"{\"exp\":2000,\"nbf\":true}", "'nbf' is no time"},
        {"{}", "no exp"},
        {"{\"EXP\":2000}", "no exp"},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cJSON *claims = json_of(cases[i].claims);

        if (cases[i].why)
            assert_fails(coco_jwt_check_times(claims, 1000, &err), err, COCO_ERR_VERIFY,
                         cases[i].why);
        else
            assert_ok(coco_jwt_check_times(claims, 1000, &err), err);
        coco_json_free(claims);
    }
}

static void
a_recorded_token_verifies_with_the_key_in_its_header(void **state)
{
    size_t len = 0;
    char *text = read_fixture("rcar/attest-p256/client.stdout", &len);
    struct coco_jws jws = {0};
    const cJSON *jwk = NULL;
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    (void)state;
    while (len > 0 && text[len - 1] == '\n')
        len--;
    assert_ok(coco_jws_parse(text, len, &jws, &err), err);
    assert_ok(coco_json_get_object(jws.header, "jwk", &jwk, &err), err);
    assert_ok(coco_jwk_parse(jwk, &key, &err), err);
    assert_ok(coco_jws_verify(&jws, key, &err), err);
    jws.signed_text.data[100] ^= 1;
    assert_fails(coco_jws_verify(&jws, key, &err), err, COCO_ERR_VERIFY, "signature does not fit");
    coco_jws_done(&jws);
    EVP_PKEY_free(key);
    free(text);
}

static void
a_token_is_for_whom_it_names(void **state)
{
    static const struct {
        const char *claims;
        bool good;
    } cases[] = {
        {"{\"aud\":\"me\"}", true},
        {"{\"aud\":[\"you\",\"me\"]}", true},
        {"{\"aud\":\"you\"}", false},
        {"{\"aud\":\"ME\"}", false},
        {"{\"aud\":\"me \"}", false},
        {"{\"aud\":\"\"}", false},
        {"{\"aud\":[]}", false},
        {"{\"aud\":[[\"me\"]]}", false},
        {"{\"aud\":{\"me\":\"me\"}}", false},
        {"{\"aud\":null}", false},
        {"{\"Aud\":\"me\"}", false},
        {"{}", false},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cJSON *claims = json_of(cases[i].claims);

        if (cases[i].good)
            assert_ok(coco_jwt_check_audience(claims, "me", &err), err);
        else
            assert_fails(coco_jwt_check_audience(claims, "me", &err), err, COCO_ERR_VERIFY,
                         "another audience");
        coco_json_free(claims);
    }
}

static void
everything_survives_any_failed_allocation(void **state)
{
    EVP_PKEY *key = vector_key(JWS_A3_KEY);
    cJSON *header = json_of("{\"kid\":\"k\"}");
    cJSON *payload = json_of("{\"exp\":2}");
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        struct coco_buf text = {.limit = 4096};
        struct coco_jws jws = {0};

        coco_status status = coco_jws_sign(key, header, payload, &text, &err);
        if (status == COCO_OK)
            status = coco_jws_parse(coco_buf_text(&text), text.len, &jws, &err);
        if (status == COCO_OK)
            status = coco_jws_verify(&jws, key, &err);
        if (status == COCO_OK)
            status = coco_jwt_check_times(jws.payload, 1, &err);
        fault_expect(status, err);
        coco_jws_done(&jws);
        coco_buf_done(&text);
    }
    coco_json_free(header);
    coco_json_free(payload);
    EVP_PKEY_free(key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verify_accepts_the_examples_of_rfc_7515),
        cmocka_unit_test(verify_accepts_the_example_of_rfc_8037),
        cmocka_unit_test(what_is_signed_verifies_with_every_kind_of_key),
        cmocka_unit_test(sign_refuses_to_have_its_own_members_set),
        cmocka_unit_test(parse_refuses_what_is_no_compact_jws),
        cmocka_unit_test(verify_believes_the_key_not_the_header),
        cmocka_unit_test(times_are_checked_with_a_minute_of_leeway),
        cmocka_unit_test(a_recorded_token_verifies_with_the_key_in_its_header),
        cmocka_unit_test(a_token_is_for_whom_it_names),
        cmocka_unit_test(everything_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("crypto/jws", tests, NULL, NULL);
}
