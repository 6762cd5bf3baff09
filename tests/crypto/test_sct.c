/*
 * tests/crypto/test_sct.c - lib/crypto/sct.c
 *
 * Promises that hold are of another library; others are in tests/signature/test_certificate.c and
 * tests/cli/test_keyless.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/sct.h"

#include "tests/faults.h"
#include "tests/signature/golden.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

struct fixture {
    X509 *cert;
    struct coco_cert_chain ca; /* of which the first is its issuer */
    struct coco_ct_log log;
};

static int
begin(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    uint8_t *der = NULL;

    assert_int_equal(coco_cert_parse(golden_leaf, strlen(golden_leaf), &f->cert, NULL), COCO_OK);
    assert_int_equal(coco_cert_chain_parse(golden_ca, strlen(golden_ca), &f->ca, NULL), COCO_OK);
    assert_int_equal(coco_key_parse_public(golden_ctfe, strlen(golden_ctfe), &f->log.key, NULL),
                     COCO_OK);
    int len = i2d_PUBKEY(f->log.key, &der);
    struct coco_digest id = {0};
    assert_int_equal(coco_digest_of(COCO_SHA256, der, (size_t)len, &id, NULL), COCO_OK);
    memcpy(f->log.id, id.bytes, sizeof(f->log.id));
    OPENSSL_free(der);
    *state = f;
    return 0;
}

static int
end(void **state)
{
    struct fixture *f = *state;

    X509_free(f->cert);
    coco_cert_chain_done(&f->ca);
    EVP_PKEY_free(f->log.key);
    free(f);
    return 0;
}

static void
promises_are_of_one_certificate_by_one_log(void **state)
{
    struct fixture *f = *state;
    _cleanup_pkey_ EVP_PKEY *other = NULL;
    coco_error *err = NULL;
    int64_t time = 0;
    int64_t from = 0;
    int64_t to = 0;

    assert_ok(coco_sct_check(f->cert, f->ca.certs[0], &f->log, 1, &time, &err), err);
    assert_ok(coco_cert_dates(f->cert, &from, &to, &err), err);
    assert_true(time == from);
    assert_fails(coco_sct_check(f->cert, f->ca.certs[1], &f->log, 1, &time, &err), err,
                 COCO_ERR_VERIFY, "promise of a log: signature does not fit");
    assert_fails(coco_sct_check(f->cert, f->ca.certs[0], &f->log, 0, &time, &err), err,
                 COCO_ERR_VERIFY, "no promise of a log that is known");
    assert_ok(coco_key_generate(COCO_KEY_P256, &other, &err), err);
    struct coco_ct_log log = f->log;
    log.key = other;
    assert_fails(coco_sct_check(f->cert, f->ca.certs[0], &log, 1, &time, &err), err,
                 COCO_ERR_VERIFY, "promise of a log: signature does not fit");
    log.key = f->log.key;
    log.id[0] ^= 1;
    assert_fails(coco_sct_check(f->cert, f->ca.certs[0], &log, 1, &time, &err), err,
                 COCO_ERR_VERIFY, "no promise of a log that is known");
}

/* A key of a kind that the promise does not say. */
static void
the_key_says_the_algorithm(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_RSA, COCO_KEY_ED25519};
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        _cleanup_pkey_ EVP_PKEY *other = NULL;
        struct coco_ct_log log = f->log;
        coco_error *err = NULL;
        int64_t time = 0;

        assert_ok(coco_key_generate(kinds[i], &other, &err), err);
        log.key = other;
        assert_fails(coco_sct_check(f->cert, f->ca.certs[0], &log, 1, &time, &err), err,
                     COCO_ERR_VERIFY, "in a form that is not its own");
    }
}

/* OpenSSL's among them: nothing is promised that would not be with all the memory there is. */
static void
checking_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for (size_t wrong = 0; wrong < 2; wrong++) {
        int64_t wanted = 0;
        coco_status without =
            coco_sct_check(f->cert, f->ca.certs[wrong], &f->log, 1, &wanted, NULL);

        assert_true((without == COCO_OK) == (wrong == 0));
        for_each_fault()
        {
            coco_error *err = NULL;
            int64_t time = 0;

            coco_status status =
                coco_sct_check(f->cert, f->ca.certs[wrong], &f->log, 1, &time, &err);
            assert_true(status == COCO_OK ? without == COCO_OK && time == wanted : time == 0);
            assert_true((status == COCO_OK) == (err == NULL));
            coco_error_free(err);
        }
    }
}

/* A certificate whose list of promises is that, or none. */
static X509 *
make_cert(EVP_PKEY *key, const uint8_t *list, size_t len)
{
    X509 *cert = X509_new();

    assert_non_null(cert);
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    if (list) {
        ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
        X509_EXTENSION *extension = NULL;

        assert_int_equal(ASN1_OCTET_STRING_set(value, list, (int)len), 1);
        extension =
            X509_EXTENSION_create_by_OBJ(NULL, OBJ_txt2obj("1.3.6.1.4.1.11129.2.4.2", 1), 0, value);
        assert_int_equal(X509_add_ext(cert, extension, -1), 1);
        X509_EXTENSION_free(extension);
        ASN1_OCTET_STRING_free(value);
    }
    assert_int_not_equal(X509_sign(cert, key, EVP_sha256()), 0);
    return cert;
}

static void
lists_that_cannot_be_read_are_refused(void **state)
{
    static const struct {
        const char *list;
        size_t len;
        coco_status status;
    } cases[] = {
        {NULL, 0, COCO_ERR_NOTFOUND},
        {"", 0, COCO_ERR_PROTO},
        {"\x04\x00", 2, COCO_ERR_PROTO},
        {"\x04\x01\x00", 3, COCO_ERR_PROTO},
        {"\x04\x02\x00\x00", 4, COCO_ERR_VERIFY}, /* an empty one */
        {"\x04\x02\x00\x01", 4, COCO_ERR_PROTO},
        {"\x04\x04\x00\x02\x00\x00", 6, COCO_ERR_PROTO},
        {"\x04\x04\x00\x02\x00\x01", 6, COCO_ERR_PROTO},
        {"\x04\x03\x00\x00\x00", 5, COCO_ERR_PROTO},
    };
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
    const struct coco_ct_log log = {.key = key};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        X509 *cert = make_cert(key, (const uint8_t *)cases[i].list, cases[i].len);
        int64_t time = 0;

        assert_fails(coco_sct_check(cert, cert, &log, 1, &time, &err), err, cases[i].status, "");
        assert_true(time == 0);
        X509_free(cert);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(promises_are_of_one_certificate_by_one_log, begin, end),
        cmocka_unit_test_setup_teardown(the_key_says_the_algorithm, begin, end),
        cmocka_unit_test_setup_teardown(checking_survives_any_failed_allocation, begin, end),
        cmocka_unit_test(lists_that_cannot_be_read_are_refused),
    };

    faults_of_openssl();
    return cmocka_run_group_tests_name("crypto/sct", tests, NULL, NULL);
}
