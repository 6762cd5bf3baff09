/*
 * tests/softtee/test_swtpm.c - lib/softtee/swtpm.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/swtpm.h"

#include "tee/eventlog.h"
#include "tests/attester/swtpm.h"
#include "tests/softtee/launchkit.h"

struct fixture {
    char dir[64];
    struct swtpm tpm;
    struct launch_kit kit;
    struct coco_tpm_maker maker;
    struct coco_softtee_vtpm vtpm;
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
    coco_error *err;
};

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    *f = (struct fixture){.err = NULL};
    swtpm_start(&f->tpm);
    make_temp_dir(f->dir, sizeof(f->dir));
    launch_kit_make(&f->kit);
    const struct coco_softtee_launch launch = launch_kit_of(&f->kit);
    assert_ok(coco_tpm_maker_open(f->dir, &f->maker, &f->err), f->err);
    assert_ok(coco_softtee_measure_vtpm(&launch, &f->vtpm, &f->err), f->err);
    assert_ok(coco_swtpm_boot(f->tpm.tcti, &f->maker, &f->vtpm, &f->err), f->err);
    assert_int_equal(Tss2_TctiLdr_Initialize(f->tpm.tcti, &f->tcti), TSS2_RC_SUCCESS);
    assert_int_equal(Esys_Initialize(&f->esys, f->tcti, NULL), TSS2_RC_SUCCESS);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    Esys_Finalize(&f->esys);
    Tss2_TctiLdr_Finalize(&f->tcti);
    coco_softtee_vtpm_done(&f->vtpm);
    coco_tpm_maker_done(&f->maker);
    remove_temp_dir(f->dir);
    swtpm_stop(&f->tpm);
    return 0;
}

static void
read_pcr(struct fixture *f, unsigned pcr, uint8_t ret[COCO_TPM_PCR_SIZE])
{
    TPML_PCR_SELECTION one = {.count = 1,
                              .pcrSelections = {{.hash = TPM2_ALG_SHA256, .sizeofSelect = 3}}};
    TPML_DIGEST *values = NULL;

    one.pcrSelections[0].pcrSelect[pcr / 8] = (uint8_t)(1U << pcr % 8);
    assert_int_equal(
        Esys_PCR_Read(f->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &one, NULL, NULL, &values),
        TSS2_RC_SUCCESS);
    assert_int_equal(values->count, 1);
    memcpy(ret, values->digests[0].buffer, COCO_TPM_PCR_SIZE);
    Esys_Free(values);
}

static void
its_pcrs_are_what_the_log_gives(void **state)
{
    static const uint8_t zero[COCO_TPM_PCR_SIZE];
    struct fixture *f = *state;
    struct coco_eventlog log;

    assert_ok(coco_eventlog_parse(f->vtpm.log.data, f->vtpm.log.len, &log, &f->err), f->err);
    for (unsigned pcr = 0; pcr < 16; pcr++) {
        uint8_t want[COCO_TPM_PCR_SIZE];
        uint8_t got[COCO_TPM_PCR_SIZE];

        assert_ok(coco_eventlog_replay(&log, pcr, COCO_TCG_SHA256, want, &f->err), f->err);
        if (pcr == COCO_TPM_INIT_DATA_PCR)
            assert_ok(coco_tpm_extend(want, f->vtpm.init_data, &f->err), f->err);
        read_pcr(f, pcr, got);
        assert_memory_equal(got, want, sizeof(want));
        assert_int_equal(memcmp(got, zero, sizeof(zero)) != 0, pcr < 10);
    }
}

static void
its_attestation_key_is_the_makers(void **state)
{
    struct fixture *f = *state;
    ESYS_TR key = ESYS_TR_NONE;
    TPM2B_PUBLIC *area = NULL;
    BIGNUM *n = NULL;
    uint8_t modulus[256];

    assert_int_equal(Esys_TR_FromTPMPublic(f->esys, COCO_TPM_AK_HANDLE, ESYS_TR_NONE, ESYS_TR_NONE,
                                           ESYS_TR_NONE, &key),
                     TSS2_RC_SUCCESS);
    assert_int_equal(
        Esys_ReadPublic(f->esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area, NULL, NULL),
        TSS2_RC_SUCCESS);
    assert_int_equal(EVP_PKEY_get_bn_param(f->maker.ak.key, "n", &n), 1);
    assert_int_equal(BN_bn2binpad(n, modulus, sizeof(modulus)), sizeof(modulus));
    assert_int_equal(area->publicArea.unique.rsa.size, sizeof(modulus));
    assert_memory_equal(area->publicArea.unique.rsa.buffer, modulus, sizeof(modulus));
    /* It signs quotes, and nothing that is given to it. */
    assert_true(area->publicArea.objectAttributes & TPMA_OBJECT_RESTRICTED);
    BN_free(n);
    Esys_Free(area);
    assert_int_equal(Esys_TR_Close(f->esys, &key), TSS2_RC_SUCCESS);
}

static void
a_tpm_that_is_not_there_or_has_a_key_is_an_error(void **state)
{
    struct fixture *f = *state;

    Esys_Finalize(&f->esys);
    Tss2_TctiLdr_Finalize(&f->tcti);
    assert_fails(coco_swtpm_boot(f->tpm.tcti, &f->maker, &f->vtpm, &f->err), f->err, COCO_ERR_IO,
                 "attestation key");
    swtpm_kill(&f->tpm);
    assert_fails(coco_swtpm_boot(f->tpm.tcti, &f->maker, &f->vtpm, &f->err), f->err, COCO_ERR_IO,
                 "swtpm:path=");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(its_pcrs_are_what_the_log_gives),
        TEST(its_attestation_key_is_the_makers),
        TEST(a_tpm_that_is_not_there_or_has_a_key_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
