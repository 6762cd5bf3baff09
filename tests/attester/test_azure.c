/*
 * tests/attester/test_azure.c - lib/attester/azure.c
 *
 * The TPM is a real one in software, the HCL below it a thread of the test.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/tpm.h"

#include "base/context.h"
#include "base/text.h"
#include "crypto/key.h"
#include "tee/hcl_evidence.h"
#include "tests/attester/evidence.h"
#include "tests/attester/hcl.h"
#include "tests/faults.h"
#include "tests/pki.h"

#define REPORT_DATA "a nonce of thirty-two bytes.....and sixteen more"
#define REPORT_DATA_LEN 48

struct fixture {
    struct hcl hcl;
    struct pki_cert vcek;
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    memset(f, 0, sizeof(*f));
    pki_make_ca(&f->vcek, NULL, "SEV-VCEK");
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    hcl_stop(&f->hcl);
    pki_done(&f->vcek);
    coco_ctx_free(f->ctx);
    return 0;
}

static void
start(struct fixture *f, enum coco_hcl_hardware hardware, enum hcl_way way)
{
    char *pem = pki_pem(&f->vcek);

    hcl_start(&f->hcl, hardware, way);
    assert_ok(hcl_say_certificate(&f->hcl, pem, &f->err), f->err);
    assert_ok(coco_buf_append_text(&f->hcl.quote, "{\"quote\":\"_-8\"}", &f->err), f->err);
    OPENSSL_free(pem);
}

static coco_status
collect(struct fixture *f, const char *tee, coco_bytes **ret, coco_error **err)
{
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;

    coco_status status = coco_attester_new(tee, &attester, err);
    if (status == COCO_OK)
        status = coco_attester_collect(attester, f->ctx, (const uint8_t *)REPORT_DATA,
                                       REPORT_DATA_LEN, ret, err);
    return status;
}

static struct coco_hcl_evidence
collect_parsed(struct fixture *f, const char *tee, enum coco_hcl_hardware hardware)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_json_ cJSON *object = NULL;
    struct coco_hcl_evidence evidence;

    assert_ok(collect(f, tee, &bytes, &f->err), f->err);
    object = evidence_object(bytes);
    assert_ok(coco_hcl_evidence_parse(object, hardware, &evidence, &f->err), f->err);
    return evidence;
}

static void
the_hardware_is_detected_by_the_report(void **state)
{
    struct fixture *f = *state;

    start(f, COCO_HCL_SNP, HCL_RENEWS);
    assert_true(coco_tee_detected("az-snp-vtpm"));
    assert_false(coco_tee_detected("az-tdx-vtpm"));
    hcl_stop(&f->hcl);
    start(f, COCO_HCL_TDX, HCL_RENEWS);
    assert_false(coco_tee_detected("az-snp-vtpm"));
    assert_true(coco_tee_detected("az-tdx-vtpm"));
    hcl_stop(&f->hcl);
    assert_false(coco_tee_detected("az-tdx-vtpm"));
}

static void
evidence_has_a_report_that_is_fresh(void **state)
{
    static const struct {
        const char *tee;
        enum coco_hcl_hardware hardware;
    } cases[] = {{"az-snp-vtpm", COCO_HCL_SNP}, {"az-tdx-vtpm", COCO_HCL_TDX}};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start(f, cases[i].hardware, HCL_RENEWS);
        _cleanup_hcl_evidence_ struct coco_hcl_evidence evidence =
            collect_parsed(f, cases[i].tee, cases[i].hardware);
        _cleanup_hcl_runtime_ struct coco_hcl_runtime runtime = {0};
        struct coco_hcl_report report;
        struct coco_tpm_attest attest;

        assert_int_equal(evidence.version, 2);
        assert_ok(
            coco_hcl_report_parse(evidence.report.data, evidence.report.len, &report, &f->err),
            f->err);
        assert_int_equal(report.hardware, cases[i].hardware);
        assert_ok(coco_hcl_runtime_parse(&report, &runtime, &f->err), f->err);
        assert_memory_equal(runtime.user_data, REPORT_DATA, REPORT_DATA_LEN);
        assert_ok(coco_tpm_attest_parse(evidence.quote.message.data, evidence.quote.message.len,
                                        &attest, &f->err),
                  f->err);
        assert_int_equal(attest.extra.len, REPORT_DATA_LEN);
        assert_memory_equal(attest.extra.bytes, REPORT_DATA, REPORT_DATA_LEN);
        hcl_stop(&f->hcl);
    }
}

static void
who_vouches_is_asked_of_the_metadata_service(void **state)
{
    struct fixture *f = *state;

    start(f, COCO_HCL_SNP, HCL_RENEWS);
    _cleanup_hcl_evidence_ struct coco_hcl_evidence snp =
        collect_parsed(f, "az-snp-vtpm", COCO_HCL_SNP);
    assert_true(snp.voucher.len > 100 && snp.voucher.data[0] == 0x30);
    hcl_stop(&f->hcl);

    start(f, COCO_HCL_TDX, HCL_RENEWS);
    _cleanup_hcl_evidence_ struct coco_hcl_evidence tdx =
        collect_parsed(f, "az-tdx-vtpm", COCO_HCL_TDX);
    assert_int_equal(tdx.voucher.len, 2);
    assert_memory_equal(tdx.voucher.data, "\xff\xef", 2);
    /* What it is made of is the TDREPORT inside of the HCL's. */
    assert_contains(f->hcl.asked, "{\"report\":\"WlpaWlpa");
}

static void
a_report_of_other_hardware_is_refused(void **state)
{
    struct fixture *f = *state;
    coco_bytes *bytes = NULL;

    start(f, COCO_HCL_SNP, HCL_RENEWS);
    assert_fails(collect(f, "az-tdx-vtpm", &bytes, &f->err), f->err, COCO_ERR_NOTSUP,
                 "other hardware");
}

static void
a_tpm_without_a_report_is_refused(void **state)
{
    struct fixture *f = *state;
    coco_bytes *bytes = NULL;

    start(f, COCO_HCL_SNP, HCL_NONE);
    assert_false(coco_tee_detected("az-snp-vtpm"));
    assert_fails(collect(f, "az-snp-vtpm", &bytes, &f->err), f->err, COCO_ERR_NOTFOUND,
                 "0x01400001");
}

/* The HCL that does not answer is waited for, until somebody has enough of it. */
static void
waiting_for_the_report_can_be_canceled(void **state)
{
    struct fixture *f = *state;
    coco_bytes *bytes = NULL;

    start(f, COCO_HCL_SNP, HCL_STALE);
    coco_ctx_cancel(f->ctx);
    assert_fails(collect(f, "az-snp-vtpm", &bytes, &f->err), f->err, COCO_ERR_CANCELED, "");
}

static void
registers_are_those_of_the_tpm(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
    uint8_t digest[COCO_TPM_PCR_SIZE];
    uint8_t want[COCO_TPM_PCR_SIZE] = {0};

    start(f, COCO_HCL_SNP, HCL_RENEWS);
    memset(digest, 0xaa, sizeof(digest));
    assert_ok(coco_attester_new("az-snp-vtpm", &attester, &f->err), f->err);
    assert_string_equal(coco_attester_register_alg(attester), "sha256");
    assert_ok(coco_attester_bind_init_data(attester, digest, sizeof(digest), &f->err), f->err);
    assert_ok(coco_tpm_extend(want, digest, &f->err), f->err);
    _cleanup_hcl_evidence_ struct coco_hcl_evidence evidence =
        collect_parsed(f, "az-snp-vtpm", COCO_HCL_SNP);
    assert_memory_equal(evidence.quote.pcrs[COCO_TPM_INIT_DATA_PCR], want, sizeof(want));
}

/* Without the HCL's thread, whose allocations would be counted, too: its report is there already.
 */
static void
attesting_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    memcpy(f->hcl.first, REPORT_DATA, REPORT_DATA_LEN);
    start(f, COCO_HCL_SNP, HCL_STALE);
    for_each_fault()
    {
        _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

        coco_status status = collect(f, "az-snp-vtpm", &bytes, &f->err);
        fault_expect(status, f->err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_hardware_is_detected_by_the_report),
        TEST(evidence_has_a_report_that_is_fresh),
        TEST(who_vouches_is_asked_of_the_metadata_service),
        TEST(a_report_of_other_hardware_is_refused),
        TEST(a_tpm_without_a_report_is_refused),
        TEST(waiting_for_the_report_can_be_canceled),
        TEST(registers_are_those_of_the_tpm),
        TEST(attesting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
