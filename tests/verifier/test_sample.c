/*
 * tests/verifier/test_sample.c - lib/verifier/sample.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/json.h"
#include "tests/faults.h"
#include "tests/verifier/bound.h"

#include <string.h>

#define EVIDENCE "{\"svn\":\"1\",\"report_data\":\"bm9uY2U=\"}"

static coco_status
verify(bool allowed, const char *evidence, const char *report_data, coco_verdict **ret,
       coco_error **err)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;

    coco_status status = coco_verifier_new(&verifier, err);
    if (status != COCO_OK)
        return status;
    if (allowed)
        coco_verifier_allow_sample(verifier);
    return verify_bound(verifier, "sample", evidence, report_data, strlen(report_data), ret, err);
}

static void
sample_has_upstreams_claims(void **state)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(verify(true, EVIDENCE, "nonce", &verdict, &err), err);
    assert_true(coco_verdict_valid(verdict));
    assert_string_equal(coco_verdict_claims(verdict),
                        "{\"svn\":\"1\",\"launch_digest\":\"abcde\",\"debug\":false,"
                        "\"platform_version\":{\"major\":1,\"minor\":4},"
                        "\"report_data\":\"bm9uY2U=\"}");
}

static void
recorded_evidence_is_verified(void **state)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    coco_error *err = NULL;
    size_t len = 0;

    (void)state;
    _cleanup_free_ char *evidence = read_fixture("sample/sample_evidence.json", &len);
    assert_ok(verify(true, evidence, "nonce", &verdict, &err), err);
    assert_true(coco_verdict_valid(verdict));
}

static void
sample_is_not_valid_unless_allowed(void **state)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(verify(false, EVIDENCE, "nonce", &verdict, &err), err);
    assert_false(coco_verdict_valid(verdict));
    assert_int_equal(coco_verdict_check_count(verdict), 2);
    assert_string_equal(coco_verdict_check_name(verdict, 0), "sample-allowed");
    assert_false(coco_verdict_check_ok(verdict, 0));
    assert_string_equal(coco_verdict_check_name(verdict, 1), "report-data");
    assert_true(coco_verdict_check_ok(verdict, 1));
}

static void
another_nonce_is_not_valid(void **state)
{
    /* The last three are "nonce", longer, shorter and with a zero behind it. */
    static const char *const cases[] = {
        "{\"svn\":\"1\",\"report_data\":\"bm9uY2Y=\"}",
        "{\"svn\":\"1\",\"report_data\":\"\"}",
        "{\"svn\":\"1\",\"report_data\":\"bm9uY2Vz\"}",
        "{\"svn\":\"1\",\"report_data\":\"bm9uYw==\"}",
        "{\"svn\":\"1\",\"report_data\":\"bm9uY2UA\"}",
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

        assert_ok(verify(true, cases[i], "nonce", &verdict, &err), err);
        assert_false(coco_verdict_valid(verdict));
        assert_true(coco_verdict_check_ok(verdict, 0));
        assert_false(coco_verdict_check_ok(verdict, 1));
    }
}

static void
hostile_evidence_is_refused(void **state)
{
    static const struct {
        const char *evidence;
        coco_status status;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_PROTO, "sample evidence"},
        {"null", COCO_ERR_PROTO, "sample evidence"},
        {"[]", COCO_ERR_PROTO, "sample evidence"},
        {"{}", COCO_ERR_PROTO, "svn"},
        {"{\"svn\":1,\"report_data\":\"\"}", COCO_ERR_PROTO, "svn"},
        {"{\"svn\":\"1\"}", COCO_ERR_PROTO, "report_data"},
        {"{\"svn\":\"1\",\"report_data\":[]}", COCO_ERR_PROTO, "report_data"},
        {"{\"svn\":\"1\",\"report_data\":null}", COCO_ERR_PROTO, "report_data"},
        {"{\"svn\":\"1\",\"report_data\":\"bm9uY2U\"}", COCO_ERR_PROTO, "report_data"},
        {"{\"svn\":\"1\",\"report_data\":\"bm9uY2V=\"}", COCO_ERR_PROTO, "report_data"},
        {"{\"svn\":\"1\",\"report_data\":\"bm9uY2U=\\n\"}", COCO_ERR_PROTO, "report_data"},
        {"{\"svn\":\"1\",\"report_data\":\"bm9uY2U=\",\"svn\":\"2\"}", COCO_ERR_PROTO, "svn"},
        {EVIDENCE " x", COCO_ERR_PROTO, "sample evidence"},
        {"{\"svn\":\"1\",\"report_data\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
         COCO_ERR_LIMIT, "report_data"},
    };
    coco_verdict *verdict = NULL;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_fails(verify(true, cases[i].evidence, "nonce", &verdict, &err), err, cases[i].status,
                     cases[i].why);
    assert_null(verdict);
}

static void
verifying_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        coco_verdict *verdict = NULL;
        coco_error *err = NULL;

        coco_status status = verify(true, EVIDENCE, "nonce", &verdict, &err);
        fault_expect(status, err);
        coco_verdict_free(verdict);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample_has_upstreams_claims),
        cmocka_unit_test(recorded_evidence_is_verified),
        cmocka_unit_test(sample_is_not_valid_unless_allowed),
        cmocka_unit_test(another_nonce_is_not_valid),
        cmocka_unit_test(hostile_evidence_is_refused),
        cmocka_unit_test(verifying_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
