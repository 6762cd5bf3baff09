/*
 * tests/rcar/test_tee_key.c - lib/rcar/tee_key.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/rcar/keys.h"

#include "crypto/jwk.h"

#include "tests/faults.h"

#include <string.h>

static void
tee_keys_have_the_members_upstream_hashes(void **state)
{
    static const struct {
        enum coco_rcar_version version;
        enum coco_key_kind kind;
        int members;
        const char *alg;
    } cases[] = {
        {COCO_RCAR_0_4_0, COCO_KEY_P256, 5, "ECDH-ES+A256KW"},
        {COCO_RCAR_0_4_0, COCO_KEY_P521, 5, "ECDH-ES+A256KW"},
        {COCO_RCAR_0_4_0, COCO_KEY_RSA, 4, "RSA-OAEP-256"},
        {COCO_RCAR_0_2_0, COCO_KEY_P256, 5, "ECDH-ES+A256KW"},
        {COCO_RCAR_0_2_0, COCO_KEY_RSA, 4, "RSA-OAEP-256"},
        {COCO_RCAR_0_1_1, COCO_KEY_RSA, 4, "RSA1_5"},
        {COCO_RCAR_0_1_0, COCO_KEY_RSA, 4, "RSA1_5"},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_json_ cJSON *jwk = tee_key_of(cases[i].version, cases[i].kind);
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        const char *alg = NULL;

        assert_int_equal(cJSON_GetArraySize(jwk), cases[i].members);
        assert_ok(coco_json_get_string(jwk, "alg", &alg, &err), err);
        assert_string_equal(alg, cases[i].alg);
        assert_ok(coco_rcar_tee_key_parse(cases[i].version, jwk, &key, &err), err);
    }
}

/* RSA1_5 is a decryption oracle waiting to be asked: T19 in doc/threats.md. */
static void
rsa1_5_is_for_those_who_know_no_better(void **state)
{
    _cleanup_json_ cJSON *old = tee_key_of(COCO_RCAR_0_1_1, COCO_KEY_RSA);
    _cleanup_json_ cJSON *new = tee_key_of(COCO_RCAR_0_2_0, COCO_KEY_RSA);
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_rcar_tee_key_parse(COCO_RCAR_0_2_0, old, &key, &err), err, COCO_ERR_NOTSUP,
                 "RSA1_5");
    assert_fails(coco_rcar_tee_key_parse(COCO_RCAR_0_4_0, old, &key, &err), err, COCO_ERR_NOTSUP,
                 "RSA1_5");
    assert_fails(coco_rcar_tee_key_parse(COCO_RCAR_0_1_1, new, &key, &err), err, COCO_ERR_NOTSUP,
                 "RSA-OAEP-256");
    assert_null(key);
}

static void
keys_no_server_encrypts_to_are_not_sent(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P384, COCO_KEY_ED25519};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        cJSON *jwk = NULL;

        assert_ok(coco_key_generate(kinds[i], &key, &err), err);
        assert_fails(coco_rcar_tee_key_build(COCO_RCAR_0_4_0, key, &jwk, &err), err,
                     COCO_ERR_NOTSUP, "P-256");
        assert_fails(coco_rcar_tee_key_build(COCO_RCAR_0_1_1, key, &jwk, &err), err,
                     COCO_ERR_NOTSUP, "RSA keys only");
    }
}

static void
hostile_tee_keys_are_refused(void **state)
{
    static const struct hostile cases[] = {
        {"{}", COCO_ERR_PROTO, "kty"},
        {"{\"kty\":1}", COCO_ERR_PROTO, "kty"},
        {"{\"kty\":\"oct\",\"k\":\"AA\"}", COCO_ERR_NOTSUP, "oct"},
        {"{\"kty\":\"AKP\",\"alg\":\"ML-KEM-768+A192KW\",\"pub\":\"AA\"}", COCO_ERR_NOTSUP, "AKP"},
        {"{\"kty\":\"EC\"}", COCO_ERR_PROTO, "tee-pubkey"},
        {EC("RSA-OAEP-256"), COCO_ERR_NOTSUP, "RSA-OAEP-256"},
        {EC("ECDH-ES"), COCO_ERR_NOTSUP, "ECDH-ES"},
        {EC("none"), COCO_ERR_NOTSUP, "none"},
        {EC(""), COCO_ERR_NOTSUP, "alg"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\"}", COCO_ERR_PROTO,
         "alg"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"" X "\",\"y\":\"" Y
         "\",\"kid\":\"1\"}",
         COCO_ERR_PROTO, "kid"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"" X "\",\"y\":\"" Y
         "\",\"d\":\"" X "\"}",
         COCO_ERR_PROTO, "'d'"},
        {"{\"kty\":\"EC\",\"crv\":\"P-521\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"" X "\",\"y\":\"" Y
         "\"}",
         COCO_ERR_PROTO, "tee-pubkey"},
        /* Not on the curve: an invalid-curve attack on the server's ephemeral key. */
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"" Y "\",\"y\":\"" X
         "\"}",
         COCO_ERR_PROTO, "tee-pubkey"},
        {"{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP-256\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
         COCO_ERR_NOTSUP, "tee-pubkey"},
        {"{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP-256\",\"n\":\"\",\"e\":\"\"}", COCO_ERR_PROTO,
         "tee-pubkey"},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_json_ cJSON *jwk = NULL;
        EVP_PKEY *key = NULL;

        assert_ok(coco_json_parse(cases[i].text, strlen(cases[i].text), &jwk, &err), err);
        assert_fails(coco_rcar_tee_key_parse(COCO_RCAR_0_4_0, jwk, &key, &err), err,
                     cases[i].status, cases[i].why);
        assert_null(key);
    }
}

static void
the_tee_key_is_found_wherever_servers_put_it(void **state)
{
    static const char *const extra[] = {"/a~1b/x~0y/key", NULL};
    static const struct {
        const char *claims;
        bool found;
    } cases[] = {
        {"{\"tee-pubkey\":{\"n\":1}}", true},
        {"{\"tdx\":{\"attester_runtime_data\":{\"tee-pubkey\":{\"n\":1}}},\"tee-pubkey\":{}}",
         true},
        {"{\"tdx\":{\"attester_user_data\":{\"tee-pubkey\":{\"n\":1}}}}", true},
        {"{\"customized_claims\":{\"runtime_data\":{\"tee-pubkey\":{\"n\":1}}}}", true},
        {"{\"submods\":{\"cpu0\":{\"ear.veraison.annotated-evidence\":{\"runtime_data_claims\":"
         "{\"tee-pubkey\":{\"n\":1}}}}}}",
         true},
        {"{\"a/b\":{\"x~y\":{\"key\":{\"n\":1}}},\"tee-pubkey\":{}}", true},
        {"{}", false},
        {"{\"tee-pubkey\":\"key\"}", false},
        {"{\"tee-pubkey\":null}", false},
        {"{\"tdx\":[],\"customized_claims\":\"\",\"submods\":{\"cpu1\":{}}}", false},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_json_ cJSON *claims = NULL;
        const cJSON *key = NULL;

        assert_ok(coco_json_parse(cases[i].claims, strlen(cases[i].claims), &claims, &err), err);
        if (cases[i].found) {
            assert_ok(coco_rcar_tee_key_of_token(claims, extra, &key, &err), err);
            assert_true(cJSON_HasObjectItem(key, "n"));
        } else
            assert_fails(coco_rcar_tee_key_of_token(claims, extra, &key, &err), err, COCO_ERR_PROTO,
                         "no tee-pubkey");
    }
}

static void
the_id_of_a_key_is_its_thumbprint(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_P521, COCO_KEY_RSA};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        _cleanup_json_ cJSON *jwk = NULL;
        _cleanup_buf_ struct coco_buf id = {.limit = 64};
        _cleanup_buf_ struct coco_buf want = {.limit = 64};

        assert_ok(coco_key_generate(kinds[i], &key, &err), err);
        assert_ok(coco_rcar_tee_key_build(COCO_RCAR_0_4_0, key, &jwk, &err), err);
        assert_ok(coco_rcar_tee_key_id(jwk, &id, &err), err);
        assert_ok(coco_jwk_thumbprint(key, &want, &err), err);
        assert_string_equal(coco_buf_text(&id), coco_buf_text(&want));
    }
}

static coco_status
build_and_parse(const EVP_PKEY *key, coco_error **err)
{
    _cleanup_json_ cJSON *jwk = NULL;
    _cleanup_pkey_ EVP_PKEY *back = NULL;

    coco_status status = coco_rcar_tee_key_build(COCO_RCAR_0_4_0, key, &jwk, err);
    if (status == COCO_OK)
        status = coco_rcar_tee_key_parse(COCO_RCAR_0_4_0, jwk, &back, err);
    return status;
}

static void
a_key_survives_any_failed_allocation(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
    for_each_fault()
    {
        coco_status status = build_and_parse(key, &err);

        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tee_keys_have_the_members_upstream_hashes),
        cmocka_unit_test(rsa1_5_is_for_those_who_know_no_better),
        cmocka_unit_test(keys_no_server_encrypts_to_are_not_sent),
        cmocka_unit_test(hostile_tee_keys_are_refused),
        cmocka_unit_test(the_tee_key_is_found_wherever_servers_put_it),
        cmocka_unit_test(the_id_of_a_key_is_its_thumbprint),
        cmocka_unit_test(a_key_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
