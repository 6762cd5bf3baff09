/*
 * tests/crypto/test_sct.c - lib/crypto/sct.c
 *
 * Promises that hold are in tests/signature/test_certificate.c and tests/cli/test_keyless.py, made
 * by another library.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/sct.h"

#include "tests/support.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>

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
        cmocka_unit_test(lists_that_cannot_be_read_are_refused),
    };

    return cmocka_run_group_tests_name("crypto/sct", tests, NULL, NULL);
}
