/*
 * tests/verifier/test_verdict.c - lib/verifier/verdict.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/verdict.h"

#include "base/fail.h"
#include "tests/faults.h"

#include <string.h>

static coco_verdict *
empty(void)
{
    coco_verdict *verdict = calloc(1, sizeof(*verdict));

    assert_non_null(verdict);
    return verdict;
}

static void
no_check_made_is_not_valid(void **state)
{
    coco_verdict verdict = {0};

    (void)state;
    assert_false(coco_verdict_valid(&verdict));
}

static void
one_failing_check_is_enough(void **state)
{
    coco_verdict verdict = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_verdict_add(&verdict, "signature", true, "1", "1", &err), err);
    assert_true(coco_verdict_valid(&verdict));
    assert_ok(coco_verdict_add(&verdict, "debug", false, "1", "2", &err), err);
    assert_ok(coco_verdict_add(&verdict, "root", true, "1", "1", &err), err);
    assert_false(coco_verdict_valid(&verdict));
    assert_int_equal(coco_verdict_check_count(&verdict), 3);
    assert_string_equal(coco_verdict_check_name(&verdict, 1), "debug");
    assert_string_equal(coco_verdict_check_want(&verdict, 1), "1");
    assert_string_equal(coco_verdict_check_got(&verdict, 1), "2");
    assert_false(coco_verdict_check_ok(&verdict, 1));
    for (size_t i = 0; i < verdict.n_checks; i++) {
        free(verdict.checks[i].want);
        free(verdict.checks[i].got);
    }
}

static void
there_is_nothing_past_the_last_check(void **state)
{
    coco_verdict verdict = {0};

    (void)state;
    assert_null(coco_verdict_check_name(&verdict, 0));
    assert_null(coco_verdict_check_want(&verdict, SIZE_MAX));
    assert_null(coco_verdict_check_got(&verdict, 0));
    assert_false(coco_verdict_check_ok(&verdict, 0));
    assert_string_equal(coco_verdict_claims(&verdict), "");
    coco_verdict_free(NULL);
}

static void
bytes_are_equal_when_only_zeros_follow(void **state)
{
    static const struct {
        const char *want;
        size_t want_len;
        const char *got;
        size_t got_len;
        bool ok;
    } cases[] = {
        {"abc", 3, "abc", 3, true},      {"abc", 3, "abc\0\0", 5, true},
        {"abc", 3, "abc\0\1", 5, false}, {"abc", 3, "abd", 3, false},
        {"abc", 3, "ab", 2, false},      {"abc\0", 4, "abc", 3, false},
        {"abc", 3, "xbc\0", 4, false},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        coco_verdict verdict = {0};

        assert_ok(coco_verdict_add_bytes(&verdict, "debug", (const uint8_t *)cases[i].want,
                                         cases[i].want_len, (const uint8_t *)cases[i].got,
                                         cases[i].got_len, &err),
                  err);
        assert_int_equal(verdict.checks[0].ok, cases[i].ok);
        assert_memory_equal(verdict.checks[0].want, "616263", 6);
        free(verdict.checks[0].want);
        free(verdict.checks[0].got);
    }
}

static void
foreign_bytes_are_escaped_and_cut(void **state)
{
    char line[5000];
    coco_verdict verdict = {0};
    coco_error *err = NULL;

    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    line[0] = '\033';
    assert_ok(coco_verdict_add(&verdict, "debug", true, line, "\n", &err), err);
    assert_memory_equal(verdict.checks[0].want, "\\x1bxxx", 7);
    assert_true(strlen(verdict.checks[0].want) < 1100);
    assert_string_equal(verdict.checks[0].got, "\\x0a");
    free(verdict.checks[0].want);
    free(verdict.checks[0].got);
}

static void
checks_are_bounded(void **state)
{
    coco_verdict *verdict = empty();
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COCO_CHECKS_MAX; i++)
        assert_ok(coco_verdict_add(verdict, "debug", true, "", "", &err), err);
    assert_fails(coco_verdict_add(verdict, "debug", true, "", "", &err), err, COCO_ERR_LIMIT,
                 "checks");
    for (size_t i = 0; i < COCO_CHECKS_MAX; i++) {
        free(verdict->checks[i].want);
        free(verdict->checks[i].got);
    }
    free(verdict);
}

/* One check of that outcome, in verdict. */
static coco_status
add_outcome(coco_verdict *verdict, coco_error *why, coco_error **err)
{
    coco_status status = coco_error_status(why);

    return coco_verdict_add_outcome(verdict, "revocation-list", "a list", status, &why, err);
}

static coco_error *
failed(coco_status status)
{
    coco_error *why = NULL;

    (void)coco_fail(&why, status, "no route to host");
    return why;
}

static void
a_source_that_cannot_be_reached_fails_a_check(void **state)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = empty();
    coco_error *err = NULL;

    (void)state;
    assert_ok(add_outcome(verdict, failed(COCO_ERR_NET), &err), err);
    assert_ok(add_outcome(verdict, failed(COCO_ERR_DENIED), &err), err);
    assert_ok(add_outcome(verdict, failed(COCO_ERR_NOTFOUND), &err), err);
    for (size_t i = 0; i < 3; i++) {
        assert_false(coco_verdict_check_ok(verdict, i));
        assert_string_equal(coco_verdict_check_got(verdict, i), "no route to host");
        assert_int_equal(coco_verdict_check_unreached(verdict, i), i < 2);
    }
    assert_false(coco_verdict_check_unreached(verdict, 3));
}

static void
what_says_nothing_of_evidence_is_no_check(void **state)
{
    static const coco_status statuses[] = {COCO_ERR_CANCELED, COCO_ERR_IO, COCO_ERR_INVALID};
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = empty();
    coco_error *err = NULL;
    coco_error *why = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        assert_fails(add_outcome(verdict, failed(statuses[i]), &err), err, statuses[i], "no route");
    (void)coco_fail_nomem(&why);
    assert_fails(add_outcome(verdict, why, &err), err, COCO_ERR_NOMEM, "");
    why = NULL;
    (void)coco_fail_again(&why, "is being fetched");
    assert_fails(add_outcome(verdict, why, &err), err, COCO_ERR_NET, "is being fetched");
    assert_int_equal(verdict->n_checks, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_check_made_is_not_valid),
        cmocka_unit_test(one_failing_check_is_enough),
        cmocka_unit_test(there_is_nothing_past_the_last_check),
        cmocka_unit_test(bytes_are_equal_when_only_zeros_follow),
        cmocka_unit_test(foreign_bytes_are_escaped_and_cut),
        cmocka_unit_test(checks_are_bounded),
        cmocka_unit_test(a_source_that_cannot_be_reached_fails_a_check),
        cmocka_unit_test(what_says_nothing_of_evidence_is_no_check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
