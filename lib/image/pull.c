/*
 * image/pull.c - an image from a source into a bundle
 *
 * policy -> manifest -> config -> per layer: blob -> [digest, size] -> pipeline -> files in
 * staging; then config.json, and all of it is put in its place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/pull.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"
#include "image/bundle.h"
#include "image/chain.h"
#include "image/clone.h"
#include "image/layers.h"
#include "image/meta.h"
#include "image/overlay.h"
#include "image/remove.h"
#include "image/signatures.h"
#include "image/staging.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define BUNDLE_CONFIG_MAX ((size_t)8 << 20)

/* What every step of one pull needs. */
struct pull {
    const struct coco_pull_order *order;
    coco_ctx *ctx;
    struct coco_unpack_budget budget; /* what is left of it */
    struct coco_resolved found;
    struct coco_image_config config;
    struct coco_layers layers;
    struct coco_chain chain; /* with a store */
    char *overlaid;          /* path of the bundle that the store was told of, until it is there */
    int rootfs;
    uint64_t written; /* bytes of files */
    uint64_t ids_ignored;
};

static void
pull_done(struct pull *pull)
{
    /* The path may be another bundle's before long. */
    if (pull->overlaid)
        coco_store_drop_bundle(pull->order->client->store, pull->overlaid);
    free(pull->overlaid);
    coco_chain_done(&pull->chain);
    coco_layers_done(&pull->layers);
    coco_image_config_done(&pull->config);
    coco_resolved_done(&pull->found);
    coco_closep(&pull->rootfs);
}

static coco_status
get_config(struct pull *pull, coco_error **err)
{
    const struct coco_manifest *manifest = &pull->found.manifest;

    coco_status status = coco_source_config(pull->order->source, pull->ctx, manifest,
                                            &pull->order->client->platform, &pull->config, err);
    return status == COCO_OK ? coco_image_config_fits(&pull->config, manifest->n_layers, err)
                             : status;
}

static coco_status
open_layers(struct pull *pull, coco_error **err)
{
    const struct coco_layers_order order = {
        .client = pull->order->client,
        .source = pull->order->source,
        .manifest = &pull->found.manifest,
        .diff_ids = pull->config.diff_ids,
        .limits = &pull->order->limits,
    };

    return coco_layers_open(&order, pull->ctx, &pull->layers, err);
}

static coco_status
make_rootfs(const struct coco_staging *staging, int *ret, coco_error **err)
{
    coco_status status = coco_dir_make_at(staging->dir, "rootfs", ret, err);

    if (status == COCO_OK)
        status = coco_meta_imply(*ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "make 'rootfs'");
}

static coco_status
write_config(const struct pull *pull, const struct coco_staging *staging, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = BUNDLE_CONFIG_MAX};

    coco_status status = coco_bundle_config(&pull->config, pull->rootfs, &text, err);
    if (status != COCO_OK)
        return status;
    _cleanup_close_ int fd = openat(staging->dir, "config.json",
                                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || fchmod(fd, 0644) < 0)
        return coco_fail_errno(err, errno, "make 'config.json'");
    return coco_fd_write_all(fd, text.data, text.len, err);
}

static coco_status
unpack_layers(struct pull *pull, bool *elsewhere, coco_error **err)
{
    const coco_image_options *limits = &pull->order->limits;

    pull->budget = (struct coco_unpack_budget){
        .content = limits->max_content,
        .entries = limits->max_entries,
        .ids.ignore = (limits->flags & COCO_IMAGE_IGNORE_CHOWN) != 0,
    };
    for (size_t i = 0; i < pull->found.manifest.n_layers; i++) {
        coco_status status = coco_ctx_check(pull->ctx, err);
        if (status == COCO_OK)
            status = coco_layers_unpack(&pull->layers, pull->ctx, i, pull->rootfs, &pull->budget,
                                        elsewhere, err);
        if (status != COCO_OK)
            return status;
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
    coco_layers_stop(&pull->layers);
    return coco_remove(staging->dir, "rootfs", err);
}

static coco_status
fill_rootfs(struct pull *pull, const struct coco_staging *staging, coco_error **err)
{
    for (;;) {
        coco_error *cause = NULL;
        bool elsewhere = false;

        coco_status status = make_rootfs(staging, &pull->rootfs, err);
        if (status != COCO_OK)
            return status;
        status = unpack_layers(pull, &elsewhere, &cause);
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
add_to_store(struct pull *pull, const coco_store *store, coco_error **err)
{
    coco_status status =
        coco_chain_build(store, pull->ctx, &pull->layers, &pull->order->limits, &pull->chain, err);

    if (status == COCO_OK)
        status = coco_store_add_image(store, pull->ctx, &pull->found.digest,
                                      coco_image_ref_text(pull->order->ref), pull->chain.ids,
                                      pull->chain.n, err);
    pull->written = pull->chain.content;
    pull->ids_ignored = pull->chain.ids_ignored;
    return status;
}

/* The store has to know of the bundle before it is there, lest its tree be collected. */
static coco_status
lay_over(struct pull *pull, const coco_store *store, const struct coco_staging *staging,
         coco_error **err)
{
    coco_status status = coco_overlay_mount(staging->dir, pull->chain.top.rootfs, err);
    if (status == COCO_OK)
        status = coco_staging_path(staging, &pull->overlaid, err);
    if (status == COCO_OK)
        status =
            coco_store_add_bundle(store, pull->ctx, pull->overlaid, &pull->chain.top.chain, err);
    if (status != COCO_OK)
        return status;
    pull->rootfs = openat(staging->dir, "rootfs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return pull->rootfs < 0 ? coco_fail_errno(err, errno, "open 'rootfs'") : COCO_OK;
}

static coco_status
copy_tree(struct pull *pull, coco_error **err)
{
    char name[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(&pull->chain.top.chain, name);
    struct coco_pulse pulse = coco_pulse_begin(pull->ctx, name, COCO_PHASE_COPY);
    coco_status status = coco_clone_by_copies(&pulse, pull->chain.top.rootfs, pull->rootfs, err);
    if (status == COCO_OK)
        coco_pulse_end(&pulse);
    pull->written += pulse.progress.done;
    return status;
}

static coco_status
fill_from_store(struct pull *pull, const struct coco_staging *staging, coco_error **err)
{
    const coco_store *store = pull->order->client->store;

    coco_status status = add_to_store(pull, store, err);
    if (status != COCO_OK)
        return status;
    if (pull->order->limits.flags & COCO_IMAGE_OVERLAY)
        return lay_over(pull, store, staging, err);
    status = make_rootfs(staging, &pull->rootfs, err);
    return status == COCO_OK ? copy_tree(pull, err) : status;
}

static coco_status
fill(struct pull *pull, const struct coco_staging *staging, coco_error **err)
{
    if (pull->order->client->store)
        return fill_from_store(pull, staging, err);
    if (pull->order->limits.flags & COCO_IMAGE_OVERLAY)
        return coco_fail(err, COCO_ERR_INVALID, "an overlay of a store that is not there");
    coco_status status = fill_rootfs(pull, staging, err);
    pull->written = pull->order->limits.max_content - pull->budget.content;
    pull->ids_ignored = pull->budget.ids.ignored;
    return status;
}

static coco_status
judge(const struct pull *pull, coco_error **err)
{
    const struct coco_found_image image = {pull->order->client, pull->order->ref,
                                           &pull->order->limits, &pull->found};

    return coco_signatures_judge(&image, pull->ctx, err);
}

static coco_status
make_bundle(struct pull *pull, struct coco_staging *staging, coco_error **err)
{
    coco_status status = coco_staging_begin(pull->order->dir, staging, err);
    if (status == COCO_OK)
        status = coco_source_resolve(pull->order->source, pull->ctx, pull->order->ref,
                                     &pull->order->client->platform, pull->order->limits.max_layers,
                                     &pull->found, err);
    if (status == COCO_OK && pull->order->judged)
        status = judge(pull, err);
    if (status == COCO_OK)
        status = get_config(pull, err);
    if (status == COCO_OK)
        status = open_layers(pull, err);
    if (status == COCO_OK)
        status = fill(pull, staging, err);
    if (status == COCO_OK)
        status = write_config(pull, staging, err);
    /* From here on it would be seen. */
    if (status == COCO_OK)
        status = coco_ctx_check(pull->ctx, err);
    if (status == COCO_OK)
        status = coco_staging_commit(staging, pull->ctx, err);
    return status;
}

coco_status
coco_pull_from(const struct coco_pull_order *order, coco_ctx *ctx, coco_image **ret,
               coco_error **err)
{
    /* Removed last: that takes a descriptor, and there may be none left before. */
    _cleanup_staging_ struct coco_staging staging = COCO_STAGING_NONE;
    _cleanup_(pull_done) struct pull pull = {
        .order = order, .ctx = ctx, .chain = COCO_CHAIN_NONE, .rootfs = -1};
    _cleanup_(coco_image_freep) coco_image *image = calloc(1, sizeof(*image));
    if (!image)
        return coco_fail_nomem(err);

    coco_status status = make_bundle(&pull, &staging, err);
    if (staging.committed)
        free(coco_steal(&pull.overlaid));
    if (status != COCO_OK)
        return status;
    image->digest = pull.found.digest;
    coco_digest_format(&pull.found.digest, image->digest_text);
    image->n_layers = pull.found.manifest.n_layers;
    image->bytes_read = pull.found.text.len + pull.found.manifest.config.size + pull.layers.bytes;
    image->ids_ignored = pull.ids_ignored;
    image->bytes_written = pull.written;
    *ret = coco_steal(&image);
    return COCO_OK;
}

/* Judges the name that was asked for, before anything is asked of anybody (T11, T33). */
static coco_status
check_policy(const coco_image_client *client, const coco_image_ref *ref, coco_error **err)
{
    _cleanup_free_ char *name = NULL;

    coco_status status = coco_signatures_name_of(ref, &name, err);
    if (status != COCO_OK)
        return status;
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
    struct coco_pull_order order = {
        .client = client, .source = &source, .ref = ref, .dir = dir, .judged = true};

    coco_status status = coco_image_options_set(&order.limits, opts,
                                                COCO_IMAGE_IGNORE_CHOWN | COCO_IMAGE_OVERLAY, err);
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
