/*
 * tests/kbs/test_seal_key.c - lib/kbs/seal_key.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/seal_key.h"

#include "base/fd.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <config.h>
#if COCO_HAVE_PKCS11
#include "tests/crypto/softhsm.h"
#endif
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char dir[64];
static char path[128];

static int
begin(void **state)
{
    (void)state;
    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(path, sizeof(path), "%s/key", dir);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    remove_temp_dir(dir);
    return 0;
}

static void
write_key(const void *data, size_t len, mode_t mode)
{
    coco_error *err = NULL;

    assert_ok(coco_file_write(path, data, len, mode, &err), err);
}

static coco_status
read_key(const char *file, struct coco_secret *ret, coco_error **err)
{
    const struct coco_kbs_seal_source source = {.file = file};

    return coco_kbs_seal_key_read(&source, ret, err);
}

static void
a_key_is_bytes_or_hex(void **state)
{
    uint8_t bytes[32];
    coco_error *err = NULL;

    (void)state;
    for (uint8_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = i;
    const struct {
        const void *data;
        size_t len;
    } cases[] = {{bytes, 32}, {HEX, 64}, {HEX "\n", 65}};
    for (size_t i = 0; i < 3; i++) {
        _cleanup_secret_ struct coco_secret key = {0};

        write_key(cases[i].data, cases[i].len, 0640);
        assert_ok(read_key(path, &key, &err), err);
        assert_true(coco_secret_equal(&key, bytes, sizeof(bytes)));
    }
}

static void
what_is_none_is_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
    } cases[] = {
        {"", COCO_ERR_PROTO},
        {"\n", COCO_ERR_PROTO},
        {"0001", COCO_ERR_PROTO},
        {HEX "\n\n", COCO_ERR_PROTO},
        {HEX "00", COCO_ERR_PROTO},
        {HEX HEX, COCO_ERR_LIMIT},
        {"-----BEGIN PRIVATE KEY-----\n", COCO_ERR_PROTO},
        {"x00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", COCO_ERR_PROTO},
    };
    struct coco_secret key = {0};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_key(cases[i].text, strlen(cases[i].text), 0600);
        assert_fails(read_key(path, &key, &err), err, cases[i].status, "seal key");
    }
    assert_fails(read_key(dir, &key, &err), err, COCO_ERR_INVALID, "not a file");
    assert_fails(read_key("/nowhere/key", &key, &err), err, COCO_ERR_IO, "seal key");
}

static void
what_everybody_reads_is_no_key(void **state)
{
    struct coco_secret key = {0};
    coco_error *err = NULL;

    (void)state;
    write_key(HEX, 64, 0644);
    assert_fails(read_key(path, &key, &err), err, COCO_ERR_DENIED, "chmod 600");
}

static void
reading_survives_failed_allocations(void **state)
{
    (void)state;
    write_key(HEX, 64, 0600);
    for_each_fault()
    {
        _cleanup_secret_ struct coco_secret key = {0};
        coco_error *err = NULL;

        coco_status status = read_key(path, &key, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

static void
nothing_is_wrapped_without_a_token(void **state)
{
    const struct coco_kbs_seal_source source = {.file = path};
    _cleanup_buf_ struct coco_buf wrapped = {.limit = 256};
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_kbs_seal_key_wrap(&source, HEX, 64, &wrapped, &err), err, COCO_ERR_INVALID,
                 "pkcs11");
}

#if COCO_HAVE_PKCS11

static struct coco_kbs_seal_source
in_token(void)
{
    return (struct coco_kbs_seal_source){
        .file = path, .pkcs11 = hsm.uri, .pkcs11_key = SOFTHSM_KEY};
}

static void
a_key_comes_out_of_a_token(void **state)
{
    const struct coco_kbs_seal_source source = in_token();
    _cleanup_buf_ struct coco_buf wrapped = {.limit = 256};
    _cleanup_secret_ struct coco_secret key = {0};
    uint8_t bytes[32];
    coco_error *err = NULL;

    (void)state;
    for (uint8_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = i;
    assert_ok(coco_kbs_seal_key_wrap(&source, HEX "\n", 65, &wrapped, &err), err);
    assert_null(memmem(wrapped.data, wrapped.len, bytes, 8));
    write_key(wrapped.data, wrapped.len, 0600);
    assert_ok(coco_kbs_seal_key_read(&source, &key, &err), err);
    assert_true(coco_secret_equal(&key, bytes, sizeof(bytes)));

    /* To who has the file alone it is none. */
    struct coco_secret none = {0};
    assert_fails(read_key(path, &none, &err), err, COCO_ERR_PROTO, "neither");
    write_key(wrapped.data, wrapped.len, 0644);
    assert_fails(coco_kbs_seal_key_read(&source, &none, &err), err, COCO_ERR_DENIED, "chmod");
}

static void
new_keys_are_others_each_time(void **state)
{
    const struct coco_kbs_seal_source source = in_token();
    struct coco_secret keys[2] = {{0}};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        _cleanup_buf_ struct coco_buf wrapped = {.limit = 256};

        assert_ok(coco_kbs_seal_key_wrap(&source, NULL, 0, &wrapped, &err), err);
        write_key(wrapped.data, wrapped.len, 0600);
        assert_ok(coco_kbs_seal_key_read(&source, &keys[i], &err), err);
        assert_int_equal(keys[i].len, 32);
    }
    assert_memory_not_equal(keys[0].data, keys[1].data, 32);
    for (size_t i = 0; i < 2; i++)
        coco_secret_done(&keys[i]);
}

static void
what_a_token_did_not_wrap_is_refused(void **state)
{
    const struct coco_kbs_seal_source source = in_token();
    _cleanup_buf_ struct coco_buf wrapped = {.limit = 256};
    struct coco_pkcs11_uri uri;
    struct coco_pkcs11 token = {0};
    struct coco_secret key = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_seal_key_wrap(&source, NULL, 0, &wrapped, &err), err);
    for (size_t i = 0; i < wrapped.len; i++) {
        wrapped.data[i] ^= 1;
        write_key(wrapped.data, wrapped.len, 0600);
        assert_fails(coco_kbs_seal_key_read(&source, &key, &err), err, COCO_ERR_VERIFY, "seal key");
        wrapped.data[i] ^= 1;
    }
    /* A key that lies there as it is would be used without anybody asking the token. */
    const char *const plain[] = {HEX, "0123456789abcdef0123456789abcdef", ""};
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        write_key(plain[i], strlen(plain[i]), 0600);
        coco_status status = coco_kbs_seal_key_read(&source, &key, &err);
        assert_true(status == COCO_ERR_VERIFY || status == COCO_ERR_INVALID
                    || status == COCO_ERR_PROTO);
        coco_error_free(coco_steal(&err));
    }
    /* What it did wrap is no key of this size. */
    coco_buf_reset(&wrapped);
    assert_ok(coco_pkcs11_uri_parse(hsm.uri, &uri, &err), err);
    assert_ok(coco_pkcs11_open(&uri, &token, &err), err);
    assert_ok(coco_pkcs11_wrap(&token, SOFTHSM_KEY, "short", 5, &wrapped, &err), err);
    coco_pkcs11_close(&token);
    write_key(wrapped.data, wrapped.len, 0600);
    assert_fails(coco_kbs_seal_key_read(&source, &key, &err), err, COCO_ERR_PROTO, "no key");

    assert_fails(coco_kbs_seal_key_wrap(&source, "short", 5, &wrapped, &err), err, COCO_ERR_PROTO,
                 "neither");
}

static void
a_token_that_is_another_is_refused(void **state)
{
    static const struct {
        const char *uri, *key;
        coco_status status;
    } cases[] = {
        {NULL, "none", COCO_ERR_NOTFOUND},
        {"pkcs11:token=none?module-path=" SOFTHSM_MODULE "&pin-source=/dev/null", SOFTHSM_KEY,
         COCO_ERR_NOTFOUND},
        {"pkcs11:token=coco?module-path=/nowhere.so", SOFTHSM_KEY, COCO_ERR_NOTFOUND},
        {"token", SOFTHSM_KEY, COCO_ERR_INVALID},
    };
    struct coco_secret key = {0};
    coco_error *err = NULL;

    (void)state;
    write_key(HEX, 60, 0600);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_kbs_seal_source source = in_token();

        if (cases[i].uri)
            source.pkcs11 = cases[i].uri;
        source.pkcs11_key = cases[i].key;
        assert_fails(coco_kbs_seal_key_read(&source, &key, &err), err, cases[i].status, "");
    }
}

static void
unwrapping_survives_failed_allocations(void **state)
{
    const struct coco_kbs_seal_source source = in_token();

    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf wrapped = {.limit = 256};
        _cleanup_secret_ struct coco_secret key = {0};
        coco_error *err = NULL;

        coco_status status = coco_kbs_seal_key_wrap(&source, NULL, 0, &wrapped, &err);
        if (status == COCO_OK) {
            faults_pause();
            write_key(wrapped.data, wrapped.len, 0600);
            faults_resume();
            status = coco_kbs_seal_key_read(&source, &key, &err);
        }
        fault_expect(status, err);
        coco_error_free(err);
    }
}

static int
begin_hsm(void **state)
{
    (void)state;
    softhsm_begin(&hsm);
    return 0;
}

static int
end_hsm(void **state)
{
    (void)state;
    softhsm_end(&hsm);
    return 0;
}

#define BEGIN begin_hsm
#define END end_hsm

#else

#define BEGIN NULL
#define END NULL

#endif

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_key_is_bytes_or_hex),
        T(what_is_none_is_refused),
        T(what_everybody_reads_is_no_key),
        T(reading_survives_failed_allocations),
        T(nothing_is_wrapped_without_a_token),
#if COCO_HAVE_PKCS11
        T(a_key_comes_out_of_a_token),
        T(new_keys_are_others_each_time),
        T(what_a_token_did_not_wrap_is_refused),
        T(a_token_that_is_another_is_refused),
        T(unwrapping_survives_failed_allocations),
#endif
    };

    return cmocka_run_group_tests_name("kbs/seal_key", tests, BEGIN, END);
}
