/*
 * tests/sealed/test_sealer.c - lib/sealed/sealer.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/sealed/kit.h"

#include "tests/canary.h"
#include "tests/faults.h"

static void
a_name_is_sealed_in_upstreams_form(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = kit_key(COCO_KEY_P256);
    _cleanup_(coco_sealer_freep) coco_sealer *sealer = kit_sealer(key, KEY_URI);
    _cleanup_(coco_bytes_freep) coco_bytes *text = NULL;
    _cleanup_sealed_ struct coco_sealed sealed = {0};
    _cleanup_buf_ struct coco_buf payload = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_sealer_set_settings(sealer, "{\"region\":\"r\"}", &err), err);
    assert_ok(coco_sealer_set_annotations(sealer, "{\"version_id\":\"7\"}", &err), err);
    assert_ok(coco_sealer_seal_name(sealer, "aws", "my-secret", &text, &err), err);
    assert_memory_equal(coco_bytes_data(text), "sealed.", 7);
    assert_ok(coco_sealed_parse((const char *)coco_bytes_data(text), coco_bytes_size(text), &sealed,
                                &err),
              err);
    assert_ok(coco_sealed_verify(&sealed, key, &err), err);
    assert_string_equal(sealed.kid, KEY_URI);
    assert_ok(coco_json_write(sealed.jws.payload, COCO_JSON_COMPACT, &payload, &err), err);
    assert_string_equal(coco_buf_text(&payload),
                        "{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"my-secret\","
                        "\"provider\":\"aws\",\"provider_settings\":{\"region\":\"r\"},"
                        "\"annotations\":{\"version_id\":\"7\"}}");
}

static void
only_names_that_can_be_unsealed_are_sealed(void **state)
{
    static const struct {
        const char *provider, *name;
    } cases[] = {
        {"kbs", ""},         {"kbs", "a/b/c"}, {"kbs", "kbs:///a/b"}, {"kbs", "kbs:///a/b/c d"},
        {"KBS", SECRET_URI}, {"", SECRET_URI}, {"aws", ""},           {"aws", "two words"},
        {"aws", "kbs:///a"},
    };
    _cleanup_pkey_ EVP_PKEY *key = kit_key(COCO_KEY_P256);
    _cleanup_(coco_sealer_freep) coco_sealer *sealer = kit_sealer(key, "k");
    coco_bytes *text = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        coco_status status =
            coco_sealer_seal_name(sealer, cases[i].provider, cases[i].name, &text, NULL);
        if (status != COCO_ERR_INVALID)
            fail_msg("'%s' '%s' gives %s", cases[i].provider, cases[i].name,
                     coco_status_name(status));
    }
    assert_null(text);
}

static void
only_keys_that_sign_sealed_secrets_are_taken(void **state)
{
    _cleanup_pkey_ EVP_PKEY *larger = kit_key(COCO_KEY_P384);
    _cleanup_pkey_ EVP_PKEY *key = kit_key(COCO_KEY_P256);
    _cleanup_free_ char *pem = kit_pem(larger);
    _cleanup_free_ char *public = kit_jwk(key);
    coco_sealer *sealer = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_sealer_new("k", (const uint8_t *)pem, strlen(pem), &sealer, &err), err,
                 COCO_ERR_NOTSUP, "P-256");
    assert_int_not_equal(
        coco_sealer_new("k", (const uint8_t *)public, strlen(public), &sealer, NULL), COCO_OK);
    assert_fails(coco_sealer_new("k", (const uint8_t *)"", 0, &sealer, &err), err, COCO_ERR_PROTO,
                 "");
    assert_fails(coco_sealer_new("kbs:///a", (const uint8_t *)pem, strlen(pem), &sealer, &err), err,
                 COCO_ERR_INVALID, "<repository>/<type>/<tag>");
    assert_null(sealer);
}

static void
an_envelope_needs_a_provider_that_has_the_key(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = kit_key(COCO_KEY_P256);
    _cleanup_(coco_sealer_freep) coco_sealer *sealer = kit_sealer(key, "k");
    struct kit_provider provider = {.key_id = "kek"};
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = kit_kbc(&provider);
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    const uint8_t *data = (const uint8_t *)SECRET;
    _cleanup_(coco_bytes_freep) coco_bytes *text = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *told = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_fails(coco_sealer_seal_data(sealer, ctx, "kek", data, 4, &text, &err), err,
                 COCO_ERR_INVALID, "provider");
    assert_fails(coco_sealer_set_provider(sealer, "Kit", kbc, &err), err, COCO_ERR_INVALID,
                 "provider");
    assert_ok(coco_sealer_set_provider(sealer, "kit", kbc, &err), err);
    assert_fails(coco_sealer_seal_data(sealer, ctx, "other", data, 4, &text, &err), err,
                 COCO_ERR_NOTFOUND, "kit: key 'other': kit_kbc: no such key");
    assert_ok(coco_sealer_seal_data(sealer, ctx, "kek", data, strlen(SECRET), &text, &err), err);
    assert_ok(coco_sealed_inspect((const char *)coco_bytes_data(text), &told, &err), err);
    assert_contains((const char *)coco_bytes_data(told), "\"key_id\":\"kek\"");
    assert_contains((const char *)coco_bytes_data(told), "\"bytes\":39");
}

static void
extras_must_be_objects(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = kit_key(COCO_KEY_P256);
    _cleanup_(coco_sealer_freep) coco_sealer *sealer = kit_sealer(key, "k");
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_sealer_set_settings(sealer, "[]", &err), err, COCO_ERR_PROTO,
                 "provider_settings");
    assert_fails(coco_sealer_set_annotations(sealer, "{\"a\":1,\"a\":2}", &err), err,
                 COCO_ERR_PROTO, "annotations");
}

static void
sealing_survives_any_failed_allocation(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = kit_key(COCO_KEY_P256);
    _cleanup_free_ char *pem = kit_pem(key);
    struct kit_provider provider = {.key_id = "kek"};
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = kit_kbc(&provider);
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    for_each_fault()
    {
        _cleanup_(coco_sealer_freep) coco_sealer *sealer = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *name = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *text = NULL;

        coco_status status = coco_sealer_new("k", (const uint8_t *)pem, strlen(pem), &sealer, &err);
        if (status == COCO_OK)
            status = coco_sealer_set_provider(sealer, "kit", kbc, &err);
        if (status == COCO_OK)
            status = coco_sealer_set_settings(sealer, "{\"a\":1}", &err);
        if (status == COCO_OK)
            status = coco_sealer_seal_name(sealer, "kbs", SECRET_URI, &name, &err);
        if (status == COCO_OK)
            status =
                coco_sealer_seal_data(sealer, ctx, "kek", (const uint8_t *)SECRET, 8, &text, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

/* Of the guest's secret nothing stays but what is encrypted, and the plaintext is the caller's. */
static void
a_sealed_text_does_not_show_the_secret(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = kit_key(COCO_KEY_P256);
    _cleanup_(coco_sealer_freep) coco_sealer *sealer = kit_sealer(key, "k");
    struct kit_provider provider = {.key_id = "kek"};
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = kit_kbc(&provider);
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    coco_bytes *text = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_ok(coco_sealer_set_provider(sealer, "kit", kbc, &err), err);
    canary_begin(SECRET, strlen(SECRET));
    assert_ok(coco_sealer_seal_data(sealer, ctx, "kek", (const uint8_t *)SECRET, strlen(SECRET),
                                    &text, &err),
              err);
    assert_null(memmem(coco_bytes_data(text), coco_bytes_size(text), SECRET, 8));
    coco_bytes_free(text);
    assert_int_equal(canary_end(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_sealed_in_upstreams_form),
        cmocka_unit_test(only_names_that_can_be_unsealed_are_sealed),
        cmocka_unit_test(only_keys_that_sign_sealed_secrets_are_taken),
        cmocka_unit_test(an_envelope_needs_a_provider_that_has_the_key),
        cmocka_unit_test(extras_must_be_objects),
        cmocka_unit_test(sealing_survives_any_failed_allocation),
        cmocka_unit_test(a_sealed_text_does_not_show_the_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
