/*
 * tests/base/test_thread.c - lib/base/thread.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/thread.h"

#include "tests/support.h"

#include <signal.h>

static void *
look_at_mask(void *self)
{
    (void)pthread_sigmask(SIG_SETMASK, NULL, self);
    return NULL;
}

static void
a_thread_has_its_signals_blocked_and_its_maker_has_not(void **state)
{
    sigset_t before, after, seen;
    pthread_t thread;
    coco_error *err = NULL;

    (void)state;
    (void)sigemptyset(&seen);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
    assert_ok(coco_thread_start(look_at_mask, &seen, &thread, &err), err);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    for (int number = 1; number < SIGRTMAX; number++) {
        assert_int_equal(sigismember(&after, number), sigismember(&before, number));
        /* Those that nobody can block, and those that the C library keeps to itself. */
        if (number != SIGKILL && number != SIGSTOP && (number < 32 || number >= SIGRTMIN))
            assert_int_equal(sigismember(&seen, number), 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_has_its_signals_blocked_and_its_maker_has_not),
    };

    return cmocka_run_group_tests_name("base/thread", tests, NULL, NULL);
}
