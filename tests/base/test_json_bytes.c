/*
 * tests/base/test_json_bytes.c - lib/base/json_bytes.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/json.h"

#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

static coco_error *err;

/* {"a": [0,1,...]}, n numbers with space between them, and then last. */
static void
make_text(struct coco_buf *buf, size_t n, const char *space, const char *last)
{
    assert_ok(coco_buf_append_text(buf, "{\"a\":[", &err), err);
    for (size_t i = 0; i < n; i++)
        assert_ok(coco_buf_printf(buf, &err, "%s%s%zu%s", i > 0 ? "," : "", space, i % 256, space),
                  err);
    assert_ok(coco_buf_printf(buf, &err, "%s]}", last), err);
}

static const cJSON *
array_of(const cJSON *object)
{
    return cJSON_GetObjectItemCaseSensitive(object, "a");
}

static void
arrays_of_bytes_become_one_value(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    _cleanup_buf_ struct coco_buf again = {.limit = 1 << 16};
    _cleanup_buf_ struct coco_buf want = {.limit = 1 << 16};
    _cleanup_json_ cJSON *object = NULL;
    uint8_t byte = 0;
    size_t n = 0;

    (void)state;
    make_text(&text, 300, " \n", "");
    make_text(&want, 300, "", "");
    assert_ok(coco_json_parse_packed(coco_buf_text(&text), text.len, &object, &err), err);
    const char *bytes = coco_json_bytes(array_of(object));
    assert_non_null(bytes);
    for (; coco_json_next_byte(&bytes, &byte); n++)
        assert_int_equal(byte, n % 256);
    assert_int_equal(n, 300);
    assert_ok(coco_json_write(object, COCO_JSON_COMPACT, &again, &err), err);
    assert_string_equal(coco_buf_text(&again), coco_buf_text(&want));
}

static void
all_others_stay_arrays(void **state)
{
    static const char *const last[] = {
        ",256", ",1000", ",-1", ",1.0", ",1e1", ",\"1\"", ",null", ",[1]", ",{}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
        _cleanup_json_ cJSON *object = NULL;

        make_text(&text, 40, "", last[i]);
        assert_ok(coco_json_parse_packed(coco_buf_text(&text), text.len, &object, &err), err);
        assert_true(cJSON_IsArray(array_of(object)));
        assert_null(coco_json_bytes(array_of(object)));
        assert_int_equal(cJSON_GetArraySize(array_of(object)), 41);
    }
    for (size_t n = COCO_JSON_PACK_MIN - 1; n <= COCO_JSON_PACK_MIN; n++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
        _cleanup_json_ cJSON *object = NULL;

        make_text(&text, n, "", "");
        assert_ok(coco_json_parse_packed(coco_buf_text(&text), text.len, &object, &err), err);
        assert_int_equal(cJSON_IsRaw(array_of(object)), n == COCO_JSON_PACK_MIN);
    }
}

/* Each as it is refused without. */
static void
what_is_no_json_is_refused_just_so(void **state)
{
    static const char *const last[] = {
        ",", ",01", ",00", ", ", ",1 2", ",1x", ",+1", ",,1", " 1", ",1,", "}", ",1\f",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
        _cleanup_json_ cJSON *object = NULL;
        coco_error *plain = NULL;

        make_text(&text, 40, "", last[i]);
        assert_int_equal(coco_json_parse_object(coco_buf_text(&text), text.len, &object, &plain),
                         COCO_ERR_PROTO);
        assert_fails(coco_json_parse_packed(coco_buf_text(&text), text.len, &object, &err), err,
                     COCO_ERR_PROTO, coco_error_message(plain));
        coco_error_free(plain);
        /* And cut anywhere. */
        for (size_t len = 0; len < text.len; len++)
            assert_int_equal(coco_json_parse_packed(coco_buf_text(&text), len, &object, NULL),
                             COCO_ERR_PROTO);
    }
}

static void
no_more_values_are_packed_than_read(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 4 << 20};
    _cleanup_json_ cJSON *object = NULL;

    (void)state;
    /* The object and the array are values, too. */
    make_text(&text, COCO_JSON_VALUES_MAX - 2, "", "");
    assert_ok(coco_json_parse_packed(coco_buf_text(&text), text.len, &object, &err), err);
    coco_buf_reset(&text);
    make_text(&text, COCO_JSON_VALUES_MAX - 1, "", "");
    coco_json_free(coco_steal(&object));
    assert_fails(coco_json_parse_packed(coco_buf_text(&text), text.len, &object, &err), err,
                 COCO_ERR_LIMIT, "values");
}

static void
depth_counts_for_packed_arrays_too(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    _cleanup_json_ cJSON *object = NULL;

    (void)state;
    assert_ok(coco_buf_append_text(&text, "{\"a\":", &err), err);
    for (size_t i = 1; i < COCO_JSON_DEPTH_MAX; i++)
        assert_ok(coco_buf_append_text(&text, "[", &err), err);
    for (size_t i = 0; i < 40; i++)
        assert_ok(coco_buf_append_text(&text, i == 0 ? "[1" : ",1", &err), err);
    assert_fails(coco_json_parse_packed(coco_buf_text(&text), text.len, &object, &err), err,
                 COCO_ERR_LIMIT, "levels");
}

static cJSON *
parse_packed(const char *space, const char *last)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    cJSON *object = NULL;

    make_text(&text, 40, space, last);
    assert_ok(coco_json_parse_packed(coco_buf_text(&text), text.len, &object, &err), err);
    return object;
}

static void
packed_values_are_compared_by_their_bytes(void **state)
{
    _cleanup_json_ cJSON *one = parse_packed("", ",1");
    _cleanup_json_ cJSON *same = parse_packed(" ", ",1");
    _cleanup_json_ cJSON *other = parse_packed("", ",2");

    (void)state;
    assert_true(coco_json_equal(one, same));
    assert_false(coco_json_equal(one, other));
}

static void
memory_that_is_short_is_told(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};

    (void)state;
    make_text(&text, 40, "", "");
    for_each_fault()
    {
        _cleanup_json_ cJSON *object = NULL;
        coco_error *why = NULL;

        coco_status status = coco_json_parse_packed(coco_buf_text(&text), text.len, &object, &why);
        fault_expect(status, why);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_of_bytes_become_one_value),
        cmocka_unit_test(all_others_stay_arrays),
        cmocka_unit_test(what_is_no_json_is_refused_just_so),
        cmocka_unit_test(no_more_values_are_packed_than_read),
        cmocka_unit_test(depth_counts_for_packed_arrays_too),
        cmocka_unit_test(packed_values_are_compared_by_their_bytes),
        cmocka_unit_test(memory_that_is_short_is_told),
    };

    return cmocka_run_group_tests_name("base/json_bytes", tests, NULL, NULL);
}
