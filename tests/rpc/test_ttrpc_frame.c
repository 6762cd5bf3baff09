/*
 * tests/rpc/test_ttrpc_frame.c - lib/rpc/ttrpc_frame.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/ttrpc_frame.h"

#include "tests/faults.h"

#include <string.h>

static coco_status
feed(struct coco_ttrpc_frame *frame, const char *data, size_t len, size_t step, size_t *used,
     coco_error **err)
{
    coco_status status = COCO_OK;

    *used = 0;
    while (status == COCO_OK && *used < len && !coco_ttrpc_frame_is_whole(frame)) {
        size_t n = 0;

        status = coco_ttrpc_frame_feed(frame, data + *used, len - *used < step ? len - *used : step,
                                       &n, err);
        *used += n;
    }
    return status;
}

static void
a_frame_comes_however_it_is_cut(void **state)
{
    static const char wire[] = "\0\0\0\5\0\0\1\1\2\3hello"
                               "rest";
    coco_error *err = NULL;
    size_t used = 0;

    (void)state;
    for (size_t step = 1; step < 20; step++) {
        struct coco_ttrpc_frame frame = {0};

        assert_ok(feed(&frame, wire, sizeof(wire) - 1, step, &used, &err), err);
        assert_true(coco_ttrpc_frame_is_whole(&frame));
        assert_int_equal(used, 15); /* what is behind it is not touched */
        assert_int_equal(frame.stream, 257);
        assert_int_equal(frame.kind, COCO_TTRPC_RESPONSE);
        assert_int_equal(frame.flags, 3);
        assert_string_equal(coco_buf_text(&frame.data), "hello");
        coco_ttrpc_frame_reset(&frame);
        assert_false(coco_ttrpc_frame_is_whole(&frame));
    }
}

static void
a_frame_that_is_too_long_is_thrown_away(void **state)
{
    static const char head[] = "\0\100\0\1\0\0\0\1\1\0";
    static char much[(4 << 20) + 1];
    struct coco_ttrpc_frame frame = {0};
    coco_error *err = NULL;
    size_t used = 0;

    (void)state;
    assert_ok(feed(&frame, head, 10, 10, &used, &err), err);
    assert_true(coco_ttrpc_frame_is_too_long(&frame));
    assert_false(coco_ttrpc_frame_is_whole(&frame));
    assert_ok(feed(&frame, much, sizeof(much), 65536, &used, &err), err);
    assert_int_equal(used, sizeof(much));
    assert_true(coco_ttrpc_frame_is_whole(&frame));
    assert_int_equal(frame.data.len, 0);
    coco_ttrpc_frame_reset(&frame);
}

static void
frames_are_written(void **state)
{
    static char much[(4 << 20) + 1];
    _cleanup_buf_ struct coco_buf buf = {.limit = 100};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ttrpc_frame_format(0x01020304, COCO_TTRPC_REQUEST, "hi", 2, &buf, &err), err);
    assert_int_equal(buf.len, 12);
    assert_memory_equal(buf.data, "\0\0\0\2\1\2\3\4\1\0hi", 12);
    assert_fails(coco_ttrpc_frame_format(1, COCO_TTRPC_REQUEST, much, sizeof(much), &buf, &err),
                 err, COCO_ERR_LIMIT,
                 "message length 4194305 exceed maximum message size of 4194304");
}

static void
reading_survives_any_failed_allocation(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        struct coco_ttrpc_frame frame = {0};
        size_t used = 0;

        coco_status status = feed(&frame, "\0\0\0\1\0\0\0\1\1\0x", 11, 11, &used, &err);
        fault_expect(status, err);
        coco_ttrpc_frame_reset(&frame);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_comes_however_it_is_cut),
        cmocka_unit_test(a_frame_that_is_too_long_is_thrown_away),
        cmocka_unit_test(frames_are_written),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
