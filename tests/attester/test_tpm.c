/*
 * tests/attester/test_tpm.c - lib/attester/tpm.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/tpm.h"

#include "base/context.h"
#include "crypto/key.h"
#include "tests/attester/evidence.h"
#include "tests/attester/swtpm.h"
#include "tests/faults.h"

#define AK 0x81010002U
#define REPORT_DATA "a nonce of thirty-two bytes.....and sixteen more"
#define REPORT_DATA_LEN 48

struct fixture {
    struct swtpm tpm;
    coco_ctx *ctx;
    coco_attester *attester;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){0};
    swtpm_start(&f->tpm);
    swtpm_make_key(&f->tpm, AK);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_attester_new("tpm", &f->attester, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_attester_free(f->attester);
    coco_ctx_free(f->ctx);
    swtpm_stop(&f->tpm);
    (void)unsetenv("AA_TPM_AK_HANDLE");
    return 0;
}

static coco_status
collect(struct fixture *f, size_t len, coco_bytes **ret, coco_error **err)
{
    return coco_attester_collect(f->attester, f->ctx, (const uint8_t *)REPORT_DATA, len, ret, err);
}

static struct coco_tpm_evidence
collect_parsed(struct fixture *f, size_t len)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_json_ cJSON *object = NULL;
    struct coco_tpm_evidence evidence;

    assert_ok(collect(f, len, &bytes, &f->err), f->err);
    object = evidence_object(bytes);
    assert_ok(coco_tpm_evidence_parse(object, &evidence, &f->err), f->err);
    return evidence;
}

static struct coco_tpm_attest
attest_of(struct fixture *f, const struct coco_tpm_evidence *evidence)
{
    struct coco_tpm_attest attest;

    assert_ok(coco_tpm_attest_parse(evidence->quote.message.data, evidence->quote.message.len,
                                    &attest, &f->err),
              f->err);
    return attest;
}

static void
a_tpm_is_detected(void **state)
{
    (void)state;
    assert_true(coco_tee_detected("tpm"));
}

static void
evidence_is_signed_by_the_key_that_comes_with_it(void **state)
{
    struct fixture *f = *state;
    _cleanup_tpm_evidence_ struct coco_tpm_evidence evidence = collect_parsed(f, REPORT_DATA_LEN);
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    assert_ok(coco_key_parse_public(evidence.ak.data, evidence.ak.len, &key, &f->err), f->err);
    assert_ok(coco_key_verify(key, evidence.quote.message.data, evidence.quote.message.len,
                              evidence.quote.signature.data, evidence.quote.signature.len, &f->err),
              f->err);
}

/* 32 bytes, whatever was given: what upstream's verifier demands. */
static void
report_data_are_cut_or_filled_to_32_bytes(void **state)
{
    static const size_t lens[] = {1, 31, 32, 33, 48};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        _cleanup_tpm_evidence_ struct coco_tpm_evidence evidence = collect_parsed(f, lens[i]);
        struct coco_tpm_attest attest = attest_of(f, &evidence);
        uint8_t want[32] = {0};

        memcpy(want, REPORT_DATA, lens[i] < 32 ? lens[i] : 32);
        assert_int_equal(attest.extra.len, 32);
        assert_memory_equal(attest.extra.bytes, want, 32);
    }
}

static void
the_environment_names_the_key(void **state)
{
    static const char *const bad[] = {"", "0x", "key", "0x81010003 ", "-1", "0x1ffffffff"};
    struct fixture *f = *state;
    coco_bytes *bytes = NULL;

    swtpm_make_key(&f->tpm, 0x81010003);
    _cleanup_tpm_evidence_ struct coco_tpm_evidence first = collect_parsed(f, 32);
    assert_int_equal(setenv("AA_TPM_AK_HANDLE", "0x81010003", 1), 0);
    _cleanup_tpm_evidence_ struct coco_tpm_evidence second = collect_parsed(f, 32);
    assert_int_equal(first.ak.len, second.ak.len);
    /* A primary key of one template is always the same. */
    assert_memory_equal(first.ak.data, second.ak.data, first.ak.len);

    assert_int_equal(setenv("AA_TPM_AK_HANDLE", "81010004", 1), 0);
    assert_fails(collect(f, 32, &bytes, &f->err), f->err, COCO_ERR_NOTFOUND, "0x81010004");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(setenv("AA_TPM_AK_HANDLE", bad[i], 1), 0);
        assert_fails(collect(f, 32, &bytes, &f->err), f->err, COCO_ERR_INVALID, "AA_TPM_AK_HANDLE");
    }
}

static void
what_is_measured_at_runtime_is_in_the_evidence(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_bytes_freep) coco_bytes *value = NULL;
    uint8_t digest[COCO_TPM_PCR_SIZE];
    uint8_t want[COCO_TPM_PCR_SIZE] = {0};

    memset(digest, 0x11, sizeof(digest));
    assert_string_equal(coco_attester_register_alg(f->attester), "sha256");
    assert_ok(coco_attester_extend(f->attester, 14, digest, sizeof(digest), &f->err), f->err);
    assert_ok(coco_tpm_extend(want, digest, &f->err), f->err);
    assert_ok(coco_attester_read_register(f->attester, 14, &value, &f->err), f->err);
    assert_int_equal(coco_bytes_size(value), sizeof(want));
    assert_memory_equal(coco_bytes_data(value), want, sizeof(want));

    _cleanup_tpm_evidence_ struct coco_tpm_evidence evidence = collect_parsed(f, 32);
    assert_memory_equal(evidence.quote.pcrs[14], want, sizeof(want));
    assert_fails(coco_attester_extend(f->attester, 14, digest, 48, &f->err), f->err,
                 COCO_ERR_INVALID, "48 bytes");
}

static void
init_data_are_bound_once(void **state)
{
    struct fixture *f = *state;
    uint8_t digest[48];
    uint8_t want[COCO_TPM_PCR_SIZE] = {0};

    memset(digest, 0xaa, sizeof(digest));
    for (int again = 0; again < 2; again++)
        assert_ok(coco_attester_bind_init_data(f->attester, digest, sizeof(digest), &f->err),
                  f->err);
    assert_ok(coco_tpm_extend(want, digest, &f->err), f->err);
    _cleanup_tpm_evidence_ struct coco_tpm_evidence evidence = collect_parsed(f, 32);
    assert_memory_equal(evidence.quote.pcrs[COCO_TPM_INIT_DATA_PCR], want, sizeof(want));

    digest[0] = 0;
    assert_fails(coco_attester_bind_init_data(f->attester, digest, sizeof(digest), &f->err), f->err,
                 COCO_ERR_VERIFY, "PCR 8");
}

static void
without_a_tpm_nothing_is_collected(void **state)
{
    struct fixture *f = *state;
    coco_bytes *bytes = NULL;
    uint8_t digest[COCO_TPM_PCR_SIZE] = {0};

    swtpm_kill(&f->tpm);
    assert_fails(collect(f, 32, &bytes, &f->err), f->err, COCO_ERR_IO, "swtpm");
    assert_fails(coco_attester_extend(f->attester, 14, digest, 32, &f->err), f->err, COCO_ERR_IO,
                 "swtpm");
    assert_fails(coco_attester_bind_init_data(f->attester, digest, 32, &f->err), f->err,
                 COCO_ERR_IO, "swtpm");
}

static void
attesting_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

        coco_status status = collect(f, 32, &bytes, &f->err);
        fault_expect(status, f->err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tpm_is_detected),
        TEST(evidence_is_signed_by_the_key_that_comes_with_it),
        TEST(report_data_are_cut_or_filled_to_32_bytes),
        TEST(the_environment_names_the_key),
        TEST(what_is_measured_at_runtime_is_in_the_evidence),
        TEST(init_data_are_bound_once),
        TEST(without_a_tpm_nothing_is_collected),
        TEST(attesting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
