/*
 * tests/base/test_yaml.c - lib/base/yaml.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/yaml.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *yaml;
    const char *json;
} good[] = {
    {"", "{}"},
    {"# nothing\n\n", "{}"},
    {"---\na: b\n", "{\"a\":\"b\"}"},
    {"{\"a\": [1]}", "{\"a\":[1]}"},
    {"a: b\r\nc:\r\n", "{\"a\":\"b\",\"c\":null}"},
    {"a: b c  # d\n", "{\"a\":\"b c\"}"},
    {"a: b#c:d\n", "{\"a\":\"b#c:d\"}"},
    {"a:\n  b:\n    c: d\n  e: f\ng: h", "{\"a\":{\"b\":{\"c\":\"d\"},\"e\":\"f\"},\"g\":\"h\"}"},
    {"a:\n- b\n- c d\ne: f\n", "{\"a\":[\"b\",\"c d\"],\"e\":\"f\"}"},
    {"a:\n  - 'it''s'\n  -   \"x\\\"\\n\"  # y\n", "{\"a\":[\"it's\",\"x\\\"\\n\"]}"},
    {"\"a b\" : 'c: d'\n", "{\"a b\":\"c: d\"}"},
    {"a: ''\nb: \"\"\n", "{\"a\":\"\",\"b\":\"\"}"},
    {"pkcs11:\n  uri: pkcs11:token=a;object=b?module-path=/m.so&pin-value=1\nmodule:\n  env:\n    "
     "A_B: /c\n",
     "{\"pkcs11\":{\"uri\":\"pkcs11:token=a;object=b?module-path=/m.so&pin-value=1\"},"
     "\"module\":{\"env\":{\"A_B\":\"/c\"}}}"},
};

static void
what_settings_are_written_in_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        _cleanup_json_ cJSON *tree = NULL;
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};
        coco_error *err = NULL;

        assert_ok(coco_yaml_parse(good[i].yaml, strlen(good[i].yaml), &tree, &err), err);
        assert_ok(coco_json_write(tree, COCO_JSON_COMPACT, &text, &err), err);
        assert_string_equal(coco_buf_text(&text), good[i].json);
    }
}

static const struct {
    const char *yaml;
    coco_status status;
    const char *why;
} bad[] = {
    {"a", COCO_ERR_PROTO, "line 1: no key"},
    {"a:b", COCO_ERR_PROTO, "no key"},
    {"- a\n", COCO_ERR_PROTO, "among keys"},
    {"a: b\na: c\n", COCO_ERR_PROTO, "line 2: a key for the second time"},
    {"a: b\nA: c\n", COCO_ERR_PROTO, "line 2: a key for the second time"},
    {"a: b\n  c: d\n", COCO_ERR_PROTO, "line 2: more indented"},
    {"  a: b\nc: d\n", COCO_ERR_PROTO, "less indented"},
    {"a:\n    b: c\n  d: e\n", COCO_ERR_PROTO, "more indented"},
    {"a: 'b\n", COCO_ERR_PROTO, "without its end"},
    {"a: \"b\n", COCO_ERR_PROTO, "without its end"},
    {"a: \"b\\", COCO_ERR_NOTSUP, "escape"},
    {"a: \"\\x41\"\n", COCO_ERR_NOTSUP, "escape"},
    {"a: 'b' c\n", COCO_ERR_NOTSUP, "behind a value"},
    {"a: b: c\n", COCO_ERR_NOTSUP, "behind a value"},
    {"a: &b c\n", COCO_ERR_NOTSUP, "more of YAML"},
    {"a: *b\n", COCO_ERR_NOTSUP, "more of YAML"},
    {"a: !!str b\n", COCO_ERR_NOTSUP, "more of YAML"},
    {"a: |\n  b\n", COCO_ERR_NOTSUP, "more of YAML"},
    {"a: [b]\n", COCO_ERR_NOTSUP, "more of YAML"},
    {"a: {b: c}\n", COCO_ERR_NOTSUP, "more of YAML"},
    {"? a\n: b\n", COCO_ERR_NOTSUP, "more of YAML"},
    {"%YAML 1.2\n", COCO_ERR_NOTSUP, "more of YAML"},
    {"a:\n\tb: c\n", COCO_ERR_NOTSUP, "a tab"},
    {"a:\n- - b\n", COCO_ERR_NOTSUP, "a list of"},
    {"a:\n-\n", COCO_ERR_NOTSUP, "a list of"},
    {"a:\n- b: c\n", COCO_ERR_NOTSUP, "behind a value"},
    {"a: b\n---\nc: d\n", COCO_ERR_PROTO, "no key"},
    {"a: \xff\n", COCO_ERR_PROTO, "UTF-8"},
    {"{\"a\":1", COCO_ERR_PROTO, ""},
};

static void
the_rest_of_yaml_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cJSON *tree = NULL;
        coco_error *err = NULL;

        assert_fails(coco_yaml_parse(bad[i].yaml, strlen(bad[i].yaml), &tree, &err), err,
                     bad[i].status, bad[i].why);
        assert_null(tree);
    }
}

static void
what_is_too_much_is_refused(void **state)
{
    char text[4096] = "";
    cJSON *tree = NULL;
    coco_error *err = NULL;
    size_t at = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        memset(text + at, ' ', (size_t)i);
        at += (size_t)i;
        memcpy(text + at, "a:\n", 3);
        at += 3;
    }
    assert_fails(coco_yaml_parse(text, at, &tree, &err), err, COCO_ERR_LIMIT, "too many levels");
    assert_fails(coco_yaml_parse(text, COCO_YAML_SIZE_MAX + 1, &tree, &err), err, COCO_ERR_LIMIT,
                 "65536");
    assert_fails(coco_yaml_parse("a: \0\n", 5, &tree, &err), err, COCO_ERR_PROTO, "UTF-8");
}

static void
reading_survives_any_failed_allocation(void **state)
{
    const char *text = good[12].yaml;

    (void)state;
    for_each_fault()
    {
        cJSON *tree = NULL;
        coco_error *err = NULL;

        coco_status status = coco_yaml_parse(text, strlen(text), &tree, &err);
        fault_expect(status, err);
        coco_error_free(err);
        coco_json_free(tree);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_settings_are_written_in_is_read),
        cmocka_unit_test(the_rest_of_yaml_is_refused),
        cmocka_unit_test(what_is_too_much_is_refused),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
