/*
 * tests/kbc/test_session.c - lib/kbc/session.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/session.h"

#include "base/context.h"
#include "base/fail.h"
#include "tests/faults.h"

#include <errno.h>
#include <sched.h>

#define THREADS 8

/* A handshake that ends when as many wait for it as are to. */
struct maker {
    struct coco_sessions *sessions;
    unsigned made;
    unsigned wait_for; /* threads that are part of it */
    coco_status fail;  /* COCO_OK: not */
};

static bool
all_are_there(struct maker *maker)
{
    (void)pthread_mutex_lock(&maker->sessions->lock);
    bool there = maker->sessions->handshake->users >= maker->wait_for;
    (void)pthread_mutex_unlock(&maker->sessions->lock);
    return there;
}

static coco_status
make(void *user, coco_ctx *ctx, struct coco_session **ret, coco_error **err)
{
    struct maker *maker = user;

    (void)ctx;
    (void)__atomic_add_fetch(&maker->made, 1, __ATOMIC_RELAXED);
    while (!all_are_there(maker))
        (void)sched_yield();
    if (maker->fail == COCO_ERR_IO)
        return coco_fail_errno(err, EMFILE, "no handshake");
    if (maker->fail != COCO_OK)
        return coco_fail(err, maker->fail, "no handshake");
    return coco_session_new(ret, err);
}

struct fixture {
    struct coco_sessions sessions;
    struct maker maker;
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){.maker = {.sessions = &fixture.sessions}};
    coco_sessions_init(&f->sessions, make, &f->maker);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_sessions_done(&f->sessions);
    coco_ctx_free(f->ctx);
    return 0;
}

static coco_status
take(struct fixture *f, bool renew, struct coco_session **ret, bool *fresh)
{
    return coco_sessions_take(&f->sessions, f->ctx, renew, ret, fresh, &f->err);
}

static void
a_session_is_made_once_and_again_when_it_is_over(void **state)
{
    struct fixture *f = *state;
    struct coco_session *got[4] = {NULL};
    bool fresh = false;

    assert_ok(take(f, false, &got[0], &fresh), f->err);
    assert_true(fresh);
    assert_ok(take(f, false, &got[1], &fresh), f->err);
    assert_false(fresh);
    assert_ptr_equal(got[0], got[1]);
    assert_int_equal(f->maker.made, 1);

    coco_sessions_drop(&f->sessions, got[0]);
    assert_ok(take(f, false, &got[2], &fresh), f->err);
    assert_true(fresh);
    assert_int_equal(f->maker.made, 2);
    /* Who learns late that the first is over does not end the second. */
    coco_sessions_drop(&f->sessions, got[0]);
    assert_ptr_equal(f->sessions.current, got[2]);

    assert_ok(take(f, true, &got[3], &fresh), f->err);
    assert_true(fresh);
    assert_ptr_not_equal(got[2], got[3]);
    assert_int_equal(f->maker.made, 3);
    for (size_t i = 0; i < 4; i++)
        coco_session_unref(got[i]);
}

static void
a_handshake_that_fails_leaves_the_session_that_was(void **state)
{
    struct fixture *f = *state;
    struct coco_session *first = NULL;
    struct coco_session *second = NULL;
    bool fresh = false;

    assert_ok(take(f, false, &first, &fresh), f->err);
    f->maker.fail = COCO_ERR_NET;
    assert_fails(take(f, true, &second, &fresh), f->err, COCO_ERR_NET, "no handshake");
    assert_ok(take(f, false, &second, &fresh), f->err);
    assert_ptr_equal(first, second);
    coco_session_unref(first);
    coco_session_unref(second);
}

/* What the system said is for the program to act on. */
static void
a_handshake_that_fails_tells_the_errno(void **state)
{
    struct fixture *f = *state;
    struct coco_session *session = NULL;
    bool fresh = false;

    f->maker.fail = COCO_ERR_IO;
    coco_status status = take(f, false, &session, &fresh);
    assert_int_equal(coco_error_errno(f->err), EMFILE);
    assert_fails(status, f->err, COCO_ERR_IO, "no handshake");
}

struct worker {
    pthread_t thread;
    struct fixture *f;
    coco_ctx *ctx; /* own, or the fixture's */
    coco_status status;
    struct coco_session *session;
    bool fresh;
};

static void *
work(void *self)
{
    struct worker *w = self;

    w->status = coco_sessions_take(&w->f->sessions, w->ctx, false, &w->session, &w->fresh, NULL);
    return NULL;
}

static void
start(struct worker *workers, struct fixture *f)
{
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.f = f, .ctx = f->ctx};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
}

static void
threads_share_one_handshake(void **state)
{
    struct fixture *f = *state;
    struct worker workers[THREADS];

    f->maker.wait_for = THREADS;
    start(workers, f);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    assert_int_equal(f->maker.made, 1);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].status, COCO_OK);
        assert_true(workers[i].fresh);
        assert_ptr_equal(workers[i].session, workers[0].session);
    }
    for (size_t i = 0; i < THREADS; i++)
        coco_session_unref(workers[i].session);
}

static void
threads_share_its_failure(void **state)
{
    struct fixture *f = *state;
    struct worker workers[THREADS];

    f->maker.wait_for = THREADS;
    f->maker.fail = COCO_ERR_DENIED;
    start(workers, f);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].status, COCO_ERR_DENIED);
        assert_null(workers[i].session);
    }
    assert_int_equal(f->maker.made, 1);
    assert_null(f->sessions.handshake);
}

/* Of those who wait, each waits for itself; of who makes it, the others make it anew. */
static void
one_that_is_canceled_takes_no_other_with_it(void **state)
{
    struct fixture *f = *state;
    struct worker patient = {.f = f, .ctx = f->ctx};
    struct worker canceled = {.f = f};

    assert_ok(coco_ctx_new(&canceled.ctx, &f->err), f->err);
    f->maker.wait_for = 2;
    assert_int_equal(pthread_create(&patient.thread, NULL, work, &patient), 0);
    while (__atomic_load_n(&f->maker.made, __ATOMIC_RELAXED) == 0)
        (void)sched_yield();
    coco_ctx_cancel(canceled.ctx);
    assert_null(work(&canceled));
    assert_int_equal(canceled.status, COCO_ERR_CANCELED);
    (void)pthread_mutex_lock(&f->sessions.lock);
    f->maker.wait_for = 1;
    (void)pthread_mutex_unlock(&f->sessions.lock);
    assert_int_equal(pthread_join(patient.thread, NULL), 0);
    assert_int_equal(patient.status, COCO_OK);
    coco_session_unref(patient.session);
    coco_ctx_free(canceled.ctx);
}

/* One that is made apart waits for the other, and is nobody else's. */
static void
a_session_apart_is_the_callers_alone(void **state)
{
    struct fixture *f = *state;
    struct worker shared = {.f = f, .ctx = f->ctx};
    _cleanup_(coco_session_unrefp) struct coco_session *apart = NULL;
    _cleanup_(coco_session_unrefp) struct coco_session *again = NULL;
    struct maker maker = {.sessions = &f->sessions, .wait_for = 1};
    bool fresh = true;

    f->maker.wait_for = 2;
    assert_int_equal(pthread_create(&shared.thread, NULL, work, &shared), 0);
    while (__atomic_load_n(&f->maker.made, __ATOMIC_RELAXED) == 0)
        (void)sched_yield();
    assert_ok(coco_sessions_take_apart(&f->sessions, f->ctx, make, &maker, &apart, &f->err),
              f->err);
    assert_int_equal(pthread_join(shared.thread, NULL), 0);
    assert_int_equal(shared.status, COCO_OK);
    assert_int_equal(f->maker.made, 1);
    assert_int_equal(maker.made, 1);
    assert_ptr_not_equal(apart, shared.session);
    assert_ok(coco_sessions_take(&f->sessions, f->ctx, false, &again, &fresh, &f->err), f->err);
    assert_ptr_equal(again, shared.session);
    assert_false(fresh);
    coco_session_unref(shared.session);
}

static void
a_session_apart_fails_alone(void **state)
{
    struct fixture *f = *state;
    struct coco_session *apart = NULL;
    struct maker maker = {.sessions = &f->sessions, .wait_for = 1, .fail = COCO_ERR_DENIED};

    assert_fails(coco_sessions_take_apart(&f->sessions, f->ctx, make, &maker, &apart, &f->err),
                 f->err, COCO_ERR_DENIED, "");
    assert_null(f->sessions.handshake);
    assert_null(f->sessions.current);
}

/* The first handshake is canceled, those that follow are not. */
static coco_status
make_after_one_that_is_canceled(void *user, coco_ctx *ctx, struct coco_session **ret,
                                coco_error **err)
{
    struct maker *maker = user;

    if (__atomic_load_n(&maker->made, __ATOMIC_RELAXED) > 0)
        maker->wait_for = 1;
    maker->fail = __atomic_load_n(&maker->made, __ATOMIC_RELAXED) > 0 ? COCO_OK : COCO_ERR_CANCELED;
    return make(maker, ctx, ret, err);
}

static void
a_canceled_handshake_is_made_by_another(void **state)
{
    struct fixture *f = *state;
    struct worker workers[THREADS];
    unsigned canceled = 0;

    f->sessions.make = make_after_one_that_is_canceled;
    f->maker.wait_for = THREADS;
    start(workers, f);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        canceled += workers[i].status == COCO_ERR_CANCELED;
        if (workers[i].status == COCO_OK)
            coco_session_unref(workers[i].session);
        else
            assert_int_equal(workers[i].status, COCO_ERR_CANCELED);
    }
    assert_int_equal(canceled, 1);
    assert_int_equal(f->maker.made, 2);
}

static void
taking_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        struct coco_session *session = NULL;
        bool fresh = false;

        coco_status status = take(f, true, &session, &fresh);
        fault_expect(status, f->err);
        coco_session_unref(session);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_is_made_once_and_again_when_it_is_over),
        TEST(a_handshake_that_fails_leaves_the_session_that_was),
        TEST(a_handshake_that_fails_tells_the_errno),
        TEST(threads_share_one_handshake),
        TEST(threads_share_its_failure),
        TEST(one_that_is_canceled_takes_no_other_with_it),
        TEST(a_session_apart_is_the_callers_alone),
        TEST(a_session_apart_fails_alone),
        TEST(a_canceled_handshake_is_made_by_another),
        TEST(taking_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
