/*
 * tests/base/test_toml_string.c - lib/base/toml_string.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/toml.h"

#include "tests/support.h"

#include <stdio.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define QQQ "\"\"\""

/* Reads text as the value of a key. */
static coco_status
read_value(const char *text, cJSON **ret, coco_error **err)
{
    char document[512];

    (void)snprintf(document, sizeof(document), "k = %s", text);
    return coco_toml_parse(document, strlen(document), ret, err);
}

static void
strings_are_read(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        /* Basic */
        {"\"\"", ""},
        {"\"a'b\"", "a'b"},
        {"\"\\b\\t\\n\\f\\r\\\"\\\\\"", "\b\t\n\f\r\"\\"},
        {"\"\\u00E9\\u20ac\\U0001F600\\U0010ffff\"", "é€😀\xf4\x8f\xbf\xbf"},
        {"\"\\uD7FF\\uE000\"", "\xed\x9f\xbf\xee\x80\x80"},
        {"\"a\tb # no comment\"", "a\tb # no comment"},
        {"\"\xc2\x80ü\"", "\xc2\x80ü"},
        /* Literal */
        {"''", ""},
        {"'C:\\x\\n'", "C:\\x\\n"},
        {"'a\"b\tc'", "a\"b\tc"},
        /* Multi-line */
        {QQQ QQQ, ""},
        {QQQ "\n" QQQ, ""},
        {QQQ "\r\nx\r\ny" QQQ, "x\ny"},
        {QQQ "\n\nx\n" QQQ, "\nx\n"},
        {QQQ "a\"b\"\"c" QQQ, "a\"b\"\"c"},
        {QQQ "a\"" QQQ, "a\""},
        {QQQ "a\"\"" QQQ, "a\"\""},
        {QQQ "\"\"a" QQQ, "\"\"a"},
        {QQQ "a\\" QQQ "\\\"" QQQ, "a\"\"\"\""},
        {QQQ "a \\\n   b" QQQ, "a b"},
        {QQQ "a\\   \n\n \t\r\n  b" QQQ, "ab"},
        {QQQ "a\\\n" QQQ, "a"},
        {QQQ "\\\n" QQQ, ""},
        {QQQ "a\\\\\nb" QQQ, "a\\\nb"},
        {QQQ "\\u0041\\\"" QQQ, "A\""},
        {QQQ "a\tb" QQQ, "a\tb"},
        /* Multi-line literal */
        {"''''''", ""},
        {"'''\na\\\nb'''", "a\\\nb"},
        {"'''a''b'c'''''", "a''b'c''"},
        {"''''a'''", "'a"},
        {"'''\"\"\"'''", "\"\"\""},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_json_ cJSON *value = NULL;
        coco_error *err = NULL;

        if (read_value(cases[i].text, &value, &err) != COCO_OK)
            fail_msg("%s: %s", cases[i].text, coco_error_message(err));
        assert_int_equal(value->child->type, cJSON_String);
        assert_string_equal(value->child->valuestring, cases[i].want);
    }
}

static void
strings_are_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"\"", "string without end"},
        {"\"a", "string without end"},
        {"\"a\\\"", "string without end"},
        {"\"a\\", "bad escape"},
        {"'", "string without end"},
        {"'a", "string without end"},
        {QQQ, "string without end"},
        {QQQ "a\"\"", "string without end"},
        {QQQ "a\\", "bad escape"},
        {"'''a''", "string without end"},
        {"'''a", "string without end"},
        {"\"a\nb\"", "line 1: control character"},
        {"\"a\r\nb\"", "control character"},
        {"'a\nb'", "control character"},
        {"\"a\x01\"", "control character"},
        {"\"a\x1f\"", "control character"},
        {"\"a\x7f\"", "control character"},
        {"'a\x01'", "control character"},
        {"'a\x7f'", "control character"},
        {QQQ "a\x01" QQQ, "control character"},
        {QQQ "\n\na\rb" QQQ, "line 3: control character"},
        {"'''a\rb'''", "control character"},
        {"'''a\x0b'''", "control character"},
        {"\"\\a\"", "bad escape"},
        {"\"\\x41\"", "bad escape"},
        {"\"\\/\"", "bad escape"},
        {"\"\\'\"", "bad escape"},
        {"\"\\ \"", "bad escape"},
        {"\"\\e\"", "bad escape"},
        {"\"\\\n\"", "bad escape"},
        {QQQ "a\\ b" QQQ, "bad escape"},
        {QQQ "a\\\r" QQQ, "bad escape"},
        {"\"\\u\"", "bad Unicode escape"},
        {"\"\\u004\"", "bad Unicode escape"},
        {"\"\\u00g1\"", "bad Unicode escape"},
        {"\"\\u+041\"", "bad Unicode escape"},
        {"\"\\U0001F60\"", "bad Unicode escape"},
        {"\"\\uD800\"", "bad Unicode escape"},
        {"\"\\uDFFF\"", "bad Unicode escape"},
        {"\"\\U0000D800\"", "bad Unicode escape"},
        {"\"\\ud83d\\ude00\"", "bad Unicode escape"},
        {"\"\\U00110000\"", "bad Unicode escape"},
        {"\"\\UFFFFFFFF\"", "bad Unicode escape"},
        {"\"\\u0000\"", "bad Unicode escape"},
        {"\"\\U00000000\"", "bad Unicode escape"},
        {"\"a\" \"b\"", "text after the end"},
        {"'a'b", "text after the end"},
        {QQQ "a" QQQ QQQ, "text after the end"},
        {"''''a''''''", "text after the end"},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        cJSON *value = NULL;
        coco_error *err = NULL;

        if (read_value(cases[i].text, &value, &err) == COCO_OK)
            fail_msg("accepted: %s", cases[i].text);
        assert_null(value);
        assert_fails(coco_error_status(err), err, COCO_ERR_PROTO, cases[i].why);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_read),
        cmocka_unit_test(strings_are_refused),
    };

    return cmocka_run_group_tests_name("base/toml_string", tests, NULL, NULL);
}
