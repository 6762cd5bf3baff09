/*
 * fuzz/store_records/target.c - what is read of a store that something has happened to
 *
 * Input: the records of an image, a bundle and a tree, a form feed between them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/store.h"

#include "base/cleanup.h"
#include "base/fd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZEROS16 "0000000000000000"
#define ID "sha256-" ZEROS16 ZEROS16 ZEROS16 ZEROS16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char top[] = "/tmp/coco-fuzz-store-XXXXXX";
static coco_store *store;

static void
remove_store(void)
{
    static const char *const files[] = {
        "images/" ID ".json", "bundles/" ID ".json", "trees/" ID "/tree.json",
        "locks/images",       "store.json",          "lock"};
    static const char *const dirs[] = {
        "trees/" ID "/rootfs", "trees/" ID, "trees", "images", "bundles", "locks"};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        (void)unlinkat(store->dir, files[i], 0);
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
        (void)unlinkat(store->dir, dirs[i], AT_REMOVEDIR);
    coco_store_free(store);
    (void)rmdir(top);
}

/* A store with one tree, for all inputs. */
static void
make_store(void)
{
    if (store)
        return;
    if (!mkdtemp(top) || coco_store_open(top, &store, NULL) != COCO_OK || atexit(remove_store) != 0
        || mkdirat(store->trees, ID, 0700) < 0 || mkdirat(store->trees, ID "/rootfs", 0700) < 0)
        abort();
}

static void
put_file(int dir, const char *name, const uint8_t *data, size_t len)
{
    _cleanup_close_ int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || coco_fd_write_all(fd, data, len, NULL) != COCO_OK)
        abort();
}

static void
check_list(coco_ctx *ctx, bool broken)
{
    _cleanup_json_ cJSON *json = NULL;
    coco_bytes *bytes = NULL;
    const cJSON *trees = NULL;
    coco_error *err = NULL;

    coco_status status = coco_store_list(store, ctx, &bytes, &err);
    if (status != COCO_OK && coco_error_message(err)[0] == '\0')
        abort();
    coco_error_free(err);
    if (status != COCO_OK)
        return;
    if (coco_json_parse_object((const char *)coco_bytes_data(bytes), coco_bytes_size(bytes), &json,
                               NULL)
            != COCO_OK
        || coco_json_get_array(json, "trees", &trees, NULL) != COCO_OK
        || cJSON_GetArraySize(trees) != 1
        || (cJSON_GetObjectItemCaseSensitive(trees->child, "broken") != NULL) != broken)
        abort();
    coco_bytes_free(bytes);
}

/* A tree that can be opened is what its record says. */
static bool
is_broken(void)
{
    _cleanup_tree_ struct coco_tree tree = COCO_TREE_NONE;
    char name[COCO_STORE_NAME_SIZE];
    struct coco_digest chain;

    if (!coco_store_name_parse(ID, &chain))
        abort();
    coco_status status = coco_store_open_tree(store, &chain, &tree, NULL);
    if ((status == COCO_OK) != (tree.rootfs >= 0))
        abort();
    if (status != COCO_OK)
        return true;
    coco_store_name(&tree.chain, name);
    if (strcmp(name, ID) != 0 || !tree.fingerprint.alg)
        abort();
    return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const places[] = {"images/" ID ".json", "bundles/" ID ".json",
                                         "trees/" ID "/tree.json"};
    const size_t n = sizeof(places) / sizeof(places[0]);
    coco_ctx *ctx = NULL;

    make_store();
    for (size_t i = 0; i < n; i++) {
        const uint8_t *end = i + 1 < n && len ? memchr(data, '\f', len) : NULL;
        size_t piece = end ? (size_t)(end - data) : len;

        put_file(store->dir, places[i], data, piece);
        data += end ? piece + 1 : piece;
        len -= end ? piece + 1 : piece;
    }
    if (coco_ctx_new(&ctx, NULL) != COCO_OK)
        abort();
    check_list(ctx, is_broken());
    coco_status status = coco_store_forget(store, ctx, "h/a:1", NULL);
    /* What was there under that name is gone. */
    if (status == COCO_OK && coco_store_forget(store, ctx, "h/a:1", NULL) == COCO_OK)
        abort();
    coco_ctx_free(ctx);
    return 0;
}
