/*
 * tests/image/test_rekey.c - lib/image/rekey.c, with layouts and skopeo
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

/* One who can open what is encrypted to dir/NAME.pub, and encrypts to dir/OTHER.pub; or NULL. */
static coco_image_client *
who(struct fixture *f, const char *name, const char *other)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = 1 << 14};
    coco_image_client *client = NULL;
    char path[128];

    assert_ok(coco_image_client_new(&client, &f->err), f->err);
    assert_ok(coco_image_client_set_platform(client, "linux/amd64", &f->err), f->err);
    if (name) {
        (void)snprintf(path, sizeof(path), "%s/%s.pem", f->dir, name);
        assert_ok(coco_file_read(path, &pem, &f->err), f->err);
        assert_ok(coco_image_client_add_key(client, pem.data, pem.len, &f->err), f->err);
    }
    if (other) {
        coco_buf_reset(&pem);
        (void)snprintf(path, sizeof(path), "%s/%s.pub", f->dir, other);
        assert_ok(coco_file_read(path, &pem, &f->err), f->err);
        assert_ok(coco_image_client_add_recipient(client, pem.data, pem.len, &f->err), f->err);
    }
    return client;
}

/* The same as somebody else. */
static coco_status
copy_as(struct fixture *f, coco_image_client *client, copy_image *how, const char *from,
        const char *to, const coco_image_options *opts)
{
    coco_image_client *own = f->client;

    f->client = client;
    coco_status status = copy(f, how, from, to, opts);
    f->client = own;
    coco_image_client_free(client);
    return status;
}

/* Whether the holder of dir/NAME.pem opens the image, and skopeo with that key, too. */
static bool
opens(struct fixture *f, const char *name, const char *layout)
{
    static unsigned n;
    char from[64], to[64], option[64], opened[32];
    const char *const options[] = {"--decryption-key", option, NULL};

    (void)snprintf(from, sizeof(from), "oci:%%/%s", layout);
    (void)snprintf(to, sizeof(to), "oci:%%/ours%u", ++n);
    (void)snprintf(option, sizeof(option), "%%/%s.pem", name);
    (void)snprintf(opened, sizeof(opened), "opened%u", n);
    coco_status status = copy_as(f, who(f, name, NULL), coco_image_decrypt, from, to, NULL);
    coco_error_free(f->err);
    f->err = NULL;
    bool theirs = skopeo_copy(f->dir, options, layout, opened);
    assert_int_equal(status == COCO_OK, theirs);
    if (theirs)
        assert_layer(f, opened, f->layer, true);
    return theirs;
}

static void
make(struct fixture *f)
{
    static const char *const names[] = {"a", "b", "c"};

    for (size_t i = 0; i < COUNT(names); i++) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;

        assert_ok(coco_key_generate(COCO_KEY_P256, &key, &f->err), f->err);
        layout_write_key(f->dir, names[i], key);
    }
    assert_ok(
        copy_as(f, who(f, NULL, "a"), coco_image_encrypt, "oci:%/plain", "oci:%/sealed:v1", NULL),
        f->err);
}

static void
recipients_are_others_and_layers_the_same(void **state)
{
    const coco_image_options keep = {.size = sizeof(keep), .flags = COCO_IMAGE_KEEP_RECIPIENTS};
    struct fixture *f = *state;
    _cleanup_json_ cJSON *old = NULL;
    _cleanup_json_ cJSON *new = NULL;
    const cJSON *was = NULL;
    const cJSON *is = NULL;

    make(f);
    assert_ok(
        copy_as(f, who(f, "a", "b"), coco_image_rekey, "oci:%/sealed:v1", "oci:%/handed:v1", NULL),
        f->err);
    assert_true(opens(f, "b", "handed:v1"));
    assert_false(opens(f, "a", "handed:v1"));
    assert_ok(
        copy_as(f, who(f, "b", "c"), coco_image_rekey, "oci:%/handed:v1", "oci:%/shared:v1", &keep),
        f->err);
    assert_true(opens(f, "b", "shared:v1"));
    assert_true(opens(f, "c", "shared:v1"));
    assert_false(opens(f, "a", "shared:v1"));
    old = layout_read_manifest(f->dir, "sealed");
    new = layout_read_manifest(f->dir, "shared");
    assert_ok(coco_json_get_array(old, "layers", &was, &f->err), f->err);
    assert_ok(coco_json_get_array(new, "layers", &is, &f->err), f->err);
    assert_true(coco_json_equal(cJSON_GetObjectItemCaseSensitive(was->child, "digest"),
                                cJSON_GetObjectItemCaseSensitive(is->child, "digest")));
}

/* In its own place, nothing but a manifest is written. */
static void
an_image_is_rekeyed_where_it_is(void **state)
{
    struct fixture *f = *state;

    make(f);
    assert_ok(
        copy_as(f, who(f, "a", "b"), coco_image_rekey, "oci:%/sealed:v1", "oci:%/sealed:v1", NULL),
        f->err);
    assert_int_equal(coco_image_bytes_written(f->image), 0);
    assert_true(opens(f, "b", "sealed:v1"));
    assert_false(opens(f, "a", "sealed:v1"));
}

static void
rekey_refuses(void **state)
{
    const coco_image_options keep = {.size = sizeof(keep), .flags = COCO_IMAGE_KEEP_RECIPIENTS};
    const coco_image_options other = {.size = sizeof(other), .flags = COCO_IMAGE_OVERLAY};
    struct fixture *f = *state;

    make(f);
    assert_fails(
        copy_as(f, who(f, "a", NULL), coco_image_rekey, "oci:%/sealed:v1", "oci:%/x", NULL), f->err,
        COCO_ERR_INVALID, "nobody to encrypt the image for");
    assert_fails(copy_as(f, who(f, "b", "b"), coco_image_rekey, "oci:%/sealed:v1", "oci:%/x", NULL),
                 f->err, COCO_ERR_VERIFY, "layer 0: no key at hand opens the layer");
    assert_fails(
        copy_as(f, who(f, NULL, "b"), coco_image_rekey, "oci:%/sealed:v1", "oci:%/x", NULL), f->err,
        COCO_ERR_NOTFOUND, "layer 0: layer is encrypted, and no key was given");
    assert_fails(copy_as(f, who(f, "a", "b"), coco_image_rekey, "oci:%/plain", "oci:%/x", &keep),
                 f->err, COCO_ERR_INVALID, "no layer is encrypted");
    assert_fails(
        copy_as(f, who(f, "a", "b"), coco_image_rekey, "oci:%/sealed:v1", "oci:%/x", &other),
        f->err, COCO_ERR_NOTSUP, "flags");
    assert_no_file(f->dir, "x");
}

static void
rekey_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    make(f);
    _cleanup_(coco_image_client_freep) coco_image_client *client = who(f, "a", "b");
    for (uint32_t flags = 0; flags <= COCO_IMAGE_KEEP_RECIPIENTS;
         flags += COCO_IMAGE_KEEP_RECIPIENTS) {
        const coco_image_options opts = {.size = sizeof(opts), .flags = flags};

        copy_survives_faults(f, client, coco_image_rekey, "oci:%/sealed:v1", "oci:%/out:1", &opts);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(recipients_are_others_and_layers_the_same),
        TEST(an_image_is_rekeyed_where_it_is),
        TEST(rekey_refuses),
        TEST(rekey_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
