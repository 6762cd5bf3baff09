/*
 * tests/signature/test_certificate.c - lib/signature/certificate.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "goldenkit.h"

struct fixture {
    struct coco_trust trust;
    struct coco_sigstore_bundle bundle;
    struct coco_buf detail;
    coco_error *err;
};

static int
begin(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->detail.limit = 1024;
    golden_trust(&f->trust);
    golden_signer_of(&f->bundle, &f->trust);
    *state = f;
    return 0;
}

static int
end(void **state)
{
    struct fixture *f = *state;

    coco_trust_done(&f->trust);
    coco_sigstore_bundle_done(&f->bundle);
    coco_buf_done(&f->detail);
    free(f);
    return 0;
}

static coco_status
check(struct fixture *f)
{
    coco_buf_reset(&f->detail);
    return coco_signer_check_certificate(&f->bundle.signer, &f->trust, 1800000000, &f->detail,
                                         &f->err);
}

static void
the_golden_certificate_is_accepted(void **state)
{
    struct fixture *f = *state;

    assert_ok(check(f), f->err);
    assert_string_equal(coco_buf_text(&f->detail), "dev@example.test");
}

static void
another_subject_is_refused(void **state)
{
    static const char *const others[] = {"", "dev@example.tes", "dev@example.test ",
                                         "DEV@example.test", "example.test"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        f->trust.email = others[i];
        assert_fails(check(f), f->err, COCO_ERR_VERIFY, "the certificate is not for");
    }
    f->trust.email = NULL;
    assert_fails(check(f), f->err, COCO_ERR_INVALID, "nobody is named");
    f->trust.uri = "dev@example.test";
    assert_fails(check(f), f->err, COCO_ERR_VERIFY, "not for");
    f->trust.uri = NULL;
    f->trust.host = "example.test";
    assert_fails(check(f), f->err, COCO_ERR_VERIFY, "not for");
}

static void
another_issuer_is_refused(void **state)
{
    static const char *const others[] = {"", "https://issuer.tes", "https://issuer.test/"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        f->trust.issuer = others[i];
        assert_fails(check(f), f->err, COCO_ERR_VERIFY, "issuer 'https://issuer.test'");
    }
}

static void
it_must_have_been_valid_each_time(void **state)
{
    struct fixture *f = *state;
    struct coco_signer *signer = &f->bundle.signer;
    int64_t now = signer->times[1];

    signer->times[1] = now + 3600;
    assert_fails(check(f), f->err, COCO_ERR_VERIFY, "expired");
    signer->times[1] = now - 3600;
    assert_fails(check(f), f->err, COCO_ERR_VERIFY, "not yet valid");
    signer->n_times = 0;
    assert_fails(check(f), f->err, COCO_ERR_VERIFY, "nothing proves when");
    /* Of a PKI it is now that counts. */
    f->trust.is_pki = true;
    assert_fails(check(f), f->err, COCO_ERR_VERIFY, "");
    f->trust.is_pki = false;
    signer->times[0] = now;
    signer->n_times = 1;
    f->trust.authorities[0].to = now - 1;
    assert_fails(check(f), f->err, COCO_ERR_VERIFY, "no certificate authority was in use");
}

static void
logs_of_certificates_must_have_promised(void **state)
{
    struct fixture *f = *state;

    f->trust.ct_logs[0].id[0] ^= 1;
    assert_fails(check(f), f->err, COCO_ERR_VERIFY, "no promise of a log that is known");
    f->trust.ct_logs[0].id[0] ^= 1;
    EVP_PKEY *key = f->trust.ct_logs[0].key;
    f->trust.ct_logs[0].key = f->trust.logs[0].key;
    assert_fails(check(f), f->err, COCO_ERR_VERIFY, "promise of a log");
    f->trust.ct_logs[0].key = key;
    assert_ok(check(f), f->err);
}

static void
another_authority_is_not_trusted(void **state)
{
    struct fixture *f = *state;
    struct coco_authority own = f->trust.authorities[0];

    f->trust.authorities[0] = f->trust.stampers[0];
    assert_fails(check(f), f->err, COCO_ERR_VERIFY, "certificate '");
    f->trust.authorities[0] = own;
    assert_ok(check(f), f->err);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_golden_certificate_is_accepted, begin, end),
        cmocka_unit_test_setup_teardown(another_subject_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(another_issuer_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(it_must_have_been_valid_each_time, begin, end),
        cmocka_unit_test_setup_teardown(logs_of_certificates_must_have_promised, begin, end),
        cmocka_unit_test_setup_teardown(another_authority_is_not_trusted, begin, end),
    };

    return cmocka_run_group_tests_name("signature/certificate", tests, NULL, NULL);
}
