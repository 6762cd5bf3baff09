/*
 * tests/crypto/test_rsa.c - lib/crypto/rsa.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/rsa.h"

#include "tests/canary.h"
#include "tests/faults.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <string.h>

static EVP_PKEY *key;
static EVP_PKEY *other;
static EVP_PKEY *ec;
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_RSA, &key, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_RSA, &other, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &ec, &err), err);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    EVP_PKEY_free(ec);
    return 0;
}

static size_t
number(const char *name, uint8_t *ret)
{
    BIGNUM *bn = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &bn), 1);
    int len = BN_bn2bin(bn, ret);
    BN_free(bn);
    assert_true(len > 0);
    return (size_t)len;
}

static void
a_key_is_its_numbers(void **state)
{
    uint8_t n[512];
    uint8_t e[16];
    size_t n_len = number(OSSL_PKEY_PARAM_RSA_N, n);
    size_t e_len = number(OSSL_PKEY_PARAM_RSA_E, e);
    _cleanup_pkey_ EVP_PKEY *back = NULL;
    EVP_PKEY *none = NULL;

    (void)state;
    assert_ok(coco_rsa_key_from_numbers(n, n_len, e, e_len, &back, &err), err);
    assert_int_equal(EVP_PKEY_eq(back, key), 1);
    assert_fails(coco_rsa_key_from_numbers(n, n_len / 2, e, e_len, &none, &err), err,
                 COCO_ERR_NOTSUP, "");
    e[e_len - 1] ^= 1;
    assert_fails(coco_rsa_key_from_numbers(n, n_len, e, e_len, &none, &err), err, COCO_ERR_PROTO,
                 "");
    assert_fails(coco_rsa_key_from_numbers(n, 1025, e, e_len, &none, &err), err, COCO_ERR_LIMIT,
                 "1024");
}

static void
what_is_signed_verifies_and_no_byte_of_it_can_be_changed(void **state)
{
    static const enum coco_hash_alg algs[] = {COCO_SHA256, COCO_SHA384, COCO_SHA512};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        _cleanup_buf_ struct coco_buf sig = {.limit = 1024};

        assert_ok(coco_rsa_pss_sign(key, algs[i], "abc", 3, &sig, &err), err);
        assert_ok(coco_rsa_pss_verify(key, algs[i], "abc", 3, sig.data, sig.len, &err), err);
        assert_fails(coco_rsa_pss_verify(key, algs[i], "abd", 3, sig.data, sig.len, &err), err,
                     COCO_ERR_VERIFY, "does not fit");
        assert_fails(coco_rsa_pss_verify(other, algs[i], "abc", 3, sig.data, sig.len, &err), err,
                     COCO_ERR_VERIFY, "does not fit");
        assert_fails(coco_rsa_pss_verify(key, algs[(i + 1) % 3], "abc", 3, sig.data, sig.len, &err),
                     err, COCO_ERR_VERIFY, "does not fit");
        assert_fails(coco_rsa_pss_verify(key, algs[i], "abc", 3, sig.data, sig.len - 1, &err), err,
                     COCO_ERR_VERIFY, "does not fit");
        for (size_t at = 0; at < sig.len; at++) {
            sig.data[at] ^= 0x10;
            assert_int_equal(coco_rsa_pss_verify(key, algs[i], "abc", 3, sig.data, sig.len, NULL),
                             COCO_ERR_VERIFY);
            sig.data[at] ^= 0x10;
        }
    }
}

static void
keys_of_other_kinds_are_refused(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 1024};
    _cleanup_secret_ struct coco_secret secret = {0};
    struct coco_secret none = {0};
    uint8_t sig[256] = {0};

    (void)state;
    assert_ok(coco_secret_copy("secret", 6, &secret, &err), err);
    assert_fails(coco_rsa_pss_sign(ec, COCO_SHA256, "abc", 3, &buf, &err), err, COCO_ERR_INVALID,
                 "cannot sign");
    assert_fails(coco_rsa_pss_verify(ec, COCO_SHA256, "abc", 3, sig, sizeof(sig), &err), err,
                 COCO_ERR_VERIFY, "not RSA");
    assert_fails(coco_rsa_pkcs1_wrap(ec, &secret, &buf, &err), err, COCO_ERR_INVALID,
                 "cannot encrypt");
    assert_ok(coco_buf_append(&buf, sig, sizeof(sig), &err), err);
    assert_fails(coco_rsa_pkcs1_unwrap(ec, &buf, 6, &none, &err), err, COCO_ERR_VERIFY,
                 "cannot decrypt");
}

static void
a_secret_is_unwrapped_by_its_key_alone(void **state)
{
    _cleanup_buf_ struct coco_buf wrapped = {.limit = 1024};
    _cleanup_secret_ struct coco_secret secret = {0};
    _cleanup_secret_ struct coco_secret back = {0};
    struct coco_secret none = {0};

    (void)state;
    assert_ok(coco_secret_random(64, &secret, &err), err);
    assert_ok(coco_rsa_pkcs1_wrap(key, &secret, &wrapped, &err), err);
    assert_ok(coco_rsa_pkcs1_unwrap(key, &wrapped, 64, &back, &err), err);
    assert_true(coco_secret_equal(&back, secret.data, secret.len));
    assert_fails(coco_rsa_pkcs1_unwrap(key, &wrapped, 63, &none, &err), err, COCO_ERR_VERIFY,
                 "cannot decrypt");
    assert_fails(coco_rsa_pkcs1_unwrap(other, &wrapped, 64, &none, &err), err, COCO_ERR_VERIFY,
                 "cannot decrypt");
    wrapped.data[7] ^= 1;
    assert_fails(coco_rsa_pkcs1_unwrap(key, &wrapped, 64, &none, &err), err, COCO_ERR_VERIFY,
                 "cannot decrypt");
}

static void
secrets_are_wiped(void **state)
{
    _cleanup_buf_ struct coco_buf wrapped = {.limit = 1024};
    static uint8_t bytes[64];
    struct coco_secret secret = {.data = bytes, .len = sizeof(bytes)};

    (void)state;
    memset(bytes, 0x5e, sizeof(bytes));
    assert_ok(coco_rsa_pkcs1_wrap(key, &secret, &wrapped, &err), err);
    canary_begin(bytes, sizeof(bytes));
    struct coco_secret back = {0};
    assert_ok(coco_rsa_pkcs1_unwrap(key, &wrapped, sizeof(bytes), &back, &err), err);
    coco_secret_done(&back);
    assert_int_equal(canary_end(), 0);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    _cleanup_secret_ struct coco_secret secret = {0};

    (void)state;
    assert_ok(coco_secret_random(16, &secret, &err), err);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = 1024};
        _cleanup_secret_ struct coco_secret back = {0};

        coco_status status = coco_rsa_pkcs1_wrap(key, &secret, &buf, &err);
        if (status == COCO_OK)
            status = coco_rsa_pkcs1_unwrap(key, &buf, 16, &back, &err);
        coco_buf_reset(&buf);
        if (status == COCO_OK)
            status = coco_rsa_pss_sign(key, COCO_SHA256, "abc", 3, &buf, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_its_numbers),
        cmocka_unit_test(what_is_signed_verifies_and_no_byte_of_it_can_be_changed),
        cmocka_unit_test(keys_of_other_kinds_are_refused),
        cmocka_unit_test(a_secret_is_unwrapped_by_its_key_alone),
        cmocka_unit_test(secrets_are_wiped),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    canary_watch_openssl();
    return cmocka_run_group_tests_name("crypto/rsa", tests, setup, teardown);
}
