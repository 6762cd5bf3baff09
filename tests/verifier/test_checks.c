/*
 * tests/verifier/test_checks.c - lib/verifier/checks.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/checks.h"

#include "tests/support.h"

#include <string.h>

static void
each_kind_has_a_name_of_its_own_and_says_what_to_do(void **state)
{
    (void)state;
    assert_true(coco_check_kinds() > 0);
    for (size_t i = 0; i < coco_check_kinds(); i++) {
        const struct coco_check_kind *kind = coco_check_kind(i);
        size_t found = 0;

        assert_true(coco_check_kind_find(kind->name, &found));
        assert_int_equal(found, i);
        assert_int_equal(strspn(kind->name, "abcdefghijklmnopqrstuvwxyz0123456789-"),
                         strlen(kind->name));
        assert_true(strlen(kind->hint) > 0);
    }
    assert_null(coco_check_kind(coco_check_kinds()));
}

/* Whatever is added: none of these may ever become something that one can allow. */
static void
what_all_rests_on_must_hold(void **state)
{
    static const char *const names[] = {"report-data", "init-data",    "signature",
                                        "root",        "certificates", "revoked"};
    size_t found = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_true(coco_check_kind_find(names[i], &found));
        assert_false(coco_check_kind(found)->may_fail);
    }
    assert_false(coco_check_kind_find("", &found));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_a_name_of_its_own_and_says_what_to_do),
        cmocka_unit_test(what_all_rests_on_must_hold),
    };

    return cmocka_run_group_tests_name("verifier/checks", tests, NULL, NULL);
}
