/*
 * tests/verifier/failing.h - which checks of a verdict do not hold
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_VERIFIER_FAILING_H
#define COCO_TESTS_VERIFIER_FAILING_H

#include "tests/support.h"

#include <coco/verifier.h>
#include <string.h>

/* Those that do not hold are the checks of these names, each with a space behind it. */
static inline void
assert_names_of_failing(const coco_verdict *verdict, const char *names)
{
    char text[1024] = "";

    for (size_t i = 0; i < coco_verdict_check_count(verdict); i++)
        if (!coco_verdict_check_ok(verdict, i)) {
            (void)strncat(text, coco_verdict_check_name(verdict, i), 64);
            (void)strncat(text, " ", 2);
        }
    assert_string_equal(text, names);
}

/* The same, and the verdict is valid if there are none: whoever verified allowed none of them. */
static inline void
assert_failing_checks(const coco_verdict *verdict, const char *names)
{
    assert_names_of_failing(verdict, names);
    assert_int_equal(coco_verdict_valid(verdict), names[0] == '\0');
}

#endif
