/*
 * tests/image/copying.h - an image of one layer, to be copied this way or that
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_COPYING_H
#define COCO_TESTS_COPYING_H

#include "image/client.h"

#include "base/context.h"

#include "tests/faults.h"
#include "tests/layout.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

#define LAYER_SIZE 300000
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

COCO_DEFINE_CLEANUP(coco_image_client *, coco_image_client_free);
COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

struct fixture {
    char dir[64];
    coco_ctx *ctx;
    coco_image_client *client;
    coco_image *image;
    coco_error *err;
    uint8_t layer[LAYER_SIZE];
};

static struct fixture fixture;

static inline int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->image = NULL;
    f->err = NULL;
    for (size_t i = 0; i < sizeof(f->layer); i++)
        f->layer[i] = (uint8_t)(i * i >> 3);
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_image_client_new(&f->client, &f->err), f->err);
    assert_ok(coco_image_client_set_platform(f->client, "linux/amd64", &f->err), f->err);
    coco_image_client_set_plain_http(f->client, true);
    layout_make(f->dir, "plain", f->layer, sizeof(f->layer), NULL);
    *state = f;
    return 0;
}

static inline int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_image_free(f->image);
    coco_image_client_free(f->client);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->dir);
    return 0;
}

static inline coco_image_ref *
ref_of(struct fixture *f, const char *format)
{
    coco_image_ref *ref = NULL;
    char text[256];
    size_t head = strcspn(format, "%");

    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)head, format, format[head] ? f->dir : "",
                   format[head] ? format + head + 1 : "");
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    return ref;
}

typedef coco_status copy_image(coco_image_client *client, coco_ctx *ctx, const coco_image_ref *from,
                               const coco_image_ref *to, const coco_image_options *opts,
                               coco_image **ret, coco_error **err);

/* References in which a '%' stands for the test's directory. */
static inline coco_status
copy(struct fixture *f, copy_image *how, const char *from, const char *to,
     const coco_image_options *opts)
{
    const char *const texts[] = {from, to};
    coco_image_ref *refs[2] = {NULL, NULL};
    coco_status status = COCO_OK;

    for (size_t i = 0; status == COCO_OK && i < 2; i++) {
        char text[512];
        size_t head = strcspn(texts[i], "%");
        bool there = texts[i][head] != '\0';

        (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)head, texts[i], there ? f->dir : "",
                       there ? texts[i] + head + 1 : "");
        status = coco_image_ref_parse(text, &refs[i], &f->err);
    }
    coco_image_free(f->image);
    f->image = NULL;
    if (status == COCO_OK)
        status = how(f->client, f->ctx, refs[0], refs[1], opts, &f->image, &f->err);
    coco_image_ref_free(refs[0]);
    coco_image_ref_free(refs[1]);
    return status;
}

/* The same, by client, fails once for every allocation that it makes. */
static inline void
copy_survives_faults(struct fixture *f, coco_image_client *client, copy_image *how,
                     const char *from, const char *to, const coco_image_options *opts)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *source = ref_of(f, from);
    _cleanup_(coco_image_ref_freep) coco_image_ref *destination = ref_of(f, to);

    for_each_fault()
    {
        coco_image *image = NULL;
        coco_error *err = NULL;

        coco_status status = how(client, f->ctx, source, destination, opts, &image, &err);
        fault_expect(status, err);
        coco_image_free(image);
    }
}

static inline void
assert_layer(struct fixture *f, const char *layout, const void *want, bool same)
{
    _cleanup_json_ cJSON *manifest = layout_read_manifest(f->dir, layout);
    _cleanup_buf_ struct coco_buf blob = {.limit = 1 << 20};
    const cJSON *layers = NULL;

    assert_ok(coco_json_get_array(manifest, "layers", &layers, &f->err), f->err);
    layout_read_blob(f->dir, layout, layers->child, &blob);
    assert_int_equal(blob.len, LAYER_SIZE);
    assert_int_equal(memcmp(blob.data, want, LAYER_SIZE) == 0, same);
}

static inline void
add_recipient(struct fixture *f, enum coco_key_kind kind, const char *name)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf pem = {.limit = 1 << 14};

    assert_ok(coco_key_generate(kind, &key, &f->err), f->err);
    assert_ok(coco_key_public_pem(key, &pem, &f->err), f->err);
    assert_ok(coco_image_client_add_recipient(f->client, pem.data, pem.len, &f->err), f->err);
    layout_write_key(f->dir, name, key);
}

#endif
