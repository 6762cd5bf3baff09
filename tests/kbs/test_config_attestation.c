/*
 * tests/kbs/test_config_attestation.c - lib/kbs/config_attestation.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config_section.h"

#include "tests/kbs/configs.h"

static void
verifiers_have_the_defaults_of_upstream(void **state)
{
    _cleanup_config_ struct coco_kbs_config c = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse_config("[attestation_service.verifier_config.dcap_verifier]\n"
                           "[attestation_service.verifier_config.snp_verifier]\n",
                           &c, &err),
              err);
    assert_true(c.attestation.dcap.given && c.attestation.dcap.early);
    assert_null(c.attestation.dcap.collateral_service);
    assert_int_equal(c.attestation.n_vcek_sources, 1);
    assert_false(c.attestation.vcek_sources[0].is_store);
}

static void
what_is_not_understood_is_refused(void **state)
{
    static const struct refused_config cases[] = {
        {COCO_ERR_NOTSUP, "[attestation_service]\ntype = \"intel_ta\"", "coco_as_builtin"},
        {COCO_ERR_NOTSUP,
         "[attestation_service]\nas_addr = \"http://as:50004\"\ntype = \"coco_as_grpc\"",
         "[attestation_service]: type: can only be \"coco_as_builtin\""},
        {COCO_ERR_NOTSUP,
         "[attestation_service.rvps_config]\naddress = \"http://x\"\ntype = \"GrpcRemote\"",
         "[rvps_config]: type: can only be \"BuiltIn\""},
        {COCO_ERR_PROTO, "[attestation_service]\nallow_samples = true", "allow_sample"},
        {COCO_ERR_PROTO, "[attestation_service]\ntimeout = 61", "timeout"},
        {COCO_ERR_PROTO,
         "[attestation_service.attestation_token_broker]\naudiences = [\"a\", \"b c\"]",
         "audiences: 'b c'"},
        {COCO_ERR_PROTO,
         "[attestation_service.verifier_config.dcap_verifier]\ntcb_update_type = \"x\"",
         "tcb_update_type"},
        {COCO_ERR_PROTO,
         "[[attestation_service.verifier_config.snp_verifier.vcek_sources]]\n"
         "type = \"KDS\"\npath = \"/x\"",
         "vcek_sources 0"},
        {COCO_ERR_NOTSUP, "[attestation_service.attestation_token_broker]\nsigner = 1", "signer"},
        {COCO_ERR_PROTO, "[attestation_service]\noldest_protocol = \"0.9\"", "oldest_protocol"},
    };

    (void)state;
    ASSERT_CONFIGS_REFUSED(cases);
}

static void
reading_survives_failed_allocations(void **state)
{
    (void)state;
    assert_config_survives_faults(
        "[attestation_service]\nallow = [\"a\", \"b\"]\n"
        "[[attestation_service.verifier_config.snp_verifier.vcek_sources]]\n"
        "type = \"OfflineStore\"\npath = \"/x\"\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verifiers_have_the_defaults_of_upstream),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(reading_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/config_attestation", tests, NULL, NULL);
}
