/*
 * tests/collateral/test_flights.c - lib/collateral/flights.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/flights.h"

#include "base/fail.h"
#include "tests/faults.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define THREADS 8

static struct coco_flights flights;
static coco_error *err;
static int64_t now;

static int64_t
fake_now(void *self)
{
    (void)self;
    return now;
}

static const struct coco_clock fake_clock = {.now = fake_now};

static int
setup(void **state)
{
    (void)state;
    now = 1790000000;
    coco_flights_init(&flights);
    flights.clock = &fake_clock;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coco_flights_done(&flights);
    return 0;
}

/* What is done by whoever comes first: it ends when the others are there. */
struct work {
    int gate[2];    /* a pipe: what is read from it lets one go on */
    unsigned calls; /* fn's own: one runs at a time */
    coco_status status;
};

static coco_status
do_work(void *user, coco_error **e)
{
    struct work *work = user;
    char byte;

    work->calls++;
    if (work->gate[0] >= 0 && read(work->gate[0], &byte, 1) != 1)
        return coco_fail(e, COCO_ERR_IO, "no gate");
    if (work->status != COCO_OK)
        return coco_fail(e, work->status, "told to fail");
    return COCO_OK;
}

static void *
run(void *work)
{
    return coco_flights_run(&flights, "a", do_work, work, NULL) == COCO_OK ? work : NULL;
}

/* Waits until so many wait for the one that is under way. */
static void
wait_for_users(unsigned users)
{
    for (bool there = false; !there;) {
        (void)pthread_mutex_lock(&flights.lock);
        there = flights.n == 1 && flights.first->users == users;
        (void)pthread_mutex_unlock(&flights.lock);
    }
}

static void
one_works_for_all_who_want_the_same(void **state)
{
    static const coco_status outcomes[] = {COCO_OK, COCO_ERR_NET};
    pthread_t threads[THREADS];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct work work = {.status = outcomes[i]};

        assert_int_equal(pipe(work.gate), 0);
        for (size_t n = 0; n < THREADS; n++)
            assert_int_equal(pthread_create(&threads[n], NULL, run, &work), 0);
        wait_for_users(THREADS);
        assert_int_equal(write(work.gate[1], "x", 1), 1);
        for (size_t n = 0; n < THREADS; n++) {
            void *done = NULL;

            assert_int_equal(pthread_join(threads[n], &done), 0);
            assert_int_equal(done != NULL, outcomes[i] == COCO_OK);
        }
        assert_int_equal(work.calls, 1);
        (void)close(work.gate[0]);
        (void)close(work.gate[1]);
    }
}

static coco_status
run_once(const char *name, coco_status outcome, unsigned *calls)
{
    struct work work = {.gate = {-1, -1}, .status = outcome};

    coco_status status = coco_flights_run(&flights, name, do_work, &work, &err);
    *calls = work.calls;
    return status;
}

static void
what_failed_is_not_tried_at_once(void **state)
{
    static const struct {
        coco_status status;
        int64_t seconds; /* for which it is not tried */
    } cases[] = {
        {COCO_ERR_NOTFOUND, COCO_FLIGHTS_MISSING},
        {COCO_ERR_NET, COCO_FLIGHTS_FAILED},
        {COCO_ERR_PROTO, COCO_FLIGHTS_FAILED},
        {COCO_ERR_VERIFY, COCO_FLIGHTS_FAILED},
        {COCO_ERR_CANCELED, 0},
        {COCO_ERR_NOMEM, 0},
    };
    unsigned calls = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_fails(run_once("b", cases[i].status, &calls), err, cases[i].status, "");
        assert_int_equal(calls, 1);
        if (cases[i].seconds > 0) {
            now += cases[i].seconds - 1;
            assert_fails(run_once("b", COCO_OK, &calls), err, cases[i].status, "not asked again");
            assert_int_equal(calls, 0);
            now++;
        }
        assert_ok(run_once("b", COCO_OK, &calls), err);
        assert_int_equal(calls, 1);
        assert_ok(run_once("b", COCO_OK, &calls), err);
        assert_int_equal(calls, 1);
    }
}

static void
failures_are_remembered_within_bounds(void **state)
{
    unsigned calls = 0;
    char name[32];

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        now += i < 500; /* the later ones end later, or at the same time */
        (void)snprintf(name, sizeof(name), "name/%u", i);
        assert_fails(run_once(name, COCO_ERR_NOTFOUND, &calls), err, COCO_ERR_NOTFOUND, "fail");
    }
    assert_true(flights.failures.n <= 256);
    assert_ok(run_once("name/0", COCO_OK, &calls), err);
}

static void
the_halves_are_one_flight(void **state)
{
    struct coco_flight *flight = NULL;
    struct coco_flight *second = NULL;
    coco_error *why = NULL;

    (void)state;
    assert_ok(coco_flights_begin(&flights, "d", &flight, &err), err);
    assert_non_null(flight);
    assert_ok(coco_flights_begin(&flights, "d", &second, &err), err);
    assert_null(second);
    (void)coco_fail(&why, COCO_ERR_NET, "told to fail");
    coco_flights_end(&flights, flight, COCO_ERR_NET, why);
    assert_fails(coco_flights_begin(&flights, "d", &flight, &err), err, COCO_ERR_NET,
                 "not asked again");
    assert_null(flight);
    now += COCO_FLIGHTS_FAILED;
    assert_ok(coco_flights_begin(&flights, "d", &flight, &err), err);
    coco_flights_end(&flights, flight, COCO_OK, NULL);
    assert_int_equal(flights.n, 0);
}

static coco_status nest(void *user, coco_error **e);

/* One within the other, each of another name, until they are too many. */
static coco_status
nest(void *user, coco_error **e)
{
    unsigned *depth = user;
    char name[32];

    (void)snprintf(name, sizeof(name), "depth/%u", ++*depth);
    return coco_flights_run(&flights, name, nest, user, e);
}

static void
only_so_many_are_under_way(void **state)
{
    unsigned depth = 0;

    (void)state;
    assert_fails(nest(&depth, &err), err, COCO_ERR_NET, "under way");
    assert_int_equal(depth, COCO_FLIGHTS_MAX + 1);
    assert_int_equal(flights.n, 0);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    unsigned calls = 0;

    (void)state;
    for_each_fault()
    {
        coco_status status = run_once("c", COCO_OK, &calls);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_works_for_all_who_want_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(what_failed_is_not_tried_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(failures_are_remembered_within_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(the_halves_are_one_flight, setup, teardown),
        cmocka_unit_test_setup_teardown(only_so_many_are_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(all_of_it_survives_any_failed_allocation, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
