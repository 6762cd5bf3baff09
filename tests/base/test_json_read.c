/*
 * tests/base/test_json_read.c - lib/base/json_read.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/json.h"

#include "tests/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* A text with its length, so that it may hold NULs. */
struct text {
    const char *at;
    size_t len;
};
#define TEXT(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

static void
reader_accepts(void **state)
{
    /* What is read, and its compact form. */
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"null", "null"},
        {"true", "true"},
        {"false", "false"},
        {"\"\"", "\"\""},
        {"[]", "[]"},
        {"{}", "{}"},
        {" \t\r\n[ \t\r\n] \t\r\n", "[]"},
        {"{ }", "{}"},
        {"0", "0"},
        {"-0", "-0"},
        {"-0.0e-0", "-0.0e-0"},
        {"1E+2", "1E+2"},
        {"0e1", "0e1"},
        {"123.456e78", "123.456e78"},
        {"9007199254740993", "9007199254740993"},
        {"18446744073709551616", "18446744073709551616"},
        {"1e400", "1e400"},
        {"[1,2 ,\n3]", "[1,2,3]"},
        {"[[],[[]],{}]", "[[],[[]],{}]"},
        {"{\"b\":1,\"a\":{\"\":[]}}", "{\"b\":1,\"a\":{\"\":[]}}"},
        {"{\"a\":{\"a\":1},\"b\":{\"a\":1}}", "{\"a\":{\"a\":1},\"b\":{\"a\":1}}"},
        {"{\"a\":[{\"a\":1},{\"a\":1}]}", "{\"a\":[{\"a\":1},{\"a\":1}]}"},
        /* Unequal, though folding Unicode would make them equal: only ASCII is folded. */
        {"{\"ä\":1,\"Ä\":2}", "{\"ä\":1,\"Ä\":2}"},
        {"{\"k\":1,\"\xe2\x84\xaa\":2}", "{\"k\":1,\"\xe2\x84\xaa\":2}"}, /* KELVIN SIGN */
        {"{\"[\":1,\"{\":2,\"@\":3,\"`\":4}", "{\"[\":1,\"{\":2,\"@\":3,\"`\":4}"},
        {"{\"a\":1,\"aa\":2,\"aaa\":3}", "{\"a\":1,\"aa\":2,\"aaa\":3}"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
        {"\"\\u0041\\u00e9\\u20AC\\ud83d\\uDE00\"", "\"Aé€😀\""},
        {"\"\\u0001\\u001f\\u007f\"", "\"\\u0001\\u001f\x7f\""},
        {"\"\\\\u0000\"", "\"\\\\u0000\""},
        {"\"\\uffff\\ufdd0\"", "\"\xef\xbf\xbf\xef\xb7\x90\""}, /* noncharacters are characters */
        {"\"\\udbff\\udfff\"", "\"\xf4\x8f\xbf\xbf\""},
        {"\"\x7f\xc2\x80\xe2\x80\xa8\"", "\"\x7f\xc2\x80\xe2\x80\xa8\""},
        {"\"\xef\xbb\xbf\"", "\"\xef\xbb\xbf\""}, /* a BOM inside a string is a character */
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_json_ cJSON *value = NULL;
        _cleanup_buf_ struct coco_buf back = {.limit = 1024};
        coco_error *err = NULL;

        assert_ok(coco_json_parse(cases[i].text, strlen(cases[i].text), &value, &err), err);
        assert_ok(coco_json_write(value, COCO_JSON_COMPACT, &back, &err), err);
        assert_string_equal(coco_buf_text(&back), cases[i].want);
    }
}

static const struct {
    struct text text;
    const char *why;
} refused[] = {
    /* Nothing, or not all */
    {TEXT(""), "a value is missing at byte 0"},
    {TEXT("  "), "a value is missing at byte 2"},
    {TEXT("["), "a value is missing at byte 1"},
    {TEXT("{"), "a string is missing at byte 1"},
    {TEXT("[1"), "a comma or closing bracket"},
    {TEXT("[1,"), "a value is missing"},
    {TEXT("{\"a\""), "a colon is missing"},
    {TEXT("{\"a\":"), "a value is missing"},
    {TEXT("{\"a\":1"), "a comma or closing bracket"},
    {TEXT("{\"a\":1,"), "a string is missing"},
    {TEXT("tru"), "a value is missing"},
    {TEXT("\"a"), "string without end"},
    {TEXT("\""), "string without end"},
    {TEXT("\"\\"), "string without end"},
    {TEXT("\"\\\""), "string without end"},
    /* Too much */
    {TEXT("1 2"), "text after the end at byte 2"},
    {TEXT("{}{}"), "text after the end"},
    {TEXT("[]]"), "text after the end"},
    {TEXT("{}}"), "text after the end"},
    {TEXT("truefalse"), "text after the end"},
    {TEXT("nullx"), "text after the end"},
    {TEXT("[1,]"), "a value is missing"},
    {TEXT("[,1]"), "a value is missing"},
    {TEXT("[1,,2]"), "a value is missing"},
    {TEXT("[,]"), "a value is missing"},
    {TEXT(","), "a value is missing"},
    {TEXT("{\"a\":1,}"), "a string is missing"},
    {TEXT("{,}"), "a string is missing"},
    {TEXT("{\"a\":1,,\"b\":2}"), "a string is missing"},
    /* Structure */
    {TEXT("[}"), "a value is missing"},
    {TEXT("{]"), "a string is missing"},
    {TEXT("[1}"), "a comma or closing bracket"},
    {TEXT("{\"a\":1]"), "a comma or closing bracket"},
    {TEXT("[1 2]"), "a comma or closing bracket"},
    {TEXT("[1:2]"), "a comma or closing bracket"},
    {TEXT("{1:2}"), "a string is missing"},
    {TEXT("{a:2}"), "a string is missing"},
    {TEXT("{null:2}"), "a string is missing"},
    {TEXT("{\"a\" 1}"), "a colon is missing"},
    {TEXT("{\"a\",1}"), "a colon is missing"},
    {TEXT("{\"a\"::1}"), "a value is missing"},
    {TEXT("]"), "a value is missing"},
    /* What other readers let through */
    {TEXT("\xef\xbb\xbf{}"), "a value is missing at byte 0"}, /* BOM */
    {TEXT("\xff\xfe[\0]\0"), "a value is missing at byte 0"}, /* UTF-16 */
    {TEXT("// c\n1"), "a value is missing"},
    {TEXT("/* c */1"), "a value is missing"},
    {TEXT("[1] # c"), "text after the end"},
    {TEXT("'a'"), "a value is missing"},
    {TEXT("{'a':1}"), "a string is missing"},
    {TEXT("True"), "a value is missing"},
    {TEXT("nul"), "a value is missing"},
    {TEXT("undefined"), "a value is missing"},
    {TEXT("NaN"), "a value is missing"},
    {TEXT("Infinity"), "a value is missing"},
    {TEXT("-Infinity"), "bad number"},
    {TEXT("[1]\v"), "text after the end"},
    {TEXT("\f[1]"), "a value is missing"},
    {TEXT("\xc2\xa0[1]"), "a value is missing"}, /* NO-BREAK SPACE */
    /* NUL in any form */
    {TEXT("\0"), "a value is missing"},
    {TEXT("1\0"), "text after the end at byte 1"},
    {TEXT("[1\0]"), "a comma or closing bracket"},
    {TEXT("\0[1]"), "a value is missing"},
    {TEXT("\"a\0b\""), "control character in a string at byte 2"},
    {TEXT("\"a\\u0000b\""), "bad escape at byte 2"},
    {TEXT("{\"a\\u0000b\":1}"), "bad escape at byte 3"},
    {TEXT("\"\\\0\""), "bad escape"},
    /* Numbers */
    {TEXT("01"), "bad number"},
    {TEXT("-01"), "bad number"},
    {TEXT("00"), "bad number"},
    {TEXT("-"), "bad number"},
    {TEXT("--1"), "bad number"},
    {TEXT("+1"), "a value is missing"},
    {TEXT(".5"), "a value is missing"},
    {TEXT("-.5"), "bad number"},
    {TEXT("1."), "bad number"},
    {TEXT("1.e5"), "bad number"},
    {TEXT("1e"), "bad number"},
    {TEXT("1e+"), "bad number"},
    {TEXT("1e5.5"), "text after the end"},
    {TEXT("1.2.3"), "text after the end"},
    {TEXT("0x10"), "text after the end"},
    {TEXT("1_000"), "text after the end"},
    {TEXT("1,5"), "text after the end"},
    {TEXT("- 1"), "bad number"},
    {TEXT("\xef\xbc\x91"), "a value is missing"}, /* FULLWIDTH DIGIT ONE */
    /* Strings */
    {TEXT("\"\n\""), "control character in a string at byte 1"},
    {TEXT("\"\t\""), "control character in a string"},
    {TEXT("\"\x1f\""), "control character in a string"},
    {TEXT("\"\\x41\""), "bad escape"},
    {TEXT("\"\\a\""), "bad escape"},
    {TEXT("\"\\'\""), "bad escape"},
    {TEXT("\"\\U0041\""), "bad escape"},
    {TEXT("\"\\u004\""), "bad escape"},
    {TEXT("\"\\u00g1\""), "bad escape"},
    {TEXT("\"\\u 041\""), "bad escape"},
    {TEXT("\"\\u+041\""), "bad escape"},
    {TEXT("\"\\u\""), "bad escape"},
    {TEXT("\"\\\xc3\xa9\""), "bad escape"},
    /* Surrogates */
    {TEXT("\"\\ud800\""), "bad escape at byte 1"},
    {TEXT("\"\\udc00\""), "bad escape"},
    {TEXT("\"\\ud800x\""), "bad escape"},
    {TEXT("\"\\ud800\\n\""), "bad escape"},
    {TEXT("\"\\ud800\\u0041\""), "bad escape"},
    {TEXT("\"\\ud800\\ud800\""), "bad escape"},
    {TEXT("\"\\ud800\\ue000\""), "bad escape"},
    {TEXT("\"\\ud83d\\ude0\""), "bad escape"},
    {TEXT("\"\\ude00\\ud83d\""), "bad escape"},
    {TEXT("\"\xed\xa0\xbd\xed\xb8\x80\""), "invalid UTF-8"}, /* CESU-8 */
    /* UTF-8 */
    {TEXT("\"\xff\""), "invalid UTF-8 at byte 1"},
    {TEXT("\"\x80\""), "invalid UTF-8"},
    {TEXT("\"\xc0\x80\""), "invalid UTF-8"},
    {TEXT("\"\xc0\xaf\""), "invalid UTF-8"},
    {TEXT("\"\xe2\x82\""), "invalid UTF-8"},
    {TEXT("\"\xf4\x90\x80\x80\""), "invalid UTF-8"},
    {TEXT("{\"\xff\":1}"), "invalid UTF-8"},
    {TEXT("\xe9"), "a value is missing"},
    /* Members that are there twice */
    {TEXT("{\"a\":1,\"a\":1}"), "member 'a' is there twice in the object before byte 13"},
    {TEXT("{\"a\":1,\"b\":2,\"A\":3}"), "is there twice"},
    {TEXT("{\"layers\":1,\"x\":0,\"LAYERS\":2}"), "is there twice"},
    {TEXT("{\"a\":1,\"\\u0061\":2}"), "is there twice"},
    {TEXT("{\"\":1,\"\":2}"), "is there twice"},
    {TEXT("[{\"x\":{\"a\":[],\"a\":{}}}]"), "is there twice"},
};

static void
reader_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(refused); i++) {
        cJSON *value = NULL;
        coco_error *err = NULL;

        /* A copy of just so many bytes, so that reading past the end shows. */
        char *exact = malloc(refused[i].text.len + 1);
        memcpy(exact, refused[i].text.at, refused[i].text.len);
        char *text = realloc(exact, refused[i].text.len ? refused[i].text.len : 1);
        if (coco_json_parse(text, refused[i].text.len, &value, &err) == COCO_OK)
            fail_msg("case %zu is accepted: %s", i, refused[i].text.at);
        assert_null(value);
        assert_fails(coco_error_status(err), err, COCO_ERR_PROTO, refused[i].why);
        free(text);
    }
}

static void
reader_keeps_the_text_of_numbers_and_strings(void **state)
{
    static const char text[] = "{\"n\":-12.50E+01,\"s\":\"\\u00fc\"}";
    _cleanup_json_ cJSON *value = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_json_parse(text, strlen(text), &value, &err), err);
    assert_string_equal(value->child->string, "n");
    assert_string_equal(value->child->valuestring, "-12.50E+01");
    assert_string_equal(value->child->next->valuestring, "ü");
    assert_ptr_equal(value->child->prev, value->child->next); /* as cJSON links them */
}

static char *
nested(size_t levels, size_t *len)
{
    char *text = malloc(2 * levels);

    memset(text, '[', levels);
    memset(text + levels, ']', levels);
    *len = 2 * levels;
    return text;
}

static void
reader_counts_levels(void **state)
{
    static const struct {
        size_t levels;
        bool fine;
    } cases[] = {
        {COCO_JSON_DEPTH_MAX, true},
        {COCO_JSON_DEPTH_MAX + 1, false},
        {1000000, false},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_json_ cJSON *value = NULL;
        coco_error *err = NULL;
        size_t len = 0;
        char *text = nested(cases[i].levels, &len);

        if (cases[i].fine)
            assert_ok(coco_json_parse(text, len, &value, &err), err);
        else
            assert_fails(coco_json_parse(text, len, &value, &err), err, COCO_ERR_LIMIT,
                         "64 levels");
        free(text);
    }
}

static void
reader_counts_bytes(void **state)
{
    size_t len = COCO_JSON_SIZE_MAX;
    char *text = malloc(len + 1);
    _cleanup_json_ cJSON *value = NULL;
    coco_error *err = NULL;

    (void)state;
    memset(text, ' ', len + 1);
    text[0] = '7';
    assert_ok(coco_json_parse(text, len, &value, &err), err);
    assert_fails(coco_json_parse(text, len + 1, &value, &err), err, COCO_ERR_LIMIT, "bytes");
    free(text);
}

/* Many bytes, not many values. */
static void
reader_takes_what_is_long_where_it_may_be(void **state)
{
    size_t len = COCO_JSON_SIZE_MAX + 1;
    _cleanup_free_ char *text = malloc(len);
    _cleanup_json_ cJSON *value = NULL;
    const char *a = NULL;
    coco_error *err = NULL;

    (void)state;
    memset(text, 'x', len);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + len - 2, "\"}", 2);
    assert_fails(coco_json_parse_object(text, len, &value, &err), err, COCO_ERR_LIMIT, "4194304");
    assert_ok(coco_json_parse_long(text, len, &value, &err), err);
    assert_ok(coco_json_get_string(value, "a", &a, &err), err);
    assert_int_equal(strlen(a), len - 8);
    /* Refused before a byte of it is looked at. */
    cJSON *none = NULL;
    assert_fails(coco_json_parse_long("", COCO_JSON_LONG_MAX + 1, &none, &err), err, COCO_ERR_LIMIT,
                 "100663296");
    assert_fails(coco_json_parse_long("[1]", 3, &none, &err), err, COCO_ERR_PROTO, "not an object");
    for (size_t i = 6; i + 2 < len; i += 2)
        memcpy(text + i, "0,", 2);
    memcpy(text, "{\"a\":[", 6);
    assert_fails(coco_json_parse_long(text, len, &none, &err), err, COCO_ERR_LIMIT, "values");
}

static void
reader_counts_values(void **state)
{
    size_t n = COCO_JSON_VALUES_MAX - 1; /* beside the array itself */
    char *text = malloc(2 * n + 4);
    cJSON *value = NULL;
    coco_error *err = NULL;

    (void)state;
    text[0] = '[';
    for (size_t i = 0; i < n; i++)
        memcpy(text + 1 + 2 * i, "0,", 2);
    text[2 * n] = ']';
    assert_ok(coco_json_parse(text, 2 * n + 1, &value, &err), err);
    coco_json_free(value);
    value = NULL;

    memcpy(text + 2 * n, ",0]", 3);
    assert_fails(coco_json_parse(text, 2 * n + 3, &value, &err), err, COCO_ERR_LIMIT, "values");
    assert_null(value);
    free(text);
}

static void
reader_counts_digits(void **state)
{
    char text[COCO_JSON_NUMBER_MAX + 1];
    _cleanup_json_ cJSON *value = NULL;
    coco_error *err = NULL;

    (void)state;
    memset(text, '9', sizeof(text));
    assert_ok(coco_json_parse(text, sizeof(text) - 1, &value, &err), err);
    assert_fails(coco_json_parse(text, sizeof(text), &value, &err), err, COCO_ERR_LIMIT,
                 "characters");
}

/* An object of n members a<0>, a<1>, …; the last one's name is last. */
static char *
many_members(size_t n, const char *last, size_t *len)
{
    char *text = malloc(n * 16 + 64);
    size_t used = 1;

    text[0] = '{';
    for (size_t i = 0; i + 1 < n; i++)
        used += (size_t)sprintf(text + used, "\"a%zu\":0,", i);
    used += (size_t)sprintf(text + used, "\"%s\":0}", last);
    *len = used;
    return text;
}

static void
reader_finds_a_double_among_100000_members(void **state)
{
    _cleanup_json_ cJSON *value = NULL;
    coco_error *err = NULL;
    size_t len = 0;

    (void)state;
    char *text = many_members(100000, "b", &len);
    assert_ok(coco_json_parse(text, len, &value, &err), err);
    free(text);

    text = many_members(100000, "A50000", &len);
    assert_fails(coco_json_parse(text, len, &value, &err), err, COCO_ERR_PROTO, "is there twice");
    free(text);
}

static void
parse_object_refuses_what_is_none(void **state)
{
    static const char *const cases[] = {"[]", "null", "\"{}\"", "1", "true"};
    cJSON *value = NULL;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < N(cases); i++)
        assert_fails(coco_json_parse_object(cases[i], strlen(cases[i]), &value, &err), err,
                     COCO_ERR_PROTO, "not an object");
    assert_null(value);
    assert_ok(coco_json_parse_object("{}", 2, &value, &err), err);
    coco_json_free(value);
}

static void
reader_survives_any_failed_allocation(void **state)
{
    static const char text[] = "{\"a\":[1,\"b\",{}],\"c\":null,\"d\":{\"e\":true}}";
    static const char twice[] = "{\"a\":1,\"a\":2}";

    (void)state;
    for_each_fault()
    {
        cJSON *value = NULL;
        coco_error *err = NULL;
        coco_status status = coco_json_parse(text, strlen(text), &value, &err);

        fault_expect(status, err);
        assert_true(status == COCO_OK || value == NULL);
        coco_error_free(err);
        coco_json_free(value);
    }
    for_each_fault()
    {
        cJSON *value = NULL;
        coco_error *err = NULL;
        coco_status status = coco_json_parse_object(twice, strlen(twice), &value, &err);

        assert_true(status == COCO_ERR_NOMEM || status == COCO_ERR_PROTO);
        assert_null(value);
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_accepts),
        cmocka_unit_test(reader_refuses),
        cmocka_unit_test(reader_keeps_the_text_of_numbers_and_strings),
        cmocka_unit_test(reader_counts_levels),
        cmocka_unit_test(reader_counts_bytes),
        cmocka_unit_test(reader_takes_what_is_long_where_it_may_be),
        cmocka_unit_test(reader_counts_values),
        cmocka_unit_test(reader_counts_digits),
        cmocka_unit_test(reader_finds_a_double_among_100000_members),
        cmocka_unit_test(parse_object_refuses_what_is_none),
        cmocka_unit_test(reader_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("base/json_read", tests, NULL, NULL);
}
