/*
 * tests/roundtrip/test_se.c - evidence of IBM Secure Execution, from the request to the verdict
 *
 * What stands for the ultravisor opens the control block by the private key of its host, as only
 * that of a machine which the request was made for can, and measures the image that it has booted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/se.h"
#include "base/bytes.h"
#include "tests/fakemachine.h"
#include "tests/verifier/bound.h"
#include "tests/verifier/failing.h"
#include "tests/verifier/se_kit.h"

#include <stdlib.h>
#include <string.h>

#define BOUND "nonce and key"

struct fixture {
    struct ibm ibm;
    struct coco_se_tags booted;
    struct coco_se_tags wanted;
    struct fake_kernel fake;
    char dir[64];
    coco_ctx *ctx;
    coco_attester *attester;
    EVP_PKEY *rsa;
    coco_verifier *verifier;
    coco_error *err;
};

static int
ultravisor(struct fake_kernel *fake, unsigned long request, void *arg)
{
    const struct fixture *f = fake->user;
    struct coco_uv_block *block = arg;
    struct coco_uv_attest *attest = fake_memory_at(block->argument_addr);
    _cleanup_se_secrets_ struct coco_se_secrets secrets = {{0}, {0}, {0}};
    _cleanup_se_evidence_ struct coco_se_evidence measured = {.tags = f->booted, .cuid = {0xc1}};
    const uint8_t additional[64] = {0xad};

    if (request != COCO_UV_ATTEST)
        return EINVAL;
    se_kit_open(&f->ibm.host, fake_memory_at(attest->arcb_addr), attest->arcb_len, &secrets);
    se_kit_append(&measured.user, attest->user_data, attest->user_data_len);
    se_kit_append(&measured.additional, additional, sizeof(additional));
    se_kit_measure(&measured, &secrets);
    memcpy(fake_memory_at(attest->meas_addr), measured.measurement.data, measured.measurement.len);
    memcpy(fake_memory_at(attest->add_data_addr), additional, sizeof(additional));
    memcpy(attest->config_uid, measured.cuid, sizeof(measured.cuid));
    attest->add_data_len = sizeof(additional);
    block->rc = COCO_UV_DONE;
    return 0;
}

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    *f = (struct fixture){.booted = {{1}, {2}, {3}, {4}}, .wanted = {{1}, {2}, {3}, {4}}};
    ibm_setup(&f->ibm);
    make_temp_dir(f->dir, sizeof(f->dir));
    ibm_write_collateral(f->dir, &f->ibm);
    f->verifier = ibm_verifier(f->dir, f->ibm.root.cert);
    assert_ok(coco_key_generate(COCO_KEY_RSA, &f->rsa, &f->err), f->err);
    se_kit_set_key(f->verifier, f->rsa);
    fake_kernel_init(&f->fake);
    f->fake.user = f;
    f->fake.ioctl = ultravisor;
    f->fake.files[0].path = "/dev/uv";
    fake_machine_begin(&f->fake, &coco_se_attester, &f->ctx, &f->attester);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    fake_machine_end(&f->fake, f->ctx, f->attester);
    coco_verifier_free(f->verifier);
    EVP_PKEY_free(f->rsa);
    remove_temp_dir(f->dir);
    ibm_done(&f->ibm);
    return 0;
}

static void
make_request(struct fixture *f, struct coco_buf *ret)
{
    ret->limit = COCO_SE_ADDITIONAL_MAX;
    assert_ok(coco_se_request_make(f->verifier, &f->ibm.host.cert, 1, &f->wanted, ret, &f->err),
              f->err);
}

/* The names of the checks that do not hold for the answer to nonce, with a space behind each. */
static void
assert_failing(struct fixture *f, const struct coco_buf *nonce, const char *bound,
               const char *names)
{
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    const struct coco_evidence_request asked = {
        .report_data = (const uint8_t *)BOUND,
        .len = strlen(BOUND),
        .nonce = coco_buf_text(nonce),
    };

    assert_ok(coco_attester_answer(f->attester, f->ctx, &asked, &evidence, &f->err), f->err);
    assert_ok(verify_bound(f->verifier, "se", (const char *)coco_bytes_data(evidence), bound,
                           strlen(bound), &verdict, &f->err),
              f->err);
    assert_failing_checks(verdict, names);
}

static void
an_answer_to_our_request_is_valid(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf nonce = {0};

    make_request(f, &nonce);
    assert_failing(f, &nonce, BOUND, "");
}

static void
what_is_swapped_is_refused_by_its_check(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf nonce = {0};

    make_request(f, &nonce);
    assert_failing(f, &nonce, "other and key", "report-data ");
    assert_failing(f, &nonce, "nonce and kez", "report-data ");
}

/* It is said to be the one that was asked for, but the ultravisor knows. */
static void
another_image_is_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf nonce = {0};

    make_request(f, &nonce);
    f->booted.tag[0] ^= 1;
    assert_failing(f, &nonce, BOUND, "measurement ");
}

/* Whoever has the key's public half can ask a guest, but not verify for us. */
static void
an_answer_to_the_request_of_others_is_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf nonce = {0};
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    make_request(f, &nonce);
    assert_ok(coco_key_generate(COCO_KEY_RSA, &key, &f->err), f->err);
    se_kit_set_key(f->verifier, key);
    assert_failing(f, &nonce, BOUND, "request measurement ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_to_our_request_is_valid),
        TEST(what_is_swapped_is_refused_by_its_check),
        TEST(another_image_is_refused),
        TEST(an_answer_to_the_request_of_others_is_refused),
    };

    return cmocka_run_group_tests_name("roundtrip/se", tests, NULL, NULL);
}
