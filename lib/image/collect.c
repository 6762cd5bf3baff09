/*
 * image/collect.c - removing trees that nobody has any more
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/inventory.h"

#include "base/fail.h"
#include "base/secret.h"
#include "base/text.h"
#include "image/remove.h"
#include "image/staging.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RANDOM_SIZE 8

struct collect {
    const coco_store *store;
    cJSON *inventory;
    uint64_t freed;
};

static bool
has_layer(const cJSON *image, const char *chain)
{
    const cJSON *layer;

    cJSON_ArrayForEach(layer, cJSON_GetObjectItemCaseSensitive(image, "layers"))
        if (cJSON_IsString(layer) && strcmp(layer->valuestring, chain) == 0)
            return true;
    return false;
}

static bool
is_in_images(const struct collect *collect, const char *chain)
{
    const cJSON *image;

    cJSON_ArrayForEach(image, cJSON_GetObjectItemCaseSensitive(collect->inventory, "images"))
        if (has_layer(image, chain))
            return true;
    return false;
}

/* A bundle that is no more there holds nothing. */
static bool
is_under_bundle(const struct collect *collect, const char *chain)
{
    const cJSON *bundle;
    struct stat st;

    cJSON_ArrayForEach(bundle, cJSON_GetObjectItemCaseSensitive(collect->inventory, "bundles")) {
        const char *path = NULL;
        const char *tree = NULL;

        if (coco_json_get_string(bundle, "path", &path, NULL) == COCO_OK
            && coco_json_get_string(bundle, "tree", &tree, NULL) == COCO_OK
            && strcmp(tree, chain) == 0 && (lstat(path, &st) == 0 || errno != ENOENT))
            return true;
    }
    return false;
}

/*
 * A tree that is half removed must not be taken for one: it loses its name first, and
 * has that of a staging directory whose owner is gone.
 */
static coco_status
remove_tree(const struct collect *collect, const char *name, coco_error **err)
{
    uint8_t bytes[RANDOM_SIZE];
    char suffix[2 * RANDOM_SIZE + 1];
    char stale[COCO_STORE_NAME_SIZE + 32];

    coco_status status = coco_random(bytes, sizeof(bytes), err);
    if (status != COCO_OK)
        return status;
    coco_hex(bytes, sizeof(bytes), suffix);
    (void)snprintf(stale, sizeof(stale), ".%s.coco-%s", name, suffix);
    if (renameat(collect->store->trees, name, collect->store->trees, stale) < 0)
        return coco_fail_errno(err, errno, "rename '%s'", name);
    return coco_remove(collect->store->trees, stale, err);
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
    coco_status status = coco_store_open_tree(collect->store, &chain, &tree, err);
    if (status == COCO_OK)
        status = remove_tree(collect, name, err);
    if (status == COCO_OK)
        collect->freed += tree.content;
    return status;
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

coco_status
coco_store_collect(coco_store *store, coco_ctx *ctx, uint64_t *ret, coco_error **err)
{
    _cleanup_json_ cJSON *inventory = NULL;
    _cleanup_close_ int lock = -1;

    coco_status status = coco_store_use(store, ctx, true, &lock, err);
    if (status != COCO_OK)
        return status;
    coco_staging_sweep(store->trees);
    status = coco_inventory_take(store, ctx, &inventory, err);
    struct collect collect = {.store = store, .inventory = inventory};
    if (status == COCO_OK)
        status = coco_store_each(store->trees, collect_tree, &collect, err);
    if (status == COCO_OK)
        status = coco_store_each(store->locks, remove_lock, &collect, err);
    *ret = collect.freed;
    return status;
}
