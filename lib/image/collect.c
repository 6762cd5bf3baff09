/*
 * image/collect.c - removing trees that nobody has any more
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/inventory.h"

#include "base/fail.h"
#include "image/staging.h"

#include <string.h>
#include <sys/stat.h>

struct collect {
    const coco_store *store;
    cJSON *inventory;
    uint64_t freed;
};

static bool
is_in_images(const struct collect *collect, const char *chain)
{
    const cJSON *image;

    cJSON_ArrayForEach(image, cJSON_GetObjectItemCaseSensitive(collect->inventory, "images"))
        if (coco_inventory_has_layer(image, chain))
            return true;
    return false;
}

/* The tree below, or NULL. */
static const char *
parent_of(const struct collect *collect, const char *chain)
{
    const cJSON *tree;
    const char *parent = NULL;

    cJSON_ArrayForEach(tree, cJSON_GetObjectItemCaseSensitive(collect->inventory, "trees")) {
        const char *own = NULL;

        if (coco_json_get_string(tree, "chain", &own, NULL) == COCO_OK && strcmp(own, chain) == 0)
            (void)coco_json_get_string_opt(tree, "parent", &parent, NULL);
    }
    return parent;
}

/* Also as one below: a tree is verified by its parent, and would not fit one that is made anew. */
static bool
is_under_bundle(const struct collect *collect, const char *chain)
{
    const cJSON *bundle;
    /* Records might go in a circle. */
    int most = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(collect->inventory, "trees"));

    cJSON_ArrayForEach(bundle, cJSON_GetObjectItemCaseSensitive(collect->inventory, "bundles")) {
        const char *tree = NULL;

        (void)coco_json_get_string(bundle, "tree", &tree, NULL);
        for (int depth = 0; tree && depth < most; depth++) {
            if (strcmp(tree, chain) == 0)
                return true;
            tree = parent_of(collect, tree);
        }
    }
    return false;
}

static coco_status
collect_tree(void *self, const char *name, coco_error **err)
{
    struct collect *collect = self;
    _cleanup_tree_ struct coco_tree tree = COCO_TREE_NONE;
    char text[COCO_DIGEST_TEXT_SIZE];
    struct coco_digest chain;

    if (!coco_store_name_parse(name, &chain))
        return COCO_OK;
    coco_digest_format(&chain, text);
    if (is_in_images(collect, text) || is_under_bundle(collect, text))
        return COCO_OK;
    /* How large one is that has gone bad nobody knows. */
    if (coco_store_open_tree(collect->store, &chain, &tree, NULL) == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    coco_status status = coco_staging_discard(collect->store->trees, name, err);
    if (status == COCO_OK)
        collect->freed += tree.content;
    return status;
}

/* A bundle that is no more there holds nothing. */
static coco_status
forget_bundle(void *self, const char *file, coco_error **err)
{
    const coco_store *store = self;
    _cleanup_json_ cJSON *record = NULL;
    const char *path = NULL;
    struct stat st;

    coco_status status = coco_store_read(store->bundles, file, &record, err);
    if (status == COCO_OK)
        status = coco_json_get_string(record, "path", &path, err);
    if (status != COCO_OK || lstat(path, &st) == 0 || errno != ENOENT)
        return status;
    if (unlinkat(store->bundles, file, 0) < 0)
        return coco_fail_errno(err, errno, "remove '%s'", file);
    return COCO_OK;
}

/* Nobody can hold one: all who do use the store. */
static coco_status
remove_lock(void *self, const char *name, coco_error **err)
{
    const struct collect *collect = self;

    if (unlinkat(collect->store->locks, name, 0) < 0)
        return coco_fail_errno(err, errno, "remove the lock '%s'", name);
    return COCO_OK;
}

/* Which layers a record that cannot be read has nobody knows, and so which are nobody's. */
static coco_status
check_images(const cJSON *inventory, coco_error **err)
{
    const cJSON *image;

    cJSON_ArrayForEach(image, cJSON_GetObjectItemCaseSensitive(inventory, "images")) {
        const char *digest =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(image, "digest"));

        if (cJSON_GetObjectItemCaseSensitive(image, "broken"))
            return coco_fail(err, COCO_ERR_PROTO,
                             "the record of %s is broken: forget the image, or pull it again",
                             digest);
    }
    return COCO_OK;
}

coco_status
coco_store_collect(coco_store *store, coco_ctx *ctx, uint64_t *ret, coco_error **err)
{
    _cleanup_json_ cJSON *inventory = NULL;
    _cleanup_close_ int lock = -1;

    coco_status status = coco_store_use(store, ctx, true, &lock, err);
    if (status != COCO_OK)
        return status;
    coco_staging_sweep(store->trees);
    status = coco_store_each(store->bundles, forget_bundle, store, err);
    if (status == COCO_OK)
        status = coco_inventory_take(store, ctx, &inventory, err);
    if (status == COCO_OK)
        status = check_images(inventory, err);
    struct collect collect = {.store = store, .inventory = inventory};
    if (status == COCO_OK)
        status = coco_store_each(store->trees, collect_tree, &collect, err);
    if (status == COCO_OK)
        status = coco_store_each(store->locks, remove_lock, &collect, err);
    *ret = collect.freed;
    return status;
}
