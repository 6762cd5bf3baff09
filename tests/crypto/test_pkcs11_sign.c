/*
 * tests/crypto/test_pkcs11_sign.c - lib/crypto/pkcs11_sign.c, with SoftHSM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/crypto/softhsm.h"

#include "crypto/cert.h"
#include "tests/canary.h"
#include "tests/faults.h"

#define DATA "what is signed"

static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t p521[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
static const uint8_t k256[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a};

static const struct {
    const char *name;
    enum coco_key_kind kind;
    const void *curve;
    size_t len;
} signers[] = {
    {"rsa", COCO_KEY_RSA, NULL, 0},
    {"p256", COCO_KEY_P256, p256, sizeof(p256)},
    {"p384", COCO_KEY_P384, p384, sizeof(p384)},
    {"p521", COCO_KEY_P521, p521, sizeof(p521)},
};

#define N_SIGNERS (sizeof(signers) / sizeof(signers[0]))

/* The URI of a key, with the PIN in a file or in it. */
static struct coco_pkcs11_key_uri
uri_of(const char *label, bool in_file)
{
    struct coco_pkcs11_key_uri uri = {0};

    (void)snprintf(uri.object, sizeof(uri.object), "%s", label);
    if (in_file)
        (void)snprintf(uri.token.pin_file, sizeof(uri.token.pin_file), "%s", hsm.pin_file);
    else
        (void)snprintf(uri.pin, sizeof(uri.pin), "%s", SOFTHSM_PIN);
    return uri;
}

static void
what_is_signed_is_verified_by_the_public_half(void **state)
{
    struct coco_pkcs11 token = {0};
    coco_error *err = NULL;

    (void)state;
    softhsm_open(&token);
    for (size_t i = 0; i < N_SIGNERS; i++) {
        const struct coco_pkcs11_object signer = {.label = signers[i].name};
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        _cleanup_buf_ struct coco_buf sig = {.limit = 1024};
        const struct coco_pkcs11_key_uri uri = uri_of(signers[i].name, true);
        enum coco_key_kind kind = 0;

        assert_ok(coco_pkcs11_public_key(&token, &signer, &key, &err), err);
        assert_ok(coco_key_kind_of(key, &kind, &err), err);
        assert_int_equal(kind, signers[i].kind);
        assert_ok(coco_pkcs11_sign(&token, &uri, key, DATA, strlen(DATA), &sig, &err), err);
        assert_ok(
            coco_key_verify_with(key, EVP_sha256(), DATA, strlen(DATA), sig.data, sig.len, &err),
            err);
        sig.data[sig.len - 1] ^= 1;
        assert_fails(
            coco_key_verify_with(key, EVP_sha256(), DATA, strlen(DATA), sig.data, sig.len, &err),
            err, COCO_ERR_VERIFY, "");
    }
    coco_pkcs11_close(&token);
}

static void
what_another_key_signed_is_not_given_out(void **state)
{
    const struct coco_pkcs11_key_uri signer = uri_of("p256", true);
    const struct coco_pkcs11_key_uri longer = uri_of("p384", true);
    struct coco_pkcs11 token = {0};
    _cleanup_pkey_ EVP_PKEY *other = NULL;
    _cleanup_buf_ struct coco_buf sig = {.limit = 1024};
    coco_error *err = NULL;

    (void)state;
    softhsm_open(&token);
    assert_ok(coco_key_generate(COCO_KEY_P256, &other, &err), err);
    assert_fails(coco_pkcs11_sign(&token, &signer, other, DATA, strlen(DATA), &sig, &err), err,
                 COCO_ERR_VERIFY, "");
    assert_fails(coco_pkcs11_sign(&token, &longer, other, DATA, strlen(DATA), &sig, &err), err,
                 COCO_ERR_PROTO, "96 bytes, not 64");
    assert_int_equal(sig.len, 0);
    coco_pkcs11_close(&token);
}

static void
what_does_not_sign_is_refused(void **state)
{
    static const struct {
        const char *name;
        coco_status status;
        const char *part;
    } rows[] = {
        {"nobody", COCO_ERR_NOTFOUND, "no such object"},
        {SOFTHSM_KEY, COCO_ERR_NOTFOUND, "no such object"},
        {"k256", COCO_ERR_NOTSUP, "curve of the key"},
        {"alone", COCO_ERR_NOTFOUND, "no such object"},
        {"", COCO_ERR_INVALID, "label"},
    };
    struct coco_pkcs11 token = {0};
    coco_error *err = NULL;

    (void)state;
    softhsm_open(&token);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct coco_pkcs11_object signer = {.label = rows[i].name};
        EVP_PKEY *key = NULL;

        assert_fails(coco_pkcs11_public_key(&token, &signer, &key, &err), err, rows[i].status,
                     rows[i].part);
        assert_null(key);
    }
    coco_pkcs11_close(&token);
}

/* As smart cards have it; whoever issued it. */
static void
a_certificate_stands_for_the_public_half(void **state)
{
    static const struct coco_pkcs11_object signer = {.label = "card"};
    struct coco_pkcs11 token = {0};
    _cleanup_pkey_ EVP_PKEY *issuer = NULL;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_pkey_ EVP_PKEY *again = NULL;
    _cleanup_cert_ X509 *cert = X509_new();
    _cleanup_buf_ struct coco_buf sig = {.limit = 1024};
    uint8_t *der = NULL;
    coco_error *err = NULL;

    (void)state;
    softhsm_open(&token);
    softhsm_make_signer(&hsm, "card", p256, sizeof(p256));
    assert_ok(coco_pkcs11_public_key(&token, &signer, &key, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &issuer, &err), err);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_true(X509_sign(cert, issuer, EVP_sha256()) > 0);
    int len = i2d_X509(cert, &der);
    assert_true(len > 0);
    softhsm_replace_public(&hsm, "card", der, (size_t)len);
    OPENSSL_free(der);

    assert_ok(coco_pkcs11_public_key(&token, &signer, &again, &err), err);
    assert_int_equal(EVP_PKEY_eq(key, again), 1);
    const struct coco_pkcs11_key_uri uri = uri_of("card", true);
    assert_ok(coco_pkcs11_sign(&token, &uri, again, DATA, strlen(DATA), &sig, &err), err);
    coco_pkcs11_close(&token);
}

static void
a_key_may_want_the_pin_each_time(void **state)
{
    static const struct coco_pkcs11_object signer = {.label = "always"};
    struct coco_pkcs11_key_uri uris[] = {uri_of("always", true), uri_of("always", false)};
    struct coco_pkcs11_key_uri wrong = uri_of("always", false);
    struct coco_pkcs11 token = {0};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf sig = {.limit = 1024};
    coco_error *err = NULL;

    (void)state;
    softhsm_open(&token);
    assert_ok(coco_pkcs11_public_key(&token, &signer, &key, &err), err);
    canary_begin(SOFTHSM_PIN, strlen(SOFTHSM_PIN));
    for (size_t i = 0; i < 4; i++)
        assert_ok(coco_pkcs11_sign(&token, &uris[i / 2], key, DATA, strlen(DATA), &sig, &err), err);
    assert_int_equal(canary_end(), 0);
    wrong.pin[0] ^= 1;
    assert_fails(coco_pkcs11_sign(&token, &wrong, key, DATA, strlen(DATA), &sig, &err), err,
                 COCO_ERR_DENIED, "C_Login");
    coco_pkcs11_close(&token);
}

static void
signing_survives_any_failed_allocation(void **state)
{
    static const struct coco_pkcs11_object signer = {.label = "always"};
    const struct coco_pkcs11_key_uri uri = uri_of("always", true);
    struct coco_pkcs11 token = {0};

    (void)state;
    softhsm_open(&token);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf sig = {.limit = 1024};
        EVP_PKEY *key = NULL;
        coco_error *err = NULL;

        coco_status status = coco_pkcs11_public_key(&token, &signer, &key, &err);
        if (status == COCO_OK)
            status = coco_pkcs11_sign(&token, &uri, key, DATA, strlen(DATA), &sig, &err);
        fault_expect(status, err);
        EVP_PKEY_free(key);
    }
    coco_pkcs11_close(&token);
}

static int
setup(void **state)
{
    (void)softhsm_set_up(state);
    for (size_t i = 0; i < N_SIGNERS; i++)
        softhsm_make_signer(&hsm, signers[i].name, signers[i].curve, signers[i].len);
    softhsm_make_signer(&hsm, "k256", k256, sizeof(k256));
    softhsm_make_signer(&hsm, "alone", p256, sizeof(p256));
    softhsm_make_signer(&hsm, "always", p256, sizeof(p256));
    softhsm_replace_public(&hsm, "alone", NULL, 0);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_is_verified_by_the_public_half),
        cmocka_unit_test(what_another_key_signed_is_not_given_out),
        cmocka_unit_test(what_does_not_sign_is_refused),
        cmocka_unit_test(a_certificate_stands_for_the_public_half),
        cmocka_unit_test(a_key_may_want_the_pin_each_time),
        cmocka_unit_test(signing_survives_any_failed_allocation),
    };

    return softhsm_run(tests, setup);
}
