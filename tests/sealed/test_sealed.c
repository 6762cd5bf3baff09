/*
 * tests/sealed/test_sealed.c - lib/sealed/sealed.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/sealed/kit.h"

#include "tests/faults.h"

#define HEADER "{\"b64\":true,\"alg\":\"ES256\",\"kid\":\"" KEY_URI "\"}"
#define SIGNATURE                                                                                  \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void
a_text_is_taken_apart_with_and_without_its_prefix(void **state)
{
    static const char *const prefixes[] = {"sealed.", ""};

    (void)state;
    for (size_t i = 0; i < COUNT(prefixes); i++) {
        _cleanup_free_ char *text = kit_text(prefixes[i], HEADER, VAULT(SECRET_URI), SIGNATURE);
        _cleanup_sealed_ struct coco_sealed sealed = {0};
        coco_error *err = NULL;

        assert_ok(coco_sealed_parse(text, strlen(text), &sealed, &err), err);
        assert_string_equal(sealed.kid, KEY_URI);
        assert_int_equal(sealed.type, COCO_SEALED_VAULT);
        assert_string_equal(sealed.provider, "kbs");
        assert_string_equal(sealed.name, SECRET_URI);
    }
}

static void
what_nobody_signed_has_no_key(void **state)
{
    _cleanup_free_ char *text = kit_unsigned(VAULT(SECRET_URI));
    _cleanup_sealed_ struct coco_sealed sealed = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_sealed_parse(text, strlen(text), &sealed, &err), err);
    assert_null(sealed.kid);
    assert_string_equal(sealed.name, SECRET_URI);
}

/* Upstream's parser of provider names ignores case. */
static void
a_provider_is_known_whatever_its_case(void **state)
{
    _cleanup_free_ char *text =
        kit_unsigned("{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"x\","
                     "\"provider\":\"AliYun\",\"more\":[1]}");
    _cleanup_sealed_ struct coco_sealed sealed = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_sealed_parse(text, strlen(text), &sealed, &err), err);
    assert_string_equal(sealed.provider, "aliyun");
}

static void
hostile_headers_are_refused(void **state)
{
    static const struct {
        const char *header;
        coco_status want;
    } cases[] = {
        {"", COCO_ERR_PROTO},
        {"[]", COCO_ERR_PROTO},
        {"{}", COCO_ERR_PROTO},
        {"{\"alg\":\"ES256\"}", COCO_ERR_PROTO},
        {"{\"kid\":\"k\"}", COCO_ERR_PROTO},
        {"{\"alg\":1,\"kid\":\"k\"}", COCO_ERR_PROTO},
        {"{\"alg\":\"ES256\",\"kid\":null}", COCO_ERR_PROTO},
        {"{\"alg\":\"ES256\",\"kid\":\"\"}", COCO_ERR_PROTO},
        {"{\"alg\":\"ES256\",\"kid\":\"a b\"}", COCO_ERR_PROTO},
        {"{\"alg\":\"ES256\",\"kid\":\"a\\nb\"}", COCO_ERR_PROTO},
        {"{\"alg\":\"ES256\",\"kid\":\"kbs:///a/../c\"}", COCO_ERR_PROTO},
        {"{\"alg\":\"ES256\",\"kid\":\"file:///etc/passwd\"}", COCO_ERR_PROTO},
        {"{\"alg\":\"ES256\",\"kid\":\"http://evil.test/a/b\"}", COCO_ERR_PROTO},
        {"{\"alg\":\"ES256\",\"kid\":\"k\",\"kid\":\"l\"}", COCO_ERR_PROTO},
        {"{\"alg\":\"none\",\"kid\":\"k\"}", COCO_ERR_NOTSUP},
        {"{\"alg\":\"HS256\",\"kid\":\"k\"}", COCO_ERR_NOTSUP},
        {"{\"alg\":\"RS256\",\"kid\":\"k\"}", COCO_ERR_NOTSUP},
        {"{\"alg\":\"ES384\",\"kid\":\"k\"}", COCO_ERR_NOTSUP},
        {"{\"alg\":\"es256\",\"kid\":\"k\"}", COCO_ERR_NOTSUP},
        {"{\"alg\":\"ES256\",\"kid\":\"k\",\"b64\":false}", COCO_ERR_NOTSUP},
        {"{\"alg\":\"ES256\",\"kid\":\"k\",\"b64\":null}", COCO_ERR_NOTSUP},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_free_ char *text =
            kit_text("sealed.", cases[i].header, VAULT(SECRET_URI), SIGNATURE);
        struct coco_sealed sealed = {0};

        coco_status status = coco_sealed_parse(text, strlen(text), &sealed, NULL);
        if (status != cases[i].want)
            fail_msg("%s gives %s", cases[i].header, coco_status_name(status));
        assert_null(sealed.jws.payload);
    }
}

static void
hostile_payloads_are_refused(void **state)
{
    static const struct {
        const char *payload;
        coco_status want;
    } cases[] = {
        {"", COCO_ERR_PROTO},
        {"{}", COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"vault\"}", COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"x\"}", COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"\",\"provider\":\"kbs\"}",
         COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"a b\",\"provider\":\"kbs\"}",
         COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"x\",\"provider\":\"\"}",
         COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"x\",\"provider\":\"../kbs\"}",
         COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":1,\"provider\":\"kbs\"}",
         COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"x\",\"provider\":\"kbs\","
         "\"annotations\":[]}",
         COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"x\",\"provider\":\"kbs\","
         "\"provider_settings\":\"\"}",
         COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"vault\",\"Type\":\"envelope\",\"name\":\"x\","
         "\"provider\":\"kbs\"}",
         COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"envelope\",\"name\":\"x\",\"provider\":\"kbs\"}",
         COCO_ERR_PROTO},
        {"{\"version\":\"0.2.0\",\"type\":\"vault\",\"name\":\"x\",\"provider\":\"kbs\"}",
         COCO_ERR_NOTSUP},
        {"{\"version\":\"0.1.0\",\"type\":\"Vault\",\"name\":\"x\",\"provider\":\"kbs\"}",
         COCO_ERR_NOTSUP},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_free_ char *text = kit_text("sealed.", HEADER, cases[i].payload, SIGNATURE);
        _cleanup_free_ char *fake = kit_unsigned(cases[i].payload);
        struct coco_sealed sealed = {0};

        coco_status status = coco_sealed_parse(text, strlen(text), &sealed, NULL);
        coco_status again = coco_sealed_parse(fake, strlen(fake), &sealed, NULL);
        if (status != cases[i].want || again != cases[i].want)
            fail_msg("%s gives %s and %s", cases[i].payload, coco_status_name(status),
                     coco_status_name(again));
        assert_null(sealed.jws.payload);
    }
}

static void
other_texts_are_no_sealed_secrets(void **state)
{
    static const char *const cases[] = {
        "",
        "sealed",
        "sealed.",
        "sealed...",
        "sealed.a.b",
        "sealed.fakejwsheader",
        "sealed.fakejwsheader.",
        "sealed.fakejwsheader.e30",
        "sealed.fakejwsheader.e30.x.y",
        "sealed.fakejwsheader.!!.x",
        "sealed.sealed.fakejwsheader.e30.x",
        "SEALED.fakejwsheader.e30.x",
        "sealed.e30.e30.e30.e30",
        "sealed.fake.e30.fakesignature",
        "kbs:///a/b/c",
    };
    _cleanup_free_ char *huge = calloc(1, COCO_SEALED_MAX + 2);
    struct coco_sealed sealed = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        coco_status status = coco_sealed_parse(cases[i], strlen(cases[i]), &sealed, NULL);
        if (status != COCO_ERR_PROTO)
            fail_msg("'%s' gives %s", cases[i], coco_status_name(status));
    }
    assert_non_null(huge);
    memset(huge, 'A', COCO_SEALED_MAX + 1);
    assert_int_equal(coco_sealed_parse(huge, COCO_SEALED_MAX + 1, &sealed, NULL), COCO_ERR_LIMIT);
    assert_null(sealed.jws.payload);
}

static void
write_payload(EVP_PKEY *key, struct coco_buf *buf)
{
    _cleanup_json_ cJSON *payload = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_parse(VAULT(SECRET_URI), strlen(VAULT(SECRET_URI)), &payload, &err), err);
    assert_ok(coco_sealed_write(key, KEY_URI, payload, buf, &err), err);
}

/* It says nothing that a reader of tokens would take for one. */
static void
what_is_written_is_signed_and_no_token(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = kit_key(COCO_KEY_P256);
    _cleanup_pkey_ EVP_PKEY *other = kit_key(COCO_KEY_P256);
    _cleanup_pkey_ EVP_PKEY *larger = kit_key(COCO_KEY_P384);
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
    _cleanup_sealed_ struct coco_sealed sealed = {0};
    coco_error *err = NULL;

    (void)state;
    write_payload(key, &buf);
    assert_ok(coco_sealed_parse(coco_buf_text(&buf), buf.len, &sealed, &err), err);
    assert_null(cJSON_GetObjectItemCaseSensitive(sealed.jws.header, "typ"));
    assert_ok(coco_sealed_verify(&sealed, key, &err), err);
    assert_fails(coco_sealed_verify(&sealed, other, &err), err, COCO_ERR_VERIFY, "signature");
    assert_fails(coco_sealed_verify(&sealed, larger, &err), err, COCO_ERR_NOTSUP, "P-256");
}

static void
no_character_of_it_can_be_changed(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = kit_key(COCO_KEY_P256);
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};

    (void)state;
    write_payload(key, &buf);
    for (size_t i = strlen("sealed."); i < buf.len; i++) {
        _cleanup_sealed_ struct coco_sealed sealed = {0};

        buf.data[i] ^= 1;
        coco_status status = coco_sealed_parse(coco_buf_text(&buf), buf.len, &sealed, NULL);
        if (status == COCO_OK)
            status = coco_sealed_verify(&sealed, key, NULL);
        buf.data[i] ^= 1;
        if (status == COCO_OK)
            fail_msg("character %zu", i);
    }
}

static void
names_of_keys_and_providers_have_a_form(void **state)
{
    static const char *const kids[] = {"k", "test-key", "a/b", KEY_URI, "kbs://host:1/a/b/c"};
    static const char *const bad_kids[] = {"", " ", "a b", "a\x7f", "x://a/b/c", "kbs:///a/b"};
    static const char *const bad_providers[] = {
        "", "Kbs", "a b", "a/b", "a.b", "a2345678901234567890123456789012_",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(kids); i++)
        assert_int_equal(coco_sealed_check_kid(kids[i], NULL), COCO_OK);
    for (size_t i = 0; i < COUNT(bad_kids); i++)
        assert_int_equal(coco_sealed_check_kid(bad_kids[i], NULL), COCO_ERR_INVALID);
    assert_int_equal(coco_sealed_check_provider("my_hsm-2", NULL), COCO_OK);
    for (size_t i = 0; i < COUNT(bad_providers); i++)
        assert_int_equal(coco_sealed_check_provider(bad_providers[i], NULL), COCO_ERR_INVALID);
}

static void
reading_survives_any_failed_allocation(void **state)
{
    _cleanup_free_ char *text = kit_text("sealed.", HEADER, VAULT(SECRET_URI), SIGNATURE);
    _cleanup_free_ char *fake = kit_unsigned(VAULT(SECRET_URI));
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        _cleanup_sealed_ struct coco_sealed sealed = {0};
        _cleanup_sealed_ struct coco_sealed other = {0};

        coco_status status = coco_sealed_parse(text, strlen(text), &sealed, &err);
        if (status == COCO_OK)
            status = coco_sealed_parse(fake, strlen(fake), &other, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_taken_apart_with_and_without_its_prefix),
        cmocka_unit_test(what_nobody_signed_has_no_key),
        cmocka_unit_test(a_provider_is_known_whatever_its_case),
        cmocka_unit_test(hostile_headers_are_refused),
        cmocka_unit_test(hostile_payloads_are_refused),
        cmocka_unit_test(other_texts_are_no_sealed_secrets),
        cmocka_unit_test(what_is_written_is_signed_and_no_token),
        cmocka_unit_test(no_character_of_it_can_be_changed),
        cmocka_unit_test(names_of_keys_and_providers_have_a_form),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
