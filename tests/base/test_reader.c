/*
 * tests/base/test_reader.c - lib/base/reader.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/reader.h"

#include "tests/support.h"

#include <string.h>

static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static coco_error *err;

static void
integers_have_the_order_of_their_name(void **state)
{
    struct coco_reader r = coco_reader_of(bytes, sizeof(bytes));

    (void)state;
    assert_int_equal(coco_read_u8(&r), 1);
    assert_int_equal(coco_read_u16le(&r), 0x0302);
    assert_int_equal(coco_read_u32le(&r), 0x07060504);
    assert_true(coco_read_u64le(&r) == UINT64_C(0x0f0e0d0c0b0a0908));
    assert_ok(coco_reader_finish(&r, "x", &err), err);

    r = coco_reader_of(bytes, sizeof(bytes));
    assert_int_equal(coco_read_u16be(&r), 0x0102);
    assert_int_equal(coco_read_u32be(&r), 0x03040506);
    assert_true(coco_read_u64be(&r) == UINT64_C(0x0708090a0b0c0d0e));
    assert_fails(coco_reader_finish(&r, "x", &err), err, COCO_ERR_PROTO, "1 bytes too many");
}

static void
parts_are_read_by_themselves(void **state)
{
    struct coco_reader r = coco_reader_of(bytes, sizeof(bytes));
    struct coco_reader part = coco_read_part(&r, 4);
    uint8_t three[3];

    (void)state;
    coco_read_bytes(&part, three, 3);
    assert_memory_equal(three, bytes, 3);
    assert_int_equal(coco_read_u16le(&part), 0);
    assert_fails(coco_reader_check(&part, "part", &err), err, COCO_ERR_PROTO,
                 "part: ends after 4 bytes");
    assert_int_equal(coco_read_u8(&r), 5);
    coco_read_skip(&r, 8);
    assert_ptr_equal(coco_read_piece(&r, 2), bytes + 13);
    assert_ok(coco_reader_finish(&r, "whole", &err), err);
}

/* Of each way to read, one byte more than there is. */
static void
nothing_is_read_past_the_end(void **state)
{
    for (size_t len = 0; len < sizeof(bytes); len++) {
        struct coco_reader readers[9];
        uint8_t copy[16];

        (void)state;
        for (size_t i = 0; i < 9; i++) {
            /* At the end of the array, where sanitizers see a byte too many. */
            readers[i] = coco_reader_of(bytes + sizeof(bytes) - len, len);
            coco_read_skip(&readers[i], len);
            assert_false(readers[i].exhausted);
        }
        assert_int_equal(coco_read_u8(&readers[0]), 0);
        assert_int_equal(coco_read_u16le(&readers[1]), 0);
        assert_int_equal(coco_read_u32be(&readers[2]), 0);
        assert_true(coco_read_u64le(&readers[3]) == 0);
        memset(copy, 0xff, sizeof(copy));
        coco_read_bytes(&readers[4], copy, sizeof(copy));
        for (size_t i = 0; i < sizeof(copy); i++)
            assert_int_equal(copy[i], 0);
        assert_null(coco_read_piece(&readers[5], SIZE_MAX));
        assert_true(coco_read_part(&readers[6], 1).exhausted);
        coco_read_skip(&readers[7], 1);
        assert_false(coco_read_zeros(&readers[8], 1));
        for (size_t i = 0; i < 9; i++)
            assert_fails(coco_reader_check(&readers[i], "it", &err), err, COCO_ERR_PROTO,
                         "it: ends after");
    }
}

static void
what_was_exhausted_stays_so(void **state)
{
    struct coco_reader r = coco_reader_of(bytes, 3);

    (void)state;
    assert_int_equal(coco_read_u32le(&r), 0);
    assert_int_equal(coco_read_u8(&r), 0);
    assert_null(coco_read_piece(&r, 0));
    assert_fails(coco_reader_finish(&r, "it", &err), err, COCO_ERR_PROTO, "after 3 bytes");
}

static void
nothing_can_be_read_of_nothing(void **state)
{
    struct coco_reader r = coco_reader_of(NULL, 0);

    (void)state;
    assert_non_null(coco_read_piece(&r, 0));
    assert_true(coco_read_zeros(&r, 0));
    assert_ok(coco_reader_finish(&r, "it", &err), err);
    coco_read_skip(&r, 1);
    assert_fails(coco_reader_finish(&r, "it", &err), err, COCO_ERR_PROTO, "after 0 bytes");
}

static void
zeros_are_told_from_others(void **state)
{
    static const uint8_t mixed[] = {0, 0, 0, 1, 0};
    struct coco_reader r = coco_reader_of(mixed, sizeof(mixed));

    (void)state;
    assert_true(coco_read_zeros(&r, 3));
    assert_false(coco_read_zeros(&r, 2));
    assert_ok(coco_reader_finish(&r, "it", &err), err);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_have_the_order_of_their_name),
        cmocka_unit_test(parts_are_read_by_themselves),
        cmocka_unit_test(nothing_is_read_past_the_end),
        cmocka_unit_test(what_was_exhausted_stays_so),
        cmocka_unit_test(nothing_can_be_read_of_nothing),
        cmocka_unit_test(zeros_are_told_from_others),
    };

    return cmocka_run_group_tests_name("base/reader", tests, NULL, NULL);
}
