/*
 * tests/crypto/test_keywrap.c - lib/crypto/keywrap.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/keywrap.h"

#include "base/base64.h"
#include "base/text.h"

#include "tests/crypto/vectors.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <openssl/err.h>
#include <string.h>

static void
ecdh_es_agrees_with_rfc_7518_appendix_c(void **state)
{
    uint8_t alice_name[] = "Alice";
    uint8_t bob_name[] = "Bob";
    const struct coco_buf apu = {.data = alice_name, .len = strlen("Alice")};
    const struct coco_buf apv = {.data = bob_name, .len = strlen("Bob")};
    const struct coco_agreement agreement = {"A128GCM", &apu, &apv, 16};
    EVP_PKEY *alice = vector_key(ECDH_ALICE);
    EVP_PKEY *bob = vector_key(ECDH_BOB);
    struct coco_secret at_alice = {0};
    struct coco_secret at_bob = {0};
    struct coco_buf want = {.limit = 16};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_base64_decode(COCO_BASE64URL, ECDH_DERIVED, strlen(ECDH_DERIVED), &want, &err),
              err);
    assert_ok(coco_ecdh_es(alice, bob, &agreement, &at_alice, &err), err);
    assert_ok(coco_ecdh_es(bob, alice, &agreement, &at_bob, &err), err);
    assert_true(coco_secret_equal(&at_alice, want.data, want.len));
    assert_true(coco_secret_equal(&at_bob, want.data, want.len));
    coco_buf_done(&want);
    coco_secret_done(&at_alice);
    coco_secret_done(&at_bob);
    EVP_PKEY_free(alice);
    EVP_PKEY_free(bob);
}

static void
agreement_is_on_one_curve_only(void **state)
{
    static const enum coco_key_kind others[] = {COCO_KEY_P384, COCO_KEY_P521, COCO_KEY_RSA,
                                                COCO_KEY_ED25519};
    const struct coco_agreement agreement = {.alg = "x", .key_size = COCO_KEK_SIZE};
    EVP_PKEY *own = vector_key(ECDH_ALICE);
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        EVP_PKEY *other = NULL;

        assert_ok(coco_key_generate(others[i], &other, &err), err);
        assert_fails(coco_ecdh_es(own, other, &agreement, &secret, &err), err, COCO_ERR_VERIFY, "");
        assert_null(secret.data);
        EVP_PKEY_free(other);
    }
    assert_int_equal(ERR_peek_error(), 0);
    EVP_PKEY_free(own);
}

static void
aes_wrap_gives_the_published_value(void **state)
{
    /* RFC 3394 section 4.6: 256 bits of key data with a 256-bit KEK. */
    uint8_t kek_bytes[32];
    uint8_t key_bytes[32];
    uint8_t want[40];
    const struct coco_secret kek = {.data = kek_bytes, .len = sizeof(kek_bytes)};
    const struct coco_secret key = {.data = key_bytes, .len = sizeof(key_bytes)};
    struct coco_secret back = {0};
    struct coco_buf wrapped = {.limit = 64};
    coco_error *err = NULL;

    (void)state;
    assert_true(coco_unhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 64,
                           kek_bytes, sizeof(kek_bytes)));
    assert_true(coco_unhex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f", 64,
                           key_bytes, sizeof(key_bytes)));
    assert_true(coco_unhex("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326"
                           "cbc7f0e71a99f43bfb988b9b7a02dd21",
                           80, want, sizeof(want)));
    assert_ok(coco_aes_wrap(&kek, &key, &wrapped, &err), err);
    assert_int_equal(wrapped.len, sizeof(want));
    assert_memory_equal(wrapped.data, want, sizeof(want));
    assert_ok(coco_aes_unwrap(&kek, &wrapped, &back, &err), err);
    assert_true(coco_secret_equal(&back, key_bytes, sizeof(key_bytes)));
    coco_secret_done(&back);

    wrapped.data[39] ^= 1;
    assert_fails(coco_aes_unwrap(&kek, &wrapped, &back, &err), err, COCO_ERR_VERIFY,
                 "does not open");
    wrapped.data[39] ^= 1;
    /* Every length that is no wrapped key. */
    for (wrapped.len = 0; wrapped.len < 40; wrapped.len++)
        assert_fails(coco_aes_unwrap(&kek, &wrapped, &back, &err), err, COCO_ERR_VERIFY,
                     "does not open");
    assert_null(back.data);
    assert_int_equal(ERR_peek_error(), 0);
    coco_buf_done(&wrapped);
}

/* RFC 3394 sections 4.1 and 4.2. */
static void
shorter_keks_wrap_as_the_rfc_has_it(void **state)
{
    static const char *const wants[] = {"1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5",
                                        "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"};
    uint8_t bytes[24];
    uint8_t data[16];

    (void)state;
    for (uint8_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = i;
    for (uint8_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i << 4 | i);
    for (size_t i = 0; i < 2; i++) {
        const struct coco_secret kek = {.data = bytes, .len = 16 + 8 * i};
        const struct coco_secret secret = {.data = data, .len = sizeof(data)};
        _cleanup_buf_ struct coco_buf wrapped = {.limit = 64};
        _cleanup_buf_ struct coco_buf hex = {.limit = 64};
        _cleanup_secret_ struct coco_secret back = {0};
        coco_error *err = NULL;

        assert_ok(coco_aes_wrap(&kek, &secret, &wrapped, &err), err);
        assert_ok(coco_buf_append_hex(&hex, wrapped.data, wrapped.len, &err), err);
        assert_string_equal(coco_buf_text(&hex), wants[i]);
        assert_ok(coco_aes_unwrap(&kek, &wrapped, &back, &err), err);
        assert_true(coco_secret_equal(&back, data, sizeof(data)));
    }
}

static void
wrapping_wants_a_kek_of_its_size_and_whole_blocks(void **state)
{
    uint8_t bytes[40] = {0};
    const struct coco_secret kek = {.data = bytes, .len = COCO_KEK_SIZE};
    const struct coco_secret short_kek = {.data = bytes, .len = 17};
    const struct coco_secret odd = {.data = bytes, .len = 33};
    struct coco_buf wrapped = {.limit = 64};
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_aes_wrap(&short_kek, &kek, &wrapped, &err), err, COCO_ERR_INVALID,
                 "key of 17 bytes");
    assert_fails(coco_aes_wrap(&kek, &odd, &wrapped, &err), err, COCO_ERR_INVALID,
                 "cannot wrap 33 bytes");
    coco_buf_done(&wrapped);
}

static void
oaep_opens_only_with_its_hash_and_its_key(void **state)
{
    uint8_t bytes[32] = "thirty-two bytes of a secret key";
    const struct coco_secret secret = {.data = bytes, .len = sizeof(bytes)};
    EVP_PKEY *key = vector_key(JWE_A1_KEY);
    EVP_PKEY *other = vector_key(JWS_A2_KEY);
    EVP_PKEY *ec = vector_key(ECDH_BOB);
    struct coco_buf wrapped = {.limit = 1024};
    struct coco_secret back = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_oaep_wrap(key, EVP_sha256(), &secret, &wrapped, &err), err);
    assert_int_equal(wrapped.len, 256);
    assert_ok(coco_oaep_unwrap(key, EVP_sha256(), &wrapped, &back, &err), err);
    assert_true(coco_secret_equal(&back, bytes, sizeof(bytes)));
    coco_secret_done(&back);

    assert_fails(coco_oaep_unwrap(key, EVP_sha1(), &wrapped, &back, &err), err, COCO_ERR_VERIFY,
                 "wrapped key does not open");
    assert_fails(coco_oaep_unwrap(other, EVP_sha256(), &wrapped, &back, &err), err, COCO_ERR_VERIFY,
                 "wrapped key does not open");
    assert_fails(coco_oaep_unwrap(ec, EVP_sha256(), &wrapped, &back, &err), err, COCO_ERR_VERIFY,
                 "");
    wrapped.len--;
    assert_fails(coco_oaep_unwrap(key, EVP_sha256(), &wrapped, &back, &err), err, COCO_ERR_VERIFY,
                 "wrapped key does not open");
    assert_null(back.data);
    assert_int_equal(ERR_peek_error(), 0);
    coco_buf_done(&wrapped);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    EVP_PKEY_free(ec);
}

/* What does not open cannot be told from what does, but by what it is good for. */
static void
pkcs1_gives_a_random_secret_for_what_does_not_open(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_pkey_ EVP_PKEY *other = NULL;
    _cleanup_secret_ struct coco_secret secret = {0};
    _cleanup_buf_ struct coco_buf wrapped = {.limit = 1024};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_RSA, &key, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_RSA, &other, &err), err);
    assert_ok(coco_secret_random(32, &secret, &err), err);
    assert_ok(coco_pkcs1_wrap(key, &secret, &wrapped, &err), err);
    for (unsigned i = 0; i < 4; i++) {
        _cleanup_secret_ struct coco_secret one = {0};
        _cleanup_secret_ struct coco_secret two = {0};
        EVP_PKEY *with = i == 1 ? other : key;
        size_t size = i == 2 ? 16 : 32;

        if (i == 3)
            wrapped.len--;
        assert_ok(coco_pkcs1_unwrap(with, &wrapped, size, &one, &err), err);
        assert_ok(coco_pkcs1_unwrap(with, &wrapped, size, &two, &err), err);
        assert_int_equal(one.len, size);
        assert_int_equal(coco_secret_equal(&one, secret.data, secret.len), i == 0);
        assert_int_equal(coco_secret_equal(&one, two.data, two.len), i == 0);
        assert_int_equal(ERR_peek_error(), 0);
    }
}

static void
everything_survives_any_failed_allocation(void **state)
{
    const struct coco_agreement agreement = {.alg = "x", .key_size = COCO_KEK_SIZE};
    EVP_PKEY *alice = vector_key(ECDH_ALICE);
    EVP_PKEY *bob = vector_key(ECDH_BOB);
    EVP_PKEY *rsa = vector_key(JWE_A1_KEY);
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        struct coco_secret kek = {0};
        struct coco_secret back = {0};
        struct coco_secret back_again = {0};
        struct coco_buf wrapped = {.limit = 1024};
        struct coco_buf sealed = {.limit = 1024};

        coco_status status = coco_ecdh_es(alice, bob, &agreement, &kek, &err);
        if (status == COCO_OK)
            status = coco_aes_wrap(&kek, &kek, &wrapped, &err);
        if (status == COCO_OK)
            status = coco_aes_unwrap(&kek, &wrapped, &back, &err);
        if (status == COCO_OK)
            status = coco_oaep_wrap(rsa, EVP_sha256(), &kek, &sealed, &err);
        if (status == COCO_OK)
            status = coco_oaep_unwrap(rsa, EVP_sha256(), &sealed, &back_again, &err);
        fault_expect(status, err);
        coco_secret_done(&kek);
        coco_secret_done(&back);
        coco_secret_done(&back_again);
        coco_buf_done(&wrapped);
        coco_buf_done(&sealed);
    }
    EVP_PKEY_free(alice);
    EVP_PKEY_free(bob);
    EVP_PKEY_free(rsa);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ecdh_es_agrees_with_rfc_7518_appendix_c),
        cmocka_unit_test(agreement_is_on_one_curve_only),
        cmocka_unit_test(aes_wrap_gives_the_published_value),
        cmocka_unit_test(shorter_keks_wrap_as_the_rfc_has_it),
        cmocka_unit_test(wrapping_wants_a_kek_of_its_size_and_whole_blocks),
        cmocka_unit_test(oaep_opens_only_with_its_hash_and_its_key),
        cmocka_unit_test(pkcs1_gives_a_random_secret_for_what_does_not_open),
        cmocka_unit_test(everything_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("crypto/keywrap", tests, NULL, NULL);
}
