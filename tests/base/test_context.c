/*
 * tests/base/test_context.c - lib/base/context.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/context.h"

#include "tests/faults.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct seen {
    unsigned calls;
    unsigned destroyed;
    coco_log_level level;
    char text[2048];
    uint64_t done, total;
};

static void
note_log(void *user, coco_log_level level, const char *message)
{
    struct seen *seen = user;

    seen->calls++;
    seen->level = level;
    (void)snprintf(seen->text, sizeof(seen->text), "%s", message);
}

static void
note_progress(void *user, const coco_progress *progress)
{
    struct seen *seen = user;

    seen->calls++;
    seen->done = progress->done;
    seen->total = progress->total;
    (void)snprintf(seen->text, sizeof(seen->text), "%s", progress->what);
}

static void
note_destroy(void *user)
{
    ((struct seen *)user)->destroyed++;
}

static int
setup(void **state)
{
    coco_ctx *ctx = NULL;
    coco_error *err = NULL;

    assert_ok(coco_ctx_new(&ctx, &err), err);
    *state = ctx;
    return 0;
}

static int
teardown(void **state)
{
    coco_ctx_free(*state);
    return 0;
}

static bool
is_readable(int fd, int timeout)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, timeout) == 1;
}

static void
new_context_is_silent_and_not_canceled(void **state)
{
    coco_ctx *ctx = *state;
    coco_error *err = NULL;

    coco_ctx_log(ctx, COCO_LOG_WARN, "nobody listens");
    coco_ctx_report(ctx, &(coco_progress){.what = "nobody", .done = 1, .total = 2});
    assert_false(coco_ctx_canceled(ctx));
    assert_ok(coco_ctx_check(ctx, &err), err);
    assert_false(is_readable(coco_ctx_cancel_fd(ctx), 0));
}

static void
cancel_makes_the_fd_readable_for_good(void **state)
{
    coco_ctx *ctx = *state;
    coco_error *err = NULL;

    errno = 7;
    for (int i = 0; i < 3; i++) {
        coco_ctx_cancel(ctx);
        assert_int_equal(errno, 7); /* it may interrupt anything as a signal handler */
        assert_true(coco_ctx_canceled(ctx));
        assert_true(is_readable(coco_ctx_cancel_fd(ctx), 0));
    }
    assert_fails(coco_ctx_check(ctx, &err), err, COCO_ERR_CANCELED, "canceled");
}

static void *
cancel(void *ctx)
{
    coco_ctx_cancel(ctx);
    return NULL;
}

static void
another_thread_may_cancel(void **state)
{
    coco_ctx *ctx = *state;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, cancel, ctx), 0);
    assert_true(is_readable(coco_ctx_cancel_fd(ctx), 10000));
    assert_true(coco_ctx_canceled(ctx));
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void
log_passes_levels_from_the_chosen_one(void **state)
{
    coco_ctx *ctx = *state;
    struct seen seen = {0};

    coco_ctx_set_log(ctx, COCO_LOG_INFO, note_log, &seen, NULL);
    coco_ctx_log(ctx, COCO_LOG_DEBUG, "no");
    assert_int_equal(seen.calls, 0);
    coco_ctx_log(ctx, COCO_LOG_INFO, "%s %d", "yes", 1);
    assert_int_equal(seen.level, COCO_LOG_INFO);
    assert_string_equal(seen.text, "yes 1");
    coco_ctx_log(ctx, COCO_LOG_WARN, "too");
    assert_int_equal(seen.level, COCO_LOG_WARN);
    assert_int_equal(seen.calls, 2);
    coco_ctx_set_log(ctx, COCO_LOG_DEBUG, NULL, NULL, NULL);
    coco_ctx_log(ctx, COCO_LOG_WARN, "removed");
    assert_int_equal(seen.calls, 2);
}

static void
a_log_goes_on_to_another_context(void **state)
{
    coco_ctx *ctx = *state;
    coco_ctx *inner = NULL;
    struct seen seen = {0};
    coco_error *err = NULL;

    assert_ok(coco_ctx_new(&inner, &err), err);
    coco_ctx_set_log(ctx, COCO_LOG_INFO, note_log, &seen, NULL);
    coco_ctx_log_to(inner, ctx);
    coco_ctx_log(inner, COCO_LOG_DEBUG, "no");
    assert_int_equal(seen.calls, 0);
    coco_ctx_log(inner, COCO_LOG_WARN, "%s", "100%s");
    assert_int_equal(seen.level, COCO_LOG_WARN);
    assert_string_equal(seen.text, "100%s");
    coco_ctx_free(inner);
}

static void
log_escapes_and_cuts_lines(void **state)
{
    coco_ctx *ctx = *state;
    struct seen seen = {0};
    char hostile[3000];

    coco_ctx_set_log(ctx, COCO_LOG_DEBUG, note_log, &seen, NULL);
    coco_ctx_log(ctx, COCO_LOG_INFO, "%s", "a\nb\033[2J\x7f\xff größe");
    assert_string_equal(seen.text, "a\\x0ab\\x1b[2J\\x7f\\xff größe");

    memset(hostile, '\n', sizeof(hostile));
    hostile[sizeof(hostile) - 1] = '\0';
    coco_ctx_log(ctx, COCO_LOG_INFO, "%s", hostile);
    assert_in_range(strlen(seen.text), 1000, 1023);
    assert_null(strchr(seen.text, '\n'));
}

static void
report_passes_everything_on(void **state)
{
    coco_ctx *ctx = *state;
    struct seen seen = {0};

    coco_ctx_set_progress(ctx, note_progress, &seen, NULL);
    coco_ctx_report(ctx, &(coco_progress){.what = "sha256:ab", .done = 1, .total = UINT64_MAX});
    assert_string_equal(seen.text, "sha256:ab");
    assert_int_equal(seen.done, 1);
    assert_true(seen.total == UINT64_MAX);
}

static void
phases_have_names(void **state)
{
    static const struct {
        coco_phase phase;
        const char *name;
    } cases[] = {
        {COCO_PHASE_FETCH, "fetch"},
        {COCO_PHASE_UNPACK, "unpack"},
        {COCO_PHASE_WAIT, "wait"},
        {COCO_PHASE_COPY, "copy"},
        {COCO_PHASE_VERIFY, "verify"},
        {COCO_PHASE_SYNC, "sync"},
        {(coco_phase)(COCO_PHASE_SYNC + 1), "unknown"},
        {(coco_phase)-1, "unknown"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(coco_phase_name(cases[i].phase), cases[i].name);
}

static void
destroy_is_called_once(void **state)
{
    coco_ctx *ctx = NULL;
    struct seen log[2] = {0};
    struct seen progress[2] = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    for (int i = 0; i < 2; i++) {
        coco_ctx_set_log(ctx, COCO_LOG_DEBUG, note_log, &log[i], note_destroy);
        coco_ctx_set_progress(ctx, note_progress, &progress[i], note_destroy);
        assert_int_equal(log[i].destroyed + progress[i].destroyed, 0);
    }
    assert_int_equal(log[0].destroyed, 1);
    assert_int_equal(progress[0].destroyed, 1);
    coco_ctx_free(ctx);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(log[i].destroyed, 1);
        assert_int_equal(progress[i].destroyed, 1);
    }
    coco_ctx_free(NULL);
}

static void
new_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        coco_ctx *ctx = NULL;
        coco_error *err = NULL;
        coco_status status = coco_ctx_new(&ctx, &err);

        fault_expect(status, err);
        assert_true(status == COCO_OK || ctx == NULL);
        coco_error_free(err);
        coco_ctx_free(ctx);
    }
}

static void
a_traceparent_that_is_none_changes_nothing(void **state)
{
    static const char given[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    char next[COCO_TRACEPARENT_SIZE];
    coco_ctx *ctx = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_ok(coco_ctx_next_traceparent(ctx, next, &err), err);
    assert_string_equal(next, "");
    assert_ok(coco_ctx_set_traceparent(ctx, given, &err), err);
    assert_fails(coco_ctx_set_traceparent(ctx, "00-x", &err), err, COCO_ERR_INVALID, "traceparent");
    assert_ok(coco_ctx_next_traceparent(ctx, next, &err), err);
    assert_memory_equal(next, given, 3 + 32 + 1);
    coco_ctx_free(ctx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(new_context_is_silent_and_not_canceled, setup, teardown),
        cmocka_unit_test_setup_teardown(cancel_makes_the_fd_readable_for_good, setup, teardown),
        cmocka_unit_test_setup_teardown(another_thread_may_cancel, setup, teardown),
        cmocka_unit_test_setup_teardown(log_passes_levels_from_the_chosen_one, setup, teardown),
        cmocka_unit_test_setup_teardown(a_log_goes_on_to_another_context, setup, teardown),
        cmocka_unit_test_setup_teardown(log_escapes_and_cuts_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(report_passes_everything_on, setup, teardown),
        cmocka_unit_test(phases_have_names),
        cmocka_unit_test(destroy_is_called_once),
        cmocka_unit_test(a_traceparent_that_is_none_changes_nothing),
        cmocka_unit_test(new_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("base/context", tests, NULL, NULL);
}
