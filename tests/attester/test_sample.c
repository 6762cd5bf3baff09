/*
 * tests/attester/test_sample.c - lib/attester/sample.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/driver.h"
#include "base/bytes.h"
#include "base/context.h"
#include "tests/faults.h"

#include <string.h>

static coco_status
collect_as(const char *tee, const char *report_data, coco_bytes **ret, coco_error **err)
{
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;

    coco_status status = coco_ctx_new(&ctx, err);
    if (status == COCO_OK)
        status = coco_attester_new(tee, &attester, err);
    if (status == COCO_OK)
        status = coco_attester_collect(attester, ctx, (const uint8_t *)report_data,
                                       strlen(report_data), ret, err);
    return status;
}

static coco_status
collect(const char *report_data, coco_bytes **ret, coco_error **err)
{
    return collect_as("sample", report_data, ret, err);
}

static void
a_device_has_another_version(void **state)
{
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(collect_as("sampledevice", "nonce", &evidence, &err), err);
    assert_string_equal((const char *)coco_bytes_data(evidence),
                        "{\"svn\":\"2\",\"report_data\":\"bm9uY2U=\"}");
}

static void
evidence_is_upstreams(void **state)
{
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(collect("nonce", &evidence, &err), err);
    assert_string_equal((const char *)coco_bytes_data(evidence),
                        "{\"svn\":\"1\",\"report_data\":\"bm9uY2U=\"}");
}

static void
evidence_equals_the_recorded(void **state)
{
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    coco_error *err = NULL;
    size_t len = 0;

    (void)state;
    _cleanup_free_ char *recorded = read_fixture("sample/sample_evidence.json", &len);
    assert_ok(collect("nonce", &evidence, &err), err);
    assert_int_equal(coco_bytes_size(evidence), len);
    assert_string_equal((const char *)coco_bytes_data(evidence), recorded);
}

static void
collecting_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
        coco_error *err = NULL;

        coco_status status = collect("nonce", &evidence, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_is_upstreams),
        cmocka_unit_test(evidence_equals_the_recorded),
        cmocka_unit_test(a_device_has_another_version),
        cmocka_unit_test(collecting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
