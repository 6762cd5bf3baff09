/*
 * tests/signature/test_signer.c - lib/signature/signer.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "goldenkit.h"

static void
all_of_a_golden_bundle_holds(void **state)
{
    _cleanup_trust_ struct coco_trust trust = {0};
    _cleanup_sigstore_bundle_ struct coco_sigstore_bundle bundle = {0};

    (void)state;
    golden_trust(&trust);
    golden_signer_of(&bundle, &trust);
}

static void
what_is_missing_is_told(void **state)
{
    _cleanup_trust_ struct coco_trust trust = {0};
    struct coco_signer nobody = {0};
    const struct coco_buf none = {0};
    struct coco_log_subject subject = {0};
    _cleanup_buf_ struct coco_buf detail = {.limit = 1024};
    coco_error *err = NULL;

    (void)state;
    golden_trust(&trust);
    assert_fails(coco_signer_check_signature(&nobody, &trust, &none, &none, &detail, &err), err,
                 COCO_ERR_VERIFY, "no certificate");
    assert_fails(coco_signer_check_log(&nobody, &trust, &subject, &detail, &err), err,
                 COCO_ERR_VERIFY, "no entry of a log");
    assert_fails(coco_signer_check_stamps(&nobody, &trust, "b", 1, &detail, &err), err,
                 COCO_ERR_VERIFY, "no time stamp");
}

static void
stamps_are_of_one_signature(void **state)
{
    _cleanup_trust_ struct coco_trust trust = {0};
    _cleanup_sigstore_bundle_ struct coco_sigstore_bundle bundle = {0};
    _cleanup_buf_ struct coco_buf detail = {.limit = 1024};
    coco_error *err = NULL;

    (void)state;
    golden_trust(&trust);
    golden_signer_of(&bundle, &trust);
    struct coco_buf *signature = &bundle.envelope.signature;
    signature->data[0] ^= 1;
    assert_fails(coco_signer_check_stamps(&bundle.signer, &trust, signature->data, signature->len,
                                          &detail, &err),
                 err, COCO_ERR_VERIFY, "timestamp does not hold");
    signature->data[0] ^= 1;
    trust.stampers[0].to = bundle.signer.times[0] - 1000;
    assert_fails(coco_signer_check_stamps(&bundle.signer, &trust, signature->data, signature->len,
                                          &detail, &err),
                 err, COCO_ERR_VERIFY, "not in use");
}

static void
stamps_are_bounded(void **state)
{
    _cleanup_signer_ struct coco_signer signer = {0};
    coco_error *err = NULL;

    (void)state;
    for (int i = 0; i < COCO_SIGNER_ENTRIES_MAX; i++)
        assert_ok(coco_signer_add_stamp(&signer, "AAAA", &err), err);
    assert_fails(coco_signer_add_stamp(&signer, "AAAA", &err), err, COCO_ERR_LIMIT, "more than 8");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_a_golden_bundle_holds),
        cmocka_unit_test(what_is_missing_is_told),
        cmocka_unit_test(stamps_are_of_one_signature),
        cmocka_unit_test(stamps_are_bounded),
    };

    return cmocka_run_group_tests_name("signature/signer", tests, NULL, NULL);
}
