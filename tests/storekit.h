/*
 * tests/storekit.h - a store, and images pulled into it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_STOREKIT_H
#define COCO_TESTS_STOREKIT_H

#include "base/cleanup.h"
#include "base/context.h"
#include "image/client.h"
#include "image/pull.h"
#include "image/store.h"
#include "tests/fakeimage.h"
#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct storekit {
    char top[64];
    char path[80]; /* of the store */
    coco_store *store;
    coco_ctx *ctx;
    coco_image_client *client;
    coco_image_options opts;
    struct fake_image image;
    coco_image *pulled; /* what the last pull came to */
    coco_error *err;
};

static inline int
storekit_setup(void **state)
{
    struct storekit *kit = calloc(1, sizeof(*kit));

    assert_non_null(kit);
    make_temp_dir(kit->top, sizeof(kit->top));
    (void)snprintf(kit->path, sizeof(kit->path), "%s/store", kit->top);
    assert_ok(coco_store_open(kit->path, &kit->store, &kit->err), kit->err);
    assert_ok(coco_ctx_new(&kit->ctx, &kit->err), kit->err);
    assert_ok(coco_image_client_new(&kit->client, &kit->err), kit->err);
    assert_ok(coco_image_client_set_platform(kit->client, "linux/amd64", &kit->err), kit->err);
    coco_image_client_set_store(kit->client, kit->store);
    assert_ok(coco_image_options_set(&kit->opts, NULL, 0, &kit->err), kit->err);
    *state = kit;
    return 0;
}

static inline int
storekit_teardown(void **state)
{
    struct storekit *kit = *state;

    coco_image_free(kit->pulled);
    coco_image_client_free(kit->client);
    coco_ctx_free(kit->ctx);
    coco_store_free(kit->store);
    coco_error_free(kit->err);
    remove_temp_dir(kit->top);
    free(kit);
    return 0;
}

/* Pulls the fake image of so many layers, as r.test/app:<layers>, to <top>/<name>. */
static inline coco_status
storekit_pull(struct storekit *kit, size_t n_layers, const char *name)
{
    coco_image_ref *ref = NULL;
    char text[40];
    char dir[120];
    unsigned lies = kit->image.lies;

    fake_image_make(&kit->image, n_layers);
    kit->image.lies = lies;
    (void)snprintf(text, sizeof(text), "r.test/app:%zu", n_layers);
    (void)snprintf(dir, sizeof(dir), "%s/%s", kit->top, name);
    coco_image_free(kit->pulled);
    kit->pulled = NULL;
    coco_status status = coco_image_ref_parse(text, &ref, &kit->err);
    const struct coco_pull_order order = {kit->client, &kit->image.source, ref,
                                          dir,         kit->opts,          false};
    if (status == COCO_OK)
        status = coco_pull_from(&order, kit->ctx, &kit->pulled, &kit->err);
    coco_image_ref_free(ref);
    return status;
}

/* Path of something beneath the top, in a buffer of the kit's user. */
#define storekit_path(kit, buf, ...)                                                               \
    do {                                                                                           \
        int n_ = snprintf(buf, sizeof(buf), "%s/", (kit)->top);                                    \
        (void)snprintf((buf) + n_, sizeof(buf) - (size_t)n_, __VA_ARGS__);                         \
    } while (0)

/* The trees directory's entry of the first n layers. */
static inline void
storekit_tree(struct storekit *kit, size_t n, char *buf, size_t size)
{
    struct coco_digest chain = kit->image.diff_ids[0];
    char name[COCO_STORE_NAME_SIZE];

    for (size_t i = 1; i < n; i++) {
        char a[COCO_DIGEST_TEXT_SIZE];
        char b[COCO_DIGEST_TEXT_SIZE];
        char both[2 * COCO_DIGEST_TEXT_SIZE];

        coco_digest_format(&chain, a);
        coco_digest_format(&kit->image.diff_ids[i], b);
        int len = snprintf(both, sizeof(both), "%s %s", a, b);
        assert_ok(coco_digest_of(COCO_SHA256, both, (size_t)len, &chain, &kit->err), kit->err);
    }
    coco_store_name(&chain, name);
    (void)snprintf(buf, size, "%s/trees/%s", kit->path, name);
}

#endif
