/*
 * tests/crypto/test_pkcs11_rsa.c - lib/crypto/pkcs11_rsa.c, with SoftHSM
 *
 * SoftHSM has OAEP with SHA-1 alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/crypto/softhsm.h"

#include "tests/canary.h"
#include "tests/faults.h"

#define PAIR "trustee-test"
#define KEY "0123456789abcdef0123456789abcdef"

static const struct coco_pkcs11_object pair = {.label = PAIR};
static const struct coco_pkcs11_object nobody = {.label = "nobody"};
static const struct coco_pkcs11_object secret_key = {.label = SOFTHSM_KEY};

static void
what_is_wrapped_is_unwrapped(void **state)
{
    struct coco_pkcs11 token = {0};
    struct coco_secret key = {0};
    _cleanup_buf_ struct coco_buf a = {.limit = 1024};
    _cleanup_buf_ struct coco_buf b = {.limit = 1024};
    coco_error *err = NULL;

    (void)state;
    softhsm_open(&token);
    assert_ok(coco_pkcs11_rsa_wrap(&token, &pair, true, KEY, 32, &a, &err), err);
    assert_ok(coco_pkcs11_rsa_wrap(&token, &pair, true, KEY, 32, &b, &err), err);
    assert_int_equal(a.len, 256);
    assert_memory_not_equal(a.data, b.data, 256);
    assert_ok(coco_pkcs11_rsa_unwrap(&token, &pair, true, a.data, a.len, &key, &err), err);
    assert_true(coco_secret_equal(&key, KEY, 32));
    coco_secret_done(&key);
    coco_pkcs11_close(&token);
}

static void
what_was_not_wrapped_is_refused_for_one_reason(void **state)
{
    struct coco_pkcs11 token = {0};
    struct coco_secret key = {0};
    _cleanup_buf_ struct coco_buf a = {.limit = 1024};
    uint8_t noise[1025] = {0};
    coco_error *err = NULL;

    (void)state;
    softhsm_open(&token);
    assert_ok(coco_pkcs11_rsa_wrap(&token, &pair, true, KEY, 32, &a, &err), err);
    for (size_t i = 0; i < a.len; i += 17) {
        a.data[i] ^= 1;
        assert_fails(coco_pkcs11_rsa_unwrap(&token, &pair, true, a.data, a.len, &key, &err), err,
                     COCO_ERR_VERIFY, "it was not wrapped by this key");
        a.data[i] ^= 1;
    }
    static const size_t sizes[] = {0, 1, 255, 257, 1024, 1025};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        assert_fails(coco_pkcs11_rsa_unwrap(&token, &pair, true, noise, sizes[i], &key, &err), err,
                     COCO_ERR_VERIFY, "it was not wrapped by this key");
    memset(noise, 0xff, sizeof(noise));
    assert_fails(coco_pkcs11_rsa_unwrap(&token, &pair, true, noise, 256, &key, &err), err,
                 COCO_ERR_VERIFY, "it was not wrapped by this key");
    assert_null(key.data);
    coco_pkcs11_close(&token);
}

static void
what_does_not_fit_is_refused(void **state)
{
    struct coco_pkcs11 token = {0};
    struct coco_secret key = {0};
    _cleanup_buf_ struct coco_buf buf = {.limit = 1024};
    static const uint8_t large[2048];
    coco_error *err = NULL;

    (void)state;
    softhsm_open(&token);
    assert_fails(coco_pkcs11_rsa_wrap(&token, &nobody, true, KEY, 32, &buf, &err), err,
                 COCO_ERR_NOTFOUND, "no such object");
    assert_fails(coco_pkcs11_rsa_unwrap(&token, &secret_key, true, large, 256, &key, &err), err,
                 COCO_ERR_NOTFOUND, "no such object");
    assert_fails(coco_pkcs11_rsa_wrap(&token, &pair, true, large, 215, &buf, &err), err,
                 COCO_ERR_LIMIT, "more than the key takes");
    assert_ok(coco_pkcs11_rsa_wrap(&token, &pair, true, large, 214, &buf, &err), err);
    buf.len = 0;
    assert_fails(coco_pkcs11_rsa_wrap(&token, &pair, true, large, 2048, &buf, &err), err,
                 COCO_ERR_LIMIT, "more than the key takes");
    /* Until SoftHSM has it. */
    assert_fails(coco_pkcs11_rsa_wrap(&token, &pair, false, KEY, 32, &buf, &err), err,
                 COCO_ERR_NOTSUP, "no RSA-OAEP with this hash");
    assert_fails(coco_pkcs11_rsa_unwrap(&token, &pair, false, large, 256, &key, &err), err,
                 COCO_ERR_NOTSUP, "no RSA-OAEP with this hash");
    assert_int_equal(buf.len, 0);
    coco_pkcs11_close(&token);
}

static void
wrapping_survives_any_failed_allocation(void **state)
{
    struct coco_pkcs11 token = {0};

    (void)state;
    softhsm_open(&token);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = 1024};
        struct coco_secret key = {0};
        coco_error *err = NULL;

        coco_status status = coco_pkcs11_rsa_wrap(&token, &pair, true, KEY, 32, &buf, &err);
        if (status == COCO_OK)
            status = coco_pkcs11_rsa_unwrap(&token, &pair, true, buf.data, buf.len, &key, &err);
        fault_expect(status, err);
        coco_secret_done(&key);
    }
    coco_pkcs11_close(&token);
}

static void
what_is_wrapped_is_wiped(void **state)
{
    struct coco_pkcs11 token = {0};
    _cleanup_buf_ struct coco_buf buf = {.limit = 1024};
    struct coco_secret key = {0};
    uint8_t copy[sizeof(KEY)] = KEY;
    coco_error *err = NULL;

    (void)state;
    softhsm_open(&token);
    canary_begin(copy, 32);
    assert_ok(coco_pkcs11_rsa_wrap(&token, &pair, true, copy, 32, &buf, &err), err);
    assert_ok(coco_pkcs11_rsa_unwrap(&token, &pair, true, buf.data, buf.len, &key, &err), err);
    coco_secret_done(&key);
    assert_int_equal(canary_end(), 0);
    coco_pkcs11_close(&token);
}

static int
setup(void **state)
{
    (void)softhsm_set_up(state);
    softhsm_make_pair(&hsm, PAIR);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrapped_is_unwrapped),
        cmocka_unit_test(what_was_not_wrapped_is_refused_for_one_reason),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(wrapping_survives_any_failed_allocation),
        cmocka_unit_test(what_is_wrapped_is_wiped),
    };

    return softhsm_run(tests, setup);
}
