/*
 * tests/roundtrip/test_tpm.c - a TPM, its attester and its verifier
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/driver.h"
#include "base/bytes.h"
#include "base/context.h"
#include "crypto/key.h"
#include "tests/attester/swtpm.h"
#include "tests/verifier/tpmkit.h"

#include <coco/verifier.h>

#define AK 0x81010002U
#define REPORT_DATA "a nonce of thirty-two bytes.....and sixteen more"
#define REPORT_DATA_LEN 48

struct fixture {
    struct swtpm tpm;
    coco_ctx *ctx;
    coco_attester *attester;
    coco_verifier *verifier;
    coco_binding *binding;
    coco_error *err;
};

static struct fixture fixture;

/* The owner has looked at the TPM before. */
static void
trust_key(struct fixture *f, uint32_t handle)
{
    struct coco_tpm_device *device = NULL;
    _cleanup_buf_ struct coco_buf der = {.limit = COCO_TPM_AK_MAX};

    assert_ok(coco_tpm_device_open(&device, &f->err), f->err);
    assert_ok(coco_tpm_device_key(device, handle, &der, &f->err), f->err);
    coco_tpm_device_close(device);
    assert_ok(coco_verifier_trust_key(f->verifier, "tpm", der.data, der.len, &f->err), f->err);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){0};
    swtpm_start(&f->tpm);
    swtpm_make_key(&f->tpm, AK);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_attester_new("tpm", &f->attester, &f->err), f->err);
    assert_ok(coco_verifier_new(&f->verifier, &f->err), f->err);
    trust_key(f, AK);
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

    coco_attester_free(f->attester);
    coco_verifier_free(f->verifier);
    coco_binding_free(f->binding);
    coco_ctx_free(f->ctx);
    swtpm_stop(&f->tpm);
    return 0;
}

static coco_verdict *
attest(struct fixture *f)
{
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    coco_verdict *verdict = NULL;

    assert_ok(coco_attester_collect(f->attester, f->ctx, (const uint8_t *)REPORT_DATA,
                                    REPORT_DATA_LEN, &evidence, &f->err),
              f->err);
    assert_ok(coco_verify(f->verifier, "tpm", (const char *)coco_bytes_data(evidence), f->binding,
                          &verdict, &f->err),
              f->err);
    return verdict;
}

static void
assert_round(struct fixture *f, const char *failing)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = attest(f);

    assert_failing_checks(verdict, failing);
}

static void
what_a_tpm_quotes_is_valid(void **state)
{
    assert_round(*state, "");
}

static void
another_nonce_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_ok(coco_binding_set_report_data(f->binding, (const uint8_t *)"another", 7, &f->err),
              f->err);
    assert_round(f, "report-data ");
}

/* A TPM makes the same primary key again, another TPM another one. */
static void
the_key_of_another_tpm_is_refused(void **state)
{
    struct fixture *f = *state;

    swtpm_stop(&f->tpm);
    swtpm_start(&f->tpm);
    swtpm_make_key(&f->tpm, AK);
    assert_round(f, "ak-trusted ");
    trust_key(f, AK);
    assert_round(f, "");
}

static void
a_pcr_that_was_extended_is_seen_by_policies(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_verdict_freep) coco_verdict *before = attest(f);
    uint8_t digest[COCO_TPM_PCR_SIZE];

    assert_contains(coco_verdict_claims(before), "\"pcr11\":\"0000");
    memset(digest, 0x11, sizeof(digest));
    assert_ok(coco_attester_extend(f->attester, 11, digest, sizeof(digest), &f->err), f->err);
    _cleanup_(coco_verdict_freep) coco_verdict *after = attest(f);
    assert_failing_checks(after, "");
    assert_null(strstr(coco_verdict_claims(after), "\"pcr11\":\"0000"));
}

static void
init_data_are_bound(void **state)
{
    struct fixture *f = *state;
    uint8_t digest[48];

    memset(digest, 0xaa, sizeof(digest));
    assert_ok(coco_binding_set_init_data(f->binding, digest, sizeof(digest), &f->err), f->err);
    assert_round(f, "init-data ");
    assert_ok(coco_attester_bind_init_data(f->attester, digest, sizeof(digest), &f->err), f->err);
    assert_round(f, "");
    digest[0] ^= 1;
    assert_ok(coco_binding_set_init_data(f->binding, digest, sizeof(digest), &f->err), f->err);
    assert_round(f, "init-data ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_tpm_quotes_is_valid),
        TEST(another_nonce_is_refused),
        TEST(the_key_of_another_tpm_is_refused),
        TEST(a_pcr_that_was_extended_is_seen_by_policies),
        TEST(init_data_are_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
