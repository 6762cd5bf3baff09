/*
 * tests/image/test_sign_payload.c - lib/image/sign_payload.c
 *
 * What cosign's modules make of them is in tests/cli/test_signatures.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/sign.h"
#include "image/signatures.h"

#include "signing.h"

static struct coco_signee
signee_of(const coco_image_ref *ref, uint8_t last)
{
    struct coco_signee signee = {.ref = ref, .digest = {.alg = COCO_SHA256}};

    signee.digest.bytes[31] = last;
    return signee;
}

/* A manifest with one signature as its only layer. */
static coco_status
make(const struct coco_signee *image, EVP_PKEY *key, struct coco_manifest *ret, coco_error **err)
{
    _cleanup_sign_payload_ struct coco_sign_payload payload = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 14};
    _cleanup_json_ cJSON *json = NULL;
    const struct coco_sign_key by = {.key = key};
    cJSON *layers = NULL;

    coco_status status = coco_sign_payload_make(image, &payload, err);
    if (status == COCO_OK)
        status = coco_manifest_begin(&image->digest, 2, &json, &layers, err);
    if (status == COCO_OK)
        status = coco_sign_payload_add(&payload, &by, layers, err);
    if (status == COCO_OK)
        status = coco_json_write(json, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = coco_artifact_parse(text.data, text.len, COCO_MEDIA_OCI_MANIFEST, 1, ret, err);
    return status;
}

static bool
is_in(struct fixture *f, const struct coco_signee *image, const struct coco_manifest *manifest,
      EVP_PKEY *key)
{
    _cleanup_sign_payload_ struct coco_sign_payload payload = {0};
    bool is = false;

    assert_ok(coco_sign_payload_make(image, &payload, &f->err), f->err);
    assert_ok(coco_sign_payload_is_in(&payload, &manifest->layers[0], key, &is, &f->err), f->err);
    return is;
}

static void
a_signature_is_of_one_image_name_and_key(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, "a.test/app:1");
    _cleanup_(coco_image_ref_freep) coco_image_ref *tag = ref_of(f, "a.test/app:2");
    _cleanup_(coco_image_ref_freep) coco_image_ref *other = ref_of(f, "a.test/other:1");
    const struct coco_signee image = signee_of(ref, 1);
    const struct coco_signee tagged = signee_of(tag, 1);
    const struct coco_signee renamed = signee_of(other, 1);
    const struct coco_signee another = signee_of(ref, 2);
    _cleanup_manifest_ struct coco_manifest manifest = {0};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_pkey_ EVP_PKEY *stranger = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &f->err), f->err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &stranger, &f->err), f->err);
    assert_ok(make(&image, key, &manifest, &f->err), f->err);
    assert_string_equal(manifest.layers[0].media_type, COCO_MEDIA_SIMPLE_SIGNING);
    assert_true(is_in(f, &image, &manifest, key));
    assert_true(is_in(f, &tagged, &manifest, key));
    assert_false(is_in(f, &image, &manifest, stranger));
    assert_false(is_in(f, &renamed, &manifest, key));
    assert_false(is_in(f, &another, &manifest, key));
}

static void
what_is_no_signature_is_none_of_ours(void **state)
{
    static const char *const texts[] = {"", "?", "AAAA"};
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, "a.test/app:1");
    const struct coco_signee image = signee_of(ref, 1);
    _cleanup_manifest_ struct coco_manifest manifest = {0};
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &f->err), f->err);
    assert_ok(make(&image, key, &manifest, &f->err), f->err);
    struct coco_descriptor *layer = &manifest.layers[0];
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        _cleanup_json_ cJSON *annotations = cJSON_CreateObject();

        assert_non_null(
            cJSON_AddStringToObject(annotations, "dev.cosignproject.cosign/signature", texts[i]));
        layer->annotations = annotations;
        assert_false(is_in(f, &image, &manifest, key));
    }
    layer->annotations = NULL;
    assert_false(is_in(f, &image, &manifest, key));
}

static void
a_config_has_a_diff_id_for_each_layer(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, "a.test/app:1");
    const struct coco_signee image = signee_of(ref, 1);
    _cleanup_sign_payload_ struct coco_sign_payload payload = {0};
    _cleanup_manifest_ struct coco_manifest before = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_json_ cJSON *json = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &f->err), f->err);
    assert_ok(make(&image, key, &before, &f->err), f->err);
    assert_ok(coco_sign_payload_make(&image, &payload, &f->err), f->err);
    assert_ok(coco_sign_payload_write_config(&payload, &before, &text, &f->err), f->err);
    assert_ok(coco_json_parse(coco_buf_text(&text), text.len, &json, &f->err), f->err);
    const cJSON *ids = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(json, "rootfs"), "diff_ids");
    assert_int_equal(cJSON_GetArraySize(ids), 2);
}

static void
signing_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, "a.test/app:1");
    const struct coco_signee image = signee_of(ref, 1);
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &f->err), f->err);
    for_each_fault()
    {
        struct coco_manifest manifest = {0};

        coco_status status = make(&image, key, &manifest, &f->err);
        fault_expect(status, f->err);
        coco_manifest_done(&manifest);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_signature_is_of_one_image_name_and_key),
        TEST(what_is_no_signature_is_none_of_ours),
        TEST(a_config_has_a_diff_id_for_each_layer),
        TEST(signing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/sign_payload", tests, NULL, NULL);
}
