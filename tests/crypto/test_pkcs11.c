/*
 * tests/crypto/test_pkcs11.c - lib/crypto/pkcs11.c, with SoftHSM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/crypto/softhsm.h"

#include "tests/canary.h"
#include "tests/faults.h"

#define KEY "0123456789abcdef0123456789abcdef"

static coco_status
open_uri(const char *text, struct coco_pkcs11 *ret, coco_error **err)
{
    struct coco_pkcs11_uri uri;

    coco_status status = coco_pkcs11_uri_parse(text, &uri, err);
    return status == COCO_OK ? coco_pkcs11_open(&uri, ret, err) : status;
}

static void
a_data_object_is_read(void **state)
{
    struct coco_pkcs11 token = {0};
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(open_uri(hsm.uri, &token, &err), err);
    assert_ok(coco_pkcs11_read(&token, SOFTHSM_DATA, &secret, &err), err);
    assert_true(coco_secret_equal(&secret, SOFTHSM_SECRET, strlen(SOFTHSM_SECRET)));
    coco_secret_done(&secret);
    assert_fails(coco_pkcs11_read(&token, "default/key/2", &secret, &err), err, COCO_ERR_NOTFOUND,
                 "no such object");
    assert_fails(coco_pkcs11_read(&token, SOFTHSM_KEY, &secret, &err), err, COCO_ERR_NOTFOUND, "");
    assert_fails(coco_pkcs11_read(&token, "", &secret, &err), err, COCO_ERR_INVALID, "label");
    coco_pkcs11_close(&token);
}

static void
what_a_key_wraps_it_unwraps(void **state)
{
    struct coco_pkcs11 token = {0};
    _cleanup_buf_ struct coco_buf a = {.limit = 1024};
    _cleanup_buf_ struct coco_buf b = {.limit = 1024};
    struct coco_secret key = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(open_uri(hsm.uri, &token, &err), err);
    assert_ok(coco_pkcs11_wrap(&token, SOFTHSM_KEY, KEY, 32, &a, &err), err);
    assert_ok(coco_pkcs11_wrap(&token, SOFTHSM_KEY, KEY, 32, &b, &err), err);
    assert_int_equal(a.len, 12 + 32 + 16);
    assert_memory_not_equal(a.data, b.data, a.len);
    assert_null(memmem(a.data, a.len, KEY, 8));
    assert_ok(coco_pkcs11_unwrap(&token, SOFTHSM_KEY, a.data, a.len, &key, &err), err);
    assert_true(coco_secret_equal(&key, KEY, 32));
    coco_secret_done(&key);
    coco_pkcs11_close(&token);
}

static void
nothing_else_is_unwrapped(void **state)
{
    struct coco_pkcs11 token = {0};
    _cleanup_buf_ struct coco_buf wrapped = {.limit = 1024};
    struct coco_secret key = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(open_uri(hsm.uri, &token, &err), err);
    assert_ok(coco_pkcs11_wrap(&token, SOFTHSM_KEY, KEY, 32, &wrapped, &err), err);
    for (size_t i = 0; i < wrapped.len; i++) {
        wrapped.data[i] ^= 1;
        assert_fails(coco_pkcs11_unwrap(&token, SOFTHSM_KEY, wrapped.data, wrapped.len, &key, &err),
                     err, COCO_ERR_VERIFY, "authentication failed");
        wrapped.data[i] ^= 1;
    }
    for (size_t len = 0; len < wrapped.len; len++)
        assert_fails(coco_pkcs11_unwrap(&token, SOFTHSM_KEY, wrapped.data, len, &key, &err), err,
                     COCO_ERR_VERIFY, "authentication failed");
    assert_null(key.data);
    coco_pkcs11_close(&token);
}

static void
a_label_must_mean_one_key(void **state)
{
    struct coco_pkcs11 token = {0};
    _cleanup_buf_ struct coco_buf wrapped = {.limit = 1024};
    coco_error *err = NULL;

    (void)state;
    assert_ok(open_uri(hsm.uri, &token, &err), err);
    assert_fails(coco_pkcs11_wrap(&token, "other", KEY, 32, &wrapped, &err), err, COCO_ERR_NOTFOUND,
                 "no such object");
    assert_fails(coco_pkcs11_wrap(&token, SOFTHSM_DATA, KEY, 32, &wrapped, &err), err,
                 COCO_ERR_NOTFOUND, "no such object");
    assert_fails(coco_pkcs11_wrap(&token, "twice", KEY, 32, &wrapped, &err), err, COCO_ERR_INVALID,
                 "several");
    coco_pkcs11_close(&token);
}

static void
a_token_must_be_the_one_that_is_named(void **state)
{
    static const struct {
        const char *attributes;
        coco_status want;
        const char *why;
    } cases[] = {
        {"token=nobody", COCO_ERR_NOTFOUND, "no such token"},
        {"token=coc", COCO_ERR_NOTFOUND, "no such token"},
        {"token=coco;model=other", COCO_ERR_NOTFOUND, "no such token"},
        {"token=coco;slot-id=999999", COCO_ERR_NOTFOUND, "no such token"},
        {"model=SoftHSM%20v2", COCO_ERR_INVALID, "2 tokens"},
    };
    struct coco_pkcs11 token = {0};
    char uri[256];
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(uri, sizeof(uri), "pkcs11:%s?module-path=" SOFTHSM_MODULE,
                       cases[i].attributes);
        assert_fails(open_uri(uri, &token, &err), err, cases[i].want, cases[i].why);
    }
    assert_fails(open_uri("pkcs11:?module-path=/nowhere.so", &token, &err), err, COCO_ERR_NOTFOUND,
                 "/nowhere.so");
    assert_fails(open_uri("pkcs11:?module-path=/lib/x86_64-linux-gnu/libc.so.6", &token, &err), err,
                 COCO_ERR_NOTSUP, "no module");
    assert_null(token.functions);
}

/* Before anybody has logged in, for a login is the program's. */
static void
without_the_pin_nothing_is_seen(void **state)
{
    struct coco_pkcs11 token = {0};
    struct coco_secret secret = {0};
    char uri[512];
    coco_error *err = NULL;

    (void)state;
    write_text_under(hsm.dir, "wrong", "0000");
    (void)snprintf(uri, sizeof(uri), "pkcs11:token=coco?module-path=%s&pin-source=%s/wrong",
                   SOFTHSM_MODULE, hsm.dir);
    assert_fails(open_uri(uri, &token, &err), err, COCO_ERR_DENIED, "C_Login");
    (void)snprintf(uri, sizeof(uri), "pkcs11:token=coco?module-path=%s&pin-source=%s/none",
                   SOFTHSM_MODULE, hsm.dir);
    assert_fails(open_uri(uri, &token, &err), err, COCO_ERR_NOTFOUND, "PIN in");
    assert_ok(open_uri("pkcs11:token=coco?module-path=" SOFTHSM_MODULE, &token, &err), err);
    assert_fails(coco_pkcs11_read(&token, SOFTHSM_DATA, &secret, &err), err, COCO_ERR_NOTFOUND, "");
    coco_pkcs11_close(&token);
}

static void
using_a_token_survives_any_failed_allocation(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf wrapped = {.limit = 1024};
        _cleanup_secret_ struct coco_secret secret = {0};
        _cleanup_secret_ struct coco_secret key = {0};
        struct coco_pkcs11 token = {0};

        coco_status status = open_uri(hsm.uri, &token, &err);
        if (status == COCO_OK)
            status = coco_pkcs11_read(&token, SOFTHSM_DATA, &secret, &err);
        if (status == COCO_OK)
            status = coco_pkcs11_wrap(&token, SOFTHSM_KEY, KEY, 32, &wrapped, &err);
        if (status == COCO_OK)
            status = coco_pkcs11_unwrap(&token, SOFTHSM_KEY, wrapped.data, wrapped.len, &key, &err);
        fault_expect(status, err);
        coco_pkcs11_close(&token);
    }
}

/* In this library; what the module does with its own memory is its own. */
static void
neither_pin_nor_secrets_stay_behind(void **state)
{
    static const char *const texts[] = {SOFTHSM_PIN, SOFTHSM_SECRET, KEY};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct coco_buf wrapped = {.limit = 1024};
        struct coco_secret secret = {0};
        struct coco_secret key = {0};
        struct coco_pkcs11 token = {0};
        coco_error *err = NULL;

        canary_begin(texts[i], strlen(texts[i]));
        assert_ok(open_uri(hsm.uri, &token, &err), err);
        assert_ok(coco_pkcs11_read(&token, SOFTHSM_DATA, &secret, &err), err);
        assert_ok(coco_pkcs11_wrap(&token, SOFTHSM_KEY, KEY, 32, &wrapped, &err), err);
        assert_ok(coco_pkcs11_unwrap(&token, SOFTHSM_KEY, wrapped.data, wrapped.len, &key, &err),
                  err);
        coco_secret_done(&secret);
        coco_secret_done(&key);
        coco_buf_done(&wrapped);
        coco_pkcs11_close(&token);
        assert_int_equal(canary_end(), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_pin_nothing_is_seen),
        cmocka_unit_test(a_data_object_is_read),
        cmocka_unit_test(what_a_key_wraps_it_unwraps),
        cmocka_unit_test(nothing_else_is_unwrapped),
        cmocka_unit_test(a_label_must_mean_one_key),
        cmocka_unit_test(a_token_must_be_the_one_that_is_named),
        cmocka_unit_test(using_a_token_survives_any_failed_allocation),
        cmocka_unit_test(neither_pin_nor_secrets_stay_behind),
    };

    return softhsm_run(tests, softhsm_set_up);
}
