/*
 * tests/base/test_ring.c - lib/base/ring.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/ring.h"

#include "base/cleanup.h"
#include "tests/faults.h"

#include <string.h>

#define SIZE 16U

static coco_error *err;
static struct coco_ring ring;
static uint64_t taken;

static int
begin(void **state)
{
    (void)state;
    assert_ok(coco_ring_init(&ring, SIZE, &err), err);
    taken = 0;
    return 0;
}

static int
end(void **state)
{
    (void)state;
    coco_ring_done(&ring);
    return 0;
}

/* Puts the n bytes first, first + 1 and so on; what does not fit in one piece goes into the next.
 */
static void
put(uint8_t first, size_t n)
{
    while (n > 0) {
        uint8_t *at;
        size_t room = coco_ring_room(&ring, &at);

        assert_true(room > 0);
        room = room < n ? room : n;
        for (size_t i = 0; i < room; i++)
            at[i] = first++;
        coco_ring_put(&ring, room);
        n -= room;
    }
}

/* Takes n bytes, which have to be those of put(). */
static void
take(uint8_t first, size_t n)
{
    while (n > 0) {
        const uint8_t *at;
        size_t piece = coco_ring_piece(&ring, taken, &at);

        assert_true(piece > 0);
        piece = piece < n ? piece : n;
        for (size_t i = 0; i < piece; i++)
            assert_int_equal(at[i], first++);
        taken += piece;
        coco_ring_free(&ring, taken);
        n -= piece;
    }
}

static void
bytes_come_out_as_they_went_in_wherever_the_ring_begins(void **state)
{
    uint8_t *at;

    (void)state;
    for (uint8_t turn = 0; turn < SIZE; turn++) {
        put(turn, SIZE);
        assert_int_equal(coco_ring_room(&ring, &at), 0);
        take(turn, SIZE - 1);
        put((uint8_t)(turn + SIZE), 2);
        take((uint8_t)(turn + SIZE - 1), 3);
    }
}

static void
a_piece_is_a_quarter_and_never_around_the_end(void **state)
{
    const uint8_t *at;

    (void)state;
    assert_int_equal(coco_ring_piece(&ring, taken, &at), 0);
    put(0, SIZE);
    assert_int_equal(coco_ring_piece(&ring, taken, &at), SIZE / 4);
    take(0, SIZE - 1);
    put(16, 3);
    assert_int_equal(coco_ring_piece(&ring, taken, &at), 1);
    take(15, 1);
    assert_int_equal(coco_ring_piece(&ring, taken, &at), 3);
}

static void
what_only_one_has_taken_stays(void **state)
{
    const uint8_t *at;
    uint8_t *room;

    (void)state;
    put(7, SIZE);
    assert_int_equal(coco_ring_piece(&ring, SIZE / 2, &at), SIZE / 4);
    assert_int_equal(at[0], 7 + SIZE / 2);
    assert_int_equal(coco_ring_room(&ring, &room), 0);
    assert_false(coco_ring_is_worth_taking(&ring, SIZE));
    take(7, 1);
    assert_int_equal(coco_ring_room(&ring, &room), 1);
}

static void
who_waits_is_woken_for_a_quarter_or_a_half(void **state)
{
    (void)state;
    put(0, SIZE / 4 - 1);
    assert_false(coco_ring_is_worth_taking(&ring, taken));
    put(0, 1);
    assert_true(coco_ring_is_worth_taking(&ring, taken));
    put(0, SIZE / 4);
    assert_true(coco_ring_is_worth_putting(&ring));
    put(0, 1);
    assert_false(coco_ring_is_worth_putting(&ring));
    assert_false(coco_ring_is_full(&ring));
    put(0, SIZE / 2 - 1);
    assert_true(coco_ring_is_full(&ring));
    coco_ring_clear(&ring);
    assert_false(coco_ring_is_worth_taking(&ring, taken));
}

static void
a_ring_survives_a_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        struct coco_ring one;

        coco_status status = coco_ring_init(&one, SIZE, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
        coco_ring_done(&one);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_come_out_as_they_went_in_wherever_the_ring_begins,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_piece_is_a_quarter_and_never_around_the_end, begin, end),
        cmocka_unit_test_setup_teardown(what_only_one_has_taken_stays, begin, end),
        cmocka_unit_test_setup_teardown(who_waits_is_woken_for_a_quarter_or_a_half, begin, end),
        cmocka_unit_test(a_ring_survives_a_failed_allocation),
    };

    return cmocka_run_group_tests_name("base/ring", tests, NULL, NULL);
}
