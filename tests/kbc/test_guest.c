/*
 * tests/kbc/test_guest.c - lib/kbc/guest.c
 *
 * What a handshake does when the network, or the KBS, goes away in the middle; what
 * it says and understands is tested with all of the client, in test_cc_kbc.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/guest.h"

#include "base/context.h"
#include "tests/kbc/fakekbs.h"

#include <stdlib.h>

#define USED ERROR("AttestationError", "the nonce was used before")

struct fixture {
    struct httpd httpd;
    struct kbs kbs;
    coco_ctx *ctx;
    struct coco_guest guest;
    coco_error *err;
};

static struct fixture fixture;

static int64_t
no_now(void *self)
{
    (void)self;
    return 1800000000;
}

static coco_status
no_wait(void *self, coco_ctx *ctx, uint64_t ms, coco_error **err)
{
    (void)self;
    (void)ms;
    return coco_ctx_check(ctx, err);
}

static int
setup(void **state)
{
    static const struct coco_clock clock = {.now = no_now, .wait = no_wait};
    const struct coco_retry_policy policy = {.retries = 2, .clock = &clock};
    struct fixture *f = &fixture;

    *f = (struct fixture){0};
    fakekbs_begin(&f->kbs);
    assert_int_equal(setenv("no_proxy", "*", 1), 0);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    httpd_start(&f->httpd, serve, &f->kbs, NULL);
    assert_ok(coco_guest_init(&f->guest, f->httpd.url, &f->err), f->err);
    assert_ok(coco_attester_new("sample", &f->guest.attester, &f->err), f->err);
    coco_broker_set_retry(f->guest.broker, &policy);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_guest_done(&f->guest);
    httpd_stop(&f->httpd);
    fakekbs_end(&f->kbs);
    coco_ctx_free(f->ctx);
    return 0;
}

static void
assert_asked(const struct fixture *f, unsigned auth, unsigned attest)
{
    assert_int_equal(f->kbs.asked[AUTH], auth);
    assert_int_equal(f->kbs.asked[ATTEST], attest);
}

static void
a_handshake_gives_a_session(void **state)
{
    struct fixture *f = *state;
    struct coco_session *session = NULL;

    assert_ok(coco_guest_attest(&f->guest, f->ctx, NULL, &session, &f->err), f->err);
    assert_string_equal((const char *)session->token.data, "header.payload.signature");
    assert_int_equal(session->version, COCO_RCAR_NEWEST);
    assert_int_equal(session->cookies.n, 1);
    assert_int_equal(EVP_PKEY_eq(session->key, f->kbs.guest), 1);
    assert_asked(f, 1, 1);
    coco_session_unref(session);
}

/* Cut before the KBS has heard of it, or after it: it takes what it is sent again. */
static void
a_network_that_fails_is_tried_again(void **state)
{
    static const enum step steps[] = {AUTH, ATTEST};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(steps); i++) {
        struct coco_session *session = NULL;

        memset(f->kbs.lies, 0, sizeof(f->kbs.lies));
        memset(f->kbs.asked, 0, sizeof(f->kbs.asked));
        f->kbs.lies[steps[i]] = (struct lie){.from = 1, .to = 2, .cut = true};
        assert_ok(coco_guest_attest(&f->guest, f->ctx, NULL, &session, &f->err), f->err);
        assert_asked(f, steps[i] == AUTH ? 3 : 1, steps[i] == ATTEST ? 3 : 1);
        coco_session_unref(session);
    }
}

static void
a_network_that_stays_away_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct coco_session *session = NULL;

    f->kbs.lies[ATTEST] = (struct lie){.from = 1, .cut = true};
    assert_fails(coco_guest_attest(&f->guest, f->ctx, NULL, &session, &f->err), f->err,
                 COCO_ERR_NET, "attestation");
    assert_int_equal(f->kbs.asked[AUTH], 1);
    assert_in_range(f->kbs.asked[ATTEST], 3, 4);
    assert_null(session);
}

/* The answer to good evidence gets lost; the second time the nonce is used up. */
static void
a_nonce_that_was_used_up_unheard_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct coco_session *session = NULL;

    f->kbs.lies[ATTEST] = (struct lie){.from = 1, .to = 1, .cut = true};
    f->kbs.refuse_again = USED;
    assert_ok(coco_guest_attest(&f->guest, f->ctx, NULL, &session, &f->err), f->err);
    assert_asked(f, 2, 3);
    coco_session_unref(session);
}

/* A no to evidence that was sent once is a no. */
static void
a_refusal_is_not_asked_for_twice(void **state)
{
    struct fixture *f = *state;
    struct coco_session *session = NULL;

    f->kbs.lies[ATTEST] = (struct lie){.from = 1, .status = "401 Unauthorized", .body = USED};
    assert_fails(coco_guest_attest(&f->guest, f->ctx, NULL, &session, &f->err), f->err,
                 COCO_ERR_DENIED, "used before");
    assert_asked(f, 1, 1);
}

/* And one that is said to two challenges, too. */
static void
a_refusal_after_a_cut_is_believed_the_second_time(void **state)
{
    struct fixture *f = *state;
    struct coco_session *session = NULL;

    f->kbs.lies[ATTEST] = (struct lie){.from = 1, .to = 1, .cut = true};
    f->kbs.refuse_all = USED;
    assert_fails(coco_guest_attest(&f->guest, f->ctx, NULL, &session, &f->err), f->err,
                 COCO_ERR_DENIED, "used before");
    assert_asked(f, 2, 3);
}

static void
a_guest_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        struct coco_session *session = NULL;

        coco_status status = coco_guest_attest(&f->guest, f->ctx, NULL, &session, &f->err);
        fault_expect(status, f->err);
        coco_session_unref(session);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_handshake_gives_a_session),
        TEST(a_network_that_fails_is_tried_again),
        TEST(a_network_that_stays_away_is_an_error),
        TEST(a_nonce_that_was_used_up_unheard_is_replaced),
        TEST(a_refusal_is_not_asked_for_twice),
        TEST(a_refusal_after_a_cut_is_believed_the_second_time),
        TEST(a_guest_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
