/*
 * tests/rpc/test_grpc_frame.c - lib/rpc/grpc_frame.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/grpc_frame.h"

#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static coco_status
feed(struct coco_grpc_frame *e, const char *data, size_t len, size_t step, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t at = 0; at < len && status == COCO_OK; at += step)
        status = coco_grpc_frame_feed(e, data + at, len - at < step ? len - at : step, err);
    return status;
}

static void
a_message_comes_however_it_is_cut(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for (size_t step = 1; step < 12; step++) {
        struct coco_grpc_frame e = {.limit = 5};
        bool empty = true;

        assert_ok(feed(&e, "\0\0\0\0\5hello", 10, step, &err), err);
        assert_ok(coco_grpc_frame_finish(&e, &empty, &err), err);
        assert_false(empty);
        assert_string_equal(coco_buf_text(&e.message), "hello");
        coco_grpc_frame_done(&e);
    }
}

static void
an_empty_message_is_one_and_nothing_is_none(void **state)
{
    struct coco_grpc_frame e = {.limit = 5};
    coco_error *err = NULL;
    bool empty = false;

    (void)state;
    assert_ok(coco_grpc_frame_feed(&e, "", 0, &err), err);
    assert_ok(coco_grpc_frame_finish(&e, &empty, &err), err);
    assert_true(empty);
    assert_ok(feed(&e, "\0\0\0\0\0", 5, 5, &err), err);
    assert_ok(coco_grpc_frame_finish(&e, &empty, &err), err);
    assert_false(empty);
    coco_grpc_frame_done(&e);
}

static void
wrong_messages_are_refused(void **state)
{
    static const struct {
        const char *data;
        size_t len;
        coco_status status;
        const char *why;
    } cases[] = {
        {"\1\0\0\0\1x", 6, COCO_ERR_NOTSUP, "compressed"},
        {"\2\0\0\0\1x", 6, COCO_ERR_PROTO, "begins with 0x2"},
        {"\377\0\0\0\1x", 6, COCO_ERR_PROTO, "begins with 0xff"},
        {"\0\0\0\0\6hello!", 11, COCO_ERR_LIMIT, "6 bytes"},
        {"\0\377\377\377\377", 5, COCO_ERR_LIMIT, "4294967295 bytes"},
        {"\0\0\0\0\1xy", 7, COCO_ERR_PROTO, "behind"},
        {"\0\0\0\0\0x", 6, COCO_ERR_PROTO, "behind"},
        {"\0\0\0\0\1x\0\0\0\0\1y", 12, COCO_ERR_PROTO, "behind"},
        {"\0", 1, COCO_ERR_PROTO, "ends after"},
        {"\0\0\0\0", 4, COCO_ERR_PROTO, "ends after"},
        {"\0\0\0\0\3he", 7, COCO_ERR_PROTO, "ends after 2 of 3"},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t step = 1; step < 13; step++) {
            struct coco_grpc_frame e = {.limit = 5};
            bool empty = true;

            coco_status status = feed(&e, cases[i].data, cases[i].len, step, &err);
            if (status == COCO_OK)
                status = coco_grpc_frame_finish(&e, &empty, &err);
            assert_fails(status, err, cases[i].status, cases[i].why);
            coco_grpc_frame_done(&e);
        }
}

static void
what_is_formatted_is_read(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 10};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_grpc_frame_format("hello", 5, &buf, &err), err);
    assert_int_equal(buf.len, 10);
    assert_memory_equal(buf.data, "\0\0\0\0\5hello", 10);
    assert_fails(coco_grpc_frame_format("", 0, &buf, &err), err, COCO_ERR_LIMIT, "");
}

static void
reading_survives_any_failed_allocation(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        struct coco_grpc_frame e = {.limit = 5};

        coco_status status = feed(&e, "\0\0\0\0\5hello", 10, 3, &err);
        fault_expect(status, err);
        coco_grpc_frame_done(&e);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_comes_however_it_is_cut),
        cmocka_unit_test(an_empty_message_is_one_and_nothing_is_none),
        cmocka_unit_test(wrong_messages_are_refused),
        cmocka_unit_test(what_is_formatted_is_read),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
