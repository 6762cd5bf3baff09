/*
 * tests/tee/test_serde.c - lib/tee/serde.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/serde.h"

#include "tests/support.h"

#include <string.h>

static coco_error *err;

static cJSON *
parse(const char *text)
{
    cJSON *object = NULL;

    assert_ok(coco_json_parse_object(text, strlen(text), &object, &err), err);
    return object;
}

static void
bytes_are_written_and_read_as_integers(void **state)
{
    static const uint8_t bytes[] = {0, 1, 127, 128, 255};
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 100};
    _cleanup_buf_ struct coco_buf buf = {.limit = 100};
    uint8_t back[sizeof(bytes)] = {0};

    (void)state;
    assert_ok(coco_json_new_object(&object, &err), err);
    assert_ok(coco_serde_add_bytes(object, "b", bytes, sizeof(bytes), &err), err);
    assert_ok(coco_json_write(object, COCO_JSON_COMPACT, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), "{\"b\":[0,1,127,128,255]}");
    assert_ok(coco_serde_get_bytes(object, "b", back, sizeof(back), &err), err);
    assert_memory_equal(back, bytes, sizeof(bytes));
    assert_ok(coco_serde_get_buf(object, "b", &buf, &err), err);
    assert_int_equal(buf.len, sizeof(bytes));
    assert_memory_equal(buf.data, bytes, sizeof(bytes));
}

/* As coco_verify() reads evidence. */
static void
packed_bytes_are_read_as_well(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    _cleanup_buf_ struct coco_buf buf = {.limit = 300};
    _cleanup_buf_ struct coco_buf small = {.limit = 299};
    _cleanup_json_ cJSON *object = NULL;
    uint8_t back[300] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(back); i++)
        assert_ok(coco_buf_printf(&text, &err, "%s%zu", i > 0 ? "," : "{\"b\":[", i % 256), err);
    assert_ok(coco_buf_append_text(&text, "]}", &err), err);
    assert_ok(coco_json_parse_packed(coco_buf_text(&text), text.len, &object, &err), err);
    assert_true(cJSON_IsRaw(object->child));
    assert_ok(coco_serde_get_bytes(object, "b", back, sizeof(back), &err), err);
    assert_ok(coco_serde_get_buf(object, "b", &buf, &err), err);
    assert_int_equal(buf.len, sizeof(back));
    for (size_t i = 0; i < sizeof(back); i++) {
        assert_int_equal(back[i], i % 256);
        assert_int_equal(buf.data[i], i % 256);
    }
    assert_fails(coco_serde_get_bytes(object, "b", back, 299, &err), err, COCO_ERR_PROTO,
                 "300 bytes, not 299");
    assert_fails(coco_serde_get_bytes(object, "b", back, 301, &err), err, COCO_ERR_PROTO,
                 "300 bytes, not 301");
    assert_fails(coco_serde_get_buf(object, "b", &small, &err), err, COCO_ERR_LIMIT, "");
}

static void
what_is_no_byte_is_refused(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"{}", "missing"},
        {"{\"b\":null}", "missing"},
        {"{\"b\":\"AAA=\"}", "not an array"},
        {"{\"b\":[0,256]}", "no byte"},
        {"{\"b\":[0,-1]}", "no byte"},
        {"{\"b\":[0,1.0]}", "no byte"},
        {"{\"b\":[0,\"1\"]}", "no byte"},
        {"{\"b\":[0,null]}", "no byte"},
        {"{\"b\":[0,[1]]}", "no byte"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *object = parse(cases[i].text);
        _cleanup_buf_ struct coco_buf buf = {.limit = 100};
        uint8_t bytes[2];

        assert_fails(coco_serde_get_bytes(object, "b", bytes, 2, &err), err, COCO_ERR_PROTO,
                     cases[i].why);
        assert_fails(coco_serde_get_buf(object, "b", &buf, &err), err, COCO_ERR_PROTO,
                     cases[i].why);
    }
}

static void
lengths_are_exact_or_bounded(void **state)
{
    _cleanup_json_ cJSON *object = parse("{\"b\":[1,2,3]}");
    _cleanup_buf_ struct coco_buf buf = {.limit = 2};
    uint8_t bytes[4];

    (void)state;
    assert_fails(coco_serde_get_bytes(object, "b", bytes, 2, &err), err, COCO_ERR_PROTO,
                 "has 3 bytes, not 2");
    assert_fails(coco_serde_get_bytes(object, "b", bytes, 4, &err), err, COCO_ERR_PROTO,
                 "has 3 bytes, not 4");
    assert_fails(coco_serde_get_buf(object, "b", &buf, &err), err, COCO_ERR_LIMIT, "");
}

static void
numbers_are_bounded(void **state)
{
    _cleanup_json_ cJSON *object = parse("{\"n\":256,\"null\":null}");
    uint64_t n = 7;

    (void)state;
    assert_ok(coco_serde_get_number(object, "n", 256, &n, &err), err);
    assert_int_equal(n, 256);
    assert_fails(coco_serde_get_number(object, "n", 255, &n, &err), err, COCO_ERR_PROTO,
                 "too large");
    assert_fails(coco_serde_get_number_opt(object, "n", 255, &n, &err), err, COCO_ERR_PROTO,
                 "too large");
    assert_fails(coco_serde_get_number(object, "null", 255, &n, &err), err, COCO_ERR_PROTO,
                 "missing");
    assert_ok(coco_serde_get_number_opt(object, "null", 255, &n, &err), err);
    assert_int_equal(n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_written_and_read_as_integers),
        cmocka_unit_test(packed_bytes_are_read_as_well),
        cmocka_unit_test(what_is_no_byte_is_refused),
        cmocka_unit_test(lengths_are_exact_or_bounded),
        cmocka_unit_test(numbers_are_bounded),
    };

    return cmocka_run_group_tests_name("tee/serde", tests, NULL, NULL);
}
