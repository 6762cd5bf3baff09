/*
 * tests/crypto/test_secretbox.c - lib/crypto/secretbox.c, against boxes that libsodium makes
 *
 * Those of another implementation are in test_cosign_key.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/secretbox.h"

#include "tests/canary.h"
#include "tests/faults.h"

#include "config.h"

#include <dlfcn.h>
#include <string.h>

#define TEXT "what is in the box"
#define BOX_SIZE (COCO_SECRETBOX_TAG_SIZE + sizeof(TEXT))

static const uint8_t key[COCO_SECRETBOX_KEY_SIZE] = {1, 2, 3};
static const uint8_t nonce[COCO_SECRETBOX_NONCE_SIZE] = {4, 5, 6};

/* crypto_secretbox_easy() of sodium.h */
typedef int seal_fn(unsigned char *box, const unsigned char *text, unsigned long long len,
                    const unsigned char *nonce, const unsigned char *key);

static void
seal(uint8_t box[BOX_SIZE])
{
    void *library = dlopen("libsodium.so.23", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    seal_fn *fn = NULL;

    if (!COCO_HAVE_SODIUM || !library)
        skip();
    *(void **)(void *)&fn = dlsym(library, "crypto_secretbox_easy");
    assert_non_null(fn);
    assert_int_equal(fn(box, (const uint8_t *)TEXT, sizeof(TEXT), nonce, key), 0);
    assert_int_equal(dlclose(library), 0);
}

static void
a_box_opens_with_its_key(void **state)
{
    uint8_t box[BOX_SIZE];
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    seal(box);
    assert_ok(coco_secretbox_open(key, nonce, box, sizeof(box), &secret, &err), err);
    assert_true(coco_secret_equal(&secret, TEXT, sizeof(TEXT)));
    coco_secret_done(&secret);
}

static void
no_changed_bit_is_believed(void **state)
{
    uint8_t box[BOX_SIZE];
    uint8_t other_key[sizeof(key)];
    uint8_t other_nonce[sizeof(nonce)];
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    seal(box);
    for (size_t i = 0; i < 8 * sizeof(box); i++) {
        box[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_fails(coco_secretbox_open(key, nonce, box, sizeof(box), &secret, &err), err,
                     COCO_ERR_VERIFY, "does not open");
        box[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t i = 0; i < sizeof(box); i++)
        assert_fails(coco_secretbox_open(key, nonce, box, i, &secret, &err), err, COCO_ERR_VERIFY,
                     i < COCO_SECRETBOX_TAG_SIZE ? "too short" : "does not open");
    memcpy(other_key, key, sizeof(key));
    other_key[31] ^= 1;
    assert_fails(coco_secretbox_open(other_key, nonce, box, sizeof(box), &secret, &err), err,
                 COCO_ERR_VERIFY, "does not open");
    memcpy(other_nonce, nonce, sizeof(nonce));
    other_nonce[23] ^= 1;
    assert_fails(coco_secretbox_open(key, other_nonce, box, sizeof(box), &secret, &err), err,
                 COCO_ERR_VERIFY, "does not open");
    assert_null(secret.data);
}

static void
opening_survives_any_failed_allocation(void **state)
{
    uint8_t box[BOX_SIZE];

    (void)state;
    seal(box);
    for_each_fault()
    {
        struct coco_secret secret = {0};
        coco_error *err = NULL;

        coco_status status = coco_secretbox_open(key, nonce, box, sizeof(box), &secret, &err);
        fault_expect(status, err);
        coco_secret_done(&secret);
    }
}

static void
what_was_in_it_is_wiped(void **state)
{
    static const char text[] = TEXT;
    uint8_t box[BOX_SIZE];
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    seal(box);
    canary_begin(text, sizeof(text));
    assert_ok(coco_secretbox_open(key, nonce, box, sizeof(box), &secret, &err), err);
    coco_secret_done(&secret);
    box[0] ^= 1;
    assert_fails(coco_secretbox_open(key, nonce, box, sizeof(box), &secret, &err), err,
                 COCO_ERR_VERIFY, "");
    assert_int_equal(canary_end(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_box_opens_with_its_key),
        cmocka_unit_test(no_changed_bit_is_believed),
        cmocka_unit_test(opening_survives_any_failed_allocation),
        cmocka_unit_test(what_was_in_it_is_wiped),
    };

    return cmocka_run_group_tests_name("crypto/secretbox", tests, NULL, NULL);
}
