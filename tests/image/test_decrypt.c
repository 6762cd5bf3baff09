/*
 * tests/image/test_decrypt.c - lib/image/decrypt.c, with layouts
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/client.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"

#include "tests/faults.h"
#include "tests/layout.h"

#include "copying.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The key of dir/NAME.pem opens layers from now on. */
static void
add_key(struct fixture *f, coco_image_client *client, const char *name)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = 1 << 14};
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s.pem", f->dir, name);
    assert_ok(coco_file_read(path, &pem, &f->err), f->err);
    assert_ok(coco_image_client_add_key(client, pem.data, pem.len, &f->err), f->err);
}

static void
assert_nothing(struct fixture *f, const char *layout)
{
    char name[128];

    (void)snprintf(name, sizeof(name), "%s/index.json", layout);
    assert_file(f->dir, name,
                "{\"schemaVersion\":2,\"mediaType\":\"" COCO_MEDIA_OCI_INDEX
                "\",\"manifests\":[]}");
}

static void
what_was_encrypted_is_what_it_was(void **state)
{
    struct fixture *f = *state;
    const cJSON *layers = NULL;
    const char *type = NULL;

    add_recipient(f, COCO_KEY_P256, "ec");
    assert_ok(copy(f, coco_image_encrypt, "oci:%/plain", "oci:%/sealed:v1", NULL), f->err);
    add_key(f, f->client, "ec");
    assert_ok(copy(f, coco_image_decrypt, "oci:%/sealed:v1", "oci:%/open:v1", NULL), f->err);
    assert_layer(f, "open", f->layer, true);
    assert_true(coco_image_bytes_written(f->image) >= LAYER_SIZE);

    _cleanup_json_ cJSON *manifest = layout_read_manifest(f->dir, "open");
    assert_ok(coco_json_get_array(manifest, "layers", &layers, &f->err), f->err);
    assert_ok(coco_json_get_string(layers->child, "mediaType", &type, &f->err), f->err);
    assert_string_equal(type, "application/vnd.oci.image.layer.v1.tar+gzip");
    assert_null(cJSON_GetObjectItemCaseSensitive(layers->child, "annotations"));
}

/* Whichever byte of the layer is another: nothing of the image is there. */
static void
a_layer_that_was_tampered_with_is_not_shown(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf blob = {.limit = 1 << 20};
    _cleanup_json_ cJSON *manifest = NULL;
    const cJSON *layers = NULL;
    const cJSON *annotations = NULL;

    add_recipient(f, COCO_KEY_P256, "ec");
    assert_ok(copy(f, coco_image_encrypt, "oci:%/plain", "oci:%/sealed:v1", NULL), f->err);
    add_key(f, f->client, "ec");
    manifest = layout_read_manifest(f->dir, "sealed");
    assert_ok(coco_json_get_array(manifest, "layers", &layers, &f->err), f->err);
    assert_ok(coco_json_get_object(layers->child, "annotations", &annotations, &f->err), f->err);
    layout_read_blob(f->dir, "sealed", layers->child, &blob);
    const size_t at[] = {0, LAYER_SIZE / 2, LAYER_SIZE - 1};
    for (size_t i = 0; i <= COUNT(at); i++) {
        char from[32], to[32], ref_from[64], ref_to[64];
        bool shorter = i == COUNT(at);

        (void)snprintf(from, sizeof(from), "bad%zu", i);
        (void)snprintf(to, sizeof(to), "shown%zu", i);
        if (!shorter)
            blob.data[at[i]] ^= 1;
        layout_make(f->dir, from, blob.data, blob.len - shorter,
                    cJSON_Duplicate(annotations, true));
        if (!shorter)
            blob.data[at[i]] ^= 1;
        (void)snprintf(ref_from, sizeof(ref_from), "oci:%%/%s", from);
        (void)snprintf(ref_to, sizeof(ref_to), "oci:%%/%s", to);
        assert_fails(copy(f, coco_image_decrypt, ref_from, ref_to, NULL), f->err, COCO_ERR_VERIFY,
                     "layer 0: layer authentication failed");
        assert_nothing(f, to);
    }
}

static void
decrypt_refuses(void **state)
{
    static const char digest[] =
        "oci:%/x@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const coco_image_options opts = {.size = sizeof(opts), .flags = COCO_IMAGE_KEEP_RECIPIENTS};
    struct fixture *f = *state;
    _cleanup_pkey_ EVP_PKEY *stranger = NULL;

    assert_fails(copy(f, coco_image_decrypt, "oci:%/plain", "oci:%/x", NULL), f->err,
                 COCO_ERR_INVALID, "no layer is encrypted");
    assert_fails(copy(f, coco_image_decrypt, "oci:%/plain", digest, NULL), f->err, COCO_ERR_INVALID,
                 "digest of a new image");
    assert_fails(copy(f, coco_image_decrypt, "oci:%/plain", "oci:%/x", &opts), f->err,
                 COCO_ERR_NOTSUP, "flags");
    add_recipient(f, COCO_KEY_P256, "ec");
    assert_ok(copy(f, coco_image_encrypt, "oci:%/plain", "oci:%/sealed:v1", NULL), f->err);
    assert_no_file(f->dir, "x");
    assert_fails(copy(f, coco_image_decrypt, "oci:%/sealed:v1", "oci:%/none", NULL), f->err,
                 COCO_ERR_NOTFOUND, "no key was given");
    assert_ok(coco_key_generate(COCO_KEY_P256, &stranger, &f->err), f->err);
    layout_write_key(f->dir, "stranger", stranger);
    add_key(f, f->client, "stranger");
    assert_fails(copy(f, coco_image_decrypt, "oci:%/sealed:v1", "oci:%/none", NULL), f->err,
                 COCO_ERR_VERIFY, "no key at hand opens the layer");
    assert_no_file(f->dir, "none");
}

/* A registry's config may say of fewer layers than its manifest has. */
static void
a_config_of_fewer_layers_is_refused(void **state)
{
    static const char config[] = "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{"
                                 "\"type\":\"layers\",\"diff_ids\":[]}}";
    struct fixture *f = *state;
    _cleanup_json_ cJSON *manifest = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    _cleanup_buf_ struct coco_buf index = {.limit = 1 << 16};
    char digest[COCO_DIGEST_TEXT_SIZE];
    cJSON *of = NULL;

    add_recipient(f, COCO_KEY_P256, "ec");
    assert_ok(copy(f, coco_image_encrypt, "oci:%/plain", "oci:%/sealed", NULL), f->err);
    add_key(f, f->client, "ec");
    manifest = layout_read_manifest(f->dir, "sealed");
    layout_add_blob(f->dir, "sealed", config, strlen(config), digest);
    of = cJSON_GetObjectItemCaseSensitive(manifest, "config");
    assert_true(cJSON_ReplaceItemInObjectCaseSensitive(of, "digest", cJSON_CreateString(digest)));
    cJSON_DeleteItemFromObjectCaseSensitive(of, "size");
    assert_ok(coco_json_add_u64(of, "size", strlen(config), &f->err), f->err);
    assert_ok(coco_json_write(manifest, COCO_JSON_COMPACT, &text, &f->err), f->err);
    layout_add_blob(f->dir, "sealed", text.data, text.len, digest);
    assert_ok(coco_buf_printf(&index, &f->err,
                              "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\","
                              "\"digest\":\"%s\",\"size\":%zu}]}",
                              COCO_MEDIA_OCI_MANIFEST, digest, text.len),
              f->err);
    layout_write_file(f->dir, "sealed", "index.json", coco_buf_text(&index));
    assert_fails(copy(f, coco_image_decrypt, "oci:%/sealed", "oci:%/open", NULL), f->err,
                 COCO_ERR_PROTO, "1 layers, but 0 diff_ids");
    assert_no_file(f->dir, "open");
}

static void
decrypt_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    add_recipient(f, COCO_KEY_P256, "ec");
    assert_ok(copy(f, coco_image_encrypt, "oci:%/plain", "oci:%/sealed:v1", NULL), f->err);
    add_key(f, f->client, "ec");
    copy_survives_faults(f, f->client, coco_image_decrypt, "oci:%/sealed:v1", "oci:%/out:1", NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_encrypted_is_what_it_was),
        TEST(a_layer_that_was_tampered_with_is_not_shown),
        TEST(decrypt_refuses),
        TEST(a_config_of_fewer_layers_is_refused),
        TEST(decrypt_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
