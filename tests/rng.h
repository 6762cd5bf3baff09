/*
 * tests/rng.h - a random generator that stops working
 *
 *     for_each_rng_fault()
 *         rng_expect(call(..., &err), err);
 *
 * From the n-th draw on nothing random is to be had, for every n: the call fails,
 * or it is the last round.
 *
 * For all of OpenSSL: keys that it makes and signatures that it salts, too (T38).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_RNG_H
#define COCO_TESTS_RNG_H

#include "tests/support.h"

#define for_each_rng_fault() for (rng_begin(); rng_next();)

void rng_begin(void);
bool rng_next(void);
/* Repairs the generator; fails the test if it was missed and nobody said so. */
#define rng_expect(call, err)                                                                      \
    do {                                                                                           \
        coco_status status_ = (call);                                                              \
        rng_check(status_, err);                                                                   \
    } while (0)

void rng_check(coco_status status, coco_error *err);

/* The same for what fails in another way. */
void rng_expect_only(bool done);

/* For what the test itself draws in a round: it neither fails nor counts. */
void rng_pause(void);
void rng_resume(void);

/* Repairs the generator where for_each_rng_fault() is too much. */
void rng_end(void);

#endif
