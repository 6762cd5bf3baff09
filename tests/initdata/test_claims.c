/*
 * tests/initdata/test_claims.c - lib/initdata/claims.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "initdata/initdata.h"
#include "tests/faults.h"

#include <string.h>

#define HEAD "version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n"

static void
documents_become_claims(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {HEAD, "{}"},
        {HEAD "a = \"b\"", "{\"a\":\"b\"}"},
        {HEAD "\"aa.toml\" = \"x = 1\"", "{\"aa.toml\":{\"x\":1}}"},
        {HEAD "\"policy.rego\" = \"package p\"", "{\"policy.rego\":\"package p\"}"},
        {HEAD "\"policy.rego\" = 'policy_data := {\"a\":1}'",
         "{\"agent_policy_claims\":{\"a\":1}}"},
        {HEAD "\"policy.rego\" = 'policy_data := {\"a\":1} x'",
         "{\"policy.rego\":\"policy_data := {\\\"a\\\":1} x\"}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *claims = NULL;
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};
        _cleanup_initdata_ coco_initdata *initdata = NULL;
        coco_error *err = NULL;

        assert_ok(coco_initdata_read(cases[i].text, &initdata, &err), err);
        assert_ok(coco_initdata_claims(initdata, &claims, &err), err);
        assert_ok(coco_json_write(claims, COCO_JSON_COMPACT, &text, &err), err);
        assert_string_equal(coco_buf_text(&text), cases[i].want);
    }
}

/* What the token's reader would see differently. */
static void
claims_that_two_would_read_differently_are_refused(void **state)
{
    static const char *const cases[] = {
        HEAD "\"aa.toml\" = \"x\"",
        HEAD "a = \"1\"\nA = \"2\"",
        HEAD "\"aa.toml\" = \"a = 1\\nA = 2\"",
        HEAD "agent_policy_claims = \"x\"\n\"policy.rego\" = 'policy_data := {\"a\":1}'",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_initdata_ coco_initdata *initdata = NULL;
        _cleanup_json_ cJSON *claims = NULL;
        coco_error *err = NULL;

        assert_ok(coco_initdata_read(cases[i], &initdata, &err), err);
        assert_int_equal(coco_initdata_claims(initdata, &claims, NULL), COCO_ERR_PROTO);
        assert_null(claims);
    }
}

static void
claiming_survives_every_failing_allocation(void **state)
{
    _cleanup_initdata_ coco_initdata *initdata = NULL;
    coco_error *read_err = NULL;

    (void)state;
    assert_ok(coco_initdata_read(HEAD "a = \"b\"\n\"aa.toml\" = \"x = 1\"", &initdata, &read_err),
              read_err);
    for_each_fault()
    {
        _cleanup_json_ cJSON *claims = NULL;
        coco_error *err = NULL;

        coco_status status = coco_initdata_claims(initdata, &claims, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_become_claims),
        cmocka_unit_test(claims_that_two_would_read_differently_are_refused),
        cmocka_unit_test(claiming_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests_name("initdata/claims", tests, NULL, NULL);
}
