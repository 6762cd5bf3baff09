/*
 * tests/kbc/test_watch.c - lib/kbc/watch.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/watch.h"

#include "base/fail.h"
#include "kbc/driver.h"

#include "base/context.h"
#include "tests/canary.h"
#include "tests/kbc/fakekbs.h"

#include <stdlib.h>
#include <time.h>

#define ROTATED "the secret that took its place"
#define DENY ERROR("PolicyDeny", "no")

/* What happens while nobody looks, one after the other; and what was told of it. */
struct world {
    struct httpd httpd;
    struct kbs kbs;
    coco_ctx *ctx;
    coco_kbc *kbc;
    struct coco_clock clock;
    void (*const *events)(struct world *w); /* a NULL ends them, and the watch */
    unsigned waits;
    uint64_t least, most; /* ms of a wait */
    unsigned told;
    unsigned enough; /* 0: never */
    unsigned revoked;
    char last[64];
    unsigned warnings;
    int64_t now;     /* s: what is waited for passes */
    EVP_PKEY *other; /* of nobody */
    bool broken;     /* the clock */
    bool hurried;    /* nothing is waited for once a lease is over */
};

static int64_t
get_now(void *self)
{
    const struct world *w = self;

    return w->now;
}

static coco_status
wait_for_event(void *self, coco_ctx *ctx, uint64_t ms, coco_error **err)
{
    struct world *w = self;

    if (w->waits == 0 || ms < w->least)
        w->least = ms;
    if (ms > w->most)
        w->most = ms;
    w->now += (int64_t)((ms + 999) / 1000);
    if (!w->events[w->waits])
        coco_ctx_cancel(ctx);
    else
        w->events[w->waits](w);
    w->waits++;
    return w->broken ? coco_fail(err, COCO_ERR_IO, "broken") : coco_ctx_check(ctx, err);
}

static bool
tell(void *user, const uint8_t *data, size_t len)
{
    struct world *w = user;

    if (!data) {
        assert_int_equal(len, 0);
        w->revoked++;
        return true; /* which changes nothing */
    }
    (void)snprintf(w->last, sizeof(w->last), "%.*s", (int)len, (const char *)data);
    return ++w->told != w->enough;
}

static void
count(void *user, coco_log_level level, const char *message)
{
    struct world *w = user;

    if (level == COCO_LOG_WARN && strstr(message, "watching goes on"))
        w->warnings++;
}

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    coco_attester *attester = NULL;
    char params[128];
    coco_error *err = NULL;

    assert_non_null(w);
    fakekbs_begin(&w->kbs);
    w->other = EVP_EC_gen("P-256");
    assert_non_null(w->other);
    assert_int_equal(setenv("no_proxy", "*", 1), 0);
    assert_ok(coco_ctx_new(&w->ctx, &err), err);
    coco_ctx_set_log(w->ctx, COCO_LOG_WARN, count, w, NULL);
    httpd_start(&w->httpd, serve, &w->kbs, NULL);
    (void)snprintf(params, sizeof(params), "cc_kbc::%s", w->httpd.url);
    assert_ok(coco_kbc_new(params, &w->kbc, &err), err);
    coco_kbc_set_retries(w->kbc, 0);
    assert_ok(coco_attester_new("sample", &attester, &err), err);
    assert_ok(coco_kbc_set_attester(w->kbc, attester, &err), err);
    w->clock = (struct coco_clock){.now = get_now, .wait = wait_for_event, .self = w};
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;

    coco_kbc_free(w->kbc);
    httpd_stop(&w->httpd);
    fakekbs_end(&w->kbs);
    EVP_PKEY_free(w->other);
    coco_ctx_free(w->ctx);
    free(w);
    return 0;
}

static coco_status
watch(struct world *w, void (*const *events)(struct world *w), coco_error **err)
{
    const struct coco_watch watch = {
        .kbc = w->kbc,
        .uri = URI,
        .seconds = 100,
        .fn = tell,
        .user = w,
        .clock = &w->clock,
        .grace_ms = w->hurried ? 0 : 3600000,
    };

    w->events = events;
    return coco_watch_run(&watch, w->ctx, err);
}

static void
nothing(struct world *w)
{
    (void)w;
}

static void
rotate(struct world *w)
{
    w->kbs.secret = ROTATED;
    w->kbs.etag = w->kbs.etag ? "\"2\"" : NULL;
}

static void
rotate_back(struct world *w)
{
    w->kbs.secret = NULL;
    w->kbs.etag = w->kbs.etag ? "\"3\"" : NULL;
}

static void
cut(struct world *w)
{
    w->kbs.lies[GET] = (struct lie){.from = 1, .status = "502 Bad Gateway", .body = ""};
}

static void
mend(struct world *w)
{
    w->kbs.lies[GET] = (struct lie){0};
}

static void
deny(struct world *w)
{
    w->kbs.lies[GET] = (struct lie){.from = 1, .status = "401 Unauthorized", .body = DENY};
}

static void
lose(struct world *w)
{
    w->kbs.lies[GET] = (struct lie){
        .from = 1, .status = "404 Not Found", .body = ERROR("ResourceNotFound", "none")};
}

static void
retag(struct world *w)
{
    w->kbs.etag = "\"4\"";
}

static void
what_is_rotated_is_told_and_nothing_else(void **state)
{
    static void (*const events[])(struct world *) = {nothing, rotate, nothing, rotate_back, NULL};
    static const char *const etags[] = {NULL, "\"1\""};
    struct world *w = *state;

    for (size_t i = 0; i < COUNT(etags); i++) {
        coco_error *err = NULL;

        w->kbs.secret = NULL;
        w->kbs.etag = etags[i];
        w->told = 0;
        w->waits = 0;
        assert_fails(watch(w, events, &err), err, COCO_ERR_CANCELED, "");
        assert_int_equal(w->told, 3);
        assert_int_equal(w->waits, 5);
        assert_string_equal(w->last, SECRET);
        /* Secrets that a guest has already are not sent, if the broker knows. */
        assert_int_equal(w->kbs.not_modified, etags[i] ? 2 : 0);
        coco_ctx_free(w->ctx);
        assert_ok(coco_ctx_new(&w->ctx, &err), err);
    }
    assert_int_equal(w->kbs.asked[ATTEST], 1);
}

static void
the_same_under_another_tag_is_the_same(void **state)
{
    static void (*const events[])(struct world *) = {retag, nothing, NULL};
    struct world *w = *state;
    coco_error *err = NULL;

    w->kbs.etag = "\"1\"";
    assert_fails(watch(w, events, &err), err, COCO_ERR_CANCELED, "");
    assert_int_equal(w->told, 1);
    assert_int_equal(w->kbs.not_modified, 1);
}

/* A tag is the server's: one that is no header, or too long, is not shown to it again. */
static void
a_tag_that_is_too_long_is_none(void **state)
{
    static void (*const events[])(struct world *) = {nothing, rotate, NULL};
    struct world *w = *state;
    char etag[200];
    coco_error *err = NULL;

    memset(etag, 'a', sizeof(etag) - 1);
    etag[sizeof(etag) - 1] = '\0';
    w->kbs.etag = etag;
    assert_fails(watch(w, events, &err), err, COCO_ERR_CANCELED, "");
    assert_int_equal(w->told, 2);
    assert_int_equal(w->kbs.not_modified, 0);
}

static void
a_broker_that_is_away_is_waited_for(void **state)
{
    static void (*const events[])(struct world *) = {cut, nothing, rotate, mend, NULL};
    struct world *w = *state;
    coco_error *err = NULL;

    assert_fails(watch(w, events, &err), err, COCO_ERR_CANCELED, "");
    assert_int_equal(w->warnings, 3);
    assert_int_equal(w->told, 2);
    assert_string_equal(w->last, ROTATED);
}

static void
a_broker_that_is_not_there_at_first_is_a_failure(void **state)
{
    static void (*const events[])(struct world *) = {NULL};
    struct world *w = *state;
    coco_error *err = NULL;

    cut(w);
    assert_fails(watch(w, events, &err), err, COCO_ERR_NET, "502");
    assert_int_equal(w->waits, 0);
    assert_int_equal(w->revoked, 0);
}

static void
a_refusal_ends_it(void **state)
{
    static void (*const events[])(struct world *) = {nothing, deny, NULL};
    struct world *w = *state;
    coco_error *err = NULL;

    assert_fails(watch(w, events, &err), err, COCO_ERR_DENIED, "PolicyDeny");
    assert_int_equal(w->told, 1);
    assert_int_equal(w->revoked, 1);
    assert_int_equal(w->waits, 2);
}

static void
what_is_gone_is_taken_back(void **state)
{
    static void (*const events[])(struct world *) = {nothing, lose, NULL};
    struct world *w = *state;
    coco_error *err = NULL;

    assert_fails(watch(w, events, &err), err, COCO_ERR_NOTFOUND, "");
    assert_int_equal(w->revoked, 1);
}

/* Nothing was given yet that could be taken back. */
static void
who_never_had_it_loses_nothing(void **state)
{
    static void (*const events[])(struct world *) = {NULL};
    struct world *w = *state;
    coco_error *err = NULL;

    deny(w);
    assert_fails(watch(w, events, &err), err, COCO_ERR_DENIED, "");
    assert_int_equal(w->told + w->revoked, 0);
}

/* Before the time between looks is over, which is 100 s here. */
static void
a_lease_is_renewed_before_it_is_over(void **state)
{
    static void (*const events[])(struct world *) = {nothing, nothing, nothing, NULL};
    struct world *w = *state;
    coco_error *err = NULL;

    w->kbs.etag = "\"1\"";
    w->kbs.cache = "private, max-age=30";
    assert_fails(watch(w, events, &err), err, COCO_ERR_CANCELED, "");
    assert_true(w->least >= 15000 && w->most <= 20000);
    assert_int_equal(w->told, 1);
    assert_int_equal(w->revoked, 0);
    assert_int_equal(w->kbs.not_modified, 3);
}

static void
a_lease_that_could_not_be_renewed_is_over(void **state)
{
    void (*events[65])(struct world *) = {cut};
    struct world *w = *state;
    coco_error *err = NULL;

    for (size_t i = 1; i < 64; i++)
        events[i] = nothing;
    w->kbs.etag = "\"1\"";
    w->kbs.cache = "max-age=30";
    assert_fails(watch(w, events, &err), err, COCO_ERR_NET, "the lease is over");
    assert_int_equal(w->told, 1);
    assert_int_equal(w->revoked, 1);
    /* It was asked for some times until then, and not after. */
    assert_true(w->waits >= 3 && w->waits <= 10);
    assert_true(w->now >= 30 && w->now <= 32);
}

/* What who is on the way can say in the broker's place, who has no word for it. */
static void
garble(struct world *w)
{
    w->kbs.lies[GET] = (struct lie){.from = 1, .status = "200 OK", .body = "<html>"};
}

static void
redirect(struct world *w)
{
    w->kbs.lies[GET] = (struct lie){
        .from = 1, .status = "302 Found", .headers = "Location: http://other/\r\n", .body = ""};
}

static void
encrypt_to_another(struct world *w)
{
    w->kbs.other = w->other;
    w->kbs.etag = "\"9\"";
}

static void (*const falsehoods[])(struct world *) = {garble, redirect, encrypt_to_another};

static void
stop_lying(struct world *w)
{
    mend(w);
    w->kbs.other = NULL;
}

/* Or a lease would last as long as who is on the way likes. */
static void
a_lease_ends_whatever_is_said_on_the_way(void **state)
{
    void (*events[65])(struct world *) = {NULL};
    struct world *w = *state;

    for (size_t i = 1; i < 64; i++)
        events[i] = nothing;
    w->kbs.cache = "max-age=30";
    for (size_t i = 0; i < COUNT(falsehoods); i++) {
        coco_error *err = NULL;

        events[0] = falsehoods[i];
        w->kbs.etag = "\"1\"";
        w->waits = w->told = w->revoked = 0;
        w->now = 0;
        coco_status status = watch(w, events, &err);
        assert_fails(status, err, status, "the lease is over");
        assert_int_equal(w->told, 1);
        assert_int_equal(w->revoked, 1);
        assert_true(w->now >= 30 && w->now <= 32);
        stop_lying(w);
    }
}

static void
a_watch_outlives_what_is_said_on_the_way(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < COUNT(falsehoods); i++) {
        void (*const events[])(struct world *) = {falsehoods[i], stop_lying, rotate, NULL};
        coco_error *err = NULL;

        w->kbs.secret = NULL;
        w->kbs.etag = "\"1\"";
        w->waits = w->told = 0;
        assert_fails(watch(w, events, &err), err, COCO_ERR_CANCELED, "");
        assert_int_equal(w->told, 2);
        assert_int_equal(w->revoked, 0);
        assert_string_equal(w->last, ROTATED);
        coco_ctx_free(w->ctx);
        assert_ok(coco_ctx_new(&w->ctx, &err), err);
    }
}

static void
fail_to_wait(struct world *w)
{
    w->broken = true;
}

/* Who looks no longer does not see when it is over. */
static void
what_is_lent_is_taken_back_by_who_cannot_go_on(void **state)
{
    static void (*const events[])(struct world *) = {fail_to_wait, NULL};
    static const char *const caches[] = {"max-age=30", NULL};
    struct world *w = *state;

    for (size_t i = 0; i < COUNT(caches); i++) {
        coco_error *err = NULL;

        w->kbs.cache = caches[i];
        w->kbs.etag = "\"1\"";
        w->waits = w->revoked = 0;
        w->broken = false;
        assert_fails(watch(w, events, &err), err, COCO_ERR_IO, "broken");
        assert_int_equal(w->revoked, i == 0 ? 1 : 0);
    }
}

static void
trickle(struct world *w)
{
    w->kbs.lies[GET] = (struct lie){.from = 1};
}

static void
an_answer_that_does_not_end_is_not_waited_for(void **state)
{
    static void (*const events[])(struct world *) = {trickle, NULL};
    struct world *w = *state;
    coco_error *err = NULL;

    w->kbs.etag = "\"1\"";
    w->kbs.cache = "max-age=0";
    w->hurried = true;
    assert_fails(watch(w, events, &err), err, COCO_ERR_NET, "no answer in time");
    assert_int_equal(w->told, 1);
    assert_int_equal(w->revoked, 1);
}

/* The host has a hand in the time of day, and none in how long it is that the guest runs. */
static void
a_lease_is_not_told_by_the_time_of_day(void **state)
{
    struct timespec before;
    struct timespec after;

    (void)state;
    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &before), 0);
    int64_t now = coco_watch_clock.now(coco_watch_clock.self);
    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &after), 0);
    assert_true(before.tv_sec <= now && now <= after.tv_sec);
}

static void
a_broker_that_comes_back_in_time_renews_it(void **state)
{
    static void (*const events[])(struct world *) = {cut, nothing, mend, nothing, nothing, NULL};
    struct world *w = *state;
    coco_error *err = NULL;

    w->kbs.etag = "\"1\"";
    w->kbs.cache = "max-age=30";
    assert_fails(watch(w, events, &err), err, COCO_ERR_CANCELED, "");
    assert_int_equal(w->revoked, 0);
    assert_int_equal(w->warnings, 2);
    assert_true(w->now > 30);
}

/* The broker's word may be no time at all, or more than any clock has. */
static void
leases_may_be_of_any_length(void **state)
{
    static const char *const caches[] = {"max-age=0", "max-age=1", "max-age=x",
                                         "max-age=18446744073709551615"};
    static void (*const events[])(struct world *) = {nothing, nothing, NULL};
    struct world *w = *state;

    w->kbs.etag = "\"1\"";
    for (size_t i = 0; i < COUNT(caches); i++) {
        coco_error *err = NULL;

        w->kbs.cache = caches[i];
        w->waits = 0;
        w->most = 0;
        w->told = 0;
        assert_fails(watch(w, events, &err), err, COCO_ERR_CANCELED, "");
        assert_int_equal(w->told, 1);
        assert_int_equal(w->revoked, 0);
        assert_true(i < 3 ? w->most <= 1000 : w->least >= 500);
        coco_ctx_free(w->ctx);
        assert_ok(coco_ctx_new(&w->ctx, &err), err);
    }
}

static void
who_has_enough_is_told_no_more(void **state)
{
    static void (*const events[])(struct world *) = {rotate, NULL};
    struct world *w = *state;
    coco_error *err = NULL;

    w->enough = 2;
    assert_ok(watch(w, events, &err), err);
    assert_int_equal(w->told, 2);
}

static void
guests_do_not_look_all_at_once(void **state)
{
    void (*events[201])(struct world *) = {NULL};
    struct world *w = *state;
    coco_error *err = NULL;

    for (size_t i = 0; i < 200; i++)
        events[i] = nothing;
    w->kbs.etag = "\"1\"";
    assert_fails(watch(w, events, &err), err, COCO_ERR_CANCELED, "");
    assert_true(w->least >= 75000 && w->least < 85000);
    assert_true(w->most <= 125000 && w->most > 115000);
}

static void
a_time_between_looks_has_a_limit(void **state)
{
    struct world *w = *state;
    coco_error *err = NULL;

    assert_fails(coco_kbc_watch(w->kbc, w->ctx, URI, 86401, tell, w, &err), err, COCO_ERR_INVALID,
                 "86400");
    assert_fails(coco_kbc_watch(w->kbc, w->ctx, "kbs:///a", 1, tell, w, &err), err,
                 COCO_ERR_INVALID, "");
    w->enough = 1;
    assert_ok(coco_kbc_watch(w->kbc, w->ctx, URI, 0, tell, w, &err), err);
    assert_string_equal(w->last, SECRET);
}

/* Those that know no tags are compared by what they give. */
static void
other_clients_are_watched_too(void **state)
{
    static void (*const events[])(struct world *) = {nothing, NULL};
    struct world *w = *state;
    coco_error *err = NULL;

    coco_kbc_free(coco_steal(&w->kbc));
    assert_ok(coco_kbc_new("sample_kbc::", &w->kbc, &err), err);
    assert_fails(watch(w, events, &err), err, COCO_ERR_CANCELED, "");
    assert_int_equal(w->waits, 2);
    assert_int_equal(w->told, 1);
}

static void
watching_survives_any_failed_allocation(void **state)
{
    static void (*const events[])(struct world *) = {rotate, NULL};
    struct world *w = *state;
    coco_error *err = NULL;

    w->kbs.etag = "\"1\"";
    w->enough = 2;
    for_each_fault()
    {
        w->told = 0;
        w->waits = 0;
        w->kbs.secret = NULL;
        w->kbs.etag = "\"1\"";
        w->kbs.cache = "max-age=60";
        coco_status status = watch(w, events, &err);
        fault_expect(status, err);
    }
}

static void
what_was_watched_is_wiped(void **state)
{
    static void (*const events[])(struct world *) = {rotate, NULL};
    struct world *w = *state;
    coco_error *err = NULL;

    w->enough = 2;
    canary_begin(SECRET, strlen(SECRET));
    assert_ok(watch(w, events, &err), err);
    assert_int_equal(canary_end(), 0);
}

int
main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(what_is_rotated_is_told_and_nothing_else),
        IN_WORLD(the_same_under_another_tag_is_the_same),
        IN_WORLD(a_tag_that_is_too_long_is_none),
        IN_WORLD(a_broker_that_is_away_is_waited_for),
        IN_WORLD(a_broker_that_is_not_there_at_first_is_a_failure),
        IN_WORLD(a_refusal_ends_it),
        IN_WORLD(what_is_gone_is_taken_back),
        IN_WORLD(who_never_had_it_loses_nothing),
        IN_WORLD(a_lease_is_renewed_before_it_is_over),
        IN_WORLD(a_lease_that_could_not_be_renewed_is_over),
        IN_WORLD(a_lease_ends_whatever_is_said_on_the_way),
        IN_WORLD(a_watch_outlives_what_is_said_on_the_way),
        IN_WORLD(what_is_lent_is_taken_back_by_who_cannot_go_on),
        IN_WORLD(an_answer_that_does_not_end_is_not_waited_for),
        IN_WORLD(a_lease_is_not_told_by_the_time_of_day),
        IN_WORLD(a_broker_that_comes_back_in_time_renews_it),
        IN_WORLD(leases_may_be_of_any_length),
        IN_WORLD(who_has_enough_is_told_no_more),
        IN_WORLD(guests_do_not_look_all_at_once),
        IN_WORLD(a_time_between_looks_has_a_limit),
        IN_WORLD(other_clients_are_watched_too),
        IN_WORLD(watching_survives_any_failed_allocation),
        IN_WORLD(what_was_watched_is_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
