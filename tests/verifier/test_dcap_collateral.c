/*
 * tests/verifier/test_dcap_collateral.c - lib/verifier/dcap_collateral.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/dcap_collateral.h"

#include "tests/faults.h"
#include "tests/flips.h"
#include "tests/verifier/intel.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define INFO "intel/tdx/tcb-info/50806f000000"
#define IDENTITY "intel/tdx/qe-identity"

static coco_error *err;
static struct intel intel;

static int
setup(void **state)
{
    return intel_set_up(&intel, 4, COCO_QUOTE_TD10, state);
}

static void
good_collateral_holds(void **state)
{
    (void)state;
    intel_assert_failing(&intel, "");
}

/* All that there is, and what fails without it. */
static const struct {
    const char *name;
    const char *failing;
} parts[] = {
    {"intel/root-ca.crl", "revocation-list "}, {"intel/pck-crl/platform.crl", "revocation-list "},
    {INFO ".json", "tcb-info tcb-level "},     {INFO ".pem", "tcb-info tcb-level "},
    {IDENTITY ".json", "qe-identity "},        {IDENTITY ".pem", "qe-identity "},
};

static void
what_is_missing_is_not_taken_for_good(void **state)
{

    (void)state;
    for (size_t i = 0; i < COUNT(parts); i++) {
        intel_publish(&intel);
        intel_drop(&intel.documents, parts[i].name);
        intel_assert_failing(&intel, parts[i].failing);
    }
    coco_verifier_set_collateral(intel.verifier, NULL);
    intel_assert_failing(&intel, "revocation-list revocation-list tcb-info qe-identity tcb-level ");
}

/* A network is no proof of anything, and its failure is not that of the call. */
static void
what_cannot_be_reached_is_a_check_and_may_be_allowed(void **state)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    intel.documents.how = COCO_ERR_NET;
    for (size_t i = 0; i < COUNT(parts); i++) {
        intel.documents.broken = parts[i].name;
        intel_assert_failing(&intel, parts[i].failing);
    }
    assert_ok(coco_verifier_allow(intel.verifier, "revocation-list", &err), err);
    intel.documents.broken = "intel/root-ca.crl";
    assert_ok(intel_verify(&intel, &verdict, &err), err);
    assert_names_of_failing(verdict, "revocation-list ");
    assert_true(coco_verdict_valid(verdict));
    for (size_t i = 0; i < coco_verdict_check_count(verdict); i++)
        if (!coco_verdict_check_ok(verdict, i))
            assert_contains(coco_verdict_check_got(verdict, i), "no route to host");
}

/* Not even if a list that is missing is allowed: one that comes in a moment is waited for. */
static void
what_says_nothing_of_evidence_fails_the_call(void **state)
{
    static const struct {
        coco_status how;
        coco_status status;
    } cases[] = {
        {COCO_OK, COCO_ERR_NET}, /* under way */
        {COCO_ERR_CANCELED, COCO_ERR_CANCELED},
        {COCO_ERR_IO, COCO_ERR_IO},
        {COCO_ERR_NOMEM, COCO_ERR_NOMEM},
    };
    coco_verdict *verdict = NULL;

    (void)state;
    assert_ok(coco_verifier_allow(intel.verifier, "revocation-list", &err), err);
    intel.documents.broken = "intel/root-ca.crl";
    for (size_t i = 0; i < COUNT(cases); i++) {
        intel.documents.how = cases[i].how;
        assert_fails(intel_verify(&intel, &verdict, &err), err, cases[i].status, "");
        assert_null(verdict);
    }
}

static void
what_is_malformed_is_not_taken_for_good(void **state)
{

    (void)state;
    for (size_t i = 0; i < COUNT(parts); i++) {
        intel_publish(&intel);
        intel_put(&intel.documents, parts[i].name, "{\"tcbInfo\":{}}", 14);
        intel_assert_failing(&intel, parts[i].failing);
    }
}

static void
what_is_revoked_is_found_in_its_list(void **state)
{
    (void)state;
    intel_put_crl(&intel.documents, "intel/pck-crl/platform.crl", &intel.ca, &intel.pck, 20);
    intel_assert_failing(&intel, "revoked ");
    intel_publish(&intel);
    intel_put_crl(&intel.documents, "intel/root-ca.crl", &intel.root, &intel.ca, 20);
    intel_assert_failing(&intel, "revoked ");
    /* The signer, which both documents have. */
    intel_put_crl(&intel.documents, "intel/root-ca.crl", &intel.root, &intel.signer, 20);
    intel_assert_failing(&intel, "revoked tcb-info qe-identity tcb-level ");
}

static void
no_list_stands_for_another(void **state)
{
    struct pki_cert other = {0};

    (void)state;
    /* Of the CA of processors, which has not issued this PCK. */
    intel_issue(&other, &(struct intel_cert){.name = "Intel SGX PCK Processor CA",
                                             .issuer = &intel.root,
                                             .is_ca = true,
                                             .from = -10,
                                             .to = 10});
    intel_put_crl(&intel.documents, "intel/pck-crl/platform.crl", &other, NULL, 20);
    intel_assert_failing(&intel, "revocation-list ");
    intel_put_crl(&intel.documents, "intel/pck-crl/platform.crl", &intel.root, NULL, 20);
    intel_assert_failing(&intel, "revocation-list ");
    intel_put_crl(&intel.documents, "intel/pck-crl/platform.crl", &intel.ca, NULL, 0);
    intel_assert_failing(&intel, "revocation-list ");
    pki_done(&other);
    /* Of who calls himself the same. */
    intel_issue(&other, &(struct intel_cert){.name = "Intel SGX PCK Platform CA",
                                             .issuer = &intel.root,
                                             .is_ca = true,
                                             .from = -10,
                                             .to = 10});
    intel_put_crl(&intel.documents, "intel/pck-crl/platform.crl", &other, NULL, 20);
    intel_assert_failing(&intel, "revocation-list ");
    pki_done(&other);
}

static void
a_missing_list_may_be_let_through_but_no_revoked_key(void **state)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *revoked = NULL;

    (void)state;
    assert_ok(coco_verifier_allow(intel.verifier, "revocation-list", &err), err);
    assert_fails(coco_verifier_allow(intel.verifier, "revoked", &err), err, COCO_ERR_INVALID,
                 "must hold");
    intel_drop(&intel.documents, "intel/root-ca.crl");
    assert_ok(intel_verify(&intel, &verdict, &err), err);
    assert_names_of_failing(verdict, "revocation-list ");
    assert_true(coco_verdict_valid(verdict));
    /* A list that has expired still says who was revoked. */
    intel_put_crl(&intel.documents, "intel/pck-crl/platform.crl", &intel.ca, &intel.pck, -1);
    assert_ok(intel_verify(&intel, &revoked, &err), err);
    assert_names_of_failing(revoked, "revocation-list revocation-list revoked ");
    assert_false(coco_verdict_valid(revoked));
}

/* Signed by a certificate that Intel's root vouches for, but not for this. */
static void
only_intels_signer_signs_documents(void **state)
{
    struct pki_cert fake = {0};
    struct pki_cert root = {0};

    (void)state;
    intel_issue(&fake, &(struct intel_cert){
                           .name = "Somebody", .issuer = &intel.root, .from = -10, .to = 10});
    intel_publish_by(&intel, &fake);
    intel_assert_failing(&intel, "tcb-info qe-identity tcb-level ");
    pki_done(&fake);
    /* Under a root of one's own. */
    intel_issue(&root, &(struct intel_cert){
                           .name = "Intel SGX Root CA", .is_ca = true, .from = -9, .to = 9});
    intel_issue(&fake, &(struct intel_cert){
                           .name = "Intel SGX TCB Signing", .issuer = &root, .from = -9, .to = 9});
    intel_publish_by(&intel, &fake);
    intel_assert_failing(&intel, "collateral-certificates tcb-info qe-identity tcb-level ");
    pki_done(&root);
    pki_done(&fake);
}

/* Whoever takes the key out of one machine must not be able to vouch for all. */
static void
a_pck_signs_no_documents(void **state)
{
    static const char *const names[] = {INFO ".pem", IDENTITY ".pem"};
    struct pki_cert named = {0};

    (void)state;
    intel_publish_by(&intel, &intel.pck);
    for (size_t i = 0; i < COUNT(names); i++)
        intel_put(&intel.documents, names[i], intel.chain.data, intel.chain.len);
    intel_assert_failing(&intel, "tcb-info qe-identity tcb-level ");
    /* Not even if its CA gave it the right name. */
    intel_issue(&named,
                &(struct intel_cert){
                    .name = "Intel SGX TCB Signing", .issuer = &intel.ca, .from = -9, .to = 9});
    const struct pki_cert *const chain[] = {&named, &intel.ca, &intel.root};
    _cleanup_buf_ struct coco_buf pem = {.limit = 1 << 16};
    intel_append_pem(&pem, chain, 3);
    intel_publish_by(&intel, &named);
    for (size_t i = 0; i < COUNT(names); i++)
        intel_put(&intel.documents, names[i], pem.data, pem.len);
    intel_assert_failing(&intel, "tcb-info qe-identity tcb-level ");
    pki_done(&named);
}

/* Of what is signed, and of the signature: a byte of three, for each is verified anew. */
static void
no_byte_of_a_document_can_be_changed(void **state)
{
    static const char *const names[] = {INFO ".json", IDENTITY ".json"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        struct coco_buf *text = &intel_document(&intel.documents, names[i])->content;

        for_each_flip(flip, text->data, text->len, 3)
        {
            _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
            uint8_t byte = text->data[flip.at] ^ flip.mask;

            assert_ok(intel_verify(&intel, &verdict, &err), err);
            /* The case of the hex of the signature, which is not itself signed, says nothing. */
            bool is_case = flip.at > text->len - 2 * COCO_PCS_SIGNATURE_SIZE - 3
                           && flip.mask == 0x20 && byte >= 'A';
            if (coco_verdict_valid(verdict) && !is_case)
                fail_msg("byte %zu of %s can be changed", flip.at, names[i]);
        }
    }
}

static void
documents_are_of_their_time(void **state)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    intel.tcb_info.next_update = intel.now - 1;
    intel_publish(&intel);
    intel_assert_failing(&intel, "collateral-dates ");
    intel.tcb_info.next_update = intel.now + INTEL_DAY_S;
    intel.tcb_info.issue_date = intel.now + INTEL_DAY_S;
    intel_publish(&intel);
    intel_assert_failing(&intel, "collateral-dates ");
    intel.tcb_info.issue_date = intel.now - INTEL_DAY_S;
    intel.qe_identity.next_update = intel.now - INTEL_DAY_S;
    intel_publish(&intel);
    intel_assert_failing(&intel, "collateral-dates ");
    /* What has expired may be let through, and is told to policies. */
    assert_ok(coco_verifier_allow(intel.verifier, "collateral-dates", &err), err);
    assert_ok(intel_verify(&intel, &verdict, &err), err);
    assert_true(coco_verdict_valid(verdict));
    assert_contains(coco_verdict_claims(verdict), "\"collateral_expiration_status\":\"1\"");
}

static void
a_signer_is_of_its_time(void **state)
{
    (void)state;
    intel_issue(&intel.signer, &(struct intel_cert){.name = "Intel SGX TCB Signing",
                                                    .issuer = &intel.root,
                                                    .from = -800,
                                                    .to = -1});
    intel_publish(&intel);
    intel_assert_failing(&intel, "collateral-dates ");
}

static void
documents_are_of_this_machine(void **state)
{
    (void)state;
    /* The file has the right name. */
    intel.tcb_info.fmspc[5] = 1;
    intel_publish(&intel);
    intel_assert_failing(&intel, "tcb-info tcb-level ");
    intel.tcb_info.fmspc[5] = 0;
    intel.tcb_info.pce_id[1] = 1;
    intel_publish(&intel);
    intel_assert_failing(&intel, "tcb-info tcb-level ");
    intel.tcb_info.pce_id[1] = 0;
    intel.tcb_info.tdx = false;
    intel_publish(&intel);
    intel_assert_failing(&intel, "tcb-info tcb-level ");
    intel.tcb_info.tdx = true;
    intel.qe_identity.tdx = false;
    intel_publish(&intel);
    intel_assert_failing(&intel, "qe-identity ");
}

static void
the_quoting_enclave_is_the_one_of_the_identity(void **state)
{
    (void)state;
    intel.qe_identity.mr_signer[31] = 1;
    intel_publish(&intel);
    intel_assert_failing(&intel, "qe-identity ");
    intel.qe_identity.mr_signer[31] = 0;
    intel_publish(&intel);
    intel.quote.qe_report.isv_svn[0] = 3; /* below all levels */
    intel_assert_failing(&intel, "qe-identity ");
    intel.quote.qe_report.isv_svn[0] = 5;
    intel_assert_failing(&intel, "tcb-out-of-date ");
    intel.qe_levels[1].status = COCO_TCB_REVOKED;
    intel_publish(&intel);
    intel_assert_failing(&intel, "tcb-revoked ");
}

/* Each of them, where they are not the same. */
static void
signers_are_checked_once(void **state)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    struct pki_cert other = {0};
    _cleanup_buf_ struct coco_buf identity = {.limit = 1 << 16};
    size_t checks = 0;

    (void)state;
    assert_ok(intel_verify(&intel, &verdict, &err), err);
    for (size_t i = 0; i < coco_verdict_check_count(verdict); i++)
        checks += strcmp(coco_verdict_check_name(verdict, i), "collateral-root") == 0;
    assert_int_equal(checks, 1);
    intel_issue(&other,
                &(struct intel_cert){
                    .name = "Intel SGX TCB Signing", .issuer = &intel.root, .from = -9, .to = -1});
    assert_ok(coco_qe_identity_format(&intel.qe_identity, &identity, &err), err);
    intel_put_signed(&intel, IDENTITY, "enclaveIdentity", &identity, &other);
    intel_assert_failing(&intel, "collateral-dates ");
    /* The one that was good does not stand for the other. */
    intel_issue(&other, &(struct intel_cert){
                            .name = "Intel SGX TCB Signing", .issuer = NULL, .from = -9, .to = 9});
    intel_put_signed(&intel, IDENTITY, "enclaveIdentity", &identity, &other);
    intel_assert_failing(&intel, "collateral-certificates qe-identity ");
    pki_done(&other);
}

/* A document is signed as it stands: spaces and members that are new here do no harm. */
static void
documents_may_have_more_than_is_known(void **state)
{
    static const char more[] = ",  \"new\" : [ 1.5e3, null ] }";
    _cleanup_buf_ struct coco_buf info = {.limit = 1 << 16};

    (void)state;
    assert_ok(coco_tcb_info_format(&intel.tcb_info, &info, &err), err);
    info.len--;
    assert_ok(coco_buf_append_text(&info, more, &err), err);
    intel_put_signed(&intel, INFO, "tcbInfo", &info, &intel.signer);
    intel_assert_failing(&intel, "");
}

static void
names_are_compared_whole(void **state)
{
    bool is = false;

    (void)state;
    assert_ok(coco_dcap_is_called(intel.signer.cert, COCO_INTEL_SIGNER, &is, &err), err);
    assert_true(is);
    assert_ok(coco_dcap_is_called(intel.signer.cert, "CN=Intel SGX TCB", &is, &err), err);
    assert_false(is);
    assert_ok(coco_dcap_is_called(intel.signer.cert, COCO_INTEL_PCK, &is, &err), err);
    assert_false(is);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, intel_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(good_collateral_holds),
        TEST(what_is_missing_is_not_taken_for_good),
        TEST(what_cannot_be_reached_is_a_check_and_may_be_allowed),
        TEST(what_says_nothing_of_evidence_fails_the_call),
        TEST(what_is_malformed_is_not_taken_for_good),
        TEST(what_is_revoked_is_found_in_its_list),
        TEST(no_list_stands_for_another),
        TEST(a_missing_list_may_be_let_through_but_no_revoked_key),
        TEST(only_intels_signer_signs_documents),
        TEST(a_pck_signs_no_documents),
        TEST(no_byte_of_a_document_can_be_changed),
        TEST(documents_are_of_their_time),
        TEST(a_signer_is_of_its_time),
        TEST(documents_are_of_this_machine),
        TEST(the_quoting_enclave_is_the_one_of_the_identity),
        TEST(signers_are_checked_once),
        TEST(documents_may_have_more_than_is_known),
        TEST(names_are_compared_whole),
    };

    return cmocka_run_group_tests_name("verifier/dcap_collateral", tests, NULL, NULL);
}
