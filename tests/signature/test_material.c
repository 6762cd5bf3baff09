/*
 * tests/signature/test_material.c - lib/signature/material.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/material.h"

#include "tests/signkit.h"

#include <stdio.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static EVP_PKEY *
make_key(enum coco_key_kind kind)
{
    EVP_PKEY *key = NULL;

    assert_int_equal(coco_key_generate(kind, &key, NULL), COCO_OK);
    return key;
}

static void
keys_are_read_in_every_form(void **state)
{
    static const struct {
        const char *json;
        size_t n;
        const char *why;
    } cases[] = {
        {"{}", 0, NULL},
        {"{\"keyPath\":\"a\"}", 1, NULL},
        {"{\"keyPaths\":[\"a\",\"b\"]}", 2, NULL},
        {"{\"keyPath\":\"a\",\"keyDatas\":[]}", 1, NULL},
        {"{\"rekorPublicKeyPath\":\"a\"}", 0, NULL},
        {"{\"keyPath\":\"c\"}", 0, "keyPath: 'c': no such file"},
        {"{\"keyPath\":\"junk\"}", 0, "keyPath: 'junk'"},
        {"{\"keyPath\":1}", 0, "keyPath: not a text"},
        {"{\"keyPaths\":[\"a\",1]}", 0, "keyPaths: not a text"},
        {"{\"keyData\":\"Zm9v\"}", 0, "keyData: not a public key"},
        {"{\"keyData\":\"Zm9\"}", 0, "keyData"},
        {"{\"keyData\":\"-----BEGIN PUBLIC KEY-----\\nZm9v\\n\"}", 0, "keyData"},
    };
    struct signkit kit;
    _cleanup_pkey_ EVP_PKEY *key = make_key(COCO_KEY_P256);

    (void)state;
    signkit_begin(&kit);
    signkit_add_key(&kit, "a", key);
    signkit_add_key(&kit, "b", key);
    signkit_add_file(&kit, "junk", "junk", 4);
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_json_ cJSON *json = signkit_parse(cases[i].json);
        _cleanup_signer_keys_ struct coco_signer_keys keys = {0};
        coco_error *err = NULL;

        coco_status status = coco_material_keys(json, "key", &kit.source, &keys, &err);
        if (cases[i].why) {
            assert_int_not_equal(status, COCO_OK);
            assert_contains(coco_error_message(err), cases[i].why);
            coco_error_free(err);
        } else {
            assert_ok(status, err);
            assert_int_equal(keys.n, cases[i].n);
            assert_int_equal(coco_material_has(json, "key"), cases[i].n > 0);
        }
    }
    signkit_end(&kit);
}

static void
their_number_is_bounded(void **state)
{
    _cleanup_signer_keys_ struct coco_signer_keys keys = {0};
    _cleanup_pkey_ EVP_PKEY *one = make_key(COCO_KEY_P256);
    coco_error *err = NULL;

    (void)state;
    for (int i = 0; i < COCO_SIGNER_KEYS_MAX; i++) {
        EVP_PKEY *key = one;

        assert_int_equal(EVP_PKEY_up_ref(one), 1);
        assert_ok(coco_signer_keys_add(&keys, &key, &err), err);
    }
    EVP_PKEY *more = one;
    assert_fails(coco_signer_keys_add(&keys, &more, &err), err, COCO_ERR_LIMIT, "more than");
    assert_ptr_equal(more, one);
}

/* Of larger curves cosign's own hash holds as well as that which fits. */
static void
signatures_hold_by_one_of_the_keys(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_P384, COCO_KEY_P521,
                                               COCO_KEY_RSA, COCO_KEY_ED25519};

    (void)state;
    for (size_t i = 0; i < N(kinds); i++) {
        _cleanup_signer_keys_ struct coco_signer_keys keys = {0};
        _cleanup_pkey_ EVP_PKEY *first = make_key(COCO_KEY_P384);
        _cleanup_pkey_ EVP_PKEY *second = make_key(kinds[i]);
        _cleanup_buf_ struct coco_buf fitting = {.limit = 4096};
        _cleanup_buf_ struct coco_buf cosign = {.limit = 4096};
        EVP_PKEY *key = second;
        coco_error *err = NULL;
        size_t which = 0;

        assert_ok(coco_key_sign(key, "text", 4, &fitting, &err), err);
        assert_ok(coco_key_sign_with(key, kinds[i] == COCO_KEY_ED25519 ? NULL : EVP_sha256(),
                                     "text", 4, &cosign, &err),
                  err);
        assert_int_equal(EVP_PKEY_up_ref(key), 1);
        assert_ok(coco_signer_keys_add(&keys, &first, &err), err);
        assert_ok(coco_signer_keys_add(&keys, &key, &err), err);
        assert_ok(
            coco_signer_keys_verify(&keys, "text", 4, fitting.data, fitting.len, &which, &err),
            err);
        assert_int_equal(which, 1);
        assert_ok(coco_signer_keys_verify(&keys, "text", 4, cosign.data, cosign.len, &which, &err),
                  err);
        cosign.data[cosign.len - 1] ^= 1;
        assert_fails(
            coco_signer_keys_verify(&keys, "text", 4, cosign.data, cosign.len, &which, &err), err,
            COCO_ERR_VERIFY, "none of the 2 keys");
        assert_fails(
            coco_signer_keys_verify(&keys, "texts", 5, fitting.data, fitting.len, &which, &err),
            err, COCO_ERR_VERIFY, "none of the 2 keys");
        assert_fails(coco_signer_keys_verify(&keys, "text", 4, "", 0, &which, &err), err,
                     COCO_ERR_VERIFY, "none of the 2 keys");
    }
}

static void
reading_keys_survives_any_failed_allocation(void **state)
{
    _cleanup_json_ cJSON *json = signkit_parse("{\"keyPath\":\"a\"}");
    _cleanup_pkey_ EVP_PKEY *key = make_key(COCO_KEY_P256);
    struct signkit kit;

    (void)state;
    signkit_begin(&kit);
    signkit_add_key(&kit, "a", key);
    for_each_fault()
    {
        struct coco_signer_keys keys = {0};
        coco_error *err = NULL;

        coco_status status = coco_material_keys(json, "key", &kit.source, &keys, &err);
        fault_expect(status, err);
        coco_signer_keys_done(&keys);
    }
    signkit_end(&kit);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_read_in_every_form),
        cmocka_unit_test(their_number_is_bounded),
        cmocka_unit_test(signatures_hold_by_one_of_the_keys),
        cmocka_unit_test(reading_keys_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/material", tests, NULL, NULL);
}
