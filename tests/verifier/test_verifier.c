/*
 * tests/verifier/test_verifier.c - lib/verifier/verifier.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/key.h"
#include "tests/faults.h"
#include "verifier/driver.h"

#include <string.h>

#define EVIDENCE "{\"svn\":\"1\",\"report_data\":\"bm9uY2U=\"}"

static void
an_unknown_tee_is_refused(void **state)
{
    static const char *const tees[] = {"", "tdx", "Sample", "sample ", "software\n"};
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    coco_verdict *verdict = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_verifier_new(&verifier, &err), err);
    for (size_t i = 0; i < sizeof(tees) / sizeof(tees[0]); i++)
        assert_fails(
            coco_verify(verifier, tees[i], EVIDENCE, (const uint8_t *)"nonce", 5, &verdict, &err),
            err, COCO_ERR_NOTSUP, "cannot verify");
    assert_null(verdict);
}

static void
report_data_has_1_to_64_bytes(void **state)
{
    uint8_t report_data[65] = {0};
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    coco_verdict *verdict = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_verifier_new(&verifier, &err), err);
    assert_fails(coco_verify(verifier, "sample", EVIDENCE, report_data, 0, &verdict, &err), err,
                 COCO_ERR_INVALID, "1 to 64");
    assert_fails(coco_verify(verifier, "sample", EVIDENCE, report_data, 65, &verdict, &err), err,
                 COCO_ERR_INVALID, "1 to 64");
}

static coco_status
trust(coco_verifier *verifier, enum coco_key_kind kind, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};

    coco_status status = coco_key_generate(kind, &key, err);
    if (status == COCO_OK)
        status = coco_key_public_pem(key, &pem, err);
    if (status == COCO_OK)
        status = coco_verifier_trust_software(verifier, pem.data, pem.len, err);
    return status;
}

static void
a_root_is_a_p256_key(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_verifier_new(&verifier, &err), err);
    assert_fails(coco_verifier_trust_software(verifier, (const uint8_t *)"", 0, &err), err,
                 COCO_ERR_PROTO, "root of software TEEs");
    assert_fails(coco_verifier_trust_software(verifier, (const uint8_t *)"no key", 6, &err), err,
                 COCO_ERR_PROTO, "root of software TEEs");
    assert_fails(trust(verifier, COCO_KEY_P384, &err), err, COCO_ERR_PROTO, "no P-256 key");
    assert_fails(trust(verifier, COCO_KEY_ED25519, &err), err, COCO_ERR_PROTO, "no P-256 key");
    assert_ok(trust(verifier, COCO_KEY_P256, &err), err);
}

static void
roots_are_bounded(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_verifier_new(&verifier, &err), err);
    for (size_t i = 0; i < COCO_SOFTWARE_ROOTS_MAX; i++)
        assert_ok(trust(verifier, COCO_KEY_P256, &err), err);
    assert_fails(trust(verifier, COCO_KEY_P256, &err), err, COCO_ERR_LIMIT, "16 roots");
}

static void
trusting_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
        coco_error *err = NULL;

        coco_status status = coco_verifier_new(&verifier, &err);
        if (status == COCO_OK)
            status = trust(verifier, COCO_KEY_P256, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_tee_is_refused),
        cmocka_unit_test(report_data_has_1_to_64_bytes),
        cmocka_unit_test(a_root_is_a_p256_key),
        cmocka_unit_test(roots_are_bounded),
        cmocka_unit_test(trusting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
