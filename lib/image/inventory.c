/*
 * image/inventory.c - what is in a store
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/store.h"

#include "base/bytes.h"
#include "base/context.h"
#include "base/fail.h"
#include "image/inventory.h"
#include "image/lock.h"
#include "image/overlay.h"
#include "image/remove.h"

#include <fcntl.h>
#include <string.h>

#define LIST_MAX ((size_t)64 << 20)

struct inventory {
    const coco_store *store;
    coco_ctx *ctx;
    cJSON *images, *bundles, *trees; /* arrays in the result */
};

/* "sha256-<hex>.json" as "sha256:<hex>"; false for any other file. */
static bool
digest_of_file(const char *file, char text[COCO_DIGEST_TEXT_SIZE])
{
    struct coco_digest digest;

    if (!coco_store_file_parse(file, &digest))
        return false;
    coco_digest_format(&digest, text);
    return true;
}

static coco_status
copy_member(cJSON *to, const char *as, const cJSON *from, const char *name, coco_error **err)
{
    const cJSON *item = NULL;

    coco_status status = coco_json_get_any(from, name, &item, err);
    return status == COCO_OK ? coco_json_add_copy(to, as, item, err) : status;
}

/* What a record says, or why it says nothing. */
static coco_status
describe_image(int images, const char *file, cJSON *json, coco_error **err)
{
    _cleanup_json_ cJSON *record = NULL;
    const cJSON *item = NULL;
    coco_error *why = NULL;

    coco_status status = coco_store_read(images, file, &record, &why);
    if (status == COCO_OK)
        status = coco_json_get_array(record, "references", &item, &why);
    if (status == COCO_OK)
        status = coco_json_get_array(record, "trees", &item, &why);
    if (status == COCO_OK)
        status = copy_member(json, "references", record, "references", &why);
    if (status == COCO_OK)
        status = copy_member(json, "layers", record, "trees", &why);
    if (status == COCO_OK)
        return COCO_OK;
    if (status != COCO_ERR_PROTO && status != COCO_ERR_LIMIT) {
        coco_error_give(err, why);
        return status;
    }
    status = coco_json_add_string(json, "broken", coco_error_message(why), err);
    coco_error_free(why);
    return status;
}

/* One whose record has gone bad is told of, and keeps nobody from seeing the others. */
static coco_status
add_image(void *self, const char *file, coco_error **err)
{
    struct inventory *inventory = self;
    char digest[COCO_DIGEST_TEXT_SIZE];
    cJSON *image;

    coco_status status = coco_ctx_check(inventory->ctx, err);
    if (status != COCO_OK || !digest_of_file(file, digest))
        return status;
    status = coco_json_add_object(inventory->images, NULL, &image, err);
    if (status == COCO_OK)
        status = coco_json_add_string(image, "digest", digest, err);
    if (status == COCO_OK)
        status = describe_image(inventory->store->images, file, image, err);
    return status;
}

static coco_status
add_bundle(void *self, const char *file, coco_error **err)
{
    struct inventory *inventory = self;
    _cleanup_json_ cJSON *record = NULL;
    char id[COCO_DIGEST_TEXT_SIZE];

    if (!digest_of_file(file, id))
        return COCO_OK;
    coco_status status = coco_store_read(inventory->store->bundles, file, &record, err);
    return status == COCO_OK ? coco_json_add_copy(inventory->bundles, NULL, record, err) : status;
}

static coco_status
describe_tree(const struct coco_tree *tree, cJSON *json, coco_error **err)
{
    char text[COCO_DIGEST_TEXT_SIZE];
    coco_status status = COCO_OK;

    if (tree->parent.alg) {
        coco_digest_format(&tree->parent, text);
        status = coco_json_add_string(json, "parent", text, err);
    }
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "content", tree->content, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "entries", tree->entries, err);
    return status;
}

/* One that has gone bad is told of, and keeps nobody from looking after the others. */
static coco_status
add_tree(void *self, const char *name, coco_error **err)
{
    struct inventory *inventory = self;
    _cleanup_tree_ struct coco_tree tree = COCO_TREE_NONE;
    char text[COCO_DIGEST_TEXT_SIZE];
    struct coco_digest chain;
    coco_error *cause = NULL;
    cJSON *json;

    coco_status status = coco_ctx_check(inventory->ctx, err);
    if (status != COCO_OK || !coco_store_name_parse(name, &chain))
        return status;
    coco_digest_format(&chain, text);
    status = coco_json_add_object(inventory->trees, NULL, &json, err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "chain", text, err);
    if (status != COCO_OK)
        return status;
    status = coco_store_open_tree(inventory->store, &chain, &tree, &cause);
    if (status == COCO_OK)
        return describe_tree(&tree, json, err);
    if (coco_error_status(cause) == COCO_ERR_NOMEM) {
        coco_error_give(err, cause);
        return COCO_ERR_NOMEM;
    }
    status = coco_json_add_string(json, "broken", coco_error_message(cause), err);
    coco_error_free(cause);
    return status;
}

coco_status
coco_inventory_take(const coco_store *store, coco_ctx *ctx, cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    struct inventory inventory = {.store = store, .ctx = ctx};

    coco_status status = coco_json_new_object(&json, err);
    if (status == COCO_OK)
        status = coco_json_add_array(json, "images", &inventory.images, err);
    if (status == COCO_OK)
        status = coco_json_add_array(json, "bundles", &inventory.bundles, err);
    if (status == COCO_OK)
        status = coco_json_add_array(json, "trees", &inventory.trees, err);
    if (status == COCO_OK)
        status = coco_store_each(store->images, add_image, &inventory, err);
    if (status == COCO_OK)
        status = coco_store_each(store->bundles, add_bundle, &inventory, err);
    if (status == COCO_OK)
        status = coco_store_each(store->trees, add_tree, &inventory, err);
    if (status == COCO_OK)
        *ret = coco_steal(&json);
    return status;
}

bool
coco_inventory_has_layer(const cJSON *image, const char *chain)
{
    const cJSON *layer;

    cJSON_ArrayForEach(layer, cJSON_GetObjectItemCaseSensitive(image, "layers"))
        if (cJSON_IsString(layer) && strcmp(layer->valuestring, chain) == 0)
            return true;
    return false;
}

coco_status
coco_inventory_give(const cJSON *json, coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = LIST_MAX};

    coco_status status = coco_json_write(json, COCO_JSON_COMPACT, &text, err);
    return status == COCO_OK ? coco_bytes_take(&text, ret, err) : status;
}

coco_status
coco_store_list(coco_store *store, coco_ctx *ctx, coco_bytes **ret, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    _cleanup_close_ int lock = -1;

    coco_status status = coco_store_use(store, ctx, false, &lock, err);
    if (status == COCO_OK)
        status = coco_inventory_take(store, ctx, &json, err);
    return status == COCO_OK ? coco_inventory_give(json, ret, err) : status;
}

/* What forgetting looks for, and has done. */
struct forget {
    const coco_store *store;
    const char *image;
    bool found;
};

/* Without the reference; the record goes when it was the last. */
static coco_status
drop_reference(const struct forget *forget, const char *file, cJSON *record, bool *dropped,
               coco_error **err)
{
    cJSON *references = cJSON_GetObjectItemCaseSensitive(record, "references");
    cJSON *next = NULL;

    *dropped = false;
    for (cJSON *item = references ? references->child : NULL; item; item = next) {
        next = item->next;
        if (!cJSON_IsString(item) || strcmp(item->valuestring, forget->image) != 0)
            continue;
        coco_json_free(cJSON_DetachItemViaPointer(references, item));
        *dropped = true;
    }
    if (*dropped && references->child)
        return coco_store_write(forget->store->images, file, record, err);
    if (*dropped && unlinkat(forget->store->images, file, 0) < 0)
        return coco_fail_errno(err, errno, "remove '%s'", file);
    return COCO_OK;
}

static coco_status
forget_one(void *self, const char *file, coco_error **err)
{
    struct forget *forget = self;
    _cleanup_json_ cJSON *record = NULL;
    char digest[COCO_DIGEST_TEXT_SIZE];
    coco_error *why = NULL;
    bool dropped = false;

    if (!digest_of_file(file, digest))
        return COCO_OK;
    if (strcmp(digest, forget->image) == 0) {
        forget->found = true;
        if (unlinkat(forget->store->images, file, 0) < 0)
            return coco_fail_errno(err, errno, "remove '%s'", file);
        return COCO_OK;
    }
    /* By its references nobody can mean one whose record cannot be read. */
    coco_status status = coco_store_read(forget->store->images, file, &record, &why);
    if (status != COCO_OK)
        return coco_pass_over(why, err);
    status = drop_reference(forget, file, record, &dropped, err);
    forget->found = forget->found || dropped;
    return status;
}

coco_status
coco_store_forget(coco_store *store, coco_ctx *ctx, const char *image, coco_error **err)
{
    struct forget forget = {.store = store, .image = image};
    _cleanup_close_ int lock = -1;

    coco_status status = coco_lock(ctx, store->locks, "images", true, &lock, err);
    if (status == COCO_OK)
        status = coco_store_each(store->images, forget_one, &forget, err);
    if (status == COCO_OK && !forget.found)
        status = coco_fail(err, COCO_ERR_NOTFOUND, "no image '%.300s' in the store", image);
    return status;
}

static coco_status
remove_bundle(const char *path, coco_error **err)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *parent = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!parent)
        return coco_fail_nomem(err);
    _cleanup_close_ int dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return coco_fail_errno(err, errno, "open '%s'", parent);
    int bundle = openat(dir, slash + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (bundle < 0)
        return coco_fail_errno(err, errno, "open '%s'", path);
    /* Something else may lie where a bundle once was. */
    bool ours = coco_store_has(bundle, "upper") && coco_store_has(bundle, "work");
    coco_status status = ours ? coco_overlay_unmount(bundle, err)
                              : coco_fail(err, COCO_ERR_INVALID, "no bundle over a tree");
    (void)close(bundle);
    return status == COCO_OK ? coco_remove(dir, slash + 1, err) : status;
}

coco_status
coco_store_release(coco_store *store, coco_ctx *ctx, const char *dir, coco_error **err)
{
    _cleanup_free_ char *path = realpath(dir, NULL);
    _cleanup_json_ cJSON *record = NULL;
    _cleanup_close_ int lock = -1;
    char file[COCO_STORE_FILE_SIZE];

    if (!path)
        return errno == ENOENT ? coco_fail(err, COCO_ERR_NOTFOUND, "no '%.300s'", dir)
                               : coco_fail_errno(err, errno, "'%.300s'", dir);
    coco_status status = coco_store_use(store, ctx, false, &lock, err);
    if (status == COCO_OK)
        status = coco_store_bundle_file(path, file, err);
    if (status == COCO_OK)
        status = coco_store_read(store->bundles, file, &record, err);
    if (status == COCO_OK)
        status = remove_bundle(path, err);
    if (status == COCO_OK && unlinkat(store->bundles, file, 0) < 0)
        status = coco_fail_errno(err, errno, "remove '%s'", file);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "release '%.300s'", dir);
}
