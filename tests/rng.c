/*
 * tests/rng.c - a random generator that stops working
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD: a provider would be 200 lines */

#include "tests/rng.h"

#include <openssl/rand.h>
#include <stdatomic.h>

/* A server that is under test asks on a thread of its own. */
static atomic_long countdown;
static atomic_bool missed;
static atomic_bool paused;
static long round_no;

static int
fill(unsigned char *buf, int len)
{
    if (!atomic_load(&paused) && atomic_fetch_sub(&countdown, 1) <= 1) {
        atomic_store(&missed, true);
        return 0;
    }
    return RAND_OpenSSL()->bytes(buf, len);
}

static int
is_seeded(void)
{
    return 1;
}

void
rng_begin(void)
{
    round_no = 0;
    atomic_store(&missed, true);
}

bool
rng_next(void)
{
    static const RAND_METHOD failing = {.bytes = fill, .pseudorand = fill, .status = is_seeded};

    if (!atomic_load(&missed)) {
        print_message("# random bytes failed at %ld places\n", round_no - 1);
        assert_true(round_no > 1); /* or the call needs none, and the test is about nothing */
        return false;
    }
    atomic_store(&missed, false);
    atomic_store(&countdown, ++round_no);
    assert_int_equal(RAND_set_rand_method(&failing), 1);
    return true;
}

void
rng_pause(void)
{
    atomic_store(&paused, true);
}

void
rng_resume(void)
{
    atomic_store(&paused, false);
}

void
rng_end(void)
{
    assert_int_equal(RAND_set_rand_method(NULL), 1);
}

void
rng_expect_only(bool done)
{
    rng_end();
    if (atomic_load(&missed) == done)
        fail_msg("random bytes failed at place %ld: %s", round_no, done ? "unnoticed" : "or not");
}

void
rng_check(coco_status status, coco_error *err)
{
    rng_end();
    if (atomic_load(&missed) && status == COCO_OK)
        fail_msg("random bytes failed at place %ld unnoticed", round_no);
    if (!atomic_load(&missed) && status != COCO_OK)
        fail_msg("%s", coco_error_message(err));
    assert_int_equal(err ? coco_error_status(err) : COCO_OK, status);
}
