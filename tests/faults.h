/*
 * tests/faults.h - make the n-th allocation fail
 *
 * Tests are linked so that malloc() and its kin, as the code under test and
 * cJSON call them, come here first. Then
 *
 *     for_each_fault() {
 *         status = call(..., &err);  fails once for every allocation it makes
 *         fault_expect(status, err); COCO_ERR_NOMEM, or COCO_OK on the last round; no err is left
 *     }
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_FAULTS_H
#define COCO_TESTS_FAULTS_H

#include "tests/support.h"

#define for_each_fault() for (faults_begin(); faults_next();)

#define fault_expect(status, err)                                                                  \
    do {                                                                                           \
        fault_check((status), (err));                                                              \
        coco_error_free(err);                                                                      \
        (err) = NULL;                                                                              \
    } while (0)

void faults_begin(void);
bool faults_next(void);
void fault_check(coco_status status, const coco_error *err);

/*
 * From here on those of OpenSSL count, too: first thing in main(), for it must not have allocated
 * yet. What it makes of a failure is its own, so that fault_expect() is not for that: a call may
 * refuse, or come to what it comes to without.
 */
void faults_of_openssl(void);

/* For allocations of a round that are the test's own: none of them fails, nor counts. */
void faults_pause(void);
void faults_resume(void);

#endif
