/*
 * tests/image/test_layers.c - lib/image/layers.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/layers.h"

#include "base/context.h"
#include "base/fail.h"
#include "tests/faults.h"
#include "tests/tarball.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define LAYER "application/vnd.oci.image.layer.v1.tar"
#define N_LAYERS 3

/* An image of three layers with one file each, and a source that counts. */
struct fixture {
    char top[64];
    int root;
    coco_ctx *ctx;
    coco_image_client *client;
    coco_image_options limits;
    struct tarball tars[N_LAYERS];
    char media_types[N_LAYERS][80];
    struct coco_descriptor descriptors[N_LAYERS];
    struct coco_digest diff_ids[N_LAYERS];
    struct coco_manifest manifest;
    struct coco_source source;
    struct coco_unpack_budget budget;
    unsigned asked;
    coco_error *err;
};

static coco_status
give_blob(void *self, coco_ctx *ctx, const struct coco_descriptor *blob,
          const struct coco_sink *sink, coco_error **err)
{
    struct fixture *f = self;
    const struct tarball *tar = &f->tars[blob - f->descriptors];

    f->asked++;
    coco_status status = coco_ctx_check(ctx, err);
    return status == COCO_OK ? coco_sink_write(sink, tar->data, tar->len, err) : status;
}

static void
set_type(struct fixture *f, size_t i, const char *type)
{
    (void)snprintf(f->media_types[i], sizeof(f->media_types[i]), "%s", type);
}

static int
begin(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    make_temp_dir(f->top, sizeof(f->top));
    f->root = open(f->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(f->root >= 0);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_image_client_new(&f->client, &f->err), f->err);
    assert_ok(coco_image_options_set(&f->limits, NULL, 0, &f->err), f->err);
    for (size_t i = 0; i < N_LAYERS; i++) {
        const char name[] = {(char)('a' + i), '\0'};

        tarball_add(&f->tars[i], '0', name, "", "content", 7);
        tarball_end(&f->tars[i]);
        set_type(f, i, LAYER);
        f->descriptors[i].media_type = f->media_types[i];
        f->descriptors[i].size = f->tars[i].len;
        assert_ok(coco_digest_of(COCO_SHA256, f->tars[i].data, f->tars[i].len,
                                 &f->descriptors[i].digest, &f->err),
                  f->err);
        f->diff_ids[i] = f->descriptors[i].digest;
    }
    f->manifest.layers = f->descriptors;
    f->manifest.n_layers = N_LAYERS;
    f->source.blob = give_blob;
    f->source.self = f;
    f->budget = (struct coco_unpack_budget){.content = 1000, .entries = 1000};
    *state = f;
    return 0;
}

static int
end(void **state)
{
    struct fixture *f = *state;

    coco_image_client_free(f->client);
    coco_ctx_free(f->ctx);
    (void)close(f->root);
    remove_temp_dir(f->top);
    free(f);
    return 0;
}

static coco_status
open_layers(struct fixture *f, struct coco_layers *ret)
{
    const struct coco_layers_order order = {
        .client = f->client,
        .source = &f->source,
        .manifest = &f->manifest,
        .diff_ids = f->diff_ids,
        .limits = &f->limits,
    };

    return coco_layers_open(&order, f->ctx, ret, &f->err);
}

static coco_status
unpack(struct fixture *f, struct coco_layers *layers, size_t i)
{
    bool elsewhere;

    return coco_layers_unpack(layers, f->ctx, i, f->root, &f->budget, &elsewhere, &f->err);
}

/* Whatever of them cannot be, nothing of the others is asked for. */
static void
what_is_wrong_with_any_layer_is_told_before_the_first_is_asked_for(void **state)
{
    struct fixture *f = *state;
    struct coco_layers layers = {0};

    set_type(f, 2, "application/octet-stream");
    assert_fails(open_layers(f, &layers), f->err, COCO_ERR_NOTSUP, "layer 2: ");
    /* There is no key, nor what it would open. */
    set_type(f, 2, LAYER "+encrypted");
    assert_fails(open_layers(f, &layers), f->err, COCO_ERR_PROTO, "layer 2: ");
    coco_image_client_set_require_encryption(f->client, true);
    assert_fails(open_layers(f, &layers), f->err, COCO_ERR_VERIFY, "layer 0: it is not encrypted");
    coco_image_client_set_require_encryption(f->client, false);
    set_type(f, 2, LAYER);
    f->limits.max_bytes = f->tars[0].len * 3 - 1;
    assert_fails(open_layers(f, &layers), f->err, COCO_ERR_LIMIT, "layers of more than");
    f->descriptors[1].size = UINT64_MAX;
    f->limits.max_bytes = UINT64_MAX;
    assert_fails(open_layers(f, &layers), f->err, COCO_ERR_LIMIT, "layers of more than");
    assert_null(layers.fetch);
    assert_int_equal(f->asked, 0);
}

static void
layers_are_unpacked_over_each_other(void **state)
{
    struct fixture *f = *state;
    _cleanup_layers_ struct coco_layers layers = {0};

    assert_ok(open_layers(f, &layers), f->err);
    assert_int_equal(f->asked, 0);
    for (size_t i = 0; i < N_LAYERS; i++)
        assert_ok(unpack(f, &layers, i), f->err);
    assert_file(f->top, "a", "content");
    assert_file(f->top, "c", "content");
    assert_int_equal(f->budget.entries, 997);
    assert_int_equal(layers.bytes, 3 * f->tars[0].len);
}

static void
a_layer_may_be_left_out(void **state)
{
    struct fixture *f = *state;
    _cleanup_layers_ struct coco_layers layers = {0};
    char path[80];

    assert_ok(open_layers(f, &layers), f->err);
    assert_ok(unpack(f, &layers, 0), f->err);
    coco_layers_stop(&layers);
    assert_ok(unpack(f, &layers, 2), f->err);
    assert_file(f->top, "c", "content");
    (void)snprintf(path, sizeof(path), "%s/b", f->top);
    assert_int_equal(access(path, F_OK), -1);
}

static void
a_failure_names_the_layer(void **state)
{
    struct fixture *f = *state;
    _cleanup_layers_ struct coco_layers layers = {0};

    f->diff_ids[1].bytes[0] ^= 1;
    assert_ok(open_layers(f, &layers), f->err);
    assert_ok(unpack(f, &layers, 0), f->err);
    assert_fails(unpack(f, &layers, 1), f->err, COCO_ERR_VERIFY, "layer 1: ");
}

static void
layers_survive_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        struct coco_layers layers = {0};

        f->budget.entries = 1000;
        f->budget.content = 1000;
        coco_status status = open_layers(f, &layers);
        for (size_t i = 0; i < N_LAYERS && status == COCO_OK; i++)
            status = unpack(f, &layers, i);
        coco_layers_done(&layers);
        fault_expect(status, f->err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_wrong_with_any_layer_is_told_before_the_first_is_asked_for),
        TEST(layers_are_unpacked_over_each_other),
        TEST(a_layer_may_be_left_out),
        TEST(a_failure_names_the_layer),
        TEST(layers_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/layers", tests, NULL, NULL);
}
