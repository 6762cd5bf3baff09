/*
 * tests/verifier/test_azure_tdx.c - lib/verifier/azure_tdx.c
 *
 * Against a machine and a TPM of our own, and against evidence that was recorded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/azure.h"
#include "verifier/tdx.h"

#include "tests/faults.h"
#include "tests/flips.h"
#include "tests/verifier/azurekit.h"
#include "tests/verifier/bound.h"
#include "tests/verifier/intel.h"

#define REPORT_DATA "a nonce of thirty-two bytes.....and sixteen more"
#define REPORT_DATA_LEN 48
#define EVIDENCE_MAX ((size_t)1 << 20)

struct fixture {
    struct azurekit kit;
    struct intel intel;
    coco_error *err;
};

static struct fixture fixture;

/* Quotes the TD as it is described. */
static void
quote(struct fixture *f)
{
    coco_buf_reset(&f->kit.evidence.voucher);
    intel_quote(&f->intel, &(struct intel_signers){0}, &f->kit.evidence.voucher);
}

static int
setup(void **state)
{
    /* What the CPU said locally: nobody elsewhere can check it. */
    static const uint8_t td_report[COCO_HCL_TDX_SIZE];
    struct fixture *f = &fixture;
    uint8_t *report_data = f->intel.quote.td.report_data;

    memset(f, 0, sizeof(*f));
    intel_begin(&f->intel, 4, COCO_QUOTE_TD10);
    azurekit_begin(&f->kit, the_ak, REPORT_DATA, REPORT_DATA_LEN);
    azurekit_lay(&f->kit, COCO_HCL_TDX, td_report);
    memset(report_data, 0, 64);
    memcpy(report_data, f->kit.hash, sizeof(f->kit.hash));
    quote(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_hcl_evidence_done(&f->kit.evidence);
    intel_end(&f->intel);
    return 0;
}

static coco_status
verify(struct fixture *f, coco_verdict **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};

    coco_status status = coco_hcl_evidence_format(&f->kit.evidence, COCO_HCL_TDX, &text, err);
    if (status == COCO_OK)
        status = verify_bound(f->intel.verifier, "az-tdx-vtpm", coco_buf_text(&text), REPORT_DATA,
                              REPORT_DATA_LEN, ret, err);
    return status;
}

static void
assert_verdict(struct fixture *f, const char *failing)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_ok(verify(f, &verdict, &f->err), f->err);
    assert_failing_checks(verdict, failing);
}

static void
good_evidence_is_valid_and_claims_what_upstreams_does(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_ok(verify(f, &verdict, &f->err), f->err);
    assert_failing_checks(verdict, "");
    const char *claims = coco_verdict_claims(verdict);
    assert_contains(claims, "\"quote\":{\"header\":{\"version\":\"0400\"");
    assert_contains(claims, "\"tcb_status\":\"UpToDate\"");
    assert_contains(claims, "\"tpm\":{\"pcr00\":\"0000");
    assert_contains(claims, "\"init_data\":\"0808");
    assert_contains(claims, "\"report_data\":\"61206e6f6e6365");
}

static void
what_is_wrong_with_the_quote_of_the_td_is_told(void **state)
{
    struct fixture *f = *state;

    f->intel.quote.td.td_attributes[0] = 1;
    quote(f);
    assert_verdict(f, "debug ");
    f->intel.quote.td.td_attributes[0] = 0;
    f->intel.quote.td.report_data[0] ^= 1;
    quote(f);
    assert_verdict(f, "runtime-data ");
    f->intel.quote.td.report_data[0] ^= 1;
    quote(f);
    f->kit.evidence.voucher.data[60] ^= 1;
    assert_verdict(f, "quote-signature ");
}

static void
a_quote_of_an_enclave_is_refused(void **state)
{
    struct fixture *f = *state;
    struct intel sgx;
    coco_verdict *verdict = NULL;

    intel_begin(&sgx, 3, COCO_QUOTE_SGX);
    coco_buf_reset(&f->kit.evidence.voucher);
    intel_quote(&sgx, &(struct intel_signers){0}, &f->kit.evidence.voucher);
    assert_fails(verify(f, &verdict, &f->err), f->err, COCO_ERR_PROTO, "not of a TD");
    intel_end(&sgx);
}

static void
a_td_cannot_be_shown_as_another(void **state)
{
    struct fixture *f = *state;
    struct azurekit other;
    _cleanup_pkey_ EVP_PKEY *ak = NULL;
    static const uint8_t td_report[COCO_HCL_TDX_SIZE];

    assert_ok(coco_key_generate(COCO_KEY_RSA, &ak, &f->err), f->err);
    azurekit_begin(&other, ak, REPORT_DATA, REPORT_DATA_LEN);
    tpmkit_sign(&f->kit.evidence.quote, &f->kit.attest, ak);
    assert_verdict(f, "tpm-signature ");
    memcpy(f->kit.runtime, other.runtime, sizeof(other.runtime));
    azurekit_lay(&f->kit, COCO_HCL_TDX, td_report);
    assert_verdict(f, "runtime-data ");
    coco_hcl_evidence_done(&other.evidence);
}

static void
verifying_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        coco_verdict *verdict = NULL;

        coco_status status = verify(f, &verdict, &f->err);
        fault_expect(status, f->err);
        coco_verdict_free(verdict);
    }
}

/* ---- recorded evidence: Intel's word on that machine was not recorded ---- */

static const char *const vectors[] = {
    "az-tdx-vtpm/evidence-v0.json",
    "az-tdx-vtpm/evidence-v1.json",
};

#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))
#define CHALLENGE "challenge"
#define PCR00 "782b20b10f55cc46e2142cc2145d548698073e5beb82752c8d7f9279f0d8a273"
#define MR_TD                                                                                      \
    "024a32b070383331181619fa387cb4d55d1e38879f989933055ccad5bc2db795d1737b66205949d15469dc8c1ba7" \
    "ab7b"
#define NOT_RECORDED "revocation-list revocation-list tcb-info qe-identity tcb-level "
#define RECORDED_AT 1740000000

static coco_verifier *
new_verifier(struct fixture *f)
{
    coco_verifier *verifier = NULL;

    assert_ok(coco_verifier_new(&verifier, &f->err), f->err);
    coco_verifier_set_time(verifier, RECORDED_AT);
    return verifier;
}

static void
recorded_evidence_is_what_its_manifest_says(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < N_VECTORS; i++) {
        size_t len = 0;
        _cleanup_free_ char *text = read_fixture(vectors[i], &len);
        _cleanup_(coco_verifier_freep) coco_verifier *verifier = new_verifier(f);
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

        assert_ok(verify_bound(verifier, "az-tdx-vtpm", text, CHALLENGE, strlen(CHALLENGE),
                               &verdict, &f->err),
                  f->err);
        assert_names_of_failing(verdict, NOT_RECORDED);
        assert_contains(coco_verdict_claims(verdict), "\"mr_td\":\"" MR_TD "\"");
        assert_contains(coco_verdict_claims(verdict), "\"tpm\":{\"pcr00\":\"" PCR00 "\"");
        assert_contains(coco_verdict_claims(verdict), "\"report_data\":\"6368616c6c656e6765\"");
        assert_contains(coco_verdict_claims(verdict), "\"init_data\":\"000000");
    }
}

/* How many checks fail, or more than there are if all of it is refused. */
static size_t
count_failing(const coco_verifier *verifier, const struct coco_hcl_evidence *evidence)
{
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    size_t failing = 0;

    assert_int_equal(coco_hcl_evidence_format(evidence, COCO_HCL_TDX, &text, NULL), COCO_OK);
    if (verify_bound(verifier, "az-tdx-vtpm", coco_buf_text(&text), CHALLENGE, strlen(CHALLENGE),
                     &verdict, NULL)
        != COCO_OK)
        return SIZE_MAX;
    for (size_t i = 0; i < coco_verdict_check_count(verdict); i++)
        failing += coco_verdict_check_ok(verdict, i) ? 0 : 1;
    return failing;
}

/* Header, body, signature, key, and the report of the quoting enclave with its signature. */
#define SIGNED_LEN (48 + 584)
#define CERTIFIED_AT (SIGNED_LEN + 4)
#define CERTIFIED_LEN (64 + 64 + 6 + 384 + 64)

static void
no_byte_of_a_recorded_quote_can_change(void **state)
{
    struct fixture *f = *state;
    size_t len = 0;
    _cleanup_free_ char *text = read_fixture(vectors[1], &len);
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = new_verifier(f);
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_hcl_evidence_ struct coco_hcl_evidence evidence = {0};

    assert_ok(coco_json_parse_object(text, len, &object, &f->err), f->err);
    assert_ok(coco_hcl_evidence_parse(object, COCO_HCL_TDX, &evidence, &f->err), f->err);
    size_t baseline = count_failing(verifier, &evidence);
    for_each_flip(flip, evidence.voucher.data, CERTIFIED_AT + CERTIFIED_LEN, 1)
    {
        if (count_failing(verifier, &evidence) <= baseline)
            fail_msg("byte %zu can change", flip.at);
    }
    assert_int_equal(count_failing(verifier, &evidence), baseline);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(good_evidence_is_valid_and_claims_what_upstreams_does),
        TEST(what_is_wrong_with_the_quote_of_the_td_is_told),
        TEST(a_quote_of_an_enclave_is_refused),
        TEST(a_td_cannot_be_shown_as_another),
        TEST(verifying_survives_any_failed_allocation),
        TEST(recorded_evidence_is_what_its_manifest_says),
        TEST(no_byte_of_a_recorded_quote_can_change),
    };

    return cmocka_run_group_tests(tests, tpmkit_make_keys, tpmkit_free_keys);
}
