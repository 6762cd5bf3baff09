/*
 * tests/kbc/test_deadline.c - lib/kbc/deadline.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/deadline.h"

#include "base/context.h"
#include "tests/faults.h"

#include <poll.h>
#include <stdio.h>

#define LONG_MS ((uint64_t)1 << 40)

static coco_ctx *
new_ctx(void)
{
    coco_ctx *ctx = NULL;
    coco_error *err = NULL;

    assert_ok(coco_ctx_new(&ctx, &err), err);
    return ctx;
}

static struct coco_deadline *
begin(coco_ctx *parent, uint64_t ms)
{
    struct coco_deadline *deadline = NULL;
    coco_error *err = NULL;

    assert_ok(coco_deadline_begin(parent, ms, &deadline, &err), err);
    return deadline;
}

static void
wait_until_canceled(const struct coco_deadline *deadline)
{
    const coco_ctx *ctx = coco_deadline_ctx(deadline);
    struct pollfd canceled = {.fd = coco_ctx_cancel_fd(ctx), .events = POLLIN};
    coco_error *err = NULL;

    assert_int_equal(poll(&canceled, 1, -1), 1);
    assert_fails(coco_ctx_check(ctx, &err), err, COCO_ERR_CANCELED, "");
}

static void
a_time_ends(void **state)
{
    _cleanup_(coco_ctx_freep) coco_ctx *parent = new_ctx();
    struct coco_deadline *deadline = begin(parent, 0);

    (void)state;
    wait_until_canceled(deadline);
    assert_true(coco_deadline_end(deadline));
    assert_int_equal(coco_ctx_check(parent, NULL), COCO_OK);
}

static void
who_cancels_need_not_wait_for_that(void **state)
{
    _cleanup_(coco_ctx_freep) coco_ctx *parent = new_ctx();
    struct coco_deadline *deadline = begin(parent, LONG_MS);

    (void)state;
    coco_ctx_cancel(parent);
    wait_until_canceled(deadline);
    assert_false(coco_deadline_end(deadline));
}

static void
a_call_may_be_over_before(void **state)
{
    _cleanup_(coco_ctx_freep) coco_ctx *parent = new_ctx();
    struct coco_deadline *deadline = begin(parent, LONG_MS);

    (void)state;
    assert_int_equal(coco_ctx_check(coco_deadline_ctx(deadline), NULL), COCO_OK);
    assert_false(coco_deadline_end(deadline));
}

static void
note(void *user, coco_log_level level, const char *message)
{
    assert_int_equal(level, COCO_LOG_WARN);
    (void)snprintf(user, 16, "%s", message);
}

static void
what_is_logged_is_the_parents(void **state)
{
    _cleanup_(coco_ctx_freep) coco_ctx *parent = new_ctx();
    struct coco_deadline *deadline = begin(parent, LONG_MS);
    char said[16] = "";

    (void)state;
    coco_ctx_set_log(parent, COCO_LOG_WARN, note, said, NULL);
    coco_ctx_log(coco_deadline_ctx(deadline), COCO_LOG_INFO, "less");
    coco_ctx_log(coco_deadline_ctx(deadline), COCO_LOG_WARN, "100%%s");
    assert_string_equal(said, "100%s");
    assert_false(coco_deadline_end(deadline));
}

static void
beginning_survives_any_failed_allocation(void **state)
{
    _cleanup_(coco_ctx_freep) coco_ctx *parent = new_ctx();

    (void)state;
    for_each_fault()
    {
        struct coco_deadline *deadline = NULL;
        coco_error *err = NULL;

        coco_status status = coco_deadline_begin(parent, LONG_MS, &deadline, &err);
        fault_expect(status, err);
        if (status == COCO_OK)
            assert_false(coco_deadline_end(deadline));
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_ends),
        cmocka_unit_test(who_cancels_need_not_wait_for_that),
        cmocka_unit_test(a_call_may_be_over_before),
        cmocka_unit_test(what_is_logged_is_the_parents),
        cmocka_unit_test(beginning_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
