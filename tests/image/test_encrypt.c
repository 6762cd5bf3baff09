/*
 * tests/image/test_encrypt.c - lib/image/encrypt.c, with layouts, a real registry and skopeo
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/client.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"

#include "tests/faults.h"
#include "tests/layout.h"
#include "tests/registry.h"
#include "tests/rng.h"

#include "copying.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
what_encrypt_makes_skopeo_opens(void **state)
{
    static const char *const names[] = {"rsa", "ec"};
    struct fixture *f = *state;

    add_recipient(f, COCO_KEY_RSA, "rsa");
    add_recipient(f, COCO_KEY_P256, "ec");
    assert_ok(copy(f, coco_image_encrypt, "oci:%/plain", "oci:%/sealed:v1", NULL), f->err);
    assert_int_equal(coco_image_layer_count(f->image), 1);
    assert_layer(f, "sealed", f->layer, false);
    for (size_t i = 0; i < COUNT(names); i++) {
        char option[64];
        const char *const options[] = {"--decryption-key", option, NULL};

        (void)snprintf(option, sizeof(option), "%%/%s.pem", names[i]);
        assert_true(skopeo_copy(f->dir, options, "sealed:v1", names[i]));
        assert_layer(f, names[i], f->layer, true);
    }
}

/* The manifest that skopeo makes of a layout when it is told to make it Docker's. */
static void
encrypt_turns_docker_types_into_oci_ones(void **state)
{
    struct fixture *f = *state;
    struct registry registry = {0};
    char name[256];
    char command[512];
    const cJSON *layers = NULL;
    const cJSON *config = NULL;
    const char *type = NULL;

    registry_start(&registry, f->dir, "", "");
    (void)snprintf(name, sizeof(name), "%s/docker:1", registry.host);
    (void)snprintf(command, sizeof(command), "docker://%s", name);
    bool made =
        skopeo_run((const char *const[]){"copy", "-q", "--format", "v2s2",
                                         "--dest-tls-verify=false", "oci:%/plain", command, NULL},
                   f->dir);
    add_recipient(f, COCO_KEY_P384, "ec");
    coco_status status = copy(f, coco_image_encrypt, name, "oci:%/sealed:v1", NULL);
    registry_stop(&registry);
    assert_true(made);
    assert_ok(status, f->err);
    _cleanup_json_ cJSON *manifest = layout_read_manifest(f->dir, "sealed");
    assert_ok(coco_json_get_string(manifest, "mediaType", &type, &f->err), f->err);
    assert_string_equal(type, COCO_MEDIA_OCI_MANIFEST);
    assert_ok(coco_json_get_object(manifest, "config", &config, &f->err), f->err);
    assert_ok(coco_json_get_string(config, "mediaType", &type, &f->err), f->err);
    assert_string_equal(type, COCO_MEDIA_OCI_CONFIG);
    assert_ok(coco_json_get_array(manifest, "layers", &layers, &f->err), f->err);
    assert_ok(coco_json_get_string(layers->child, "mediaType", &type, &f->err), f->err);
    assert_string_equal(type, "application/vnd.oci.image.layer.v1.tar+gzip+encrypted");
}

static void
encrypt_refuses(void **state)
{
    struct fixture *f = *state;

    assert_fails(copy(f, coco_image_encrypt, "oci:%/plain", "oci:%/x", NULL), f->err,
                 COCO_ERR_INVALID, "nobody to encrypt the image for");
    add_recipient(f, COCO_KEY_P256, "ec");
    assert_fails(copy(f, coco_image_encrypt, "oci:%/missing", "oci:%/x", NULL), f->err,
                 COCO_ERR_NOTFOUND, "no OCI layout");
    assert_no_file(f->dir, "x");
    assert_ok(copy(f, coco_image_encrypt, "oci:%/plain", "oci:%/sealed", NULL), f->err);
    assert_fails(copy(f, coco_image_encrypt, "oci:%/sealed", "oci:%/x", NULL), f->err,
                 COCO_ERR_INVALID, "layer 0: encrypted already");
    assert_no_file(f->dir, "x");
}

#define LARGE_SIZE ((size_t)3 << 20)

/* A layer that is large enough for threads; what it is. */
static uint8_t *
make_large(struct fixture *f, const char *name)
{
    uint8_t *layer = malloc(LARGE_SIZE);

    assert_non_null(layer);
    for (size_t i = 0; i < LARGE_SIZE; i++)
        layer[i] = (uint8_t)(i * i >> 5);
    layout_make(f->dir, name, layer, LARGE_SIZE, NULL);
    return layer;
}

static void
a_large_layer_goes_through_threads_and_is_the_same(void **state)
{
    static const char *const options[] = {"--decryption-key", "%/ec.pem", NULL};
    struct fixture *f = *state;
    _cleanup_free_ uint8_t *layer = make_large(f, "large");
    _cleanup_buf_ struct coco_buf back = {.limit = LARGE_SIZE};
    const cJSON *layers = NULL;

    add_recipient(f, COCO_KEY_P256, "ec");
    assert_ok(copy(f, coco_image_encrypt, "oci:%/large", "oci:%/sealed:v1", NULL), f->err);
    assert_true(skopeo_copy(f->dir, options, "sealed:v1", "opened"));
    _cleanup_json_ cJSON *manifest = layout_read_manifest(f->dir, "opened");
    assert_ok(coco_json_get_array(manifest, "layers", &layers, &f->err), f->err);
    layout_read_blob(f->dir, "opened", layers->child, &back);
    assert_int_equal(back.len, LARGE_SIZE);
    assert_memory_equal(back.data, layer, LARGE_SIZE);
}

/* A source that delivers something else: nothing is shown, and no thread is left behind. */
static void
a_large_layer_that_is_another_is_not_encrypted(void **state)
{
    struct fixture *f = *state;
    _cleanup_free_ uint8_t *layer = make_large(f, "large");
    _cleanup_json_ cJSON *manifest = layout_read_manifest(f->dir, "large");
    const cJSON *layers = NULL;
    const char *digest = NULL;
    char path[256];

    add_recipient(f, COCO_KEY_P256, "ec");
    assert_ok(coco_json_get_array(manifest, "layers", &layers, &f->err), f->err);
    assert_ok(coco_json_get_string(layers->child, "digest", &digest, &f->err), f->err);
    (void)snprintf(path, sizeof(path), "%s/large/blobs/sha256/%s", f->dir,
                   digest + strlen("sha256:"));
    FILE *file = fopen(path, "r+e");
    assert_non_null(file);
    assert_int_equal(fseek(file, -1, SEEK_END), 0);
    assert_int_equal(fputc(layer[LARGE_SIZE - 1] ^ 1, file), layer[LARGE_SIZE - 1] ^ 1);
    assert_int_equal(fclose(file), 0);
    assert_fails(copy(f, coco_image_encrypt, "oci:%/large", "oci:%/sealed:v1", NULL), f->err,
                 COCO_ERR_VERIFY, "layer 0");
}

static void
encrypt_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    add_recipient(f, COCO_KEY_P256, "ec");
    free(make_large(f, "large"));
    copy_survives_faults(f, f->client, coco_image_encrypt, "oci:%/large", "oci:%/out:1", NULL);
}

static void
without_random_bytes_nothing_is_encrypted_nor_shown(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *from = ref_of(f, "oci:%/plain");
    _cleanup_(coco_image_ref_freep) coco_image_ref *to = ref_of(f, "oci:%/out:1");

    add_recipient(f, COCO_KEY_P256, "ec");
    for_each_rng_fault()
    {
        coco_image *image = NULL;
        coco_error *err = NULL;

        rng_expect(coco_image_encrypt(f->client, f->ctx, from, to, NULL, &image, &err), err);
        if (err) {
            coco_bytes *shown = NULL;

            assert_fails(coco_image_inspect(f->client, f->ctx, to, NULL, &shown, &f->err), f->err,
                         COCO_ERR_NOTFOUND, "out");
        }
        coco_error_free(err);
        coco_image_free(image);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_encrypt_makes_skopeo_opens),
        TEST(encrypt_turns_docker_types_into_oci_ones),
        TEST(encrypt_refuses),
        TEST(a_large_layer_goes_through_threads_and_is_the_same),
        TEST(a_large_layer_that_is_another_is_not_encrypted),
        TEST(encrypt_survives_any_failed_allocation),
        TEST(without_random_bytes_nothing_is_encrypted_nor_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
