/*
 * image/pull.c - an image from a source into a bundle
 *
 * policy -> manifest -> config -> per layer: blob -> [digest, size] -> pipeline -> files in
 * staging; then config.json, and all of it is put in its place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/pull.h"

#include "base/bytes.h"
#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"
#include "image/bundle.h"
#include "image/meta.h"
#include "image/fetch.h"
#include "image/pipeline.h"
#include "image/remove.h"
#include "image/staging.h"

#include <coco/kbc.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG_SIZE_MAX ((size_t)4 << 20)
#define BUNDLE_CONFIG_MAX ((size_t)8 << 20)

/* What every step of one pull needs. */
struct pull {
    const struct coco_pull_order *order;
    coco_ctx *ctx;
    struct coco_unpack_budget budget;       /* what is left of it */
    struct coco_unpack_budget whole_budget; /* before the first layer */
    const struct coco_manifest *manifest;
    struct coco_layer_key *keys; /* of its layers, where they are encrypted */
    struct coco_fetch *fetch;
    int rootfs;
};

static void
pull_done(struct pull *pull)
{
    coco_fetch_free(pull->fetch);
    for (size_t i = 0; pull->keys && i < pull->manifest->n_layers; i++)
        coco_layer_key_done(&pull->keys[i]);
    free(pull->keys);
    coco_closep(&pull->rootfs);
}

/* Asks a key broker for the key that a layer's key is wrapped by, if that may be one (T21). */
static coco_status
get_kek(void *self, coco_ctx *ctx, const char *uri, struct coco_secret *ret, coco_error **err)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    const coco_image_client *client = *(const coco_image_client **)self;
    struct coco_resource_path path;

    coco_status status = coco_resource_uri_parse(uri, &path, err);
    if (status == COCO_OK && !coco_resource_prefix_covers(&client->kek_prefix, &path))
        status =
            coco_fail(err, COCO_ERR_DENIED, "%s is not under kbs:///%s, where keys of layers are",
                      uri, client->kek_prefix.text);
    if (status == COCO_OK)
        status = coco_kbc_get_resource(client->kbc, ctx, uri, &bytes, err);
    if (status != COCO_OK)
        return status;
    if (coco_bytes_size(bytes) != COCO_LAYER_KEY_SIZE)
        return coco_fail(err, COCO_ERR_VERIFY, "the resource is not a key of %d bytes",
                         COCO_LAYER_KEY_SIZE);
    return coco_secret_copy(coco_bytes_data(bytes), coco_bytes_size(bytes), ret, err);
}

static coco_status
open_layer(const struct pull *pull, const struct coco_descriptor *layer, struct coco_layer_key *ret,
           coco_error **err)
{
    const coco_image_client *client = pull->order->client;
    const struct coco_kek_source kek = {.get = get_kek, .self = &client};
    const struct coco_openers openers = {
        .keys = client->keys,
        .n_keys = client->n_keys,
        .kek = client->kbc ? &kek : NULL,
    };

    return coco_annotations_open(layer->annotations, &openers, pull->ctx, ret, err);
}

/* All of them before the first byte of a layer: whoever may not have a key is told so at once. */
static coco_status
open_layers(struct pull *pull, coco_error **err)
{
    const struct coco_manifest *manifest = pull->manifest;
    coco_status status = COCO_OK;

    pull->keys = calloc(manifest->n_layers + 1, sizeof(*pull->keys));
    if (!pull->keys)
        return coco_fail_nomem(err);
    for (size_t i = 0; i < manifest->n_layers; i++) {
        enum coco_compression compression;
        bool encrypted = false;

        status =
            coco_layer_media_type(manifest->layers[i].media_type, &compression, &encrypted, err);
        if (status == COCO_OK && encrypted)
            status = open_layer(pull, &manifest->layers[i], &pull->keys[i], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
    }
    return COCO_OK;
}

static coco_status
pull_layer(struct pull *pull, size_t i, const struct coco_digest *diff_id, bool *elsewhere,
           coco_error **err)
{
    const struct coco_descriptor *layer = &pull->manifest->layers[i];
    _cleanup_pipeline_ struct coco_pipeline pipeline = {0};
    struct coco_pipeline_order order = {
        .root = pull->rootfs,
        .budget = &pull->budget,
        .diff_id = diff_id,
        .max_ratio = pull->order->limits.max_ratio,
        .blob_size = layer->size,
        .max_memory = pull->order->limits.max_memory,
    };
    bool encrypted;

    coco_status status =
        coco_layer_media_type(layer->media_type, &order.compression, &encrypted, err);
    if (encrypted)
        order.key = &pull->keys[i];
    if (status == COCO_OK)
        status = coco_pipeline_begin(&pipeline, &order, err);
    if (status != COCO_OK)
        return status;
    return coco_fetch_layer(pull->fetch, pull->ctx, i, &pipeline.sink, elsewhere, err);
}

/* Refuses too much before the first byte of it is fetched. */
static coco_status
add_up(const struct pull *pull, uint64_t *ret, coco_error **err)
{
    const struct coco_manifest *manifest = pull->manifest;
    uint64_t left = pull->order->limits.max_bytes;

    for (size_t i = 0; i < manifest->n_layers; i++) {
        if (manifest->layers[i].size > left)
            return coco_fail(err, COCO_ERR_LIMIT, "layers of more than %llu bytes",
                             (unsigned long long)pull->order->limits.max_bytes);
        left -= manifest->layers[i].size;
    }
    *ret = pull->order->limits.max_bytes - left;
    return COCO_OK;
}

/* One plain layer is enough for whoever wants to be run (T18). */
static coco_status
check_encryption(const struct pull *pull, coco_error **err)
{
    const struct coco_manifest *manifest = pull->manifest;

    for (size_t i = 0; i < manifest->n_layers && pull->order->client->require_encryption; i++) {
        enum coco_compression compression;
        bool encrypted = false;

        coco_status status =
            coco_layer_media_type(manifest->layers[i].media_type, &compression, &encrypted, err);
        if (status == COCO_OK && !encrypted)
            status = coco_fail(err, COCO_ERR_VERIFY, "it is not encrypted, and has to be");
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
    }
    return COCO_OK;
}

static coco_status
get_config(const struct pull *pull, struct coco_image_config *ret, coco_error **err)
{
    const struct coco_manifest *manifest = pull->manifest;
    _cleanup_buf_ struct coco_buf text = {.limit = CONFIG_SIZE_MAX};
    _cleanup_image_config_ struct coco_image_config config = {0};

    coco_status status =
        coco_source_small_blob(pull->order->source, pull->ctx, &manifest->config, &text, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "image config");
    status =
        coco_image_config_parse(text.data, text.len, &pull->order->client->platform, &config, err);
    if (status != COCO_OK)
        return status;
    if (config.n_diff_ids != manifest->n_layers)
        return coco_fail(err, COCO_ERR_PROTO, "%zu layers, but %zu diff_ids", manifest->n_layers,
                         config.n_diff_ids);
    *ret = config;
    config = (struct coco_image_config){0};
    return COCO_OK;
}

static coco_status
make_rootfs(const struct coco_staging *staging, int *ret, coco_error **err)
{
    if (mkdirat(staging->dir, "rootfs", 0700) < 0)
        return coco_fail_errno(err, errno, "make 'rootfs'");
    _cleanup_close_ int rootfs =
        openat(staging->dir, "rootfs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (rootfs < 0)
        return coco_fail_errno(err, errno, "make 'rootfs'");
    coco_status status = coco_meta_imply(rootfs, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "make 'rootfs'");
    *ret = rootfs;
    rootfs = -1;
    return COCO_OK;
}

static coco_status
write_config(const struct pull *pull, const struct coco_staging *staging,
             const struct coco_image_config *config, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = BUNDLE_CONFIG_MAX};

    coco_status status = coco_bundle_config(config, pull->rootfs, &text, err);
    if (status != COCO_OK)
        return status;
    _cleanup_close_ int fd = openat(staging->dir, "config.json",
                                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || fchmod(fd, 0644) < 0)
        return coco_fail_errno(err, errno, "make 'config.json'");
    return coco_fd_write_all(fd, text.data, text.len, err);
}

static coco_status
pull_layers(struct pull *pull, const struct coco_image_config *config, bool *elsewhere,
            coco_error **err)
{
    for (size_t i = 0; i < pull->manifest->n_layers; i++) {
        coco_status status = coco_ctx_check(pull->ctx, err);
        if (status == COCO_OK)
            status = pull_layer(pull, i, &config->diff_ids[i], elsewhere, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
    }
    return COCO_OK;
}

/* A place has delivered a wrong layer, which is in the files by now: all of them go. */
static coco_status
start_over(struct pull *pull, const struct coco_staging *staging, coco_error **cause,
           coco_error **err)
{
    coco_ctx_log(pull->ctx, COCO_LOG_WARN, "starting over: %s", coco_error_message(*cause));
    coco_error_free(coco_steal(cause));
    coco_closep(&pull->rootfs);
    pull->rootfs = -1;
    coco_fetch_stop(pull->fetch);
    return coco_remove(staging->dir, "rootfs", err);
}

static coco_status
fill_rootfs(struct pull *pull, const struct coco_image_config *config,
            const struct coco_staging *staging, coco_error **err)
{
    for (;;) {
        coco_error *cause = NULL;
        bool elsewhere = false;

        coco_status status = make_rootfs(staging, &pull->rootfs, err);
        if (status != COCO_OK)
            return status;
        pull->budget = pull->whole_budget;
        status = pull_layers(pull, config, &elsewhere, &cause);
        if (!elsewhere) {
            coco_error_give(err, cause);
            return status;
        }
        status = start_over(pull, staging, &cause, err);
        if (status != COCO_OK)
            return status;
    }
}

static coco_status
fill_staging(struct pull *pull, const struct coco_image_config *config,
             const struct coco_staging *staging, coco_error **err)
{
    const struct coco_fetch_order order = {
        .source = pull->order->source,
        .layers = pull->manifest->layers,
        .n_layers = pull->manifest->n_layers,
        .max_memory = pull->order->limits.max_memory / 16,
    };
    coco_status status = coco_fetch_new(&order, &pull->fetch, err);

    if (status == COCO_OK)
        status = fill_rootfs(pull, config, staging, err);
    if (status == COCO_OK)
        status = write_config(pull, staging, config, err);
    /* From here on it would be seen. */
    if (status == COCO_OK)
        status = coco_ctx_check(pull->ctx, err);
    return status;
}

coco_status
coco_pull_from(const struct coco_pull_order *order, coco_ctx *ctx, coco_image **ret,
               coco_error **err)
{
    _cleanup_staging_ struct coco_staging staging = COCO_STAGING_NONE;
    _cleanup_resolved_ struct coco_resolved found = {0};
    _cleanup_image_config_ struct coco_image_config config = {0};
    const coco_image_options *limits = &order->limits;
    _cleanup_(pull_done) struct pull pull = {
        .order = order,
        .ctx = ctx,
        .whole_budget = {.content = limits->max_content,
                         .entries = limits->max_entries,
                         .ids.ignore = (limits->flags & COCO_IMAGE_IGNORE_CHOWN) != 0},
        .manifest = &found.manifest,
        .rootfs = -1,
    };
    uint64_t layers = 0;

    _cleanup_(coco_image_freep) coco_image *image = calloc(1, sizeof(*image));
    if (!image)
        return coco_fail_nomem(err);
    coco_status status = coco_staging_begin(order->dir, &staging, err);
    if (status == COCO_OK)
        status = coco_source_resolve(order->source, ctx, order->ref, &order->client->platform,
                                     limits->max_layers, &found, err);
    if (status == COCO_OK)
        status = add_up(&pull, &layers, err);
    if (status == COCO_OK)
        status = check_encryption(&pull, err);
    if (status == COCO_OK)
        status = get_config(&pull, &config, err);
    if (status == COCO_OK)
        status = open_layers(&pull, err);
    if (status == COCO_OK)
        status = fill_staging(&pull, &config, &staging, err);
    if (status == COCO_OK)
        status = coco_staging_commit(&staging, err);
    if (status != COCO_OK)
        return status;

    image->digest = found.digest;
    coco_digest_format(&found.digest, image->digest_text);
    image->n_layers = found.manifest.n_layers;
    image->bytes_read = found.text.len + found.manifest.config.size + layers;
    image->ids_ignored = pull.budget.ids.ignored;
    image->bytes_written = limits->max_content - pull.budget.content;
    *ret = coco_steal(&image);
    return COCO_OK;
}

/* Judges the name that was asked for, before anything is asked of anybody (T11, T33). */
static coco_status
check_policy(const coco_image_client *client, const coco_image_ref *ref, coco_error **err)
{
    const char *registry = coco_image_ref_registry(ref);
    const char *repository = coco_image_ref_repository(ref);
    _cleanup_free_ char *name = NULL;

    if (!registry) {
        name = realpath(repository, NULL);
        if (!name && errno == ENOENT)
            return coco_fail(err, COCO_ERR_NOTFOUND, "no layout '%s'", repository);
        if (!name)
            return coco_fail_errno(err, errno, "'%s'", repository);
    } else if (asprintf(&name, "%s/%s", registry, repository) < 0) {
        name = NULL;
        return coco_fail_nomem(err);
    }
    const struct coco_policy_image image = {
        .transport = coco_image_ref_transport(ref),
        .name = name,
        .tag = coco_image_ref_tag(ref),
        .digest = coco_image_ref_digest(ref),
    };
    return coco_policy_check(client->policy, &image, err);
}

coco_status
coco_image_pull(coco_image_client *client, coco_ctx *ctx, const coco_image_ref *ref,
                const char *dir, const coco_image_options *opts, coco_image **ret, coco_error **err)
{
    _cleanup_source_ struct coco_source source = {0};
    struct coco_pull_order order = {.client = client, .source = &source, .ref = ref, .dir = dir};

    coco_status status = coco_image_options_set(&order.limits, opts, err);
    if (status == COCO_OK)
        status = check_policy(client, ref, err);
    if (status == COCO_OK)
        status = coco_client_source(client, &order.limits, ref, &source, err);
    if (status == COCO_OK)
        status = coco_pull_from(&order, ctx, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", coco_image_ref_text(ref));
    return COCO_OK;
}
