/*
 * tests/kbc/test_pkcs11_kbc.c - lib/kbc/pkcs11_kbc.c, with SoftHSM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "base/context.h"
#include "tests/canary.h"
#include "tests/crypto/softhsm.h"
#include "tests/faults.h"

#include <pthread.h>

#define URI "kbs:///" SOFTHSM_DATA
#define KEY "0123456789abcdef0123456789abcdef"
#define THREADS 8

static coco_status
open_kbc(coco_kbc **ret, coco_error **err)
{
    char params[600];

    (void)snprintf(params, sizeof(params), "pkcs11_kbc::%s", hsm.uri);
    return coco_kbc_new(params, ret, err);
}

static void
a_token_has_secrets_and_keys(void **state)
{
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *secret = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *wrapped = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *key = NULL;
    coco_bytes *none = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_ok(open_kbc(&kbc, &err), err);
    assert_ok(coco_kbc_get_resource(kbc, ctx, URI, &secret, &err), err);
    assert_string_equal((const char *)coco_bytes_data(secret), SOFTHSM_SECRET);
    assert_ok(coco_kbc_wrap_key(kbc, ctx, SOFTHSM_KEY, (const uint8_t *)KEY, 32, &wrapped, &err),
              err);
    assert_ok(coco_kbc_unwrap_key(kbc, ctx, SOFTHSM_KEY, coco_bytes_data(wrapped),
                                  coco_bytes_size(wrapped), &key, &err),
              err);
    assert_string_equal((const char *)coco_bytes_data(key), KEY);
    assert_fails(coco_kbc_get_resource(kbc, ctx, "kbs:///a/b/c", &none, &err), err,
                 COCO_ERR_NOTFOUND, "kbs:///a/b/c: the token has no such object");
    assert_fails(coco_kbc_unwrap_key(kbc, ctx, SOFTHSM_KEY, (const uint8_t *)KEY, 32, &none, &err),
                 err, COCO_ERR_VERIFY, "key 'kek': authentication failed");
    assert_fails(coco_kbc_attest(kbc, ctx, &none, &err), err, COCO_ERR_NOTSUP, "does not attest");
}

/* Before somebody asks, no code of others is loaded for what may be a mistake. */
static void
a_module_is_loaded_when_it_is_asked(void **state)
{
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    coco_bytes *none = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_ok(coco_kbc_new("pkcs11_kbc::pkcs11:?module-path=/nowhere.so", &kbc, &err), err);
    assert_fails(coco_kbc_get_resource(kbc, ctx, URI, &none, &err), err, COCO_ERR_NOTFOUND,
                 "module /nowhere.so cannot be loaded");
    coco_kbc_free(coco_steal(&kbc));
    assert_fails(coco_kbc_new("pkcs11_kbc::pkcs11:token=a", &kbc, &err), err, COCO_ERR_INVALID,
                 "module-path");
}

/* Any workload may ask, and a token is locked after a few tries. */
static void
a_pin_that_was_refused_is_tried_once_its_file_has_changed(void **state)
{
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *secret = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    write_text_under(hsm.dir, "pin", "wrong\n");
    assert_ok(open_kbc(&kbc, &err), err);
    assert_fails(coco_kbc_get_resource(kbc, ctx, URI, &secret, &err), err, COCO_ERR_DENIED,
                 "C_Login");
    assert_fails(coco_kbc_get_resource(kbc, ctx, URI, &secret, &err), err, COCO_ERR_DENIED,
                 "has refused the PIN");
    write_text_under(hsm.dir, "pin", SOFTHSM_PIN "\n");
    assert_ok(coco_kbc_get_resource(kbc, ctx, URI, &secret, &err), err);
}

struct thread {
    pthread_t id;
    coco_kbc *kbc;
    coco_status status;
};

static void *
ask(void *user)
{
    struct thread *thread = user;
    coco_ctx *ctx = NULL;

    thread->status = coco_ctx_new(&ctx, NULL);
    for (int i = 0; i < 50 && thread->status == COCO_OK; i++) {
        coco_bytes *wrapped = NULL;
        coco_bytes *key = NULL;

        thread->status = coco_kbc_wrap_key(thread->kbc, ctx, SOFTHSM_KEY, (const uint8_t *)KEY, 32,
                                           &wrapped, NULL);
        if (thread->status == COCO_OK)
            thread->status =
                coco_kbc_unwrap_key(thread->kbc, ctx, SOFTHSM_KEY, coco_bytes_data(wrapped),
                                    coco_bytes_size(wrapped), &key, NULL);
        coco_bytes_free(wrapped);
        coco_bytes_free(key);
    }
    coco_ctx_free(ctx);
    return NULL;
}

static void
threads_use_one_token_at_once(void **state)
{
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    struct thread threads[THREADS] = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(open_kbc(&kbc, &err), err);
    for (int i = 0; i < THREADS; i++) {
        threads[i].kbc = kbc;
        assert_int_equal(pthread_create(&threads[i].id, NULL, ask, &threads[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i].id, NULL), 0);
        assert_string_equal(coco_status_name(threads[i].status), "COCO_OK");
    }
}

static void
asking_a_token_survives_any_failed_allocation(void **state)
{
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    for_each_fault()
    {
        coco_kbc *kbc = NULL;
        coco_bytes *secret = NULL;

        coco_status status = open_kbc(&kbc, &err);
        if (status == COCO_OK)
            status = coco_kbc_get_resource(kbc, ctx, URI, &secret, &err);
        fault_expect(status, err);
        coco_bytes_free(secret);
        coco_kbc_free(kbc);
    }
}

static void
a_secret_of_a_token_is_wiped(void **state)
{
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    coco_kbc *kbc = NULL;
    coco_bytes *secret = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    canary_begin(SOFTHSM_SECRET, strlen(SOFTHSM_SECRET));
    assert_ok(open_kbc(&kbc, &err), err);
    assert_ok(coco_kbc_get_resource(kbc, ctx, URI, &secret, &err), err);
    coco_bytes_free(secret);
    coco_kbc_free(kbc);
    assert_int_equal(canary_end(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_has_secrets_and_keys),
        cmocka_unit_test(a_module_is_loaded_when_it_is_asked),
        cmocka_unit_test(a_pin_that_was_refused_is_tried_once_its_file_has_changed),
        cmocka_unit_test(threads_use_one_token_at_once),
        cmocka_unit_test(asking_a_token_survives_any_failed_allocation),
        cmocka_unit_test(a_secret_of_a_token_is_wiped),
    };

    return softhsm_run(tests, softhsm_set_up);
}
