/*
 * tests/kbc/test_rats_cert.c - lib/kbc/rats_cert.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/rats_cert.h"

#include "base/context.h"
#include "base/fail.h"
#include "tests/faults.h"

#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>

struct answer {
    const char *tee;
    uint8_t report_data[32];
};

static coco_status
quote(void *self, coco_ctx *ctx, const uint8_t report_data[32], struct coco_buf *ret,
      const char **tee, coco_error **err)
{
    struct answer *answer = self;

    (void)ctx;
    if (!answer->tee)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no TEE");
    memcpy(answer->report_data, report_data, 32);
    *tee = answer->tee;
    return coco_buf_append_text(ret, "a quote", err);
}

static void
a_certificate_holds_the_quote_over_its_key(void **state)
{
    static const struct {
        const char *tee, *oid;
    } cases[] = {{"sgx", "1.2.840.113741.1337.6"}, {"tdx", "1.2.840.113741.1337.8"}};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct answer answer = {.tee = cases[i].tee};
        const struct coco_rats_source source = {quote, &answer};
        X509 *cert = NULL;
        EVP_PKEY *key = NULL;
        unsigned char *der = NULL;
        uint8_t digest[32];

        assert_ok(coco_rats_cert_make(&source, NULL, &cert, &key, &err), err);
        int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
        assert_true(len > 0);
        SHA256(der, (size_t)len, digest);
        assert_memory_equal(digest, answer.report_data, 32);
        OPENSSL_free(der);
        ASN1_OBJECT *oid = OBJ_txt2obj(cases[i].oid, 1);
        int at = X509_get_ext_by_OBJ(cert, oid, -1);
        ASN1_OBJECT_free(oid);
        assert_true(at >= 0);
        const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(cert, at));
        assert_int_equal(ASN1_STRING_length(value), 7);
        assert_memory_equal(ASN1_STRING_get0_data(value), "a quote", 7);
        assert_int_equal(X509_verify(cert, key), 1);
        assert_int_equal(X509_check_ca(cert), 0);
        assert_true(X509_cmp_current_time(X509_get0_notBefore(cert)) < 0);
        assert_true(X509_cmp_current_time(X509_get0_notAfter(cert)) > 0);
        X509_free(cert);
        EVP_PKEY_free(key);
    }
}

static void
other_tees_have_no_form(void **state)
{
    struct answer answer = {.tee = "snp"};
    const struct coco_rats_source source = {quote, &answer};
    X509 *cert = NULL;
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_rats_cert_make(&source, NULL, &cert, &key, &err), err, COCO_ERR_NOTSUP,
                 "evidence of snp");
    answer.tee = NULL;
    assert_fails(coco_rats_cert_make(&source, NULL, &cert, &key, &err), err, COCO_ERR_NOTFOUND,
                 "no TEE");
    assert_null(cert);
    assert_null(key);
}

static void
making_survives_any_failed_allocation(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        struct answer answer = {.tee = "tdx"};
        const struct coco_rats_source source = {quote, &answer};
        X509 *cert = NULL;
        EVP_PKEY *key = NULL;

        coco_status status = coco_rats_cert_make(&source, NULL, &cert, &key, &err);
        fault_expect(status, err);
        X509_free(cert);
        EVP_PKEY_free(key);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_holds_the_quote_over_its_key),
        cmocka_unit_test(other_tees_have_no_form),
        cmocka_unit_test(making_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
