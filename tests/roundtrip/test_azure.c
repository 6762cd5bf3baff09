/*
 * tests/roundtrip/test_azure.c - a confidential VM of Azure, its attester and its verifier
 *
 * The TPM, the HCL, the metadata service and AMD are all ours.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/attester/hcl.h"
#include "tests/roundtrip/round.h"
#include "tests/verifier/amd.h"
#include "tests/verifier/tpmkit.h"

#include <coco/collateral.h>
#include <coco/verifier.h>

static struct amd amd;

struct fixture {
    struct hcl hcl;
    char dir[64]; /* of collateral */
    struct round round;
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
    assert_ok(hcl_say_certificate(&f->hcl, pem, &f->round.err), f->round.err);
    OPENSSL_free(pem);
    make_temp_dir(f->dir, sizeof(f->dir));
    amd_write_collateral(f->dir, "amd/Milan", &amd);
    round_begin(&f->round, "az-snp-vtpm");
    trust_cert(f->round.verifier, "amd/Milan", amd.ark.cert);
    assert_ok(coco_collateral_new_dir(f->dir, &collateral, &f->round.err), f->round.err);
    coco_verifier_set_collateral(f->round.verifier, collateral);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    hcl_stop(&f->hcl);
    round_end(&f->round);
    remove_temp_dir(f->dir);
    return 0;
}

static void
what_a_vm_collects_is_valid(void **state)
{
    struct fixture *f = *state;

    assert_round(&f->round, "");
}

static void
another_nonce_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_other_nonce_fails(&f->round, "report-data user-data ");
}

static void
init_data_are_bound(void **state)
{
    struct fixture *f = *state;

    assert_init_data_are_bound(&f->round, 32);
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
