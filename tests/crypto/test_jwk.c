/*
 * tests/crypto/test_jwk.c - lib/crypto/jwk.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/jwk.h"

#include "tests/canary.h"
#include "tests/crypto/vectors.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <string.h>

#define X "\"x\":\"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0\""
#define Y "\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps\""
#define D "\"d\":\"0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo\""
#define EC "\"kty\":\"EC\",\"crv\":\"P-256\""
#define OKP "\"kty\":\"OKP\",\"crv\":\"Ed25519\""
#define OKP_X "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""

/* 2048 bits, of which the first is 1; nobody looks at their factors. */
#define FORTY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define RSA_HEAD "gA" FORTY FORTY FORTY FORTY FORTY FORTY FORTY FORTY
#define RSA_N RSA_HEAD "AAAAAAAAAAAAAAAAAAAQ"
#define RSA_EVEN RSA_HEAD "AAAAAAAAAAAAAAAAAAAA"
#define RSA_2048(n, e) "{\"kty\":\"RSA\",\"n\":\"" n "\",\"e\":\"" e "\"}"

static coco_status
parse(const char *text, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_json_ cJSON *jwk = NULL;

    coco_status status = coco_json_parse_object(text, strlen(text), &jwk, err);
    if (status == COCO_OK)
        status = coco_jwk_parse(jwk, ret, err);
    return status;
}

static EVP_PKEY *
key_of(const char *text)
{
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    assert_ok(parse(text, &key, &err), err);
    return key;
}

static void
assert_public(const EVP_PKEY *key, const char *alg, const char *want)
{
    struct coco_buf text = {.limit = 4096};
    cJSON *jwk = NULL;
    coco_error *err = NULL;

    assert_ok(coco_jwk_public(key, alg, &jwk, &err), err);
    assert_ok(coco_json_write(jwk, COCO_JSON_CANONICAL, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), want);
    coco_json_free(jwk);
    coco_buf_done(&text);
}

static void
thumbprints_are_those_of_the_rfcs(void **state)
{
    static const char *const cases[][2] = {
        {JWK_THUMBPRINT_KEY, JWK_THUMBPRINT},
        {JWS_ED25519_KEY, JWK_ED25519_THUMBPRINT},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_buf text = {.limit = 43};
        EVP_PKEY *key = key_of(cases[i][0]);

        assert_ok(coco_jwk_thumbprint(key, &text, &err), err);
        assert_string_equal(coco_buf_text(&text), cases[i][1]);
        coco_buf_done(&text);
        EVP_PKEY_free(key);
    }
}

static void
public_has_no_member_that_the_kbs_would_drop(void **state)
{
    EVP_PKEY *ec = key_of("{" EC "," X "," Y "," D ",\"kid\":\"1\",\"use\":\"enc\"}");
    EVP_PKEY *ed = key_of("{" OKP "," OKP_X "}");

    (void)state;
    assert_public(ec, NULL, "{\"crv\":\"P-256\",\"kty\":\"EC\"," X "," Y "}");
    assert_public(ec, "ECDH-ES+A256KW",
                  "{\"alg\":\"ECDH-ES+A256KW\",\"crv\":\"P-256\",\"kty\":\"EC\"," X "," Y "}");
    assert_public(ed, NULL, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\"," OKP_X "}");
    EVP_PKEY_free(ec);
    EVP_PKEY_free(ed);
}

static void
every_kind_goes_out_and_comes_back(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_P384, COCO_KEY_P521,
                                               COCO_KEY_RSA, COCO_KEY_ED25519};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        EVP_PKEY *key = NULL;
        EVP_PKEY *back = NULL;
        cJSON *jwk = NULL;

        assert_ok(coco_key_generate(kinds[i], &key, &err), err);
        assert_ok(coco_jwk_public(key, NULL, &jwk, &err), err);
        assert_ok(coco_jwk_parse(jwk, &back, &err), err);
        assert_int_equal(EVP_PKEY_eq(key, back), 1);
        coco_json_free(jwk);
        EVP_PKEY_free(key);
        EVP_PKEY_free(back);
    }
}

static void
a_private_key_goes_out_and_comes_back(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_P384, COCO_KEY_P521};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        _cleanup_pkey_ EVP_PKEY *back = NULL;
        _cleanup_json_ cJSON *jwk = NULL;
        _cleanup_buf_ struct coco_buf pem = {.limit = 4096};
        _cleanup_buf_ struct coco_buf again = {.limit = 4096};

        assert_ok(coco_key_generate(kinds[i], &key, &err), err);
        assert_ok(coco_jwk_private(key, &jwk, &err), err);
        assert_ok(coco_jwk_parse(jwk, &back, &err), err);
        assert_ok(coco_key_private_pem(key, &pem, &err), err);
        assert_ok(coco_key_private_pem(back, &again, &err), err);
        assert_string_equal(coco_buf_text(&again), coco_buf_text(&pem));
    }
}

static void
a_key_without_a_private_half_has_no_private_jwk(void **state)
{
    _cleanup_pkey_ EVP_PKEY *ec = key_of("{" EC "," X "," Y "}");
    _cleanup_pkey_ EVP_PKEY *ed = key_of("{" OKP "," OKP_X "}");
    cJSON *jwk = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_jwk_private(ec, &jwk, &err), err, COCO_ERR_INVALID, "no private half");
    assert_fails(coco_jwk_private(ed, &jwk, &err), err, COCO_ERR_NOTSUP, "not EC");
    assert_null(jwk);
}

/* Whatever key the curve may be taken from, and of that nothing else. */
static void
a_key_is_the_same_beside_another(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_P384, COCO_KEY_P521,
                                               COCO_KEY_RSA, COCO_KEY_ED25519};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < 25; i++) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        _cleanup_pkey_ EVP_PKEY *like = NULL;
        _cleanup_pkey_ EVP_PKEY *back = NULL;
        _cleanup_json_ cJSON *jwk = NULL;
        _cleanup_buf_ struct coco_buf pem = {.limit = 4096};

        assert_ok(coco_key_generate(kinds[i / 5], &key, &err), err);
        assert_ok(coco_key_generate(kinds[i % 5], &like, &err), err);
        assert_ok(coco_jwk_public(key, NULL, &jwk, &err), err);
        assert_ok(coco_jwk_parse_like(jwk, like, &back, &err), err);
        assert_int_equal(EVP_PKEY_eq(key, back), 1);
        assert_fails(coco_key_private_pem(back, &pem, &err), err, COCO_ERR_INVALID, "");
    }
}

/* RFC 7518 section 6.2.1.2: as many bytes as the curve has, whatever the number. */
static void
coordinates_keep_their_leading_zeros(void **state)
{
    coco_error *err = NULL;
    size_t short_ones = 0;

    (void)state;
    /* One key in 2048 has such a coordinate: not one in these is a broken generator. */
    for (size_t i = 0; i < 100000 && short_ones == 0; i++) {
        EVP_PKEY *key = NULL;
        EVP_PKEY *back = NULL;
        cJSON *jwk = NULL;
        const char *x = NULL;
        const char *y = NULL;

        assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
        assert_ok(coco_jwk_public(key, NULL, &jwk, &err), err);
        assert_ok(coco_json_get_string(jwk, "x", &x, &err), err);
        assert_ok(coco_json_get_string(jwk, "y", &y, &err), err);
        assert_int_equal(strlen(x), 43);
        assert_int_equal(strlen(y), 43);
        if (strncmp(x, "AA", 2) == 0 || strncmp(y, "AA", 2) == 0) {
            assert_ok(coco_jwk_parse(jwk, &back, &err), err);
            assert_int_equal(EVP_PKEY_eq(key, back), 1);
            EVP_PKEY_free(back);
            short_ones++;
        }
        coco_json_free(jwk);
        EVP_PKEY_free(key);
    }
    assert_true(short_ones > 0);
}

static void
an_rsa_key_may_have_its_private_exponent_alone(void **state)
{
    EVP_PKEY *whole = key_of(JWS_A2_KEY);
    cJSON *jwk = NULL;
    EVP_PKEY *key = NULL;
    struct coco_buf sig = {.limit = 256};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_json_parse_object(JWS_A2_KEY, strlen(JWS_A2_KEY), &jwk, &err), err);
    static const char *const rest[] = {"p", "q", "dp", "dq", "qi"};
    for (size_t i = 0; i < 5; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(jwk, rest[i]);
    assert_ok(coco_jwk_parse(jwk, &key, &err), err);
    assert_ok(coco_key_sign(key, "x", 1, &sig, &err), err);
    assert_ok(coco_key_verify(whole, "x", 1, sig.data, sig.len, &err), err);
    coco_buf_done(&sig);
    coco_json_free(jwk);
    EVP_PKEY_free(key);
    EVP_PKEY_free(whole);
}

static void
parse_refuses_hostile_keys(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
    } cases[] = {
        {"{}", COCO_ERR_PROTO},
        {"{\"kty\":1}", COCO_ERR_PROTO},
        {"{\"kty\":\"oct\",\"k\":\"AAAA\"}", COCO_ERR_NOTSUP},
        {"{\"kty\":\"AKP\",\"alg\":\"ML-KEM-768+A192KW\",\"pub\":\"AA\"}", COCO_ERR_NOTSUP},
        {"{\"kty\":\"ec\",\"crv\":\"P-256\"," X "," Y "}", COCO_ERR_NOTSUP},
        {"{\"kty\":\"EC\"," X "," Y "}", COCO_ERR_PROTO},
        {"{\"kty\":\"EC\",\"crv\":\"secp256k1\"," X "," Y "}", COCO_ERR_NOTSUP},
        {"{\"kty\":\"EC\",\"crv\":\"p-256\"," X "," Y "}", COCO_ERR_NOTSUP},
        {"{\"kty\":\"EC\",\"crv\":\"P-384\"," X "," Y "}", COCO_ERR_PROTO},
        {"{" EC "," X "}", COCO_ERR_PROTO},
        {"{" EC "," X ",\"y\":\"\"}", COCO_ERR_PROTO},
        {"{" EC "," X ",\"y\":null}", COCO_ERR_PROTO},
        /* One byte less, one more, padding, bits behind the last byte. */
        {"{" EC "," X ",\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpg\"}", COCO_ERR_PROTO},
        {"{" EC "," X ",\"y\":\"AEi1v8Un385T1qxxFSN9AxzP-HoFcLdzUKnlA-5zBaab\"}", COCO_ERR_PROTO},
        {"{" EC "," X ",\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps=\"}", COCO_ERR_PROTO},
        {"{" EC "," X ",\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFppt\"}", COCO_ERR_PROTO},
        /* Off the curve; the point 0, 0; x = p. */
        {"{" EC "," X ",\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFppw\"}", COCO_ERR_PROTO},
        {"{" EC ",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
         "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
         COCO_ERR_PROTO},
        {"{" EC ",\"x\":\"_____wAAAAEAAAAAAAAAAAAAAAD_______________8\"," Y "}", COCO_ERR_PROTO},
        /* Private keys of another point, of 0, of the order. */
        {"{" EC "," X "," Y ",\"d\":\"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw\"}",
         COCO_ERR_PROTO},
        {"{" EC "," X "," Y ",\"d\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
         COCO_ERR_PROTO},
        {"{" EC "," X "," Y ",\"d\":\"_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE\"}",
         COCO_ERR_PROTO},
        {"{" EC "," X "," Y ",\"d\":7}", COCO_ERR_PROTO},
        {"{\"kty\":\"OKP\",\"crv\":\"X25519\"," OKP_X "}", COCO_ERR_NOTSUP},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed448\"," OKP_X "}", COCO_ERR_NOTSUP},
        {"{" OKP ",\"x\":\"AA\"}", COCO_ERR_PROTO},
        {"{" OKP "," OKP_X ",\"d\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
         COCO_ERR_PROTO},
        {"{" OKP "," OKP_X ",\"d\":\"\"}", COCO_ERR_PROTO},
        {"{\"kty\":\"RSA\",\"e\":\"AQAB\"}", COCO_ERR_PROTO},
        {"{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}", COCO_ERR_PROTO},
        {"{\"kty\":\"RSA\",\"n\":\"ANEy\",\"e\":\"AQAB\"}", COCO_ERR_PROTO},  /* leading zero */
        {"{\"kty\":\"RSA\",\"n\":\"0TI3\",\"e\":\"AQAB\"}", COCO_ERR_NOTSUP}, /* 24 bits */
        {RSA_2048(RSA_N, "AQ"), COCO_ERR_PROTO},                              /* e is 1 */
        {RSA_2048(RSA_N, "AQAA"), COCO_ERR_PROTO},                            /* e is even */
        {RSA_2048(RSA_EVEN, "AQAB"), COCO_ERR_PROTO},                         /* n is */
        {"{\"kty\":\"RSA\",\"n\":\"0TI3\",\"e\":\"AQAB\",\"oth\":[]}", COCO_ERR_NOTSUP},
        {"{\"kty\":\"RSA\",\"n\":\"0TI3\",\"e\":\"AQAB\",\"d\":\"AQ\",\"p\":\"AQ\"}",
         COCO_ERR_PROTO},
    };
    _cleanup_pkey_ EVP_PKEY *like = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P256, &like, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EVP_PKEY *key = NULL;

        coco_status status = parse(cases[i].text, &key, &err);
        if (status != cases[i].status)
            fail_msg("case %zu: %s: %s", i, coco_status_name(status), coco_error_message(err));
        coco_error_free(err);
        err = NULL;
        assert_null(key);
        _cleanup_json_ cJSON *jwk = NULL;
        if (coco_json_parse_object(cases[i].text, strlen(cases[i].text), &jwk, NULL) != COCO_OK)
            continue;
        status = coco_jwk_parse_like(jwk, like, &key, NULL);
        if (status != cases[i].status || key)
            fail_msg("case %zu beside another key: %s", i, coco_status_name(status));
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static void
parse_takes_rsa_of_2048_to_8192_bits(void **state)
{
    static const struct {
        size_t bytes;
        coco_status status;
    } cases[] = {
        {255, COCO_ERR_NOTSUP},
        {256, COCO_OK},
        {1024, COCO_OK},
        {1025, COCO_ERR_LIMIT},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t n[1025];
        cJSON *jwk = NULL;
        EVP_PKEY *key = NULL;

        memset(n, 0xff, sizeof(n));
        assert_ok(coco_json_new_object(&jwk, &err), err);
        assert_ok(coco_json_add_string(jwk, "kty", "RSA", &err), err);
        assert_ok(coco_json_add_string(jwk, "e", "AQAB", &err), err);
        assert_ok(coco_json_add_base64url(jwk, "n", n, cases[i].bytes, &err), err);
        assert_string_equal(coco_status_name(coco_jwk_parse(jwk, &key, &err)),
                            coco_status_name(cases[i].status));
        coco_error_free(err);
        err = NULL;
        coco_json_free(jwk);
        EVP_PKEY_free(key);
    }
}

static void
parsing_a_private_key_leaves_no_copy_of_it(void **state)
{
    /* d of ECDH_BOB and of JWS_ED25519_KEY, p of JWS_A2_KEY: how each starts. */
    static const struct {
        const char *jwk;
        uint8_t secret[12];
        const char *text;
    } cases[] = {
        {ECDH_BOB,
         {0x54, 0x49, 0x83, 0x66, 0x90, 0xd7, 0x5c, 0xaf, 0x29, 0xf0, 0xdd, 0x02},
         "VEmDZpDXXK8p8N0"},
        {JWS_ED25519_KEY,
         {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4},
         "nWGxne_9WmC6hEr"},
        {JWS_A2_KEY,
         {0xe0, 0x1c, 0xc4, 0x10, 0xeb, 0x48, 0xa6, 0x65, 0x5d, 0x54, 0x46, 0x4d},
         "4BzEEOtIpmVdVEZ"},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EVP_PKEY *key = NULL;

        canary_begin(cases[i].text, strlen(cases[i].text));
        assert_ok(parse(cases[i].jwk, &key, &err), err);
        assert_int_equal(canary_end(), 0);
        EVP_PKEY_free(key);
        key = NULL;
        canary_begin(cases[i].secret, sizeof(cases[i].secret));
        assert_ok(parse(cases[i].jwk, &key, &err), err);
        EVP_PKEY_free(key);
        assert_int_equal(canary_end(), 0);
    }
}

static void
everything_survives_any_failed_allocation(void **state)
{
    static const char *const jwks[] = {ECDH_BOB, JWS_A2_KEY, JWS_ED25519_KEY};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(jwks) / sizeof(jwks[0]); i++) {
        for_each_fault()
        {
            struct coco_buf text = {.limit = 64};
            EVP_PKEY *key = NULL;

            coco_status status = parse(jwks[i], &key, &err);
            if (status == COCO_OK)
                status = coco_jwk_thumbprint(key, &text, &err);
            fault_expect(status, err);
            coco_buf_done(&text);
            EVP_PKEY_free(key);
        }
    }
}

/* As PEM files of some tools have it: the JWK has both coordinates all the same. */
static void
a_compressed_point_becomes_a_whole_one(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_json_ cJSON *whole = NULL;
    _cleanup_json_ cJSON *compressed = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P384, &key, &err), err);
    assert_ok(coco_jwk_public(key, NULL, &whole, &err), err);
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                                    "compressed"),
                     1);
    assert_ok(coco_jwk_public(key, NULL, &compressed, &err), err);
    assert_true(cJSON_Compare(whole, compressed, true));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_compressed_point_becomes_a_whole_one),
        cmocka_unit_test(thumbprints_are_those_of_the_rfcs),
        cmocka_unit_test(public_has_no_member_that_the_kbs_would_drop),
        cmocka_unit_test(every_kind_goes_out_and_comes_back),
        cmocka_unit_test(a_key_is_the_same_beside_another),
        cmocka_unit_test(a_private_key_goes_out_and_comes_back),
        cmocka_unit_test(a_key_without_a_private_half_has_no_private_jwk),
        cmocka_unit_test(coordinates_keep_their_leading_zeros),
        cmocka_unit_test(an_rsa_key_may_have_its_private_exponent_alone),
        cmocka_unit_test(parse_refuses_hostile_keys),
        cmocka_unit_test(parse_takes_rsa_of_2048_to_8192_bits),
        cmocka_unit_test(parsing_a_private_key_leaves_no_copy_of_it),
        cmocka_unit_test(everything_survives_any_failed_allocation),
    };

    canary_watch_openssl();
    return cmocka_run_group_tests_name("crypto/jwk", tests, NULL, NULL);
}
