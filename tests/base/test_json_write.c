/*
 * tests/base/test_json_write.c - lib/base/json_write.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/json.h"

#include "base/digest.h"
#include "tests/faults.h"

#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static coco_status
rewrite(const char *text, enum coco_json_style style, struct coco_buf *buf, coco_error **err)
{
    _cleanup_json_ cJSON *value = NULL;

    coco_status status = coco_json_parse(text, strlen(text), &value, err);
    if (status == COCO_OK)
        status = coco_json_write(value, style, buf, err);
    return status;
}

static void
assert_rewritten(const char *text, enum coco_json_style style, const char *want)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
    coco_error *err = NULL;

    assert_ok(rewrite(text, style, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), want);
}

/* evidence.md section 1: what the report data of every TEE is a digest of. */
static void
canonical_form_has_the_digest_that_verifiers_expect(void **state)
{
    static const char want[] = "sha384:e71ce8e70d814ba6639c3612ebee0ff1f76f650f8dbb5e47157e0f3f525c"
                               "d22c4597480a186427c813ca941da78870c3";
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
    coco_error *err = NULL;
    struct coco_digest digest = {0};
    char text[COCO_DIGEST_TEXT_SIZE];

    (void)state;
    assert_ok(rewrite("{ \"b\": 1, \"a\": \"test\",\n\"c\": {\"d\":\"e\"} }", COCO_JSON_CANONICAL,
                      &buf, &err),
              err);
    assert_ok(coco_digest_of(COCO_SHA384, buf.data, buf.len, &digest, &err), err);
    coco_digest_format(&digest, text);
    assert_string_equal(text, want);
}

static void
canonical_form_is_that_of_rfc_8785(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        /* RFC 8785 section 3.2.2 */
        {"{\"numbers\":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"
         "\"string\":\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
         "\"literals\":[null,true,false]}",
         "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
         "\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"},
        /* RFC 8785 section 3.2.3: by UTF-16 units, so that U+1F600 comes before U+FB33 */
        {"{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter Dalet "
         "With Dagesh\",\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":"
         "\"Control\",\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
         "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"ö\":\"Latin Small "
         "Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\xef\xac"
         "\xb3\":\"Hebrew Letter Dalet With Dagesh\"}"},
        {"{\"\\ue000\":1,\"\\ud7ff\":2,\"\\udbff\\udfff\":3,\"\\uffff\":4}",
         "{\"\xed\x9f\xbf\":2,\"\xf4\x8f\xbf\xbf\":3,\"\xee\x80\x80\":1,\"\xef\xbf\xbf\":4}"},
        {"{\"aa\":1,\"a\":2,\"\":3,\"b\":4}", "{\"\":3,\"a\":2,\"aa\":1,\"b\":4}"},
        {"[ {\"b\":{\"d\":1,\"c\":2},\"a\":[]} , {} ]", "[{\"a\":[],\"b\":{\"c\":2,\"d\":1}},{}]"},
        {"\"\\b\\t\\n\\u000b\\f\\r\\u001f\\u007f\\u2028\"",
         "\"\\b\\t\\n\\u000b\\f\\r\\u001f\x7f\xe2\x80\xa8\""},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++)
        assert_rewritten(cases[i].text, COCO_JSON_CANONICAL, cases[i].want);
}

static void
canonical_numbers_are_those_of_ecmascript(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"0", "0"},
        {"-0", "0"},
        {"-0.0e5", "0"},
        {"0e999999999999999999999", "0"},
        {"1e-400", "0"},
        {"10", "10"},
        {"-17", "-17"},
        {"9007199254740991", "9007199254740991"},
        {"-9007199254740992", "-9007199254740992"},
        {"9007199254740994", "9007199254740994"},
        {"1000000000000000000000", "1e+21"},
        {"100000000000000000000", "100000000000000000000"},
        {"1.0", "1"},
        {"1e0", "1"},
        {"12.5e1", "125"},
        {"0.1", "0.1"},
        {"0.000001", "0.000001"},
        {"0.0000001", "1e-7"},
        {"1.5e-7", "1.5e-7"},
        {"123456e-3", "123.456"},
        {"1e21", "1e+21"},
        {"1.5e300", "1.5e+300"},
        /* RFC 8785 appendix B */
        {"5e-324", "5e-324"},
        {"-5e-324", "-5e-324"},
        {"1.7976931348623157e308", "1.7976931348623157e+308"},
        {"295147905179352830000.0", "295147905179352830000"},
        {"9.999999999999997e22", "9.999999999999997e+22"},
        {"1e23", "1e+23"},
        {"1.0000000000000001e23", "1.0000000000000001e+23"},
        {"999999999999999700000.0", "999999999999999700000"},
        {"999999999999999900000.0", "999999999999999900000"},
        {"9.999999999999997e-7", "9.999999999999997e-7"},
        {"333333333.3333332", "333333333.3333332"},
        {"333333333.33333325", "333333333.33333325"},
        {"333333333.33333343", "333333333.33333343"},
        {"-0.0000033333333333333333", "-0.0000033333333333333333"},
        {"1424953923781206.2", "1424953923781206.2"},
        /* 2^-44, where the nearest 16 digits fall short and the next do not */
        {"5.684341886080801486968994140625e-14", "5.684341886080802e-14"},
        /* 2^89, and the smallest normal */
        {"618970019642690137449562112.0", "6.189700196426902e+26"},
        {"2.2250738585072014e-308", "2.2250738585072014e-308"},
        {"99999999999999999.0", "100000000000000000"},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++)
        assert_rewritten(cases[i].text, COCO_JSON_CANONICAL, cases[i].want);
}

/* What a program sets up for its people must not change what is signed. */
static void
canonical_numbers_have_a_point_in_every_locale(void **state)
{
    (void)state;
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8")) {
        print_message("# not run: no locale with a decimal comma is installed\n");
        return;
    }
    assert_rewritten("[1.25,123.456e-9]", COCO_JSON_CANONICAL, "[1.25,1.23456e-7]");
    (void)setlocale(LC_ALL, "C");
}

static void
canonical_form_refuses_numbers_that_would_change(void **state)
{
    static const char *const cases[] = {
        "9007199254740993",
        "-9007199254740993",
        "18446744073709551615",
        "9223372036854775807",
        "1e309",
        "-1e999999999999",
        "[1e400]",
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
        coco_error *err = NULL;

        assert_fails(rewrite(cases[i], COCO_JSON_CANONICAL, &buf, &err), err, COCO_ERR_INVALID,
                     "no canonical form");
    }
}

static void
compact_form_keeps_order_and_numbers(void **state)
{
    (void)state;
    assert_rewritten("{ \"b\" : [ 1.50 , 18446744073709551615 ] , \"a\" : { } }", COCO_JSON_COMPACT,
                     "{\"b\":[1.50,18446744073709551615],\"a\":{}}");
}

static void
pretty_form_indents(void **state)
{
    (void)state;
    assert_rewritten("{\"b\":[1,{\"x\":[]}],\"a\":{}}", COCO_JSON_PRETTY,
                     "{\n  \"b\": [\n    1,\n    {\n      \"x\": []\n    }\n  ],\n  \"a\": {}\n}");
}

static void
writer_stops_at_the_limit_of_the_buffer(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 5};
    coco_error *err = NULL;

    (void)state;
    assert_fails(rewrite("{\"abc\":1}", COCO_JSON_COMPACT, &buf, &err), err, COCO_ERR_LIMIT, "5");
}

static void
writer_refuses_what_is_not_json(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    cJSON *value = cJSON_CreateString("\xff");
    assert_fails(coco_json_write(value, COCO_JSON_COMPACT, &buf, &err), err, COCO_ERR_INVALID,
                 "UTF-8");
    coco_json_free(value);

    value = cJSON_CreateNumber(1);
    assert_fails(coco_json_write(value, COCO_JSON_COMPACT, &buf, &err), err, COCO_ERR_INVALID,
                 "without its text");
    coco_json_free(value);

    value = cJSON_CreateRaw("{}");
    assert_fails(coco_json_write(value, COCO_JSON_COMPACT, &buf, &err), err, COCO_ERR_INVALID,
                 "not a value");
    coco_json_free(value);

    assert_fails(coco_json_write(NULL, COCO_JSON_COMPACT, &buf, &err), err, COCO_ERR_INVALID,
                 "not a value");
}

static void
writer_counts_levels(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
    _cleanup_json_ cJSON *value = cJSON_CreateArray();
    coco_error *err = NULL;
    cJSON *inner = value;

    (void)state;
    for (int level = 1; level < COCO_JSON_DEPTH_MAX; level++)
        assert_ok(coco_json_add_array(inner, NULL, &inner, &err), err);
    assert_ok(coco_json_write(value, COCO_JSON_COMPACT, &buf, &err), err);
    assert_int_equal(buf.len, 2 * COCO_JSON_DEPTH_MAX);

    assert_ok(coco_json_add_array(inner, NULL, &inner, &err), err);
    assert_fails(coco_json_write(value, COCO_JSON_COMPACT, &buf, &err), err, COCO_ERR_LIMIT,
                 "levels");
}

static void
writer_survives_any_failed_allocation(void **state)
{
    static const char text[] = "{\"b\":[1.5,\"c\",null],\"a\":{\"e\":true}}";
    _cleanup_json_ cJSON *value = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_json_parse(text, strlen(text), &value, &err), err);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
        coco_status status = coco_json_write(value, COCO_JSON_CANONICAL, &buf, &err);

        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_form_has_the_digest_that_verifiers_expect),
        cmocka_unit_test(canonical_form_is_that_of_rfc_8785),
        cmocka_unit_test(canonical_numbers_are_those_of_ecmascript),
        cmocka_unit_test(canonical_numbers_have_a_point_in_every_locale),
        cmocka_unit_test(canonical_form_refuses_numbers_that_would_change),
        cmocka_unit_test(compact_form_keeps_order_and_numbers),
        cmocka_unit_test(pretty_form_indents),
        cmocka_unit_test(writer_stops_at_the_limit_of_the_buffer),
        cmocka_unit_test(writer_refuses_what_is_not_json),
        cmocka_unit_test(writer_counts_levels),
        cmocka_unit_test(writer_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("base/json_write", tests, NULL, NULL);
}
