/*
 * tests/attester/test_cca.c - lib/attester/cca.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/cca.h"

#include "tests/attester/evidence.h"
#include "tests/fakemachine.h"
#include "tests/tee/cca_sample.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
    struct fake_kernel fake;
    struct coco_buf token;
    coco_ctx *ctx;
    coco_attester *attester;
    coco_error *err;
};

/* Appends claims as a message of key. */
static struct coco_cbor_string
sign(EVP_PKEY *key, const struct coco_buf *claims, struct coco_buf *ret)
{
    const struct coco_cose_content content = {
        .payload = {claims->data, claims->len},
        .tagged = true,
    };

    assert_int_equal(coco_cose_sign1_sign(key, &content, ret, NULL), COCO_OK);
    return (struct coco_cbor_string){ret->data, ret->len};
}

/* What the kernel gives is a token of challenge; one key signs all, for a guest cannot tell. */
static void
answer_with(struct fixture *f, const char *challenge, const char *profile)
{
    uint8_t bytes[COCO_CCA_CHALLENGE_SIZE] = {0};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf cose = {.limit = 256};
    _cleanup_buf_ struct coco_buf platform = {.limit = 4096};
    _cleanup_buf_ struct coco_buf realm = {.limit = 4096};
    _cleanup_buf_ struct coco_buf signed_platform = {.limit = 4096};
    _cleanup_buf_ struct coco_buf signed_realm = {.limit = 4096};

    memcpy(bytes, challenge, strlen(challenge));
    assert_ok(coco_key_generate(COCO_KEY_P384, &key, &f->err), f->err);
    assert_ok(coco_cose_key_format(key, &cose, &f->err), f->err);
    struct coco_cca_platform of_platform =
        cca_sample_platform((struct coco_cbor_string){bytes, 32});
    struct coco_cca_realm of_realm =
        cca_sample_realm(CCA_BYTES(bytes), (struct coco_cbor_string){cose.data, cose.len});
    of_realm.profile = CCA_TEXT(profile);
    assert_ok(coco_cca_platform_format(&of_platform, &platform, &f->err), f->err);
    assert_ok(coco_cca_realm_format(&of_realm, &realm, &f->err), f->err);
    coco_buf_reset(&f->token);
    f->token.limit = COCO_CCA_TOKEN_MAX;
    assert_ok(coco_cca_token_format(sign(key, &platform, &signed_platform),
                                    sign(key, &realm, &signed_realm), &f->token, &f->err),
              f->err);
    f->fake.out = f->token.data;
    f->fake.out_len = f->token.len;
}

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    f->err = NULL;
    fake_kernel_init(&f->fake);
    f->fake.provider = "arm_cca_guest\n";
    answer_with(f, "bound", COCO_CCA_REALM_2023);
    fake_machine_begin(&f->fake, &coco_cca_attester, &f->ctx, &f->attester);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    fake_machine_end(&f->fake, f->ctx, f->attester);
    coco_buf_done(&f->token);
    return 0;
}

static void
evidence_is_upstreams(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;

    assert_ok(
        coco_attester_collect(f->attester, f->ctx, (const uint8_t *)"bound", 5, &evidence, &f->err),
        f->err);
    _cleanup_buf_ struct coco_buf want = {.limit = 1 << 16};
    const struct coco_cbor_string token = {f->token.data, f->token.len};
    assert_ok(coco_cca_evidence_format(token, &want, &f->err), f->err);
    assert_string_equal((const char *)coco_bytes_data(evidence), coco_buf_text(&want));
    assert_int_equal(f->fake.inblob_len, 64);
    assert_memory_equal(f->fake.inblob, "bound\0", 6);
}

static void
an_answer_to_another_question_is_refused(void **state)
{
    struct fixture *f = *state;
    coco_bytes *evidence = NULL;

    answer_with(f, "other", COCO_CCA_REALM_2023);
    assert_fails(
        coco_attester_collect(f->attester, f->ctx, (const uint8_t *)"bound", 5, &evidence, &f->err),
        f->err, COCO_ERR_VERIFY, "holds another challenge");
    f->fake.out_len--;
    assert_fails(
        coco_attester_collect(f->attester, f->ctx, (const uint8_t *)"bound", 5, &evidence, &f->err),
        f->err, COCO_ERR_PROTO, "token of the kernel: ");
    assert_null(evidence);
}

/* The verifier may know it. */
static void
a_token_of_another_profile_is_passed_on(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;

    answer_with(f, "other", "tag:arm.com,2034:realm#9.0.0");
    assert_ok(
        coco_attester_collect(f->attester, f->ctx, (const uint8_t *)"bound", 5, &evidence, &f->err),
        f->err);
}

static void
another_machine_is_no_realm(void **state)
{
    struct fixture *f = *state;
    coco_bytes *evidence = NULL;

    f->fake.provider = "tdx_guest\n";
    assert_fails(
        coco_attester_collect(f->attester, f->ctx, (const uint8_t *)"bound", 5, &evidence, &f->err),
        f->err, COCO_ERR_NOTSUP, "not arm_cca_guest");
    assert_null(evidence);
}

static void
collecting_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    assert_collecting_survives_faults(f->attester, f->ctx);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(evidence_is_upstreams),
        TEST(an_answer_to_another_question_is_refused),
        TEST(a_token_of_another_profile_is_passed_on),
        TEST(another_machine_is_no_realm),
        TEST(collecting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
