/*
 * tests/crypto/test_sm2.c - lib/crypto/sm2.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/sm2.h"

#include "base/text.h"
#include "tests/faults.h"

#include <string.h>

static const struct coco_sm2_id alice = {(const uint8_t *)"ALICE123@YAHOO.COM", 18};
static const struct coco_sm2_id bob = {(const uint8_t *)"bob", 3};
static coco_error *err;

static void
what_is_signed_verifies_and_no_bit_of_it_can_be_changed(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_pkey_ EVP_PKEY *back = NULL;
    uint8_t point[2 * COCO_SM2_SIZE];
    uint8_t sig[2 * COCO_SM2_SIZE];

    (void)state;
    assert_ok(coco_sm2_generate(&key, &err), err);
    assert_ok(coco_sm2_key_point(key, point, &err), err);
    assert_ok(coco_sm2_key_from_point(point, &back, &err), err);
    assert_ok(coco_sm2_sign(key, &alice, "abc", 3, sig, &err), err);
    assert_ok(coco_sm2_verify(back, &alice, "abc", 3, sig, &err), err);
    assert_fails(coco_sm2_verify(back, &alice, "abd", 3, sig, &err), err, COCO_ERR_VERIFY,
                 "does not fit");
    assert_fails(coco_sm2_verify(back, &bob, "abc", 3, sig, &err), err, COCO_ERR_VERIFY,
                 "does not fit");
    for (size_t bit = 0; bit < 8 * sizeof(sig); bit += 5) {
        sig[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(coco_sm2_verify(back, &alice, "abc", 3, sig, NULL), COCO_ERR_VERIFY);
        sig[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

static void
points_that_are_none_are_refused(void **state)
{
    uint8_t point[2 * COCO_SM2_SIZE] = {0};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    EVP_PKEY *none = NULL;

    (void)state;
    assert_fails(coco_sm2_key_from_point(point, &none, &err), err, COCO_ERR_PROTO, "no point");
    memset(point, 0xff, sizeof(point));
    assert_fails(coco_sm2_key_from_point(point, &none, &err), err, COCO_ERR_PROTO, "no point");
    assert_ok(coco_sm2_generate(&key, &err), err);
    assert_ok(coco_sm2_key_point(key, point, &err), err);
    point[3] ^= 1;
    assert_fails(coco_sm2_key_from_point(point, &none, &err), err, COCO_ERR_PROTO, "no point");
}

static void
an_id_is_demanded(void **state)
{
    const struct coco_sm2_id none = {(const uint8_t *)"", 0};
    const struct coco_sm2_id large = {(const uint8_t *)"", 255};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_pkey_ EVP_PKEY *ec = NULL;
    uint8_t sig[2 * COCO_SM2_SIZE] = {0};

    (void)state;
    assert_ok(coco_sm2_generate(&key, &err), err);
    assert_fails(coco_sm2_verify(key, &none, "abc", 3, sig, &err), err, COCO_ERR_PROTO, "0 bytes");
    assert_fails(coco_sm2_sign(key, &large, "abc", 3, sig, &err), err, COCO_ERR_PROTO, "255 bytes");
    assert_ok(coco_key_generate(COCO_KEY_P256, &ec, &err), err);
    assert_fails(coco_sm2_key_point(ec, sig, &err), err, COCO_ERR_NOTSUP, "not one of SM2");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_verifies_and_no_bit_of_it_can_be_changed),
        cmocka_unit_test(points_that_are_none_are_refused),
        cmocka_unit_test(an_id_is_demanded),
    };

    return cmocka_run_group_tests_name("crypto/sm2", tests, NULL, NULL);
}
