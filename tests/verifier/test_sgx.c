/*
 * tests/verifier/test_sgx.c - lib/verifier/sgx.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/dcap.h"

#include "tests/verifier/intel.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static coco_error *err;
static struct intel intel;

static int
setup(void **state)
{
    return intel_set_up(&intel, 3, COCO_QUOTE_SGX, state);
}

static void
a_good_quote_is_valid(void **state)
{
    (void)state;
    intel_assert_failing(&intel, "");
}

static void
claims_have_upstreams_names(void **state)
{
    static const char *const texts[] = {
        ("\"header\":{\"version\":\"0300\",\"att_key_type\":\"0200\",\"att_key_data_0\":"
         "\"00000000\","
         "\"qe_svn\":\"0000\",\"pce_svn\":\"0000\",\"vendor_id\":"
         "\"939a7233f79c4ca9940a0db3957f0607\""),
        "\"body\":{\"cpu_svn\":\"00",
        ("\"attributes.flags\":\"0500000000000000\",\"attributes.xfrm\":\"0000000000000000\","
         "\"mr_enclave\":\"bbbbbb"),
        "\"isv_prod_id\":\"0000\",\"isv_svn\":\"0000\",\"config_svn\":\"0000\",\"reserved4\":\"00",
        "\"report_data\":\"6e6f6e636500",
        "\"init_data\":\"000000",
        "\"platform_instance_id\":\"00000000000000000000000000c61a02\"",
        "\"tcb_status\":\"UpToDate\"",
    };
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    assert_ok(intel_verify(&intel, &verdict, &err), err);
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_contains(coco_verdict_claims(verdict), texts[i]);
}

static void
an_enclave_that_can_be_debugged_is_refused_unless_allowed(void **state)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    intel.quote.sgx.flags[0] |= 0x02;
    intel_assert_failing(&intel, "debug ");
    assert_ok(coco_verifier_allow(intel.verifier, "debug", &err), err);
    assert_ok(intel_verify(&intel, &verdict, &err), err);
    assert_true(coco_verdict_valid(verdict));
}

static void
a_quote_is_bound_to_its_nonce(void **state)
{
    (void)state;
    intel.quote.sgx.report_data[5] = 1;
    intel_assert_failing(&intel, "report-data ");
}

static void
a_quote_is_bound_to_its_init_data(void **state)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX};
    _cleanup_buf_ struct coco_buf evidence = {.limit = 1 << 18};
    _cleanup_(coco_verdict_freep) coco_verdict *good = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *bad = NULL;

    (void)state;
    memset(intel.quote.sgx.config_id, 0xd1, 64);
    intel_quote(&intel, &(struct intel_signers){0}, &quote);
    intel_evidence(&quote, &evidence);
    assert_ok(coco_binding_new(&binding, &err), err);
    assert_ok(coco_binding_set_report_data(binding, (const uint8_t *)INTEL_REPORT_DATA, 5, &err),
              err);
    assert_ok(coco_binding_set_init_data(binding, intel.quote.sgx.config_id, 64, &err), err);
    assert_ok(coco_verify(intel.verifier, "sgx", coco_buf_text(&evidence), binding, &good, &err),
              err);
    assert_names_of_failing(good, "");
    /* A digest that is shorter leaves zeros, which are not there. */
    assert_ok(coco_binding_set_init_data(binding, intel.quote.sgx.config_id, 48, &err), err);
    assert_ok(coco_verify(intel.verifier, "sgx", coco_buf_text(&evidence), binding, &bad, &err),
              err);
    assert_names_of_failing(bad, "init-data ");
}

static void
a_quote_of_a_td_is_no_evidence_of_an_enclave(void **state)
{
    _cleanup_intel_ struct intel td;
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX};
    coco_verdict *verdict = NULL;

    (void)state;
    intel_begin(&td, 4, COCO_QUOTE_TD10);
    intel_quote(&td, &(struct intel_signers){0}, &quote);
    assert_fails(
        intel_verify_bytes(td.verifier, "sgx", &quote, INTEL_REPORT_DATA, 5, &verdict, &err), err,
        COCO_ERR_PROTO, "not of an enclave");
}

/* What is signed of TDX says nothing of SGX, and the other way round. */
static void
collateral_of_tdx_is_not_used(void **state)
{
    (void)state;
    intel.tcb_info.tdx = true;
    intel.tcb_info.n_modules = 2;
    intel.qe_identity.tdx = true;
    intel_publish(&intel);
    intel_assert_failing(&intel, "tcb-info qe-identity tcb-level ");
}

static void
evidence_that_is_malformed_is_refused(void **state)
{
    static const char *const evidences[] = {
        "{}", "{\"quote\":1}", "{\"quote\":\"\"}", "{\"quote\":\"A\"}", "{\"quote\":\"AwACAA==\"}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(evidences); i++) {
        coco_verdict *verdict = NULL;

        assert_fails(verify_bound(intel.verifier, "sgx", evidences[i], "n", 1, &verdict, &err), err,
                     COCO_ERR_PROTO, "sgx evidence");
    }
}

static void
verifying_survives_any_failed_allocation(void **state)
{
    (void)state;
    intel_survives_faults(&intel);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, intel_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_quote_is_valid),
        TEST(claims_have_upstreams_names),
        TEST(an_enclave_that_can_be_debugged_is_refused_unless_allowed),
        TEST(a_quote_is_bound_to_its_nonce),
        TEST(a_quote_is_bound_to_its_init_data),
        TEST(a_quote_of_a_td_is_no_evidence_of_an_enclave),
        TEST(collateral_of_tdx_is_not_used),
        TEST(evidence_that_is_malformed_is_refused),
        TEST(verifying_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("verifier/sgx", tests, NULL, NULL);
}
