/*
 * tests/verifier/test_binding.c - lib/verifier/binding.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/verdict.h"

#include "tests/faults.h"

#include <string.h>

static coco_error *err;

static void
data_has_1_to_64_bytes(void **state)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;
    uint8_t data[65] = {0};

    (void)state;
    assert_ok(coco_binding_new(&binding, &err), err);
    assert_fails(coco_binding_set_report_data(binding, data, 0, &err), err, COCO_ERR_INVALID,
                 "1 to 64");
    assert_fails(coco_binding_set_report_data(binding, data, 65, &err), err, COCO_ERR_INVALID,
                 "1 to 64");
    assert_fails(coco_binding_set_init_data(binding, data, 0, &err), err, COCO_ERR_INVALID,
                 "1 to 64");
    assert_fails(coco_binding_set_init_data(binding, data, 65, &err), err, COCO_ERR_INVALID,
                 "1 to 64");
    assert_ok(coco_binding_set_report_data(binding, data, 64, &err), err);
    assert_ok(coco_binding_set_init_data(binding, data, 64, &err), err);
    coco_binding_free(NULL);
}

static bool
holds(const coco_binding *binding, const char *check, const char *field, size_t len)
{
    const struct coco_verification verification = {.binding = binding};
    coco_verdict *verdict = calloc(1, sizeof(*verdict));

    assert_non_null(verdict);
    if (strcmp(check, "report-data") == 0)
        assert_ok(coco_check_report_data(&verification, verdict, (const uint8_t *)field, len, &err),
                  err);
    else
        assert_ok(coco_check_init_data(&verification, verdict, (const uint8_t *)field, len, &err),
                  err);
    bool ok = coco_verdict_check_count(verdict) == 0 || coco_verdict_valid(verdict);
    if (coco_verdict_check_count(verdict) > 0)
        assert_string_equal(coco_verdict_check_name(verdict, 0), check);
    coco_verdict_free(verdict);
    return ok;
}

static void
report_data_must_be_said(void **state)
{
    coco_binding none = {0};

    (void)state;
    assert_false(holds(&none, "report-data", "\0\0\0\0", 4));
    assert_false(holds(&none, "report-data", "", 0));
}

static void
report_data_is_followed_by_zeros_alone(void **state)
{
    coco_binding binding = {0};

    (void)state;
    assert_ok(coco_binding_set_report_data(&binding, (const uint8_t *)"longer", 6, &err), err);
    assert_ok(coco_binding_set_report_data(&binding, (const uint8_t *)"abc", 3, &err), err);
    assert_true(holds(&binding, "report-data", "abc", 3));
    assert_true(holds(&binding, "report-data", "abc\0\0", 5));
    assert_false(holds(&binding, "report-data", "abc\0\1", 5));
    assert_false(holds(&binding, "report-data", "ab", 2));
    assert_false(holds(&binding, "report-data", "abd", 3));
}

/* kbs-protocol A.5: HOST_DATA has 32 bytes, MRCONFIGID 48, whatever the digest has. */
static void
init_data_is_cut_or_filled_with_zeros(void **state)
{
    coco_binding binding = {0};

    (void)state;
    assert_true(holds(&binding, "init-data", "whatever", 8));
    assert_ok(coco_binding_set_init_data(&binding, (const uint8_t *)"abcd", 4, &err), err);
    assert_true(holds(&binding, "init-data", "abcd", 4));
    assert_true(holds(&binding, "init-data", "abcd\0\0", 6));
    assert_true(holds(&binding, "init-data", "abc", 3));
    assert_false(holds(&binding, "init-data", "abd", 3));
    assert_false(holds(&binding, "init-data", "abcd\0\1", 6));
    assert_false(holds(&binding, "init-data", "\0\0\0\0", 4));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_has_1_to_64_bytes),
        cmocka_unit_test(report_data_must_be_said),
        cmocka_unit_test(report_data_is_followed_by_zeros_alone),
        cmocka_unit_test(init_data_is_cut_or_filled_with_zeros),
    };

    return cmocka_run_group_tests_name("verifier/binding", tests, NULL, NULL);
}
