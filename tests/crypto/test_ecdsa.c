/*
 * tests/crypto/test_ecdsa.c - lib/crypto/ecdsa.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/ecdsa.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <openssl/err.h>
#include <string.h>

static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_P384, COCO_KEY_P521};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static coco_error *err;

static void
sizes_are_those_of_the_fields(void **state)
{
    (void)state;
    assert_int_equal(coco_ec_size(COCO_KEY_P256), 32);
    assert_int_equal(coco_ec_size(COCO_KEY_P384), 48);
    assert_int_equal(coco_ec_size(COCO_KEY_P521), 66);
    assert_int_equal(coco_ec_size(COCO_KEY_RSA), 0);
    assert_int_equal(coco_ec_size(COCO_KEY_ED25519), 0);
}

static void
a_key_is_its_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        _cleanup_pkey_ EVP_PKEY *back = NULL;
        _cleanup_buf_ struct coco_buf point = {.limit = 256};

        assert_ok(coco_key_generate(kinds[i], &key, &err), err);
        assert_ok(coco_ec_key_point(key, &point, &err), err);
        assert_int_equal(point.len, 2 * coco_ec_size(kinds[i]));
        assert_ok(coco_ec_key_from_point(kinds[i], point.data, &back, &err), err);
        assert_int_equal(EVP_PKEY_eq(key, back), 1);

        point.data[point.len - 1] ^= 1;
        EVP_PKEY *none = NULL;
        assert_fails(coco_ec_key_from_point(kinds[i], point.data, &none, &err), err, COCO_ERR_PROTO,
                     "no point of");
        assert_null(none);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static void
points_that_are_none_are_refused(void **state)
{
    uint8_t point[2 * COCO_EC_SIZE_MAX];
    EVP_PKEY *key = NULL;

    (void)state;
    for (int byte = 0; byte <= 0xff; byte += 0xff) {
        memset(point, byte, sizeof(point));
        for (size_t i = 0; i < N_KINDS; i++)
            assert_fails(coco_ec_key_from_point(kinds[i], point, &key, &err), err, COCO_ERR_PROTO,
                         "");
    }
    assert_fails(coco_ec_key_from_point(COCO_KEY_RSA, point, &key, &err), err, COCO_ERR_NOTSUP,
                 "not EC");
    assert_null(key);
}

static void
what_is_signed_verifies_and_no_bit_of_it_can_be_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        _cleanup_buf_ struct coco_buf sig = {.limit = 256};

        assert_ok(coco_key_generate(kinds[i], &key, &err), err);
        assert_ok(coco_ecdsa_sign(key, "abc", 3, &sig, &err), err);
        assert_int_equal(sig.len, 2 * coco_ec_size(kinds[i]));
        assert_ok(coco_ecdsa_verify(key, "abc", 3, sig.data, sig.len, &err), err);
        assert_fails(coco_ecdsa_verify(key, "abd", 3, sig.data, sig.len, &err), err,
                     COCO_ERR_VERIFY, "does not fit");
        assert_fails(coco_ecdsa_verify(key, "abc", 3, sig.data, sig.len - 1, &err), err,
                     COCO_ERR_VERIFY, "bytes, not");
        for (size_t bit = 0; bit < 8 * sig.len; bit += 37) {
            sig.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_fails(coco_ecdsa_verify(key, "abc", 3, sig.data, sig.len, &err), err,
                         COCO_ERR_VERIFY, "does not fit");
            sig.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        memset(sig.data, 0, sig.len);
        assert_fails(coco_ecdsa_verify(key, "abc", 3, sig.data, sig.len, &err), err,
                     COCO_ERR_VERIFY, "does not fit");
    }
    assert_int_equal(ERR_peek_error(), 0);
}

/* Formats may name a hash that is not the key's own. */
static void
the_hash_may_be_another(void **state)
{
    static const enum coco_hash_alg algs[] = {COCO_SHA256, COCO_SHA384, COCO_SHA512};
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P384, &key, &err), err);
    for (size_t i = 0; i < 3; i++) {
        _cleanup_buf_ struct coco_buf sig = {.limit = 256};

        assert_ok(coco_ecdsa_sign_with(key, algs[i], "abc", 3, &sig, &err), err);
        for (size_t j = 0; j < 3; j++) {
            coco_status status =
                coco_ecdsa_verify_with(key, algs[j], "abc", 3, sig.data, sig.len, NULL);
            assert_int_equal(status, i == j ? COCO_OK : COCO_ERR_VERIFY);
        }
        assert_int_equal(coco_ecdsa_verify(key, "abc", 3, sig.data, sig.len, NULL),
                         algs[i] == COCO_SHA384 ? COCO_OK : COCO_ERR_VERIFY);
    }
}

static void
other_keys_have_no_such_form(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf buf = {.limit = 256};

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_ED25519, &key, &err), err);
    assert_fails(coco_ec_key_point(key, &buf, &err), err, COCO_ERR_NOTSUP, "not EC");
    assert_fails(coco_ecdsa_sign(key, "abc", 3, &buf, &err), err, COCO_ERR_NOTSUP, "not EC");
    assert_fails(coco_ecdsa_verify(key, "abc", 3, (const uint8_t *)"", 0, &err), err,
                 COCO_ERR_NOTSUP, "not EC");
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        _cleanup_pkey_ EVP_PKEY *back = NULL;
        _cleanup_buf_ struct coco_buf point = {.limit = 256};
        _cleanup_buf_ struct coco_buf sig = {.limit = 256};

        coco_status status = coco_key_generate(COCO_KEY_P256, &key, &err);
        if (status == COCO_OK)
            status = coco_ec_key_point(key, &point, &err);
        if (status == COCO_OK)
            status = coco_ec_key_from_point(COCO_KEY_P256, point.data, &back, &err);
        if (status == COCO_OK)
            status = coco_ecdsa_sign(key, "abc", 3, &sig, &err);
        if (status == COCO_OK)
            status = coco_ecdsa_verify(back, "abc", 3, sig.data, sig.len, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_those_of_the_fields),
        cmocka_unit_test(a_key_is_its_point),
        cmocka_unit_test(points_that_are_none_are_refused),
        cmocka_unit_test(what_is_signed_verifies_and_no_bit_of_it_can_be_changed),
        cmocka_unit_test(the_hash_may_be_another),
        cmocka_unit_test(other_keys_have_no_such_form),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("crypto/ecdsa", tests, NULL, NULL);
}
