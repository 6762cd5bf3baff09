/*
 * tests/tee/test_sev_session.c - lib/tee/sev_session.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/sev_session.h"

#include "base/text.h"
#include "crypto/keywrap.h"
#include "tests/canary.h"
#include "tests/faults.h"

#include <string.h>

static coco_error *err;
static uint8_t zeros[48];
static struct coco_secret zero_key = {.data = zeros, .len = 16};

static void
assert_hex(const uint8_t *data, size_t len, const char *want)
{
    char hex[129];

    coco_hex(data, len, hex);
    assert_string_equal(hex, want);
}

/* The sev crate's own vectors (6.3.1, session and key tests). */
static void
keys_are_derived_as_upstream_does(void **state)
{
    _cleanup_secret_ struct coco_secret derived = {0};

    (void)state;
    assert_ok(coco_sev_kdf(&zero_key, "sev-master-secret", zeros, 16, &derived, &err), err);
    assert_hex(derived.data, derived.len, "ab4d269fcc62bedb4511d56c386ce706");
}

static void
a_session_is_wrapped_as_upstream_does(void **state)
{
    const struct coco_sev_keys keys = {.tek = zero_key, .tik = zero_key};
    struct coco_sev_session session = {{0}, {0}, {0}, {0}, {0}};

    (void)state;
    assert_ok(coco_sev_session_wrap(&zero_key, &keys, 0, &session, &err), err);
    assert_hex(session.wrap_tk, 32,
               "2137bc7f9bb8bd7c3e55a576a15d3454b3856b8ba27afadf46dcfee9f02c02c4");
    assert_hex(session.wrap_mac, 32,
               "3176c0752738bd9d5e86689534020f528c088f16238826b000b327dee6aeed7d");
    assert_hex(session.policy_mac, 32,
               "aa7855e13839dd767cd5da7c1ff5036540c9264b7a803029315e55375287b4af");
}

static void
both_sides_get_the_same_keys(void **state)
{
    _cleanup_pkey_ EVP_PKEY *own = NULL;
    _cleanup_pkey_ EVP_PKEY *pdh = NULL;
    _cleanup_sev_keys_ struct coco_sev_keys keys = {0};
    _cleanup_sev_keys_ struct coco_sev_keys back = {0};
    _cleanup_secret_ struct coco_secret z = {0};
    struct coco_sev_session session;
    struct coco_sev_session read;
    uint8_t bytes[COCO_SEV_SESSION_SIZE];

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P384, &own, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_P384, &pdh, &err), err);
    assert_ok(coco_sev_keys_generate(&keys, &err), err);
    assert_ok(coco_sev_session_make(own, pdh, 5, &keys, &session, &err), err);
    coco_sev_session_format(&session, bytes);
    assert_ok(coco_sev_session_parse(bytes, sizeof(bytes), &read, &err), err);
    assert_memory_equal(&read, &session, sizeof(read));
    assert_ok(coco_ecdh(pdh, own, &z, &err), err);
    assert_ok(coco_sev_session_unwrap(&z, &read, 5, &back, &err), err);
    assert_true(coco_secret_equal(&back.tek, keys.tek.data, keys.tek.len));
    assert_true(coco_secret_equal(&back.tik, keys.tik.data, keys.tik.len));
}

/* Every bit but those of nothing. */
static void
no_bit_of_a_session_can_be_flipped(void **state)
{
    const struct coco_sev_keys keys = {.tek = zero_key, .tik = zero_key};
    struct coco_sev_session session = {{1}, {0}, {2}, {0}, {0}};
    uint8_t bytes[COCO_SEV_SESSION_SIZE];

    (void)state;
    assert_ok(coco_sev_session_wrap(&zero_key, &keys, 7, &session, &err), err);
    coco_sev_session_format(&session, bytes);
    for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
        struct coco_sev_keys none = {0};

        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_ok(coco_sev_session_parse(bytes, sizeof(bytes), &session, &err), err);
        assert_fails(coco_sev_session_unwrap(&zero_key, &session, 7, &none, &err), err,
                     COCO_ERR_VERIFY, "not authentic");
        assert_null(none.tik.data);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    struct coco_sev_keys none = {0};
    assert_ok(coco_sev_session_parse(bytes, sizeof(bytes), &session, &err), err);
    assert_fails(coco_sev_session_unwrap(&zero_key, &session, 6, &none, &err), err, COCO_ERR_VERIFY,
                 "policy of the session");
    for (size_t len = 0; len < sizeof(bytes); len++)
        assert_fails(coco_sev_session_parse(bytes, len, &session, &err), err, COCO_ERR_PROTO,
                     "ends after");
}

static void
keys_of_other_lengths_are_refused(void **state)
{
    struct coco_secret short_key = {.data = zeros, .len = 15};
    const struct coco_sev_keys keys = {.tek = zero_key, .tik = short_key};
    struct coco_sev_session session = {{0}, {0}, {0}, {0}, {0}};
    struct coco_secret none = {0};

    (void)state;
    assert_fails(coco_sev_session_wrap(&zero_key, &keys, 0, &session, &err), err, COCO_ERR_INVALID,
                 "16 bytes");
    assert_fails(coco_sev_kdf(&zero_key, "sev", zeros, 33, &none, &err), err, COCO_ERR_INVALID,
                 "too long");
}

/* Neither the keys nor what wraps them stays behind. */
static void
keys_are_wiped(void **state)
{
    static uint8_t tik[16];
    _cleanup_secret_ struct coco_secret master = {0};
    _cleanup_secret_ struct coco_secret kik = {0};
    const struct coco_sev_keys keys = {.tek = zero_key, .tik = {.data = tik, .len = sizeof(tik)}};
    struct coco_sev_session session = {{3}, {0}, {4}, {0}, {0}};

    (void)state;
    memset(tik, 0x7c, sizeof(tik));
    assert_ok(coco_sev_session_wrap(&zero_key, &keys, 0, &session, &err), err);
    assert_ok(coco_sev_kdf(&zero_key, "sev-master-secret", session.nonce, 16, &master, &err), err);
    assert_ok(coco_sev_kdf(&master, "sev-kik", NULL, 0, &kik, &err), err);
    const struct coco_secret *secrets[] = {&keys.tik, &master, &kik};
    for (size_t i = 0; i < 3; i++) {
        struct coco_sev_keys back = {0};

        canary_begin(secrets[i]->data, secrets[i]->len);
        assert_ok(coco_sev_session_unwrap(&zero_key, &session, 0, &back, &err), err);
        coco_sev_keys_done(&back);
        assert_int_equal(canary_end(), 0);
    }
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    _cleanup_pkey_ EVP_PKEY *own = NULL;
    _cleanup_pkey_ EVP_PKEY *pdh = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P384, &own, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_P384, &pdh, &err), err);
    for_each_fault()
    {
        _cleanup_sev_keys_ struct coco_sev_keys keys = {0};
        _cleanup_sev_keys_ struct coco_sev_keys back = {0};
        _cleanup_secret_ struct coco_secret z = {0};
        struct coco_sev_session session;

        coco_status status = coco_sev_keys_generate(&keys, &err);
        if (status == COCO_OK)
            status = coco_sev_session_make(own, pdh, 0, &keys, &session, &err);
        if (status == COCO_OK)
            status = coco_ecdh(pdh, own, &z, &err);
        if (status == COCO_OK)
            status = coco_sev_session_unwrap(&z, &session, 0, &back, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_derived_as_upstream_does),
        cmocka_unit_test(a_session_is_wrapped_as_upstream_does),
        cmocka_unit_test(both_sides_get_the_same_keys),
        cmocka_unit_test(no_bit_of_a_session_can_be_flipped),
        cmocka_unit_test(keys_of_other_lengths_are_refused),
        cmocka_unit_test(keys_are_wiped),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    canary_watch_openssl();
    return cmocka_run_group_tests_name("tee/sev_session", tests, NULL, NULL);
}
