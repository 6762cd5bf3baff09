/*
 * tests/roundtrip/test_azure.c - a confidential VM of Azure, its attester and its verifier
 *
 * The TPM, the HCL, the metadata service and AMD are all ours.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/driver.h"
#include "base/bytes.h"
#include "base/context.h"
#include "tests/attester/hcl.h"
#include "tests/verifier/amd.h"
#include "tests/verifier/tpmkit.h"

#include <coco/collateral.h>
#include <coco/verifier.h>

#define REPORT_DATA "a nonce of thirty-two bytes.....and sixteen more"
#define REPORT_DATA_LEN 48

static struct amd amd;

struct fixture {
    struct hcl hcl;
    char dir[64]; /* of collateral */
    coco_ctx *ctx;
    coco_attester *attester;
    coco_verifier *verifier;
    coco_binding *binding;
    coco_error *err;
};

static struct fixture fixture;

static int
begin(void **state)
{
    struct coco_snp_report report = amd_report(0x19, 0x01);

    (void)state;
    amd_make(&amd, &report);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    amd_done(&amd);
    return 0;
}

/* The chip's report. On the HCL's thread: nothing in it fails here. */
static void
make_report(struct hcl *hcl, const uint8_t hash[32], uint8_t *ret)
{
    struct coco_snp_report report = amd_report(0x19, 0x01);

    (void)hcl;
    memcpy(report.report_data, hash, 32);
    amd_sign(&report, amd.vcek.key);
    coco_snp_report_format(&report, ret);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;
    coco_collateral *collateral = NULL;
    char *pem = pki_pem(&amd.vcek);

    memset(f, 0, sizeof(*f));
    f->hcl.make = make_report;
    hcl_start(&f->hcl, COCO_HCL_SNP, HCL_RENEWS);
    assert_ok(hcl_say_certificate(&f->hcl, pem, &f->err), f->err);
    OPENSSL_free(pem);
    make_temp_dir(f->dir, sizeof(f->dir));
    amd_write_collateral(f->dir, "amd/Milan", &amd);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_attester_new("az-snp-vtpm", &f->attester, &f->err), f->err);
    assert_ok(coco_verifier_new(&f->verifier, &f->err), f->err);
    trust_cert(f->verifier, "amd/Milan", amd.ark.cert);
    assert_ok(coco_collateral_new_dir(f->dir, &collateral, &f->err), f->err);
    coco_verifier_set_collateral(f->verifier, collateral);
    assert_ok(coco_binding_new(&f->binding, &f->err), f->err);
    assert_ok(coco_binding_set_report_data(f->binding, (const uint8_t *)REPORT_DATA,
                                           REPORT_DATA_LEN, &f->err),
              f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    hcl_stop(&f->hcl);
    coco_attester_free(f->attester);
    coco_verifier_free(f->verifier);
    coco_binding_free(f->binding);
    coco_ctx_free(f->ctx);
    remove_temp_dir(f->dir);
    return 0;
}

static void
assert_round(struct fixture *f, const char *failing)
{
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_ok(coco_attester_collect(f->attester, f->ctx, (const uint8_t *)REPORT_DATA,
                                    REPORT_DATA_LEN, &evidence, &f->err),
              f->err);
    assert_ok(coco_verify(f->verifier, "az-snp-vtpm", (const char *)coco_bytes_data(evidence),
                          f->binding, &verdict, &f->err),
              f->err);
    assert_failing_checks(verdict, failing);
}

static void
what_a_vm_collects_is_valid(void **state)
{
    assert_round(*state, "");
}

static void
another_nonce_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_ok(coco_binding_set_report_data(f->binding, (const uint8_t *)"another", 7, &f->err),
              f->err);
    assert_round(f, "report-data user-data ");
}

static void
init_data_are_bound(void **state)
{
    struct fixture *f = *state;
    uint8_t digest[32];

    memset(digest, 0xaa, sizeof(digest));
    assert_ok(coco_binding_set_init_data(f->binding, digest, sizeof(digest), &f->err), f->err);
    assert_round(f, "init-data ");
    assert_ok(coco_attester_bind_init_data(f->attester, digest, sizeof(digest), &f->err), f->err);
    assert_round(f, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_vm_collects_is_valid),
        TEST(another_nonce_is_refused),
        TEST(init_data_are_bound),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
