/*
 * tests/canary.h - find secrets in memory that was given back
 *
 *     canary_begin(key, sizeof(key));
 *     coco_secret_done(&secret);
 *     assert_int_equal(canary_end(), 0);  no block that was freed since held key
 *
 * Sees what the code under test frees itself and through cJSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_CANARY_H
#define COCO_TESTS_CANARY_H

#include "tests/support.h"

/* bytes is lent until canary_end(); the test's own copies must stay allocated until then. */
void canary_begin(const void *bytes, size_t len);
/* How many freed blocks held the bytes. */
unsigned canary_end(void);

/* Has OpenSSL's memory looked at as well: the first thing that main() does, if at all. */
void canary_watch_openssl(void);

/* For the allocator's wrappers in faults.c. */
void canary_look_at(void *block);

#endif
