/*
 * tests/attester/test_attester.c - lib/attester/attester.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/driver.h"
#include "base/bytes.h"
#include "base/context.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

static int
forget_the_environment(void **state)
{
    (void)state;
    return unsetenv("COCO_SOFTWARE_TEE");
}

static void
every_tee_has_a_name(void **state)
{
    (void)state;
    assert_int_equal(coco_tee_count(), 2);
    assert_string_equal(coco_tee_name(0), "software");
    assert_string_equal(coco_tee_name(1), "sample");
    assert_null(coco_tee_name(2));
    assert_null(coco_tee_name(SIZE_MAX));
}

static void
sample_is_named_but_never_detected(void **state)
{
    coco_attester *attester = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_false(coco_tee_detected("sample"));
    assert_fails(coco_attester_new(NULL, &attester, &err), err, COCO_ERR_NOTSUP, "no TEE detected");
    assert_fails(coco_attester_new("", &attester, &err), err, COCO_ERR_NOTSUP, "no TEE detected");
    assert_ok(coco_attester_new("sample", &attester, &err), err);
    assert_string_equal(coco_attester_tee(attester), "sample");
    coco_attester_free(attester);
}

static void
an_unknown_tee_is_refused(void **state)
{
    coco_attester *attester = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_attester_new("Sample", &attester, &err), err, COCO_ERR_NOTSUP, "'Sample'");
    assert_fails(coco_attester_new("tdx\n", &attester, &err), err, COCO_ERR_NOTSUP, "tdx");
    assert_null(attester);
    assert_false(coco_tee_detected("tdx\n"));
}

static void
report_data_has_1_to_64_bytes(void **state)
{
    static const size_t bad[] = {0, 65, 4096};
    uint8_t report_data[4096] = {0};
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    coco_bytes *evidence = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_ok(coco_attester_new("sample", &attester, &err), err);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_fails(coco_attester_collect(attester, ctx, report_data, bad[i], &evidence, &err),
                     err, COCO_ERR_INVALID, "1 to 64");
    assert_null(evidence);
    assert_ok(coco_attester_collect(attester, ctx, report_data, 64, &evidence, &err), err);
    coco_bytes_free(evidence);
}

static void
a_canceled_context_collects_nothing(void **state)
{
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    coco_bytes *evidence = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_ok(coco_attester_new("sample", &attester, &err), err);
    coco_ctx_cancel(ctx);
    assert_fails(coco_attester_collect(attester, ctx, (const uint8_t *)"x", 1, &evidence, &err),
                 err, COCO_ERR_CANCELED, "canceled");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tee_has_a_name),
        cmocka_unit_test(sample_is_named_but_never_detected),
        cmocka_unit_test(an_unknown_tee_is_refused),
        cmocka_unit_test(report_data_has_1_to_64_bytes),
        cmocka_unit_test(a_canceled_context_collects_nothing),
    };

    return cmocka_run_group_tests(tests, forget_the_environment, NULL);
}
