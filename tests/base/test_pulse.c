/*
 * tests/base/test_pulse.c - lib/base/pulse.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/pulse.h"

#include "base/context.h"
#include "base/fail.h"
#include "tests/faults.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>

struct fixture {
    coco_ctx *ctx;
    coco_error *err;
    unsigned reports;
    coco_progress last;
    pthread_t teller;
    pthread_t worker;
    sem_t beaten; /* once for each report */
    coco_status outcome;
};

static struct fixture fixture;

static void
note(void *user, const coco_progress *progress)
{
    struct fixture *f = user;

    f->reports++;
    f->last = *progress;
    f->teller = pthread_self();
    (void)sem_post(&f->beaten);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    memset(f, 0, sizeof(*f));
    assert_int_equal(sem_init(&f->beaten, 0, 0), 0);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    coco_ctx_set_progress(f->ctx, note, f, NULL);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    (void)sem_destroy(&f->beaten);
    return 0;
}

static void
the_first_and_the_last_report_are_never_left_out(void **state)
{
    struct fixture *f = *state;

    struct coco_pulse pulse = coco_pulse_begin(f->ctx, "it", COCO_PHASE_COPY);
    assert_int_equal(f->reports, 1);
    assert_string_equal(f->last.what, "it");
    assert_int_equal(f->last.phase, COCO_PHASE_COPY);
    assert_int_equal(f->last.done + f->last.total + f->last.files, 0);
    pulse.progress.done = 7;
    pulse.progress.files = 2;
    coco_pulse_end(&pulse);
    assert_int_equal(f->reports, 2);
    assert_int_equal(f->last.done, 7);
    assert_int_equal(f->last.total, 7);
    assert_int_equal(f->last.files, 2);
}

static void
what_goes_fast_is_not_told_each_time(void **state)
{
    struct fixture *f = *state;

    struct coco_pulse pulse = coco_pulse_begin(f->ctx, "it", COCO_PHASE_COPY);
    for (int i = 0; i < 1000; i++)
        coco_pulse_beat(&pulse);
    assert_true(f->reports < 500);
    /* As if it were long ago. */
    pulse.told_ms = 0;
    unsigned before = f->reports;
    coco_pulse_beat(&pulse);
    assert_int_equal(f->reports, before + 1);
}

/* Works until it was reported twice. */
static coco_status
work_for_long(void *self, coco_error **err)
{
    struct fixture *f = self;

    f->worker = pthread_self();
    for (int i = 0; i < 2; i++)
        while (sem_wait(&f->beaten) != 0)
            continue;
    return f->outcome == COCO_OK ? COCO_OK : coco_fail(err, f->outcome, "did not work");
}

static void
look(void *self, coco_progress *ret)
{
    (void)self;
    ret->files++;
}

static void
work_of_one_long_call_is_told_of_meanwhile(void **state)
{
    struct fixture *f = *state;
    const struct coco_pulse_work work = {.run = work_for_long, .look = look, .self = f};

    struct coco_pulse pulse = coco_pulse_begin(f->ctx, "it", COCO_PHASE_SYNC);
    assert_ok(coco_pulse_during(&pulse, &work, &f->err), f->err);
    assert_true(f->reports >= 2);
    assert_true(f->last.files >= 1);
    assert_true(pthread_equal(f->teller, pthread_self()));
    assert_false(pthread_equal(f->worker, pthread_self()));
}

static void
what_the_work_comes_to_comes_out(void **state)
{
    struct fixture *f = *state;
    const struct coco_pulse_work work = {.run = work_for_long, .self = f};

    f->outcome = COCO_ERR_VERIFY;
    struct coco_pulse pulse = coco_pulse_begin(f->ctx, "it", COCO_PHASE_SYNC);
    (void)sem_post(&f->beaten);
    assert_fails(coco_pulse_during(&pulse, &work, &f->err), f->err, COCO_ERR_VERIFY,
                 "did not work");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_first_and_the_last_report_are_never_left_out),
        TEST(what_goes_fast_is_not_told_each_time),
        TEST(work_of_one_long_call_is_told_of_meanwhile),
        TEST(what_the_work_comes_to_comes_out),
    };

    return cmocka_run_group_tests_name("base/pulse", tests, NULL, NULL);
}
