/*
 * tests/net/test_header.c - lib/net/header.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/header.h"

#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
what_is_no_field_is_refused(void **state)
{
    static const struct {
        const char *line;
        size_t len;
    } cases[] = {
        {"", 0},        {"a", 1},       {":", 1},        {": b", 3},      {"a : b", 5},
        {" a: b", 5},   {"\ta: b", 5},  {"a\0b: c", 6},  {"a: b\0c", 6},  {"a: b\rc: d", 9},
        {"a: b\nc", 6}, {"a: \x7f", 4}, {"a: \x1b[", 5}, {"a\xc3: b", 5}, {"a(b): c", 7},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf headers = {.limit = 64};
        coco_error *err = NULL;

        assert_ok(coco_buf_append_text(&headers, "x: y\n", &err), err);
        assert_fails(coco_header_append(&headers, cases[i].line, cases[i].len, &err), err,
                     COCO_ERR_PROTO, "header");
        assert_string_equal(coco_buf_text(&headers), "x: y\n");
    }
}

static void
fields_are_kept_in_one_form(void **state)
{
    static const char *const lines[] = {
        "Content-Type:text/plain", "X-One: \t a: b \t", "EMPTY:",          "x-one:c",
        "X-One-More: d",           "blank: \t",         "bytes: \xc3\xa4",
    };
    _cleanup_buf_ struct coco_buf headers = {.limit = 1024};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++)
        assert_ok(coco_header_append(&headers, lines[i], strlen(lines[i]), &err), err);
    assert_string_equal(coco_buf_text(&headers), "content-type: text/plain\nx-one: a: b\nempty: \n"
                                                 "x-one: c\nx-one-more: d\nblank: \n"
                                                 "bytes: \xc3\xa4\n");
}

static void
fields_are_found_one_after_the_other(void **state)
{
    static const char text[] = "x-one-more: d\nx-one: a\nx-one:\nempty: \nx-one: b: c\nx-one";
    const char *line = text;
    size_t len = 0;

    (void)state;
    assert_memory_equal(coco_header_next(&line, "x-one", &len), "a\n", 2);
    assert_int_equal(len, 1);
    assert_memory_equal(coco_header_next(&line, "x-one", &len), "b: c\n", 5);
    assert_int_equal(len, 4);
    assert_null(coco_header_next(&line, "x-one", &len));
    assert_ptr_equal(line, text + strlen(text));
    assert_null(coco_header_next(&line, "x-one", &len));

    line = text;
    assert_memory_equal(coco_header_next(&line, "empty", &len), "\n", 1);
    assert_int_equal(len, 0);
    line = text;
    assert_null(coco_header_next(&line, "one", &len));
    line = text;
    assert_null(coco_header_next(&line, "X-One", &len));
}

static void
headers_end_at_their_limit(void **state)
{
    _cleanup_buf_ struct coco_buf headers = {.limit = 8};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_header_append(&headers, "a:bcd", 5, &err), err);
    assert_fails(coco_header_append(&headers, "a:bcd", 5, &err), err, COCO_ERR_LIMIT, "");
}

static void
append_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf headers = {.limit = 1024};
        coco_error *err = NULL;

        coco_status status = coco_header_append(&headers, "Name: value", 11, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_field_is_refused),
        cmocka_unit_test(fields_are_kept_in_one_form),
        cmocka_unit_test(fields_are_found_one_after_the_other),
        cmocka_unit_test(headers_end_at_their_limit),
        cmocka_unit_test(append_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("net/header", tests, NULL, NULL);
}
