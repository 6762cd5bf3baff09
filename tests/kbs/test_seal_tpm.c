/*
 * tests/kbs/test_seal_tpm.c - lib/kbs/seal_tpm.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/seal_tpm.h"

#include "tests/attester/swtpm.h"
#include "tests/canary.h"
#include "tests/faults.h"

#define KEY "0123456789abcdef0123456789abcdef"
#define KEY_SIZE (sizeof(KEY) - 1)

static coco_status
wrap(const struct swtpm *tpm, const char *pcrs, struct coco_buf *ret, coco_error **err)
{
    uint32_t bits = 0;

    assert_ok(coco_seal_tpm_pcrs(pcrs, &bits, err), *err);
    return coco_seal_tpm_wrap(tpm->tcti, bits, KEY, KEY_SIZE, ret, err);
}

static coco_status
unwrap(const struct swtpm *tpm, const struct coco_buf *wrapped, struct coco_secret *ret,
       coco_error **err)
{
    return coco_seal_tpm_unwrap(tpm->tcti, wrapped->data, wrapped->len, ret, err);
}

static void
pcrs_are_read(void **state)
{
    static const struct {
        const char *text;
        uint32_t pcrs;
    } cases[] = {
        {NULL, 0}, {"", 0}, {"0", 1}, {"23", 1U << 23}, {"0,2,7", 0x85}, {"7,7", 0x80}, {"01", 2},
    };
    static const char *const bad[] = {"24",
                                      "-1",
                                      "a",
                                      "0,",
                                      ",0",
                                      "0,,1",
                                      "0 1",
                                      "+1",
                                      " 1",
                                      "0;1",
                                      "1.",
                                      "007",
                                      "99999999999999999999"};
    uint32_t pcrs = 0;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_ok(coco_seal_tpm_pcrs(cases[i].text, &pcrs, &err), err);
        assert_int_equal(pcrs, cases[i].pcrs);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_fails(coco_seal_tpm_pcrs(bad[i], &pcrs, &err), err, COCO_ERR_PROTO, "PCRs");
}

static void
a_tpm_gives_out_what_it_has_wrapped(void **state)
{
    struct swtpm tpm;
    struct swtpm other;
    coco_error *err = NULL;

    (void)state;
    swtpm_start(&tpm);
    swtpm_start(&other);
    for (size_t i = 0; i < 2; i++) {
        _cleanup_buf_ struct coco_buf wrapped = {.limit = COCO_SEAL_TPM_MAX};
        _cleanup_secret_ struct coco_secret key = {0};

        assert_ok(wrap(&tpm, i ? "7,11" : NULL, &wrapped, &err), err);
        assert_null(memmem(wrapped.data, wrapped.len, KEY, KEY_SIZE));
        assert_ok(unwrap(&tpm, &wrapped, &key, &err), err);
        assert_true(coco_secret_equal(&key, KEY, KEY_SIZE));
        assert_fails(unwrap(&other, &wrapped, &key, &err), err, COCO_ERR_VERIFY, "not this TPM");
    }
    swtpm_stop(&tpm);
    swtpm_stop(&other);
}

static void
extend(const struct swtpm *tpm, unsigned pcr)
{
    const TPML_DIGEST_VALUES digest = {
        .count = 1,
        .digests[0] = {.hashAlg = TPM2_ALG_SHA256, .digest.sha256 = {1}},
    };
    TSS2_TCTI_CONTEXT *tcti = NULL;
    ESYS_CONTEXT *esys = NULL;

    assert_int_equal(Tss2_TctiLdr_Initialize(tpm->tcti, &tcti), 0);
    assert_int_equal(Esys_Initialize(&esys, tcti, NULL), 0);
    assert_int_equal(Esys_PCR_Extend(esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                     ESYS_TR_NONE, &digest),
                     0);
    Esys_Finalize(&esys);
    Tss2_TctiLdr_Finalize(&tcti);
}

static void
a_machine_that_booted_otherwise_gets_nothing(void **state)
{
    _cleanup_buf_ struct coco_buf bound = {.limit = COCO_SEAL_TPM_MAX};
    _cleanup_buf_ struct coco_buf loose = {.limit = COCO_SEAL_TPM_MAX};
    _cleanup_secret_ struct coco_secret key = {0};
    struct swtpm tpm;
    coco_error *err = NULL;

    (void)state;
    swtpm_start(&tpm);
    assert_ok(wrap(&tpm, "7", &bound, &err), err);
    assert_ok(wrap(&tpm, NULL, &loose, &err), err);
    extend(&tpm, 11);
    assert_ok(unwrap(&tpm, &bound, &key, &err), err);
    coco_secret_done(&key);
    extend(&tpm, 7);
    assert_fails(unwrap(&tpm, &bound, &key, &err), err, COCO_ERR_VERIFY, "PCRs");
    assert_ok(unwrap(&tpm, &loose, &key, &err), err);
    /* That it is bound is not for the file to say. */
    bound.data[11] = 0;
    assert_int_equal(unwrap(&tpm, &bound, &key, &err), COCO_ERR_IO);
    coco_error_free(coco_steal(&err));
    bound.data[10] = 8;
    assert_int_not_equal(unwrap(&tpm, &bound, &key, &err), COCO_OK);
    coco_error_free(err);
    swtpm_stop(&tpm);
}

static void
what_no_tpm_has_wrapped_is_refused(void **state)
{
    _cleanup_buf_ struct coco_buf wrapped = {.limit = COCO_SEAL_TPM_MAX};
    _cleanup_secret_ struct coco_secret key = {0};
    struct swtpm tpm;
    coco_error *err = NULL;

    (void)state;
    swtpm_start(&tpm);
    assert_ok(wrap(&tpm, "7", &wrapped, &err), err);
    for (size_t len = 0; len < wrapped.len; len++)
        assert_fails(coco_seal_tpm_unwrap(tpm.tcti, wrapped.data, len, &key, &err), err,
                     COCO_ERR_PROTO, "no TPM");
    for (size_t i = 0; i < wrapped.len; i += 5) {
        wrapped.data[i] ^= 0x10;
        assert_int_not_equal(unwrap(&tpm, &wrapped, &key, &err), COCO_OK);
        coco_error_free(coco_steal(&err));
        wrapped.data[i] ^= 0x10;
    }
    assert_ok(unwrap(&tpm, &wrapped, &key, &err), err);
    swtpm_stop(&tpm);
    assert_fails(unwrap(&tpm, &wrapped, &key, &err), err, COCO_ERR_IO, "TPM");
}

/* What ESYS allocates is not ours to fail; what it copies, not ours to wipe. */
static void
it_survives_any_failed_allocation(void **state)
{
    _cleanup_buf_ struct coco_buf wrapped = {.limit = COCO_SEAL_TPM_MAX};
    struct swtpm tpm;
    coco_error *err = NULL;

    (void)state;
    swtpm_start(&tpm);
    for_each_fault()
    {
        coco_buf_reset(&wrapped);
        err = NULL;
        coco_status status = coco_seal_tpm_wrap(tpm.tcti, 0, KEY, KEY_SIZE, &wrapped, &err);
        fault_expect(status, err);
    }
    for_each_fault()
    {
        _cleanup_secret_ struct coco_secret key = {0};

        err = NULL;
        coco_status status = unwrap(&tpm, &wrapped, &key, &err);
        fault_expect(status, err);
    }
    swtpm_stop(&tpm);
}

static void
a_key_is_wiped(void **state)
{
    _cleanup_buf_ struct coco_buf wrapped = {.limit = COCO_SEAL_TPM_MAX};
    struct swtpm tpm;
    coco_error *err = NULL;

    (void)state;
    swtpm_start(&tpm);
    assert_ok(wrap(&tpm, NULL, &wrapped, &err), err);
    canary_begin(KEY, KEY_SIZE);
    struct coco_secret key = {0};
    assert_ok(unwrap(&tpm, &wrapped, &key, &err), err);
    coco_secret_done(&key);
    assert_int_equal(canary_end(), 0);
    swtpm_stop(&tpm);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pcrs_are_read),
        cmocka_unit_test(a_tpm_gives_out_what_it_has_wrapped),
        cmocka_unit_test(a_machine_that_booted_otherwise_gets_nothing),
        cmocka_unit_test(what_no_tpm_has_wrapped_is_refused),
        cmocka_unit_test(it_survives_any_failed_allocation),
        cmocka_unit_test(a_key_is_wiped),
    };

    return cmocka_run_group_tests_name("kbs/seal_tpm", tests, NULL, NULL);
}
