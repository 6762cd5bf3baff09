/*
 * tests/base/test_relay.c - lib/base/relay.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/relay.h"

#include "base/fail.h"
#include "tests/canary.h"
#include "tests/faults.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>

#define RING COCO_RELAY_SIZE_MIN
#define STREAM ((size_t)3 << 20)

static coco_error *err;

/* A last stage: keeps what it is given, and fails where it is told to. */
struct last {
    uint8_t *bytes; /* room for STREAM of them */
    size_t len;
    size_t fail_at; /* fails with the byte of this number */
    bool fail_end;
    bool ended;
    sem_t *gate; /* waits for it in each write */
    pthread_t thread;
    sigset_t blocked;
};

static coco_status
last_write(void *self, const uint8_t *data, size_t len, coco_error **error)
{
    struct last *last = self;

    last->thread = pthread_self();
    (void)pthread_sigmask(SIG_BLOCK, NULL, &last->blocked);
    while (last->gate && sem_wait(last->gate) != 0)
        ;
    if (len > STREAM - last->len || (last->fail_at > 0 && last->len + len >= last->fail_at))
        return coco_fail(error, COCO_ERR_VERIFY, "not this byte");
    memcpy(last->bytes + last->len, data, len);
    last->len += len;
    return COCO_OK;
}

static coco_status
last_end(void *self, coco_error **error)
{
    struct last *last = self;

    if (last->fail_end)
        return coco_fail(error, COCO_ERR_PROTO, "not this end");
    last->ended = true;
    return COCO_OK;
}

static struct coco_sink
sink_of(struct last *last)
{
    return (struct coco_sink){.write = last_write, .end = last_end, .self = last};
}

/* Bytes of which no two neighbouring runs are alike. */
static uint8_t *
make_stream(void)
{
    uint8_t *bytes = malloc(STREAM);
    uint32_t x = 1;

    assert_non_null(bytes);
    for (size_t i = 0; i < STREAM; i++) {
        x = x * 1664525U + 1013904223U;
        bytes[i] = (uint8_t)(x >> 24);
    }
    return bytes;
}

/* Writes the stream in pieces of many sizes; the first failure ends it. */
static coco_status
write_stream(const struct coco_sink *sink, const uint8_t *bytes)
{
    size_t piece = 1;
    coco_status status = COCO_OK;

    for (size_t i = 0; status == COCO_OK && i < STREAM; i += piece) {
        piece = (piece * 7 + 13) % 40961;
        piece = piece < STREAM - i ? piece : STREAM - i;
        status = coco_sink_write(sink, bytes + i, piece, &err);
    }
    return status == COCO_OK ? coco_sink_end(sink, &err) : status;
}

static void
bytes_come_out_in_order_and_whole(void **state)
{
    _cleanup_free_ uint8_t *bytes = make_stream();
    _cleanup_free_ uint8_t *got = malloc(STREAM);

    (void)state;
    for (size_t size = 0; size <= 4 * RING + 1; size += RING + 1) {
        _cleanup_(coco_relay_freep) struct coco_relay *relay = NULL;
        struct last last = {.bytes = got};
        const struct coco_sink next = sink_of(&last);

        assert_ok(coco_relay_new(size, &next, 1, &relay, &err), err);
        const struct coco_sink sink = coco_relay_sink(relay);
        assert_ok(write_stream(&sink, bytes), err);
        assert_true(last.ended);
        assert_int_equal(last.len, STREAM);
        assert_memory_equal(got, bytes, STREAM);
    }
}

static void
relays_may_follow_each_other(void **state)
{
    _cleanup_free_ uint8_t *bytes = make_stream();
    _cleanup_free_ uint8_t *got = malloc(STREAM);
    _cleanup_(coco_relay_freep) struct coco_relay *third = NULL;
    _cleanup_(coco_relay_freep) struct coco_relay *second = NULL;
    _cleanup_(coco_relay_freep) struct coco_relay *first = NULL;
    struct last last = {.bytes = got};

    (void)state;
    struct coco_sink sink = sink_of(&last);
    assert_ok(coco_relay_new(RING, &sink, 1, &third, &err), err);
    sink = coco_relay_sink(third);
    assert_ok(coco_relay_new(2 * RING, &sink, 1, &second, &err), err);
    sink = coco_relay_sink(second);
    assert_ok(coco_relay_new(RING, &sink, 1, &first, &err), err);
    sink = coco_relay_sink(first);
    assert_ok(write_stream(&sink, bytes), err);
    assert_true(last.ended);
    assert_memory_equal(got, bytes, STREAM);
}

static void
an_empty_stream_ends_too(void **state)
{
    _cleanup_(coco_relay_freep) struct coco_relay *relay = NULL;
    struct last last = {0};
    const struct coco_sink next = sink_of(&last);

    (void)state;
    assert_ok(coco_relay_new(RING, &next, 1, &relay, &err), err);
    const struct coco_sink sink = coco_relay_sink(relay);
    assert_ok(coco_sink_end(&sink, &err), err);
    assert_true(last.ended);
}

static void
a_failure_behind_comes_out_of_a_later_write(void **state)
{
    _cleanup_free_ uint8_t *bytes = make_stream();
    _cleanup_free_ uint8_t *got = malloc(STREAM);

    (void)state;
    for (size_t at = 1; at < STREAM; at += STREAM / 5) {
        _cleanup_(coco_relay_freep) struct coco_relay *third = NULL;
        _cleanup_(coco_relay_freep) struct coco_relay *relay = NULL;
        struct last last = {.bytes = got, .fail_at = at};

        struct coco_sink sink = sink_of(&last);
        assert_ok(coco_relay_new(RING, &sink, 1, &third, &err), err);
        sink = coco_relay_sink(third);
        assert_ok(coco_relay_new(RING, &sink, 1, &relay, &err), err);
        sink = coco_relay_sink(relay);
        assert_fails(write_stream(&sink, bytes), err, COCO_ERR_VERIFY, "not this byte");
        assert_false(last.ended);
        /* Dead: it says so again, whether or not there is a message left. */
        assert_int_equal(coco_sink_write(&sink, bytes, 1, NULL), COCO_ERR_VERIFY);
        assert_int_equal(coco_sink_end(&sink, NULL), COCO_ERR_VERIFY);
    }
}

/* One of them is slow: the other waits for it as soon as the ring is full, and both get all. */
static void
two_stages_get_the_same(void **state)
{
    _cleanup_free_ uint8_t *bytes = make_stream();
    _cleanup_free_ uint8_t *one = malloc(STREAM);
    _cleanup_free_ uint8_t *other = malloc(STREAM);
    uint8_t *const got[] = {one, other};
    sem_t gate;

    (void)state;
    for (int slow = -1; slow < 2; slow++) {
        _cleanup_(coco_relay_freep) struct coco_relay *relay = NULL;
        struct last last[2] = {{.bytes = got[0]}, {.bytes = got[1]}};
        const struct coco_sink nexts[] = {sink_of(&last[0]), sink_of(&last[1])};

        assert_int_equal(sem_init(&gate, 0, 0), 0);
        if (slow >= 0)
            last[slow].gate = &gate;
        assert_ok(coco_relay_new(RING, nexts, 2, &relay, &err), err);
        const struct coco_sink sink = coco_relay_sink(relay);
        assert_ok(coco_sink_write(&sink, bytes, RING, &err), err);
        for (size_t i = 0; i < STREAM; i++)
            assert_int_equal(sem_post(&gate), 0);
        for (size_t i = RING; i < STREAM; i += RING)
            assert_ok(
                coco_sink_write(&sink, bytes + i, STREAM - i < RING ? STREAM - i : RING, &err),
                err);
        assert_ok(coco_sink_end(&sink, &err), err);
        for (int i = 0; i < 2; i++) {
            assert_true(last[i].ended);
            assert_int_equal(last[i].len, STREAM);
            assert_memory_equal(got[i], bytes, STREAM);
        }
    }
}

static void
of_two_stages_either_may_fail(void **state)
{
    _cleanup_free_ uint8_t *bytes = make_stream();
    _cleanup_free_ uint8_t *one = malloc(STREAM);
    _cleanup_free_ uint8_t *other = malloc(STREAM);
    uint8_t *const got[] = {one, other};

    (void)state;
    for (int bad = 0; bad < 2; bad++) {
        _cleanup_(coco_relay_freep) struct coco_relay *relay = NULL;
        struct last last[2] = {{.bytes = got[0]}, {.bytes = got[1]}};
        const struct coco_sink nexts[] = {sink_of(&last[0]), sink_of(&last[1])};

        last[bad].fail_at = STREAM / 2;
        assert_ok(coco_relay_new(RING, nexts, 2, &relay, &err), err);
        const struct coco_sink sink = coco_relay_sink(relay);
        assert_fails(write_stream(&sink, bytes), err, COCO_ERR_VERIFY, "not this byte");
        assert_false(last[0].ended || last[1].ended);
    }
}

/* Each second piece is made where the relay wants it, and may be less than was lent. */
static void
what_is_made_in_the_ring_comes_out_as_what_is_written(void **state)
{
    _cleanup_free_ uint8_t *bytes = make_stream();
    _cleanup_free_ uint8_t *got = malloc(STREAM);
    _cleanup_(coco_relay_freep) struct coco_relay *relay = NULL;
    struct last last = {.bytes = got};
    const struct coco_sink next = sink_of(&last);
    size_t lent = 0;

    (void)state;
    assert_ok(coco_relay_new(RING, &next, 1, &relay, &err), err);
    const struct coco_sink sink = coco_relay_sink(relay);
    for (size_t i = 0, piece = 1; i < STREAM; i += piece) {
        const uint8_t *from = bytes + i;
        size_t room = 0;

        piece = (piece * 7 + 13) % 4093 + 1;
        piece = piece < STREAM - i ? piece : STREAM - i;
        uint8_t *at = i % 2 ? coco_sink_lend(&sink, &room) : NULL;
        if (at && room > 0) {
            piece = piece < room ? piece : room;
            memcpy(at, bytes + i, piece);
            from = at;
            lent += piece;
        }
        assert_ok(coco_sink_write(&sink, from, piece, &err), err);
    }
    assert_ok(coco_sink_end(&sink, &err), err);
    assert_true(lent > STREAM / 4);
    assert_int_equal(last.len, STREAM);
    assert_memory_equal(got, bytes, STREAM);
}

static void
nothing_is_lent_once_a_stage_has_failed(void **state)
{
    _cleanup_free_ uint8_t *got = malloc(STREAM);
    _cleanup_(coco_relay_freep) struct coco_relay *relay = NULL;
    struct last last = {.bytes = got, .fail_at = 1};
    const struct coco_sink next = sink_of(&last);
    size_t room = 0;
    uint8_t *at;

    (void)state;
    assert_ok(coco_relay_new(RING, &next, 1, &relay, &err), err);
    const struct coco_sink sink = coco_relay_sink(relay);
    /* What is lent is never more than the ring, so that the full one waits for the failure. */
    while ((at = coco_sink_lend(&sink, &room)) != NULL) {
        memset(at, 1, room);
        if (coco_sink_write(&sink, at, room, &err) != COCO_OK)
            break;
    }
    coco_error_free(err);
    err = NULL;
    assert_null(coco_sink_lend(&sink, &room));
    assert_fails(coco_sink_end(&sink, &err), err, COCO_ERR_VERIFY, "");
}

/* Whichever is done first. */
static void
of_two_failures_at_the_end_the_first_stages_is_heard(void **state)
{
    uint8_t got[2][8];

    (void)state;
    for (int i = 0; i < 100; i++) {
        _cleanup_(coco_relay_freep) struct coco_relay *relay = NULL;
        struct last last[2] = {{.bytes = got[0], .fail_end = true},
                               {.bytes = got[1], .fail_at = 1}};
        const struct coco_sink nexts[] = {sink_of(&last[0]), sink_of(&last[1])};

        assert_ok(coco_relay_new(RING, nexts, 2, &relay, &err), err);
        const struct coco_sink sink = coco_relay_sink(relay);
        assert_ok(coco_sink_write(&sink, "abc", 3, &err), err);
        assert_fails(coco_sink_end(&sink, &err), err, COCO_ERR_PROTO, "not this end");
    }
}

static void
a_failure_at_the_end_comes_out_of_the_end(void **state)
{
    _cleanup_(coco_relay_freep) struct coco_relay *relay = NULL;
    uint8_t got[8];
    struct last last = {.bytes = got, .fail_end = true};
    const struct coco_sink next = sink_of(&last);

    (void)state;
    assert_ok(coco_relay_new(RING, &next, 1, &relay, &err), err);
    const struct coco_sink sink = coco_relay_sink(relay);
    assert_ok(coco_sink_write(&sink, "abc", 3, &err), err);
    assert_fails(coco_sink_end(&sink, &err), err, COCO_ERR_PROTO, "not this end");
}

/* The gate is closed: a whole ring is taken all the same, and nothing of it is passed on. */
static void
a_ring_is_taken_while_the_stage_behind_is_busy(void **state)
{
    _cleanup_free_ uint8_t *bytes = make_stream();
    _cleanup_free_ uint8_t *got = malloc(STREAM);
    _cleanup_(coco_relay_freep) struct coco_relay *relay = NULL;
    sem_t gate;
    struct last last = {.bytes = got, .gate = &gate};
    const struct coco_sink next = sink_of(&last);

    (void)state;
    assert_int_equal(sem_init(&gate, 0, 0), 0);
    assert_ok(coco_relay_new(RING, &next, 1, &relay, &err), err);
    const struct coco_sink sink = coco_relay_sink(relay);
    assert_ok(coco_sink_write(&sink, bytes, RING, &err), err);
    assert_int_equal(last.len, 0);
    for (size_t i = 0; i < RING; i++)
        assert_int_equal(sem_post(&gate), 0);
    assert_ok(coco_sink_end(&sink, &err), err);
    assert_int_equal(last.len, RING);
    assert_memory_equal(got, bytes, RING);
}

/* The stage behind is in a call when the relay goes: the call is waited for, and the last. */
static void
what_is_given_up_is_not_passed_on(void **state)
{
    _cleanup_free_ uint8_t *bytes = make_stream();
    _cleanup_free_ uint8_t *got = malloc(STREAM);
    struct coco_relay *relay = NULL;
    sem_t gate;
    struct last last = {.bytes = got, .gate = &gate};
    const struct coco_sink next = sink_of(&last);

    (void)state;
    assert_int_equal(sem_init(&gate, 0, 1), 0);
    assert_ok(coco_relay_new(RING, &next, 1, &relay, &err), err);
    const struct coco_sink sink = coco_relay_sink(relay);
    assert_ok(coco_sink_write(&sink, bytes, 100, &err), err);
    coco_relay_free(relay);
    assert_int_equal(last.len, 0);
    assert_false(last.ended);
}

static void
the_stage_behind_has_a_thread_without_signals(void **state)
{
    _cleanup_(coco_relay_freep) struct coco_relay *relay = NULL;
    sigset_t before, after;
    uint8_t got[8];
    struct last last = {.bytes = got};
    const struct coco_sink next = sink_of(&last);

    (void)state;
    (void)pthread_sigmask(SIG_BLOCK, NULL, &before);
    assert_ok(coco_relay_new(RING, &next, 1, &relay, &err), err);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &after);
    const struct coco_sink sink = coco_relay_sink(relay);
    assert_ok(coco_sink_write(&sink, "abc", 3, &err), err);
    assert_ok(coco_sink_end(&sink, &err), err);
    assert_false(pthread_equal(last.thread, pthread_self()));
    assert_true(sigismember(&last.blocked, SIGINT));
    assert_true(sigismember(&last.blocked, SIGTERM));
    assert_int_equal(sigismember(&after, SIGINT), sigismember(&before, SIGINT));
}

static void
what_passed_is_wiped(void **state)
{
    static const char secret[] = "correct horse battery staple";
    uint8_t got[64];
    struct last last = {.bytes = got};
    const struct coco_sink next = sink_of(&last);
    struct coco_relay *relay = NULL;

    (void)state;
    canary_begin(secret, sizeof(secret));
    assert_ok(coco_relay_new(RING, &next, 1, &relay, &err), err);
    const struct coco_sink sink = coco_relay_sink(relay);
    assert_ok(coco_sink_write(&sink, secret, sizeof(secret), &err), err);
    assert_ok(coco_sink_end(&sink, &err), err);
    coco_relay_free(relay);
    assert_int_equal(canary_end(), 0);
}

static void
a_relay_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_(coco_relay_freep) struct coco_relay *relay = NULL;
        uint8_t got[8];
        struct last last = {.bytes = got};
        const struct coco_sink next = sink_of(&last);

        coco_status status = coco_relay_new(RING, &next, 1, &relay, &err);
        if (status == COCO_OK) {
            const struct coco_sink sink = coco_relay_sink(relay);

            status = coco_sink_write(&sink, "abc", 3, &err);
            if (status == COCO_OK)
                status = coco_sink_end(&sink, &err);
        }
        fault_expect(status, err);
        coco_error_free(coco_steal(&err));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_out_in_order_and_whole),
        cmocka_unit_test(relays_may_follow_each_other),
        cmocka_unit_test(an_empty_stream_ends_too),
        cmocka_unit_test(a_failure_behind_comes_out_of_a_later_write),
        cmocka_unit_test(two_stages_get_the_same),
        cmocka_unit_test(of_two_stages_either_may_fail),
        cmocka_unit_test(what_is_made_in_the_ring_comes_out_as_what_is_written),
        cmocka_unit_test(nothing_is_lent_once_a_stage_has_failed),
        cmocka_unit_test(of_two_failures_at_the_end_the_first_stages_is_heard),
        cmocka_unit_test(a_failure_at_the_end_comes_out_of_the_end),
        cmocka_unit_test(a_ring_is_taken_while_the_stage_behind_is_busy),
        cmocka_unit_test(what_is_given_up_is_not_passed_on),
        cmocka_unit_test(the_stage_behind_has_a_thread_without_signals),
        cmocka_unit_test(what_passed_is_wiped),
        cmocka_unit_test(a_relay_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
