/*
 * tests/base/test_buf.c - lib/base/buf.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/buf.h"

#include "tests/canary.h"
#include "tests/faults.h"

#include <string.h>

#define CANARY "a canary in the mine"

static void
buffer_grows_and_ends_with_a_nul(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 10000};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < 10000; i++) {
        const char c = (char)('a' + i % 26);
        assert_ok(coco_buf_append(&buf, &c, 1, &err), err);
        assert_int_equal(buf.data[buf.len], '\0');
    }
    assert_int_equal(buf.len, 10000);
    for (size_t i = 0; i < 10000; i++)
        assert_int_equal(buf.data[i], 'a' + i % 26);
}

static void
buffer_refuses_more_than_its_limit(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 5};
    _cleanup_buf_ struct coco_buf none = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_buf_append(&buf, "1234", 4, &err), err);
    assert_fails(coco_buf_append(&buf, "56", 2, &err), err, COCO_ERR_LIMIT, "more than 5 bytes");
    assert_string_equal(coco_buf_text(&buf), "1234");
    assert_ok(coco_buf_append(&buf, "5", 1, &err), err);
    assert_ok(coco_buf_append(&buf, NULL, 0, &err), err);
    assert_fails(coco_buf_append(&buf, "6", 1, &err), err, COCO_ERR_LIMIT, "5");
    assert_fails(coco_buf_append(&buf, "x", SIZE_MAX, &err), err, COCO_ERR_LIMIT, "5");
    assert_fails(coco_buf_append_text(&buf, "6", &err), err, COCO_ERR_LIMIT, "5");
    assert_fails(coco_buf_printf(&buf, &err, "%d", 6), err, COCO_ERR_LIMIT, "5");
    assert_string_equal(coco_buf_text(&buf), "12345");

    assert_ok(coco_buf_append(&none, "", 0, &err), err);
    assert_fails(coco_buf_append(&none, "1", 1, &err), err, COCO_ERR_LIMIT, "0");
}

static void
buffer_takes_nuls_and_formats(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 64};
    coco_error *err = NULL;

    (void)state;
    assert_string_equal(coco_buf_text(&buf), "");
    assert_ok(coco_buf_append(&buf, "a\0b", 3, &err), err);
    assert_ok(coco_buf_append_text(&buf, "c", &err), err);
    assert_ok(coco_buf_printf(&buf, &err, "%s-%d", "d", 7), err);
    assert_int_equal(buf.len, 7);
    assert_memory_equal(buf.data, "a\0bcd-7", 8);
}

static void
reset_wipes_and_keeps_the_limit(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 64};
    coco_error *err = NULL;

    (void)state;
    coco_buf_reset(&buf);
    assert_ok(coco_buf_append_text(&buf, CANARY, &err), err);
    coco_buf_reset(&buf);
    assert_null(memmem(buf.data, buf.room, CANARY, strlen(CANARY)));
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.limit, 64);
    assert_string_equal(coco_buf_text(&buf), "");
    assert_ok(coco_buf_append_text(&buf, "again", &err), err);
    assert_string_equal(coco_buf_text(&buf), "again");
}

static void
growing_and_freeing_leave_no_copy(void **state)
{
    struct coco_buf buf = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    canary_begin(CANARY, strlen(CANARY));
    while (buf.len + strlen(CANARY) <= buf.limit)
        assert_ok(coco_buf_append_text(&buf, CANARY, &err), err);
    assert_ok(coco_buf_printf(&buf, &err, "%c", 'x'), err);
    coco_buf_done(&buf);
    assert_int_equal(canary_end(), 0);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    coco_buf_done(&buf);
}

static void
formatting_leaves_no_copy(void **state)
{
    struct coco_buf buf = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    canary_begin(CANARY, strlen(CANARY));
    assert_ok(coco_buf_printf(&buf, &err, "key: %s", CANARY), err);
    coco_buf_done(&buf);
    assert_int_equal(canary_end(), 0);
}

/* Or the tests that look for canaries could not fail. */
static void
canaries_are_found(void **state)
{
    /* Or the compiler sees that nobody reads the copy, and makes none. */
    char *volatile copy = NULL;

    (void)state;
    canary_begin(CANARY, strlen(CANARY));
    copy = strdup("x " CANARY);
    free(copy);
    assert_int_equal(canary_end(), 1);
}

static void
buffer_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
        coco_error *err = NULL;
        coco_status status = coco_buf_append(&buf, "x", 1, &err);

        for (int i = 0; i < 10 && status == COCO_OK; i++)
            status = coco_buf_printf(&buf, &err, "%0200d", i);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

static void
bytes_are_appended_as_hex(void **state)
{
    uint8_t bytes[600];
    _cleanup_buf_ struct coco_buf buf = {.limit = 2000};
    _cleanup_buf_ struct coco_buf small = {.limit = 7};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    assert_ok(coco_buf_append_hex(&buf, NULL, 0, &err), err);
    assert_ok(coco_buf_append_hex(&buf, bytes, sizeof(bytes), &err), err);
    assert_int_equal(buf.len, 1200);
    assert_memory_equal(buf.data, "000102030405", 12);
    assert_memory_equal(buf.data + 508, "feff000102", 10);
    assert_memory_equal(buf.data + 1192, "54555657", 8);
    assert_fails(coco_buf_append_hex(&small, bytes, 4, &err), err, COCO_ERR_LIMIT, "7");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_grows_and_ends_with_a_nul),
        cmocka_unit_test(buffer_refuses_more_than_its_limit),
        cmocka_unit_test(buffer_takes_nuls_and_formats),
        cmocka_unit_test(reset_wipes_and_keeps_the_limit),
        cmocka_unit_test(growing_and_freeing_leave_no_copy),
        cmocka_unit_test(formatting_leaves_no_copy),
        cmocka_unit_test(canaries_are_found),
        cmocka_unit_test(buffer_survives_any_failed_allocation),
        cmocka_unit_test(bytes_are_appended_as_hex),
    };

    return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
