/*
 * tests/ocicrypt/test_jwe_keys.c - lib/ocicrypt/jwe_keys.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/jwe_keys.h"

#include "base/base64.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <string.h>

#define DATA "private options"

static EVP_PKEY *
new_key(enum coco_key_kind kind)
{
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_generate(kind, &key, &err), err);
    return key;
}

static void
wrap(const struct coco_jwe_keys *keys, struct coco_buf *blob)
{
    const struct coco_wrapper wrapper = coco_jwe_wrapper(keys);
    char data[] = DATA;
    const struct coco_buf options = {.data = (uint8_t *)data, .len = strlen(data)};
    coco_error *err = NULL;

    assert_string_equal(wrapper.scheme, "jwe");
    assert_ok(wrapper.wrap(wrapper.self, NULL, &options, blob, &err), err);
}

static coco_status
unwrap(EVP_PKEY *const *keys, size_t n, const struct coco_buf *blob, struct coco_secret *ret,
       coco_error **err)
{
    const struct coco_jwe_keys all = {keys, n};
    const struct coco_wrapper wrapper = coco_jwe_wrapper(&all);

    return wrapper.unwrap(wrapper.self, NULL, blob, ret, err);
}

/* The algorithms of ocicrypt, by the header of a JWE for one: RSA-OAEP is all that guests know. */
static void
each_key_is_wrapped_to_as_ocicrypt_does(void **state)
{
    static const struct {
        enum coco_key_kind kind;
        const char *header; /* how it begins */
    } cases[] = {
        {COCO_KEY_RSA, "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}"},
        {COCO_KEY_P256, "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\""},
        {COCO_KEY_P384, "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\""},
        {COCO_KEY_P521, "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\""},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EVP_PKEY *key = new_key(cases[i].kind);
        const struct coco_jwe_keys keys = {&key, 1};
        _cleanup_buf_ struct coco_buf blob = {.limit = COCO_BLOB_MAX};
        _cleanup_buf_ struct coco_buf header = {.limit = COCO_BLOB_MAX};
        _cleanup_secret_ struct coco_secret back = {0};

        wrap(&keys, &blob);
        const char *protected = strstr(coco_buf_text(&blob), "\"protected\":\"");
        assert_non_null(protected);
        protected += strlen("\"protected\":\"");
        assert_ok(
            coco_base64_decode(COCO_BASE64URL, protected, strcspn(protected, "\""), &header, &err),
            err);
        assert_int_equal(strncmp(coco_buf_text(&header), cases[i].header, strlen(cases[i].header)),
                         0);
        assert_ok(unwrap(&key, 1, &blob, &back, &err), err);
        assert_true(coco_secret_equal(&back, DATA, strlen(DATA)));
        EVP_PKEY_free(key);
    }
}

static void
any_of_the_keys_opens_and_others_are_told_one_thing(void **state)
{
    EVP_PKEY *keys[] = {new_key(COCO_KEY_P256), new_key(COCO_KEY_RSA), new_key(COCO_KEY_P384)};
    EVP_PKEY *strangers[] = {new_key(COCO_KEY_P256), new_key(COCO_KEY_RSA)};
    EVP_PKEY *last[] = {strangers[0], strangers[1], keys[2]};
    const struct coco_jwe_keys all = {keys, 3};
    _cleanup_buf_ struct coco_buf blob = {.limit = COCO_BLOB_MAX};
    _cleanup_secret_ struct coco_secret back = {0};
    coco_error *err = NULL;

    (void)state;
    wrap(&all, &blob);
    for (size_t i = 0; i < 3; i++) {
        assert_ok(unwrap(&keys[i], 1, &blob, &back, &err), err);
        coco_secret_done(&back);
    }
    assert_ok(unwrap(last, 3, &blob, &back, &err), err);
    coco_secret_done(&back);
    for (size_t n = 0; n <= 2; n++)
        assert_fails(unwrap(strangers, n, &blob, &back, &err), err, COCO_ERR_VERIFY,
                     COCO_NO_KEY_OPENS);
    coco_buf_reset(&blob);
    assert_ok(coco_buf_append_text(&blob, "{}", &err), err);
    assert_fails(unwrap(strangers, 2, &blob, &back, &err), err, COCO_ERR_PROTO, "protected");
    for (size_t i = 0; i < 3; i++)
        EVP_PKEY_free(keys[i]);
    EVP_PKEY_free(strangers[0]);
    EVP_PKEY_free(strangers[1]);
}

static void
everything_survives_any_failed_allocation(void **state)
{
    EVP_PKEY *key = new_key(COCO_KEY_P256);
    const struct coco_jwe_keys keys = {&key, 1};
    const struct coco_wrapper wrapper = coco_jwe_wrapper(&keys);
    char data[] = DATA;
    const struct coco_buf options = {.data = (uint8_t *)data, .len = strlen(data)};

    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf blob = {.limit = COCO_BLOB_MAX};
        _cleanup_secret_ struct coco_secret back = {0};
        coco_error *err = NULL;

        coco_status status = wrapper.wrap(wrapper.self, NULL, &options, &blob, &err);
        if (status == COCO_OK)
            status = wrapper.unwrap(wrapper.self, NULL, &blob, &back, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
    EVP_PKEY_free(key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_is_wrapped_to_as_ocicrypt_does),
        cmocka_unit_test(any_of_the_keys_opens_and_others_are_told_one_thing),
        cmocka_unit_test(everything_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
