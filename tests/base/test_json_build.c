/*
 * tests/base/test_json_build.c - lib/base/json_build.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/json.h"

#include "tests/canary.h"
#include "tests/faults.h"

#include <string.h>

static coco_status
build_inner(cJSON *object, coco_error **err)
{
    cJSON *array = NULL;
    cJSON *inner = NULL;

    coco_status status = coco_json_add_array(object, "list", &array, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(array, NULL, UINT64_MAX, err);
    if (status == COCO_OK)
        status = coco_json_add_i64(array, NULL, INT64_MIN, err);
    if (status == COCO_OK)
        status = coco_json_add_object(array, NULL, &inner, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(inner, "b64", "\xff\xfe\xfd\xfc", 4, err);
    if (status == COCO_OK)
        status = coco_json_add_base64url(inner, "url", "\xff\xfe\xfd\xfc", 4, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(object, "copy", array, err);
    return status;
}

static coco_status
build(cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "s", "tëxt\n", err);
    if (status == COCO_OK)
        status = coco_json_add_bool(object, "t", true, err);
    if (status == COCO_OK)
        status = coco_json_add_null(object, "n", err);
    if (status == COCO_OK)
        status = build_inner(object, err);
    if (status == COCO_OK)
        *ret = coco_steal(&object);
    return status;
}

#define LIST "[18446744073709551615,-9223372036854775808,{\"b64\":\"//79/A==\",\"url\":\"__79_A\"}]"

static void
what_is_built_is_written_exactly(void **state)
{
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    assert_ok(build(&object, &err), err);
    assert_ok(coco_json_write(object, COCO_JSON_COMPACT, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), "{\"s\":\"tëxt\\n\",\"t\":true,\"n\":null,"
                                             "\"list\":" LIST ",\"copy\":" LIST "}");
}

static void
a_copy_in_an_array_has_no_name(void **state)
{
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_json_ cJSON *array = NULL;
    _cleanup_buf_ struct coco_buf buf = {.limit = 100};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_json_parse("{\"a\":\"b\"}", 9, &object, &err), err);
    assert_ok(coco_json_parse("[]", 2, &array, &err), err);
    assert_ok(coco_json_add_copy(array, NULL, object->child, &err), err);
    assert_ok(coco_json_write(array, COCO_JSON_COMPACT, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), "[\"b\"]");
}

static void
building_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        cJSON *object = NULL;
        coco_error *err = NULL;
        coco_status status = build(&object, &err);

        fault_expect(status, err);
        assert_true(status == COCO_OK || object == NULL);
        coco_error_free(err);
        coco_json_free(object);
    }
}

static void
base64_refuses_what_no_document_could_hold(void **state)
{
    _cleanup_json_ cJSON *object = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_json_new_object(&object, &err), err);
    assert_fails(coco_json_add_base64(object, "x", "", COCO_JSON_LONG_MAX + 1, &err), err,
                 COCO_ERR_LIMIT, "bytes");
    assert_null(object->child);
}

static void
freeing_wipes_strings_and_numbers(void **state)
{
    static const char *const cases[] = {
        "[\"canary-7\"]",
        "{\"\":{\"\":\"a canary-7\"}}",
        "[\"canary-7 in a string that does not end well\\q\"]",
        "[\"canary-7\",",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cJSON *value = NULL;

        canary_begin("canary-7", 8);
        coco_status status = coco_json_parse(cases[i], strlen(cases[i]), &value, NULL);
        assert_true(status == COCO_OK || value == NULL);
        coco_json_free(value);
        assert_int_equal(canary_end(), 0);
    }
    canary_begin("314159265", 9);
    cJSON *value = NULL;
    assert_int_equal(coco_json_parse("314159265", 9, &value, NULL), COCO_OK);
    coco_json_free(value);
    assert_int_equal(canary_end(), 0);
    coco_json_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_built_is_written_exactly),
        cmocka_unit_test(a_copy_in_an_array_has_no_name),
        cmocka_unit_test(building_survives_any_failed_allocation),
        cmocka_unit_test(base64_refuses_what_no_document_could_hold),
        cmocka_unit_test(freeing_wipes_strings_and_numbers),
    };

    return cmocka_run_group_tests_name("base/json_build", tests, NULL, NULL);
}
