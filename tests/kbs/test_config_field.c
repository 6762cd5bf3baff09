/*
 * tests/kbs/test_config_field.c - lib/kbs/config_field.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config_field.h"

#include "tests/kbs/configs.h"

static void
each_type_takes_its_own(void **state)
{
    struct coco_kbs_texts list = {0};
    _cleanup_free_ char *text = NULL;
    bool yes = false;
    uint64_t number = 0;
    const struct coco_kbs_field fields[] = {
        {"text", COCO_FIELD_TEXT, &text, 0, 0, NULL},
        {"list", COCO_FIELD_TEXTS, &list, 0, 0, NULL},
        {"bool", COCO_FIELD_BOOL, &yes, 0, 0, NULL},
        {"number", COCO_FIELD_NUMBER, &number, 1, 9, NULL},
        {"same", COCO_FIELD_CONSTANT, NULL, 0, 0, "so"},
        {"other", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
    };
    static const char json[] = "{\"text\":\"a\",\"list\":[\"b\",\"c\"],\"bool\":true,"
                               "\"number\":9,\"same\":\"so\",\"other\":[1]}";
    _cleanup_json_ cJSON *object = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_json_parse_object(json, strlen(json), &object, &err), err);
    assert_ok(COCO_KBS_READ(object, fields, &err), err);
    assert_string_equal(text, "a");
    assert_int_equal(list.n, 2);
    assert_string_equal(list.items[1], "c");
    assert_true(yes);
    assert_int_equal(number, 9);
    coco_kbs_texts_done(&list);
    assert_ok(COCO_KBS_READ(NULL, fields, &err), err);
}

static void
each_type_refuses_the_others(void **state)
{
    static const struct {
        coco_status status;
        const char *json, *why;
    } cases[] = {
        {COCO_ERR_PROTO, "[]", "table"},
        {COCO_ERR_PROTO, "{\"text\":1}", "text: is not a text"},
        {COCO_ERR_PROTO, "{\"txt\":\"a\"}", "text"},
        {COCO_ERR_PROTO, "{\"list\":{}}", "list"},
        {COCO_ERR_PROTO, "{\"list\":[\"a\",1]}", "list of texts"},
        {COCO_ERR_PROTO, "{\"bool\":0}", "neither true nor false"},
        {COCO_ERR_PROTO, "{\"number\":0}", "from 1 to 9"},
        {COCO_ERR_PROTO, "{\"number\":10}", "from 1 to 9"},
        {COCO_ERR_PROTO, "{\"number\":1.5}", "from 1 to 9"},
        {COCO_ERR_NOTSUP, "{\"same\":\"not\"}", "can only be"},
        {COCO_ERR_NOTSUP, "{\"never\":1}", "because"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_kbs_texts list = {0};
        _cleanup_free_ char *text = NULL;
        _cleanup_json_ cJSON *value = NULL;
        bool yes = false;
        uint64_t number = 0;
        const struct coco_kbs_field fields[] = {
            {"text", COCO_FIELD_TEXT, &text, 0, 0, NULL},
            {"list", COCO_FIELD_TEXTS, &list, 0, 0, NULL},
            {"bool", COCO_FIELD_BOOL, &yes, 0, 0, NULL},
            {"number", COCO_FIELD_NUMBER, &number, 1, 9, NULL},
            {"same", COCO_FIELD_CONSTANT, NULL, 0, 0, "so"},
            {"never", COCO_FIELD_REFUSED, NULL, 0, 0, "because"},
        };
        coco_error *err = NULL;

        assert_ok(coco_json_parse(cases[i].json, strlen(cases[i].json), &value, &err), err);
        assert_fails(COCO_KBS_READ(value, fields, &err), err, cases[i].status, cases[i].why);
        coco_kbs_texts_done(&list);
    }
}

static void
lists_have_an_end(void **state)
{
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    coco_error *err = NULL;
    size_t n = 7;

    (void)state;
    assert_ok(coco_kbs_list_size(NULL, "x", &n, &err), err);
    assert_int_equal(n, 0);
    for (size_t i = 0; i < COCO_KBS_LIST_MAX; i++)
        assert_ok(coco_json_add_string(list, NULL, "a", &err), err);
    assert_ok(coco_kbs_list_size(list, "x", &n, &err), err);
    assert_int_equal(n, COCO_KBS_LIST_MAX);
    assert_ok(coco_json_add_string(list, NULL, "a", &err), err);
    assert_fails(coco_kbs_list_size(list, "x", &n, &err), err, COCO_ERR_PROTO, "x is not a list");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_takes_its_own),
        cmocka_unit_test(each_type_refuses_the_others),
        cmocka_unit_test(lists_have_an_end),
    };

    return cmocka_run_group_tests_name("kbs/config_field", tests, NULL, NULL);
}
