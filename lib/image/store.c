/*
 * image/store.c - a directory of unpacked layers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/store.h"

#include "base/entries.h"
#include "base/fail.h"
#include "base/fd.h"
#include "image/lock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define VERSION 1
#define VERSION_FILE "store.json"
#define TREE_FILE "tree.json"
#define SUFFIX ".json"

void
coco_store_name(const struct coco_digest *digest, char buf[COCO_STORE_NAME_SIZE])
{
    coco_digest_format(digest, buf);
    buf[strcspn(buf, ":")] = '-';
}

bool
coco_store_name_parse(const char *name, struct coco_digest *ret)
{
    char text[COCO_STORE_NAME_SIZE];
    size_t len = strlen(name);
    const char *dash = strchr(name, '-');

    if (!dash || len >= sizeof(text))
        return false;
    memcpy(text, name, len + 1);
    text[dash - name] = ':';
    return coco_digest_parse(text, ret, NULL) == COCO_OK;
}

void
coco_store_file(const struct coco_digest *digest, char buf[COCO_STORE_FILE_SIZE])
{
    coco_store_name(digest, buf);
    memcpy(buf + strlen(buf), SUFFIX, sizeof(SUFFIX));
}

bool
coco_store_file_parse(const char *file, struct coco_digest *ret)
{
    char name[COCO_STORE_NAME_SIZE];
    size_t len = strlen(file);

    if (len < strlen(SUFFIX) || len - strlen(SUFFIX) >= sizeof(name)
        || strcmp(file + len - strlen(SUFFIX), SUFFIX) != 0)
        return false;
    memcpy(name, file, len - strlen(SUFFIX));
    name[len - strlen(SUFFIX)] = '\0';
    return coco_store_name_parse(name, ret);
}

bool
coco_store_has(int dir, const char *name)
{
    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

coco_status
coco_store_read(int dir, const char *name, cJSON **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_STORE_RECORD_MAX};
    _cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no '%s' in the store", name);
    if (fd < 0)
        return coco_fail_errno(err, errno, "open '%s'", name);
    coco_status status = coco_fd_read_all(fd, &text, err);
    if (status == COCO_OK)
        status = coco_json_parse_object(coco_buf_text(&text), text.len, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "'%s' of the store", name);
}

coco_status
coco_store_write(int dir, const char *name, const cJSON *json, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_STORE_RECORD_MAX};

    coco_status status = coco_json_write(json, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = coco_file_write_at(dir, name, text.data, text.len, 0600, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "'%s' of the store", name);
}

coco_status
coco_store_each(int dir, coco_store_each_fn *fn, void *self, coco_error **err)
{
    _cleanup_entries_ struct coco_entries entries = {0};
    const char *name;

    coco_status status = coco_entries_open(dir, &entries, err);
    while (status == COCO_OK && (name = coco_entries_next(&entries)))
        if (name[0] != '.')
            status = fn(self, name, err);
    return status == COCO_OK ? coco_entries_end(&entries, err) : status;
}

/* Everything that is there is somebody's, but for a store that was hardly begun. */
static coco_status
count(void *self, const char *name, coco_error **err)
{
    const char begun[] = VERSION_FILE ".";
    size_t *n = self;

    (void)err;
    if (!coco_file_is_temporary(name) || strncmp(name, begun, strlen(begun)) != 0)
        ++*n;
    return COCO_OK;
}

static coco_status
clear(void *self, const char *name, coco_error **err)
{
    const int *dir = self;

    if (!coco_file_is_temporary(name) || unlinkat(*dir, name, 0) == 0 || errno == ENOENT)
        return COCO_OK;
    return coco_fail_errno(err, errno, "remove '%s'", name);
}

/*
 * Writes a record of the directory, whose lock the caller has: what another write began
 * and was killed over is nobody's.
 */
static coco_status
write_alone(int dir, const char *name, const cJSON *json, coco_error **err)
{
    coco_status status = coco_store_each(dir, clear, &dir, err);

    return status == COCO_OK ? coco_store_write(dir, name, json, err) : status;
}

static coco_status
read_version(const coco_store *store, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    uint64_t version = 0;

    coco_status status = coco_store_read(store->dir, VERSION_FILE, &json, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(json, "version", &version, err);
    if (status == COCO_OK && version != VERSION)
        status =
            coco_fail(err, COCO_ERR_NOTSUP, "a store of version %llu", (unsigned long long)version);
    return status;
}

static coco_status
write_version(const coco_store *store, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;

    coco_status status = coco_json_new_object(&json, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "version", VERSION, err);
    return status == COCO_OK ? write_alone(store->dir, VERSION_FILE, json, err) : status;
}

/* What is there and is no store is somebody's. Only one process at a time makes one. */
static coco_status
check_version(const coco_store *store, coco_error **err)
{
    _cleanup_close_ int lock = openat(store->dir, ".", DIR_FLAGS);
    size_t n = 0;

    while (lock >= 0 && flock(lock, LOCK_EX) < 0)
        if (errno != EINTR)
            return coco_fail_errno(err, errno, "lock it");
    if (lock < 0)
        return coco_fail_errno(err, errno, "open it");
    if (coco_store_has(store->dir, VERSION_FILE))
        return read_version(store, err);
    coco_status status = coco_store_each(store->dir, count, &n, err);
    if (status != COCO_OK)
        return status;
    return n == 0 ? write_version(store, err)
                  : coco_fail(err, COCO_ERR_INVALID, "not empty, and no store");
}

static coco_status
open_dir(const coco_store *store, const char *name, int *ret, coco_error **err)
{
    if (mkdirat(store->dir, name, 0700) < 0 && errno != EEXIST)
        return coco_fail_errno(err, errno, "make '%s'", name);
    *ret = openat(store->dir, name, DIR_FLAGS);
    return *ret < 0 ? coco_fail_errno(err, errno, "open '%s'", name) : COCO_OK;
}

/* Who may write there can say what an image is. */
static coco_status
check_owner(int dir, coco_error **err)
{
    struct stat st;

    if (fstat(dir, &st) < 0)
        return coco_fail_errno(err, errno, "look at it");
    if (st.st_uid != geteuid() || (st.st_mode & 022) != 0)
        return coco_fail(err, COCO_ERR_DENIED, "others may write to it");
    return COCO_OK;
}

static coco_status
open_all(coco_store *store, const char *path, coco_error **err)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return coco_fail_errno(err, errno, "make it");
    store->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->dir < 0)
        return errno == ENOTDIR ? coco_fail(err, COCO_ERR_INVALID, "not a directory")
                                : coco_fail_errno(err, errno, "open it");
    store->path = realpath(path, NULL);
    if (!store->path)
        return coco_fail_errno(err, errno, "resolve it");
    coco_status status = check_owner(store->dir, err);
    if (status == COCO_OK)
        status = check_version(store, err);
    if (status == COCO_OK)
        status = open_dir(store, "locks", &store->locks, err);
    if (status == COCO_OK)
        status = open_dir(store, "trees", &store->trees, err);
    if (status == COCO_OK)
        status = open_dir(store, "images", &store->images, err);
    if (status == COCO_OK)
        status = open_dir(store, "bundles", &store->bundles, err);
    return status;
}

coco_status
coco_store_open(const char *dir, coco_store **ret, coco_error **err)
{
    _cleanup_(coco_store_freep) coco_store *store = calloc(1, sizeof(*store));

    if (!store)
        return coco_fail_nomem(err);
    store->dir = store->locks = store->trees = store->images = store->bundles = -1;
    coco_status status = open_all(store, dir, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "store '%s'", dir);
    *ret = coco_steal(&store);
    return COCO_OK;
}

void
coco_store_free(coco_store *store)
{
    if (!store)
        return;
    coco_closep(&store->dir);
    coco_closep(&store->locks);
    coco_closep(&store->trees);
    coco_closep(&store->images);
    coco_closep(&store->bundles);
    free(store->path);
    free(store);
}

coco_status
coco_store_use(const coco_store *store, coco_ctx *ctx, bool alone, int *ret, coco_error **err)
{
    return coco_lock(ctx, store->dir, "lock", alone, ret, err);
}

void
coco_tree_done(struct coco_tree *tree)
{
    coco_closep(&tree->rootfs);
    *tree = COCO_TREE_NONE;
}

static coco_status
add_digest(cJSON *json, const char *name, const struct coco_digest *digest, coco_error **err)
{
    char text[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(digest, text);
    return coco_json_add_string(json, name, text, err);
}

static coco_status
get_digest(const cJSON *json, const char *name, struct coco_digest *ret, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(json, name, &text, err);
    return status == COCO_OK ? coco_digest_parse(text, ret, err) : status;
}

static coco_status
read_tree(const cJSON *json, struct coco_tree *tree, coco_error **err)
{
    const char *parent = NULL;

    coco_status status = get_digest(json, "fingerprint", &tree->fingerprint, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(json, "parent", &parent, err);
    if (status == COCO_OK && parent)
        status = coco_digest_parse(parent, &tree->parent, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(json, "content", &tree->content, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(json, "entries", &tree->entries, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(json, "ids_ignored", &tree->ids_ignored, err);
    return status;
}

coco_status
coco_store_open_tree(const coco_store *store, const struct coco_digest *chain,
                     struct coco_tree *ret, coco_error **err)
{
    _cleanup_tree_ struct coco_tree tree = COCO_TREE_NONE;
    _cleanup_json_ cJSON *json = NULL;
    char name[COCO_STORE_NAME_SIZE];

    coco_store_name(chain, name);
    _cleanup_close_ int dir = openat(store->trees, name, DIR_FLAGS);
    if (dir < 0 && errno == ENOENT)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no tree '%s' in the store", name);
    if (dir < 0)
        return coco_fail_errno(err, errno, "open '%s'", name);
    /* It is none that may be made anew in its place. */
    coco_status status =
        coco_store_has(dir, TREE_FILE)
            ? coco_store_read(dir, TREE_FILE, &json, err)
            : coco_fail(err, COCO_ERR_PROTO, "'%s' is missing in the store", TREE_FILE);
    if (status == COCO_OK)
        status = read_tree(json, &tree, err);
    if (status == COCO_OK)
        tree.rootfs = openat(dir, "rootfs", DIR_FLAGS);
    if (status == COCO_OK && tree.rootfs < 0)
        status = coco_fail_errno(err, errno, "open 'rootfs'");
    if (status != COCO_OK)
        return coco_wrap(err, status, "tree '%s'", name);
    tree.chain = *chain;
    *ret = tree;
    tree = COCO_TREE_NONE;
    return COCO_OK;
}

coco_status
coco_store_describe_tree(const struct coco_tree *tree, int dir, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;

    coco_status status = coco_json_new_object(&json, err);
    if (status == COCO_OK && tree->parent.alg)
        status = add_digest(json, "parent", &tree->parent, err);
    if (status == COCO_OK)
        status = add_digest(json, "fingerprint", &tree->fingerprint, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "content", tree->content, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "entries", tree->entries, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "ids_ignored", tree->ids_ignored, err);
    return status == COCO_OK ? coco_store_write(dir, TREE_FILE, json, err) : status;
}

static coco_status
add_references(cJSON *json, const cJSON *old, const char *ref, coco_error **err)
{
    const cJSON *list = NULL;
    const cJSON *item;
    cJSON *references;

    coco_status status = coco_json_add_array(json, "references", &references, err);
    if (status == COCO_OK && old)
        status = coco_json_get_array(old, "references", &list, err);
    cJSON_ArrayForEach(item, list) {
        if (status == COCO_OK && cJSON_IsString(item) && strcmp(item->valuestring, ref) != 0)
            status = coco_json_add_string(references, NULL, item->valuestring, err);
    }
    return status == COCO_OK ? coco_json_add_string(references, NULL, ref, err) : status;
}

static coco_status
write_image(const coco_store *store, const char *file, const cJSON *old, const char *ref,
            const struct coco_digest *chains, size_t n_chains, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    cJSON *trees;

    coco_status status = coco_json_new_object(&json, err);
    if (status == COCO_OK)
        status = add_references(json, old, ref, err);
    if (status == COCO_OK)
        status = coco_json_add_array(json, "trees", &trees, err);
    for (size_t i = 0; i < n_chains && status == COCO_OK; i++)
        status = add_digest(trees, NULL, &chains[i], err);
    return status == COCO_OK ? write_alone(store->images, file, json, err) : status;
}

coco_status
coco_store_add_image(const coco_store *store, coco_ctx *ctx, const struct coco_digest *image,
                     const char *ref, const struct coco_digest *chains, size_t n_chains,
                     coco_error **err)
{
    _cleanup_close_ int lock = -1;
    _cleanup_json_ cJSON *old = NULL;
    coco_error *why = NULL;
    char file[COCO_STORE_FILE_SIZE];

    coco_store_file(image, file);
    coco_status status = coco_lock(ctx, store->locks, "images", true, &lock, err);
    /* One that cannot be read gives way to the new one. */
    if (status == COCO_OK && coco_store_has(store->images, file)
        && coco_store_read(store->images, file, &old, &why) != COCO_OK)
        status = coco_pass_over(why, err);
    if (status == COCO_OK)
        status = write_image(store, file, old, ref, chains, n_chains, err);
    return status;
}

coco_status
coco_store_bundle_file(const char *path, char ret[COCO_STORE_FILE_SIZE], coco_error **err)
{
    struct coco_digest id = {0};

    coco_status status = coco_digest_of(COCO_SHA256, path, strlen(path), &id, err);
    if (status == COCO_OK)
        coco_store_file(&id, ret);
    return status;
}

coco_status
coco_store_add_bundle(const coco_store *store, coco_ctx *ctx, const char *path,
                      const struct coco_digest *chain, coco_error **err)
{
    _cleanup_close_ int lock = -1;
    _cleanup_json_ cJSON *json = NULL;
    char file[COCO_STORE_FILE_SIZE];

    coco_status status = coco_lock(ctx, store->locks, "bundles", true, &lock, err);
    if (status == COCO_OK)
        status = coco_store_bundle_file(path, file, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&json, err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "path", path, err);
    if (status == COCO_OK)
        status = add_digest(json, "tree", chain, err);
    return status == COCO_OK ? write_alone(store->bundles, file, json, err) : status;
}

void
coco_store_drop_bundle(const coco_store *store, const char *path)
{
    char file[COCO_STORE_FILE_SIZE];

    if (coco_store_bundle_file(path, file, NULL) == COCO_OK)
        (void)unlinkat(store->bundles, file, 0);
}
