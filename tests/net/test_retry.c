/*
 * tests/net/test_retry.c - lib/net/retry.c, by a clock that does not wait
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/retry.h"

#include "base/context.h"
#include "net/http.h"
#include "tests/fakeclock.h"
#include "tests/faults.h"

#include <string.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct fixture {
    coco_ctx *ctx;
    coco_error *err;
    struct fake_clock clock;
    struct coco_retry_policy policy;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){.policy = {.clock = &f->clock.clock}};
    fake_clock_begin(&f->clock);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    return 0;
}

static bool
again(struct fixture *f, struct coco_retry *retry, const struct coco_http_response *response)
{
    bool ret = true;

    assert_ok(coco_retry_wait(retry, f->ctx, response, "it failed", &ret, &f->err), f->err);
    return ret;
}

static void
only_some_statuses_may_change_soon(void **state)
{
    static const long soon[] = {408, 429, 500, 502, 503, 504};
    size_t n = 0;

    (void)state;
    for (long status = 0; status < 1000; status++)
        n += coco_retry_status(status) ? 1 : 0;
    assert_int_equal(n, COUNT(soon));
    for (size_t i = 0; i < COUNT(soon); i++)
        assert_true(coco_retry_status(soon[i]));
}

static void
it_ends_after_as_many_tries_as_were_asked_for(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint32_t retries;
        unsigned want;
    } cases[] = {{0, COCO_RETRIES_DEFAULT}, {1, 1}, {7, 7}, {COCO_RETRIES_NONE, 0}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        f->policy.retries = cases[i].retries;
        struct coco_retry retry = {.policy = f->policy};
        unsigned n = 0;

        while (again(f, &retry, NULL))
            n++;
        assert_int_equal(n, cases[i].want);
    }
}

static void
waits_grow_up_to_a_bound_and_differ(void **state)
{
    struct fixture *f = *state;
    uint64_t longest[12] = {0};
    uint64_t shortest[12];

    memset(shortest, 0xff, sizeof(shortest));
    f->policy.retries = COUNT(longest);
    for (int round = 0; round < 300; round++) {
        struct coco_retry retry = {.policy = f->policy};

        for (size_t i = 0; i < COUNT(longest); i++) {
            assert_true(again(f, &retry, NULL));
            longest[i] = f->clock.last > longest[i] ? f->clock.last : longest[i];
            shortest[i] = f->clock.last < shortest[i] ? f->clock.last : shortest[i];
        }
    }
    for (size_t i = 0; i < COUNT(longest); i++) {
        uint64_t limit = i < 6 ? (uint64_t)500 << i : 30000;

        assert_in_range(longest[i], limit / 2, limit);
        assert_in_range(shortest[i], 0, limit / 4);
    }
}

static void
what_is_gained_allows_for_more_but_not_for_ever(void **state)
{
    struct fixture *f = *state;
    struct coco_retry retry = {.policy = f->policy};
    unsigned n = 0;

    /* A byte at a time ends ... */
    for (; again(f, &retry, NULL); n++) {
        assert_true(f->clock.last <= 500);
        coco_retry_gain(&retry, 1);
    }
    assert_int_equal(n, COCO_RETRY_TOTAL);

    /* ... long after a server that gives nothing, ... */
    retry = (struct coco_retry){.policy = f->policy};
    for (n = 0; again(f, &retry, NULL); n++)
        coco_retry_gain(&retry, 0);
    assert_int_equal(n, COCO_RETRIES_DEFAULT);

    /* ... and a big blob over a bad link has as many cuts as it has MiB. */
    retry = (struct coco_retry){.policy = f->policy};
    for (n = 0; n < 500; n++) {
        assert_true(again(f, &retry, NULL));
        coco_retry_gain(&retry, 1 << 20);
    }
}

/* A response with these header lines, "name: value\n" each. */
static void
respond(struct coco_http_response *response, const char *headers)
{
    coco_error *err = NULL;

    *response = (struct coco_http_response){.status = 503, .headers = {.limit = 1000}};
    assert_ok(coco_buf_append_text(&response->headers, headers, &err), err);
}

static void
a_server_says_when_within_bounds(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *headers;
        uint64_t from, below;
    } cases[] = {
        {"retry-after: 7\n", 7000, 7500},
        {"retry-after: 0\n", 0, 500},
        {"retry-after: 86400\n", 60000, 60500},
        {"retry-after: 99999999999999999999\n", 60000, 60500},
        /* By the clock of the server, which is not ours, ... */
        {"date: Sun, 06 Nov 1994 08:49:30 GMT\nretry-after: Sun, 06 Nov 1994 08:49:37 GMT\n", 7000,
         7500},
        /* ... or by ours, when it does not say, or nothing that makes sense. */
        {"retry-after: Sun, 06 Nov 1994 08:49:37 GMT\n", 10000, 10500},
        {"date: today\nretry-after: Sun, 06 Nov 1994 08:49:37 GMT\n", 10000, 10500},
        {"retry-after: Sun, 06 Nov 1994 08:49:00 GMT\n", 0, 500},
        {"retry-after: Fri, 31 Dec 9999 23:59:59 GMT\n", 60000, 60500},
        /* What is none does not count. */
        {"retry-after: soon\n", 0, 500},
        {"retry-after: -5\n", 0, 500},
        {"retry-after: \n", 0, 500},
        {"x: y\n", 0, 500},
    };

    f->clock.now = 784111777 - 10;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_retry retry = {.policy = f->policy};
        _cleanup_response_ struct coco_http_response response = {0};

        respond(&response, cases[i].headers);
        assert_true(again(f, &retry, &response));
        assert_in_range(f->clock.last, cases[i].from, cases[i].below);
    }
}

/* It is less than a second, which may still be most of one. */
static void
who_says_0_is_waited_for_as_who_says_nothing(void **state)
{
    struct fixture *f = *state;
    _cleanup_response_ struct coco_http_response response = {0};
    uint64_t longest = 0;

    respond(&response, "retry-after: 0\n");
    for (unsigned i = 0; i < 100; i++) {
        struct coco_retry retry = {.policy = f->policy, .in_vain = 3};

        assert_true(again(f, &retry, &response));
        assert_in_range(f->clock.last, 0, 4000);
        longest = f->clock.last > longest ? f->clock.last : longest;
    }
    assert_true(longest > 500);
}

static void
all_waits_together_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct coco_retry retry = {.policy = f->policy};
    _cleanup_response_ struct coco_http_response response = {0};
    unsigned n = 0;

    respond(&response, "retry-after: 60\n");
    for (; again(f, &retry, &response); n++)
        coco_retry_gain(&retry, 1 << 20);
    assert_in_range(f->clock.all, COCO_RETRY_WAIT_MAX - 61000, COCO_RETRY_WAIT_MAX);
    assert_in_range(n, 14, 15);
}

static void
a_canceled_context_waits_no_more(void **state)
{
    struct fixture *f = *state;
    struct coco_retry retry = {.policy = {.clock = NULL}}; /* the machine's own clock */
    _cleanup_response_ struct coco_http_response response = {0};
    bool ret = false;

    respond(&response, "retry-after: 60\n");
    coco_ctx_cancel(f->ctx);
    assert_fails(coco_retry_wait(&retry, f->ctx, &response, "it failed", &ret, &f->err), f->err,
                 COCO_ERR_CANCELED, "canceled");
    assert_false(ret);
}

static void
the_machine_waits_as_long_as_it_says(void **state)
{
    struct fixture *f = *state;
    struct coco_retry retry = {.policy = {.clock = NULL}};
    struct timespec before = {0};
    struct timespec after = {0};
    bool ret = false;

    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &before), 0);
    assert_ok(coco_retry_wait(&retry, f->ctx, NULL, "it failed", &ret, &f->err), f->err);
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &after), 0);
    assert_true(ret);
    uint64_t ms = (uint64_t)((after.tv_sec - before.tv_sec) * 1000
                             + (after.tv_nsec - before.tv_nsec) / 1000000);
    assert_true(ms + 2 >= retry.waited);
}

static void
wait_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    _cleanup_response_ struct coco_http_response response = {0};

    respond(&response, "date: Sun, 06 Nov 1994 08:49:30 GMT\nretry-after: 1\n");
    for_each_fault()
    {
        struct coco_retry retry = {.policy = f->policy};
        coco_error *err = NULL;
        bool ret = false;

        coco_status status = coco_retry_wait(&retry, f->ctx, &response, "it failed", &ret, &err);
        fault_expect(status, err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_some_statuses_may_change_soon),
        TEST(it_ends_after_as_many_tries_as_were_asked_for),
        TEST(waits_grow_up_to_a_bound_and_differ),
        TEST(what_is_gained_allows_for_more_but_not_for_ever),
        TEST(a_server_says_when_within_bounds),
        TEST(who_says_0_is_waited_for_as_who_says_nothing),
        TEST(all_waits_together_are_bounded),
        TEST(a_canceled_context_waits_no_more),
        TEST(the_machine_waits_as_long_as_it_says),
        TEST(wait_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("net/retry", tests, NULL, NULL);
}
