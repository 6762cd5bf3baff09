/*
 * tests/crypto/test_csr.c - lib/crypto/csr.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/csr.h"

#include "tests/faults.h"

#include <openssl/dsa.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A request of key, signed by signer. */
static X509_REQ *
make_request(EVP_PKEY *key, EVP_PKEY *signer, const EVP_MD *md)
{
    X509_REQ *req = X509_REQ_new();

    assert_non_null(req);
    assert_int_equal(X509_REQ_set_version(req, X509_REQ_VERSION_1), 1);
    assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
    assert_true(X509_REQ_sign(req, signer, md) > 0);
    return req;
}

static size_t
to_der(X509_REQ *req, uint8_t **der)
{
    int len = i2d_X509_REQ(req, der);

    assert_true(len > 0);
    X509_REQ_free(req);
    return (size_t)len;
}

static EVP_PKEY *
make_key(enum coco_key_kind kind)
{
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_generate(kind, &key, &err), err);
    return key;
}

static void
assert_refused(EVP_PKEY *key, X509_REQ *req, coco_status want, const char *why)
{
    _cleanup_pkey_ EVP_PKEY *got = NULL;
    coco_error *err = NULL;
    uint8_t *der = NULL;
    size_t len = to_der(req, &der);

    assert_fails(coco_csr_parse(der, len, &got, &err), err, want, why);
    assert_null(got);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
}

static void
a_request_gives_its_key(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_P384, COCO_KEY_P521,
                                               COCO_KEY_RSA, COCO_KEY_ED25519};

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        _cleanup_pkey_ EVP_PKEY *key = make_key(kinds[i]);
        _cleanup_pkey_ EVP_PKEY *got = NULL;
        _cleanup_pkey_ EVP_PKEY *again = NULL;
        X509_REQ *req = make_request(key, key, kinds[i] == COCO_KEY_ED25519 ? NULL : EVP_sha256());
        BIO *bio = BIO_new(BIO_s_mem());
        coco_error *err = NULL;
        uint8_t *der = NULL;
        char *pem = NULL;

        assert_int_equal(PEM_write_bio_X509_REQ(bio, req), 1);
        size_t pem_len = (size_t)BIO_get_mem_data(bio, &pem);
        size_t len = to_der(req, &der);
        assert_ok(coco_csr_parse(der, len, &got, &err), err);
        assert_int_equal(EVP_PKEY_eq(got, key), 1);
        assert_ok(coco_csr_parse(pem, pem_len, &again, &err), err);
        assert_int_equal(EVP_PKEY_eq(again, key), 1);
        OPENSSL_free(der);
        BIO_free(bio);
    }
}

static void
only_the_owner_of_a_key_may_ask(void **state)
{
    EVP_PKEY *key = make_key(COCO_KEY_P256);
    _cleanup_pkey_ EVP_PKEY *other = make_key(COCO_KEY_P256);

    (void)state;
    assert_refused(key, make_request(key, other, EVP_sha256()), COCO_ERR_VERIFY,
                   "not signed by its own key");
    key = make_key(COCO_KEY_P256);
    _cleanup_pkey_ EVP_PKEY *rsa = make_key(COCO_KEY_RSA);
    assert_refused(key, make_request(key, rsa, EVP_sha256()), COCO_ERR_VERIFY,
                   "not signed by its own key");
}

static EVP_PKEY *
make_weak_rsa(unsigned bits)
{
    EVP_PKEY *key = EVP_RSA_gen(bits);

    assert_non_null(key);
    return key;
}

static EVP_PKEY *
make_curve(const char *name)
{
    EVP_PKEY *key = EVP_EC_gen(name);

    assert_non_null(key);
    return key;
}

static void
weak_or_strange_keys_and_signatures_are_refused(void **state)
{
    EVP_PKEY *key = make_weak_rsa(1024);

    (void)state;
    assert_refused(key, make_request(key, key, EVP_sha256()), COCO_ERR_NOTSUP, "");
    key = make_curve("secp256k1");
    assert_refused(key, make_request(key, key, EVP_sha256()), COCO_ERR_NOTSUP, "");
    key = make_curve("brainpoolP256r1");
    assert_refused(key, make_request(key, key, EVP_sha256()), COCO_ERR_NOTSUP, "");
    key = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
    assert_non_null(key);
    assert_refused(key, make_request(key, key, NULL), COCO_ERR_NOTSUP, "signed by none of");
    key = make_key(COCO_KEY_P256);
    assert_refused(key, make_request(key, key, EVP_sha1()), COCO_ERR_NOTSUP, "signed by none of");
    key = make_key(COCO_KEY_RSA);
    assert_refused(key, make_request(key, key, EVP_md5()), COCO_ERR_NOTSUP, "signed by none of");
    key = make_key(COCO_KEY_RSA);
    assert_refused(key, make_request(key, key, EVP_sha3_256()), COCO_ERR_NOTSUP,
                   "signed by none of");
}

/* One that is spelled out is P-256 by name in what is made of it. */
static void
a_curve_that_is_spelled_out_is_named(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = make_key(COCO_KEY_P256);
    _cleanup_pkey_ EVP_PKEY *named = make_key(COCO_KEY_P256);
    _cleanup_pkey_ EVP_PKEY *got = NULL;
    coco_error *err = NULL;
    uint8_t *der = NULL;
    uint8_t *spki = NULL;

    (void)state;
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "encoding", "explicit"), 1);
    size_t len = to_der(make_request(key, key, EVP_sha256()), &der);
    coco_status status = coco_csr_parse(der, len, &got, &err);
    OPENSSL_free(der);
    if (status != COCO_OK) { /* fine, too */
        coco_error_free(err);
        return;
    }
    int got_len = i2d_PUBKEY(got, &spki);
    assert_int_equal(got_len, i2d_PUBKEY(named, NULL));
    OPENSSL_free(spki);
}

static void
what_is_no_request_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "x",
        "\x30",
        "\x30\x00",
        "\x30\x80\x00\x00",
        "\x30\x84\xff\xff\xff\xff",
        "-----BEGIN CERTIFICATE REQUEST-----",
        "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n",
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        "-----BEGIN PUBLIC KEY-----\n"
        "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
        "-----END PUBLIC KEY-----\n",
        "{\"csr\":1}",
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        EVP_PKEY *got = NULL;

        assert_fails(coco_csr_parse(cases[i], strlen(cases[i]), &got, &err), err, COCO_ERR_PROTO,
                     "not a request");
    }
}

/* Any other byte is another request, which nobody has signed, or none. */
static void
no_bit_of_a_request_can_be_changed(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = make_key(COCO_KEY_ED25519);
    uint8_t *der = NULL;
    size_t len = to_der(make_request(key, key, NULL), &der);

    (void)state;
    for (size_t i = 0; i < 8 * len; i++) {
        _cleanup_pkey_ EVP_PKEY *got = NULL;

        der[i / 8] ^= (uint8_t)(1 << (i % 8));
        if (coco_csr_parse(der, len, &got, NULL) == COCO_OK)
            fail_msg("bit %zu of byte %zu may be another", i % 8, i / 8);
        der[i / 8] ^= (uint8_t)(1 << (i % 8));
    }
    for (size_t i = 0; i < len; i++) {
        _cleanup_pkey_ EVP_PKEY *got = NULL;

        assert_int_not_equal(coco_csr_parse(der, i, &got, NULL), COCO_OK);
    }
    OPENSSL_free(der);
}

static void
nothing_may_follow_a_request(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = make_key(COCO_KEY_ED25519);
    X509_REQ *req = make_request(key, key, NULL);
    uint8_t text[2048];
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;
    coco_error *err = NULL;
    uint8_t *der = NULL;
    EVP_PKEY *got = NULL;

    (void)state;
    assert_int_equal(PEM_write_bio_X509_REQ(bio, req), 1);
    size_t pem_len = (size_t)BIO_get_mem_data(bio, &pem);
    size_t len = to_der(req, &der);
    memcpy(text, der, len);
    text[len] = 0;
    assert_fails(coco_csr_parse(text, len + 1, &got, &err), err, COCO_ERR_PROTO, "not a request");
    memcpy(text, pem, pem_len);
    memcpy(text + pem_len, "\n \t\r\n", 5);
    assert_ok(coco_csr_parse(text, pem_len + 5, &got, &err), err);
    EVP_PKEY_free(got);
    got = NULL;
    memcpy(text + pem_len, pem, pem_len);
    assert_fails(coco_csr_parse(text, 2 * pem_len, &got, &err), err, COCO_ERR_PROTO,
                 "not a request");
    memcpy(text + pem_len, "x", 1);
    assert_fails(coco_csr_parse(text, pem_len + 1, &got, &err), err, COCO_ERR_PROTO,
                 "not a request");
    OPENSSL_free(der);
    BIO_free(bio);
}

static void
a_request_is_bounded(void **state)
{
    static uint8_t text[COCO_CSR_SIZE_MAX + 1];
    EVP_PKEY *got = NULL;
    coco_error *err = NULL;

    (void)state;
    memset(text, 0x30, sizeof(text));
    assert_fails(coco_csr_parse(text, sizeof(text), &got, &err), err, COCO_ERR_LIMIT, "more than");
    assert_fails(coco_csr_parse(text, sizeof(text) - 1, &got, &err), err, COCO_ERR_PROTO,
                 "not a request");
}

static void
reading_survives_any_failed_allocation(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = make_key(COCO_KEY_P256);
    uint8_t *der = NULL;
    size_t len = to_der(make_request(key, key, EVP_sha256()), &der);

    (void)state;
    for_each_fault()
    {
        _cleanup_pkey_ EVP_PKEY *got = NULL;
        coco_error *err = NULL;

        coco_status status = coco_csr_parse(der, len, &got, &err);
        fault_expect(status, err);
    }
    OPENSSL_free(der);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_gives_its_key),
        cmocka_unit_test(only_the_owner_of_a_key_may_ask),
        cmocka_unit_test(weak_or_strange_keys_and_signatures_are_refused),
        cmocka_unit_test(a_curve_that_is_spelled_out_is_named),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(no_bit_of_a_request_can_be_changed),
        cmocka_unit_test(nothing_may_follow_a_request),
        cmocka_unit_test(a_request_is_bounded),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
