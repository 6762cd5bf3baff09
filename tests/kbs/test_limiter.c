/*
 * tests/kbs/test_limiter.c - lib/kbs/limiter.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/limiter.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <string.h>

#define NOW 1800000000

static struct coco_kbs_limiter *limiter;

static int
begin(void **state)
{
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_limiter_new(2, 5, &limiter, &err), err);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    coco_kbs_limiter_free(limiter);
    return 0;
}

static struct coco_httpd_source
source(uint32_t number)
{
    struct coco_httpd_source ret = {{4}};

    memcpy(ret.bytes + 4, &number, sizeof(number));
    return ret;
}

/* How many of n may go on. */
static unsigned
let_in(uint32_t from, unsigned n, int64_t now)
{
    const struct coco_httpd_source who = source(from);
    unsigned in = 0;

    for (unsigned i = 0; i < n; i++)
        in += coco_kbs_limiter_take(limiter, &who, now) == COCO_KBS_LEAVE;
    return in;
}

static void
a_source_has_its_burst_and_then_its_rate(void **state)
{
    (void)state;
    assert_int_equal(let_in(1, 100, NOW), 5);
    assert_int_equal(let_in(1, 100, NOW + 1), 2);
    assert_int_equal(let_in(1, 100, NOW + 2), 2);
    assert_int_equal(let_in(1, 100, NOW + 1000), 5);
    assert_int_equal(let_in(1, 100, INT64_MAX), 5);
}

static void
the_others_do_not_feel_it(void **state)
{
    (void)state;
    assert_int_equal(let_in(1, 100, NOW), 5);
    assert_int_equal(let_in(2, 5, NOW), 5);
}

static void
a_clock_that_is_set_back_gives_nothing(void **state)
{
    (void)state;
    assert_int_equal(let_in(1, 100, NOW), 5);
    assert_int_equal(let_in(1, 100, NOW - 1000), 0);
    assert_int_equal(let_in(1, 100, NOW - 999), 2);
}

static void
what_is_given_back_is_there_again_and_no_more(void **state)
{
    const struct coco_httpd_source who = source(1);
    const struct coco_httpd_source stranger = source(9);

    (void)state;
    assert_int_equal(let_in(1, 5, NOW), 5);
    for (unsigned i = 0; i < 100; i++) {
        coco_kbs_limiter_give_back(limiter, &who);
        assert_int_equal(let_in(1, 1, NOW), 1);
    }
    assert_int_equal(let_in(1, 1, NOW), 0);
    for (unsigned i = 0; i < 100; i++)
        coco_kbs_limiter_give_back(limiter, &who);
    assert_int_equal(let_in(1, 100, NOW), 5);
    coco_kbs_limiter_give_back(limiter, &stranger);
    assert_int_equal(let_in(9, 100, NOW), 5);
}

static void
the_end_of_leave_is_told_once(void **state)
{
    const struct coco_httpd_source who = source(1);

    (void)state;
    assert_int_equal(let_in(1, 5, NOW), 5);
    assert_int_equal(coco_kbs_limiter_take(limiter, &who, NOW), COCO_KBS_LEAVE_ENDS);
    assert_int_equal(coco_kbs_limiter_take(limiter, &who, NOW), COCO_KBS_NO_LEAVE);
    assert_int_equal(coco_kbs_limiter_take(limiter, &who, NOW + 1), COCO_KBS_LEAVE);
    assert_int_equal(let_in(1, 1, NOW + 1), 1);
    assert_int_equal(coco_kbs_limiter_take(limiter, &who, NOW + 1), COCO_KBS_LEAVE_ENDS);
}

static void
sockets_without_addresses_are_not_limited(void **state)
{
    static const struct coco_httpd_source none;

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(coco_kbs_limiter_take(limiter, &none, NOW), COCO_KBS_LEAVE);
    coco_kbs_limiter_give_back(limiter, &none);
}

/* A million sources later it is as large as before, and still limits each. */
static void
the_table_does_not_grow_and_forgets_the_oldest(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 1000000; i++)
        assert_int_equal(let_in(i, 1, NOW + i / 100000), 1);
    assert_int_equal(let_in(7, 100, NOW + 20), 5);
    assert_int_equal(let_in(7, 1, NOW + 20), 0);
}

static void
making_one_survives_failed_allocations(void **state)
{
    (void)state;
    for_each_fault()
    {
        struct coco_kbs_limiter *made = NULL;
        coco_error *err = NULL;

        coco_status status = coco_kbs_limiter_new(1, 1, &made, &err);
        fault_expect(status, err);
        coco_error_free(err);
        coco_kbs_limiter_free(made);
    }
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_source_has_its_burst_and_then_its_rate),
        T(the_others_do_not_feel_it),
        T(a_clock_that_is_set_back_gives_nothing),
        T(what_is_given_back_is_there_again_and_no_more),
        T(the_end_of_leave_is_told_once),
        T(sockets_without_addresses_are_not_limited),
        T(the_table_does_not_grow_and_forgets_the_oldest),
        cmocka_unit_test(making_one_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/limiter", tests, NULL, NULL);
}
