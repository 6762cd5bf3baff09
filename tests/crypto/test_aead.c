/*
 * tests/crypto/test_aead.c - lib/crypto/aead.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/aead.h"

#include "base/text.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <openssl/err.h>
#include <string.h>

/* Test case 16 of the GCM specification (McGrew and Viega). */
#define KEY "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
#define IV "cafebabefacedbaddecaf888"
#define AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define PLAIN                                                                                      \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"                             \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define CIPHER                                                                                     \
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"                             \
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
#define TAG "76fc6ece0f4e1768cddf8853bb2d551b"

#define LEN (sizeof(PLAIN) / 2)

struct message {
    uint8_t key[COCO_AEAD_KEY_SIZE];
    uint8_t iv[COCO_AEAD_IV_SIZE];
    uint8_t aad[20];
    uint8_t plain[LEN];
    uint8_t cipher[LEN];
    uint8_t tag[COCO_AEAD_TAG_SIZE];
};

static void
unhex(const char *text, void *data, size_t len)
{
    assert_true(coco_unhex(text, strlen(text), data, len));
}

static struct message
message(void)
{
    struct message m;

    unhex(KEY, m.key, sizeof(m.key));
    unhex(IV, m.iv, sizeof(m.iv));
    unhex(AAD, m.aad, sizeof(m.aad));
    unhex(PLAIN, m.plain, sizeof(m.plain));
    unhex(CIPHER, m.cipher, sizeof(m.cipher));
    unhex(TAG, m.tag, sizeof(m.tag));
    return m;
}

static coco_status
open_message(const struct message *m, size_t len, struct coco_secret *ret, coco_error **err)
{
    uint8_t aad_bytes[sizeof(m->aad)];
    const struct coco_buf aad = {.data = aad_bytes, .len = sizeof(aad_bytes)};

    memcpy(aad_bytes, m->aad, sizeof(aad_bytes));
    return coco_aead_open(m->key, m->iv, &aad, m->cipher, len, m->tag, ret, err);
}

static void
seal_and_open_give_the_published_values(void **state)
{
    struct message m = message();
    const struct coco_buf aad = {.data = m.aad, .len = sizeof(m.aad)};
    struct coco_buf cipher = {.limit = LEN};
    struct coco_secret plain = {0};
    uint8_t tag[COCO_AEAD_TAG_SIZE];
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_aead_seal(m.key, m.iv, &aad, m.plain, LEN, &cipher, tag, &err), err);
    assert_int_equal(cipher.len, LEN);
    assert_memory_equal(cipher.data, m.cipher, LEN);
    assert_memory_equal(tag, m.tag, sizeof(tag));
    assert_ok(open_message(&m, LEN, &plain, &err), err);
    assert_true(coco_secret_equal(&plain, m.plain, LEN));
    coco_secret_done(&plain);
    coco_buf_done(&cipher);
}

static void
an_empty_message_is_authenticated_too(void **state)
{
    const uint8_t key[COCO_AEAD_KEY_SIZE] = {0};
    const uint8_t iv[COCO_AEAD_IV_SIZE] = {0};
    struct coco_buf cipher = {.limit = 1};
    struct coco_secret plain = {0};
    uint8_t tag[COCO_AEAD_TAG_SIZE];
    uint8_t want[COCO_AEAD_TAG_SIZE];
    coco_error *err = NULL;

    (void)state;
    /* Test case 13 of the same. */
    unhex("530f8afbc74536b9a963b4f1c4cb738b", want, sizeof(want));
    assert_ok(coco_aead_seal(key, iv, NULL, NULL, 0, &cipher, tag, &err), err);
    assert_memory_equal(tag, want, sizeof(want));
    assert_ok(coco_aead_open(key, iv, NULL, NULL, 0, tag, &plain, &err), err);
    assert_int_equal(plain.len, 0);
    coco_secret_done(&plain);
    tag[0] ^= 1;
    assert_fails(coco_aead_open(key, iv, NULL, NULL, 0, tag, &plain, &err), err, COCO_ERR_VERIFY,
                 "authentication failed");
    coco_buf_done(&cipher);
}

static void
open_refuses_any_changed_byte(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(struct message); i++) {
        struct message m = message();
        struct coco_secret plain = {0};

        ((uint8_t *)&m)[i] ^= 0x80;
        /* The plain text is no part of what is opened. */
        if (i >= offsetof(struct message, plain) && i < offsetof(struct message, cipher))
            continue;
        assert_fails(open_message(&m, LEN, &plain, &err), err, COCO_ERR_VERIFY,
                     "authentication failed");
        assert_null(plain.data);
    }
    struct message m = message();
    struct coco_secret plain = {0};
    assert_fails(open_message(&m, LEN - 1, &plain, &err), err, COCO_ERR_VERIFY, "authentication");
    assert_int_equal(ERR_peek_error(), 0);
}

static void
seal_stays_in_the_limit_of_its_buffer(void **state)
{
    struct message m = message();
    struct coco_buf cipher = {.limit = LEN - 1};
    uint8_t tag[COCO_AEAD_TAG_SIZE] = {0};
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_aead_seal(m.key, m.iv, NULL, m.plain, LEN, &cipher, tag, &err), err,
                 COCO_ERR_LIMIT, "more than");
    assert_int_equal(tag[0], 0);
    coco_buf_done(&cipher);
}

static void
hkdf_gives_the_published_value(void **state)
{
    uint8_t ikm[22];
    uint8_t want[42];
    struct coco_secret key = {.data = ikm, .len = sizeof(ikm)};
    struct coco_secret out = {0};
    struct coco_secret other = {0};
    coco_error *err = NULL;

    (void)state;
    /* RFC 5869 appendix A.3: no salt, no info. */
    memset(ikm, 0x0b, sizeof(ikm));
    unhex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
          "9d201395faa4b61a96c8",
          want, sizeof(want));
    assert_ok(coco_hkdf(&key, "", sizeof(want), &out, &err), err);
    assert_true(coco_secret_equal(&out, want, sizeof(want)));
    assert_ok(coco_hkdf(&key, "cookie", sizeof(want), &other, &err), err);
    assert_false(coco_secret_equal(&other, want, sizeof(want)));
    coco_secret_done(&out);
    coco_secret_done(&other);
    /* RFC 5869 section 2.3: L <= 255 * HashLen. */
    assert_fails(coco_hkdf(&key, "", (size_t)255 * 32 + 1, &out, &err), err, COCO_ERR_INVALID,
                 "cannot derive");
}

static void
everything_survives_any_failed_allocation(void **state)
{
    struct message m = message();
    struct coco_secret key = {.data = m.key, .len = sizeof(m.key)};
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        struct coco_buf cipher = {.limit = LEN};
        struct coco_secret plain = {0};
        struct coco_secret derived = {0};
        uint8_t tag[COCO_AEAD_TAG_SIZE];

        coco_status status = coco_aead_seal(m.key, m.iv, NULL, m.plain, LEN, &cipher, tag, &err);
        if (status == COCO_OK)
            status = coco_aead_open(m.key, m.iv, NULL, cipher.data, LEN, tag, &plain, &err);
        if (status == COCO_OK)
            status = coco_hkdf(&key, "x", 32, &derived, &err);
        fault_expect(status, err);
        coco_secret_done(&derived);
        coco_secret_done(&plain);
        coco_buf_done(&cipher);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seal_and_open_give_the_published_values),
        cmocka_unit_test(an_empty_message_is_authenticated_too),
        cmocka_unit_test(open_refuses_any_changed_byte),
        cmocka_unit_test(seal_stays_in_the_limit_of_its_buffer),
        cmocka_unit_test(hkdf_gives_the_published_value),
        cmocka_unit_test(everything_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("crypto/aead", tests, NULL, NULL);
}
