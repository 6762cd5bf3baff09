/*
 * tests/crypto/test_mac.c - lib/crypto/mac.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/mac.h"

#include "base/text.h"
#include "tests/faults.h"

#include <string.h>

static coco_error *err;

static struct coco_secret
secret_of(const char *hex)
{
    struct coco_secret secret = {0};

    assert_ok(coco_secret_alloc(strlen(hex) / 2, &secret, &err), err);
    assert_true(coco_unhex(hex, strlen(hex), secret.data, secret.len));
    return secret;
}

/* RFC 4231 test case 2. */
static void
hmac_is_that_of_the_rfc(void **state)
{
    _cleanup_secret_ struct coco_secret key = secret_of("4a656665");
    static const char data[] = "what do ya want for nothing?";
    uint8_t mac[COCO_HMAC_SIZE_MAX];
    char hex[2 * COCO_HMAC_SIZE_MAX + 1];

    (void)state;
    assert_ok(coco_hmac(EVP_sha256(), &key, data, strlen(data), mac, &err), err);
    coco_hex(mac, 32, hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_ok(coco_hmac(EVP_sha512(), &key, data, strlen(data), mac, &err), err);
    coco_hex(mac, 64, hex);
    assert_string_equal(hex, "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                             "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

static void
nothing_may_be_authenticated_with_nothing(void **state)
{
    struct coco_secret key = {0};
    uint8_t mac[32];
    char hex[65];

    (void)state;
    assert_ok(coco_hmac(EVP_sha256(), &key, NULL, 0, mac, &err), err);
    coco_hex(mac, sizeof(mac), hex);
    assert_string_equal(hex, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* SP 800-38A, F.5.1. */
static void
counter_mode_is_that_of_nist(void **state)
{
    _cleanup_secret_ struct coco_secret key = secret_of("2b7e151628aed2a6abf7158809cf4f3c");
    uint8_t iv[16];
    uint8_t data[32];
    char hex[65];
    static const char text[] = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51";

    (void)state;
    for (size_t i = 0; i < sizeof(iv); i++)
        iv[i] = (uint8_t)(0xf0 + i);
    assert_true(coco_unhex(text, 64, data, sizeof(data)));
    assert_ok(coco_aes128_ctr(&key, iv, data, sizeof(data), data, &err), err);
    coco_hex(data, sizeof(data), hex);
    assert_string_equal(hex, "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff");
    assert_ok(coco_aes128_ctr(&key, iv, data, sizeof(data), data, &err), err);
    coco_hex(data, sizeof(data), hex);
    assert_string_equal(hex, text);
    key.len--;
    assert_fails(coco_aes128_ctr(&key, iv, data, sizeof(data), data, &err), err, COCO_ERR_INVALID,
                 "15 bytes");
    key.len++;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hmac_is_that_of_the_rfc),
        cmocka_unit_test(nothing_may_be_authenticated_with_nothing),
        cmocka_unit_test(counter_mode_is_that_of_nist),
    };

    return cmocka_run_group_tests_name("crypto/mac", tests, NULL, NULL);
}
