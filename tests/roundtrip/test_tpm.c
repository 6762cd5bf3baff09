/*
 * tests/roundtrip/test_tpm.c - a TPM, its attester and its verifier
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/driver.h"
#include "crypto/key.h"
#include "tests/attester/swtpm.h"
#include "tests/roundtrip/round.h"

#include <coco/verifier.h>

#define AK 0x81010002U

struct fixture {
    struct swtpm tpm;
    struct round round;
};

static struct fixture fixture;

/* The owner has looked at the TPM before. */
static void
trust_key(struct fixture *f, uint32_t handle)
{
    struct coco_tpm_device *device = NULL;
    _cleanup_buf_ struct coco_buf der = {.limit = COCO_TPM_AK_MAX};

    assert_ok(coco_tpm_device_open(&device, &f->round.err), f->round.err);
    assert_ok(coco_tpm_device_key(device, handle, &der, &f->round.err), f->round.err);
    coco_tpm_device_close(device);
    assert_ok(coco_verifier_trust_key(f->round.verifier, "tpm", der.data, der.len, &f->round.err),
              f->round.err);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){0};
    swtpm_start(&f->tpm);
    swtpm_make_key(&f->tpm, AK);
    round_begin(&f->round, "tpm");
    trust_key(f, AK);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    round_end(&f->round);
    swtpm_stop(&f->tpm);
    return 0;
}

static void
what_a_tpm_quotes_is_valid(void **state)
{
    struct fixture *f = *state;

    assert_round(&f->round, "");
}

static void
another_nonce_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_other_nonce_fails(&f->round, "report-data ");
}

/* A TPM makes the same primary key again, another TPM another one. */
static void
the_key_of_another_tpm_is_refused(void **state)
{
    struct fixture *f = *state;

    swtpm_stop(&f->tpm);
    swtpm_start(&f->tpm);
    swtpm_make_key(&f->tpm, AK);
    assert_round(&f->round, "ak-trusted ");
    trust_key(f, AK);
    assert_round(&f->round, "");
}

static void
a_pcr_that_was_extended_is_seen_by_policies(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_verdict_freep) coco_verdict *before = round_attest(&f->round);
    uint8_t digest[COCO_TPM_PCR_SIZE];

    assert_contains(coco_verdict_claims(before), "\"pcr11\":\"0000");
    memset(digest, 0x11, sizeof(digest));
    assert_ok(coco_attester_extend(f->round.attester, 11, digest, sizeof(digest), &f->round.err),
              f->round.err);
    _cleanup_(coco_verdict_freep) coco_verdict *after = round_attest(&f->round);
    assert_failing_checks(after, "");
    assert_null(strstr(coco_verdict_claims(after), "\"pcr11\":\"0000"));
}

static void
init_data_are_bound(void **state)
{
    struct fixture *f = *state;

    assert_init_data_are_bound(&f->round, 48);
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
