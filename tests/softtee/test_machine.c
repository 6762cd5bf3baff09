/*
 * tests/softtee/test_machine.c - lib/softtee/machine.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/machine.h"

#include "base/digest.h"
#include "crypto/cert.h"
#include "tee/tcghash.h"
#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

static const struct coco_softtee_launch nothing = {.kernel = {.cmdline = ""}};

struct fixture {
    char dir[64];
    struct coco_softtee_machine machine;
    coco_error *err;
};

static int
setup(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.err = NULL};
    make_temp_dir(fixture.dir, sizeof(fixture.dir));
    *state = &fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_softtee_machine_done(&f->machine);
    remove_temp_dir(f->dir);
    return 0;
}

static void
boot(struct fixture *f, enum coco_softtee_kind kind)
{
    coco_softtee_machine_done(&f->machine);
    assert_ok(coco_softtee_machine_boot(f->dir, kind, &nothing, &f->machine, &f->err), f->err);
}

static void
its_maker_is_the_same_at_the_next_boot(void **state)
{
    static const struct {
        enum coco_softtee_kind kind;
        const char *root;
        const char *of_collateral;
    } cases[] = {
        {COCO_SOFTTEE_TDX, "roots/intel", "collateral/intel/tdx/qe-identity.json"},
        {COCO_SOFTTEE_SNP, "roots/" COCO_AMD_MAKER, "collateral/" COCO_AMD_MAKER "/vcek.crl"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        struct coco_digest fingerprint;
        char digest[COCO_DIGEST_TEXT_SIZE];
        char text[COCO_DIGEST_TEXT_SIZE + 1];
        char path[128];

        for (int again = 0; again < 2; again++) {
            boot(f, cases[i].kind);
            const struct coco_pki *root = i == 0 ? &f->machine.intel.root : &f->machine.amd.ark;

            if (again)
                assert_file(f->dir, cases[i].root, text);
            assert_ok(coco_cert_fingerprint(root->cert, &fingerprint, &f->err), f->err);
            coco_digest_format(&fingerprint, digest);
            (void)snprintf(text, sizeof(text), "%s\n", digest);
            assert_file(f->dir, cases[i].root, text);
        }
        (void)snprintf(path, sizeof(path), "%s/%s", f->dir, cases[i].of_collateral);
        assert_int_equal(access(path, R_OK), 0);
    }
}

static void
a_quote_holds_what_the_machine_is(void **state)
{
    static const uint8_t report_data[COCO_SOFTTEE_REPORT_DATA_SIZE] = {1, 2, 3};
    struct fixture *f = *state;

    for (enum coco_softtee_kind kind = COCO_SOFTTEE_TDX; kind <= COCO_SOFTTEE_SNP; kind++) {
        _cleanup_buf_ struct coco_buf bytes = {.limit = 1 << 16};
        struct coco_snp_report report;
        struct coco_quote quote;

        boot(f, kind);
        assert_ok(coco_softtee_machine_quote(&f->machine, report_data, 1, &bytes, &f->err), f->err);
        if (kind == COCO_SOFTTEE_SNP) {
            assert_ok(coco_snp_report_parse(bytes.data, bytes.len, &report, &f->err), f->err);
            assert_memory_equal(report.report_data, report_data, sizeof(report_data));
            assert_memory_equal(report.measurement, f->machine.guest.measurement, 48);
            assert_int_equal(report.vmpl, 1);
            continue;
        }
        assert_ok(coco_quote_parse(bytes.data, bytes.len, &quote, &f->err), f->err);
        assert_memory_equal(quote.td.report_data, report_data, sizeof(report_data));
        assert_memory_equal(quote.td.mr_td, f->machine.td.mr_td, 48);
        assert_memory_equal(quote.td.rtmr, f->machine.td.rtmr, sizeof(f->machine.td.rtmr));
    }
}

/* It has no root that a verifier would know: the key itself is named. */
static void
the_key_of_its_tpm_is_the_same_at_the_next_boot(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};

    boot(f, COCO_SOFTTEE_TPM);
    assert_ok(coco_key_public_pem(f->machine.tpm.ak.key, &pem, &f->err), f->err);
    assert_file(f->dir, "keys/tpm.pem", coco_buf_text(&pem));
    boot(f, COCO_SOFTTEE_TPM);
    assert_file(f->dir, "keys/tpm.pem", coco_buf_text(&pem));
    assert_true(f->machine.vtpm.log.len > 0);
}

static void
one_register_is_extended(void **state)
{
    static const uint8_t digest[COCO_SOFTTEE_REGISTER_SIZE] = {7};
    struct fixture *f = *state;
    uint8_t want[COCO_SOFTTEE_REGISTERS][48];

    boot(f, COCO_SOFTTEE_TDX);
    memcpy(want, f->machine.td.rtmr, sizeof(want));
    assert_ok(coco_tcg_extend(COCO_TCG_SHA384, want[2], digest, &f->err), f->err);
    assert_ok(coco_softtee_machine_extend(&f->machine, 2, digest, &f->err), f->err);
    assert_memory_equal(f->machine.td.rtmr, want, sizeof(want));
}

static void
booting_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    boot(f, COCO_SOFTTEE_TDX); /* the keys are there: making RSA keys each time would take long */
    boot(f, COCO_SOFTTEE_SNP);
    boot(f, COCO_SOFTTEE_TPM);
    for_each_fault()
    {
        coco_status status = COCO_OK;

        for (enum coco_softtee_kind kind = COCO_SOFTTEE_TDX; kind <= COCO_SOFTTEE_TPM; kind++) {
            coco_softtee_machine_done(&f->machine);
            if (status == COCO_OK)
                status = coco_softtee_machine_boot(f->dir, kind, &nothing, &f->machine, &f->err);
        }
        fault_expect(status, f->err);
        coco_error_free(f->err);
        f->err = NULL;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(its_maker_is_the_same_at_the_next_boot),
        TEST(a_quote_holds_what_the_machine_is),
        TEST(the_key_of_its_tpm_is_the_same_at_the_next_boot),
        TEST(one_register_is_extended),
        TEST(booting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
