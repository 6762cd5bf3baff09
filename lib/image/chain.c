/*
 * image/chain.c - the layers of an image, each as a tree in a store
 *
 * Each tree is whole: the one below, cloned by links, with its layer unpacked over
 * it. For the unpacker replaces files and never writes into what is there, the tree
 * below stays as it is.
 *
 * Whoever makes an image holds the lock of its top, and while it makes a tree the lock
 * of that. Who holds one only ever waits for those of lower trees, so that nobody waits
 * for himself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/chain.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"
#include "image/clone.h"
#include "image/fingerprint.h"
#include "image/lock.h"
#include "image/staging.h"

#include <stdio.h>
#include <string.h>

struct build {
    const coco_store *store;
    coco_ctx *ctx;
    struct coco_layers *layers;
    struct coco_chain *chain;
    struct coco_unpack_budget budget; /* what is left of it */
};

/* image-spec config.md: ChainID(L0|...|Ln) = Digest(ChainID(L0|...|Ln-1) + " " + DiffID(Ln)) */
coco_status
coco_chain_ids(const struct coco_digest *diff_ids, size_t n, struct coco_digest *ret,
               coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < n && status == COCO_OK; i++) {
        char below[COCO_DIGEST_TEXT_SIZE];
        char own[COCO_DIGEST_TEXT_SIZE];
        char both[2 * COCO_DIGEST_TEXT_SIZE];

        if (i == 0) {
            ret[0] = diff_ids[0];
            continue;
        }
        coco_digest_format(&ret[i - 1], below);
        coco_digest_format(&diff_ids[i], own);
        int len = snprintf(both, sizeof(both), "%s %s", below, own);
        status = coco_digest_of(COCO_SHA256, both, (size_t)len, &ret[i], err);
    }
    return status;
}

/* *found says whether there was one, which is in the place of the top then. */
static coco_status
find_tree(struct build *build, size_t i, bool *found, coco_error **err)
{
    _cleanup_tree_ struct coco_tree tree = COCO_TREE_NONE;
    char name[COCO_STORE_NAME_SIZE];

    coco_store_name(&build->chain->ids[i], name);
    *found = coco_store_has(build->store->trees, name);
    if (!*found)
        return COCO_OK;
    coco_status status = coco_store_open_tree(build->store, &build->chain->ids[i], &tree, err);
    if (status == COCO_ERR_PROTO || status == COCO_ERR_LIMIT) /* it is not made anew by itself */
        return coco_wrap(err, status,
                         "a layer in the store is broken: forget the images that have it, and "
                         "prune the store");
    if (status != COCO_OK)
        return status;
    if (tree.ids_ignored > 0 && !build->budget.ids.ignore)
        return coco_ids_refuse(err, "a layer of the store, which was unpacked");
    if (tree.content > build->budget.content || tree.entries > build->budget.entries)
        return coco_fail(err, COCO_ERR_LIMIT, "more files than allowed, or bytes of them");
    build->budget.content -= tree.content;
    build->budget.entries -= tree.entries;
    build->chain->ids_ignored += tree.ids_ignored;
    coco_tree_done(&build->chain->top);
    build->chain->top = tree;
    tree = COCO_TREE_NONE;
    return COCO_OK;
}

static coco_status
copy_below(struct build *build, int rootfs, coco_error **err)
{
    const struct coco_tree *below = &build->chain->top;
    char name[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(&below->chain, name);
    struct coco_pulse pulse = coco_pulse_begin(build->ctx, name, COCO_PHASE_COPY);
    coco_status status = coco_clone_by_links(&pulse, below->rootfs, rootfs, err);
    if (status == COCO_OK)
        coco_pulse_end(&pulse);
    return status;
}

static coco_status
make_rootfs(struct build *build, const struct coco_staging *staging, int *ret, coco_error **err)
{
    const struct coco_tree *below = &build->chain->top;

    coco_status status = coco_dir_make_at(staging->dir, "rootfs", ret, err);
    if (status == COCO_OK && below->rootfs < 0)
        status = coco_meta_imply(*ret, err);
    else if (status == COCO_OK)
        status = copy_below(build, *ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "make 'rootfs'");
}

/* What is known of the tree, once its layer is unpacked. */
static coco_status
describe(struct build *build, size_t i, const struct coco_unpack_budget *before, int rootfs,
         int dir, coco_error **err)
{
    struct coco_tree tree = {
        .chain = build->chain->ids[i],
        .parent = build->chain->top.chain,
        .content = before->content - build->budget.content,
        .entries = before->entries - build->budget.entries,
        .ids_ignored = build->budget.ids.ignored,
    };
    char name[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(&tree.chain, name);
    struct coco_pulse pulse = coco_pulse_begin(build->ctx, name, COCO_PHASE_VERIFY);
    coco_status status =
        coco_fingerprint(&pulse, build->chain->top.rootfs, rootfs, &tree.fingerprint, err);
    if (status == COCO_OK)
        coco_pulse_end(&pulse);
    if (status == COCO_OK)
        status = coco_store_describe_tree(&tree, dir, err);
    return status;
}

static coco_status
make_tree(struct build *build, size_t i, bool *elsewhere, coco_error **err)
{
    _cleanup_staging_ struct coco_staging staging = COCO_STAGING_NONE;
    _cleanup_close_ int rootfs = -1;
    _cleanup_free_ char *path = NULL;
    char name[COCO_STORE_NAME_SIZE];
    const struct coco_unpack_budget before = build->budget;

    coco_store_name(&build->chain->ids[i], name);
    if (asprintf(&path, "%s/trees/%s", build->store->path, name) < 0) {
        path = NULL;
        return coco_fail_nomem(err);
    }
    coco_status status = coco_staging_begin(path, &staging, err);
    if (status == COCO_OK)
        status = make_rootfs(build, &staging, &rootfs, err);
    if (status == COCO_OK)
        status = coco_layers_unpack(build->layers, build->ctx, i, rootfs, &build->budget, elsewhere,
                                    err);
    if (status == COCO_OK)
        status = describe(build, i, &before, rootfs, staging.dir, err);
    if (status == COCO_OK)
        status = coco_staging_commit(&staging, build->ctx, err);
    build->budget = before;
    return status;
}

/* A place that has delivered a wrong layer is not asked again, and the others are. */
static coco_status
insist_on_tree(struct build *build, size_t i, coco_error **err)
{
    for (;;) {
        coco_error *cause = NULL;
        bool elsewhere = false;

        coco_status status = make_tree(build, i, &elsewhere, &cause);
        if (!elsewhere) {
            coco_error_give(err, cause);
            return status;
        }
        coco_ctx_log(build->ctx, COCO_LOG_WARN, "starting over: %s", coco_error_message(cause));
        coco_error_free(cause);
        coco_layers_stop(build->layers);
    }
}

/* What was found of layers in the meantime is not fetched, and may be on its way. */
static coco_status
get_tree(struct build *build, size_t i, coco_error **err)
{
    _cleanup_close_ int lock = -1;
    char name[COCO_STORE_NAME_SIZE];
    bool found = false;

    coco_status status = find_tree(build, i, &found, err);
    if (status == COCO_OK && !found && i + 1 < build->chain->n) {
        coco_store_name(&build->chain->ids[i], name);
        status = coco_lock(build->ctx, build->store->locks, name, true, &lock, err);
        if (status == COCO_OK)
            status = find_tree(build, i, &found, err);
    }
    if (status != COCO_OK)
        return status;
    if (found) {
        coco_layers_stop(build->layers);
        return COCO_OK;
    }
    status = insist_on_tree(build, i, err);
    if (status == COCO_OK)
        status = find_tree(build, i, &found, err);
    if (status == COCO_OK)
        build->chain->content += build->chain->top.content;
    return status;
}

static coco_status
build_all(struct build *build, coco_error **err)
{
    struct coco_chain *chain = build->chain;
    _cleanup_close_ int top = -1;
    char name[COCO_STORE_NAME_SIZE];

    coco_store_name(&chain->ids[chain->n - 1], name);
    coco_status status = coco_store_use(build->store, build->ctx, false, &chain->lock, err);
    if (status == COCO_OK)
        status = coco_lock(build->ctx, build->store->locks, name, true, &top, err);
    for (size_t i = 0; i < chain->n && status == COCO_OK; i++)
        status = get_tree(build, i, err);
    return status;
}

coco_status
coco_chain_build(const coco_store *store, coco_ctx *ctx, struct coco_layers *layers,
                 const coco_image_options *limits, struct coco_chain *ret, coco_error **err)
{
    struct build build = {
        .store = store,
        .ctx = ctx,
        .layers = layers,
        .chain = ret,
        .budget = {.content = limits->max_content,
                   .entries = limits->max_entries,
                   .ids.ignore = (limits->flags & COCO_IMAGE_IGNORE_CHOWN) != 0},
    };
    size_t n = layers->order.manifest->n_layers;

    if (n == 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "an image without layers, in a store");
    ret->ids = calloc(n, sizeof(*ret->ids));
    if (!ret->ids)
        return coco_fail_nomem(err);
    ret->n = n;
    coco_status status = coco_chain_ids(layers->order.diff_ids, n, ret->ids, err);
    return status == COCO_OK ? build_all(&build, err) : status;
}

void
coco_chain_done(struct coco_chain *chain)
{
    coco_tree_done(&chain->top);
    coco_closep(&chain->lock);
    free(chain->ids);
    *chain = COCO_CHAIN_NONE;
}
