/*
 * image/layout_write.c - writing images into a directory
 *
 * A blob has a name of its own until it is whole, and the image is there once
 * index.json says so: whoever reads the layout meanwhile sees no half of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/layout.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"
#include "image/blobfile.h"
#include "image/layout_dir.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LOCK_RETRY_MS 20

struct layout {
    int dir;
    char *path;
    char *tag;                 /* or NULL */
    struct coco_blobfile blob; /* being written */
};

static coco_status
make_dir(int dir, const char *name, coco_error **err)
{
    if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
        return coco_fail_errno(err, errno, "make '%s'", name);
    return COCO_OK;
}

/* A name is durable once the directory that holds it is. */
static coco_status
sync_dir(int dir, const char *name, coco_error **err)
{
    _cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) < 0)
        return coco_fail_errno(err, errno, "sync '%s'", name);
    return COCO_OK;
}

/* Waits until nobody else changes what all share. No cancel wakes flock(), so it never waits. */
static coco_status
lock(const struct layout *layout, coco_ctx *ctx, coco_error **err)
{
    struct pollfd cancel = {.fd = coco_ctx_cancel_fd(ctx), .events = POLLIN};

    while (flock(layout->dir, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return coco_fail_errno(err, errno, "lock '%s'", layout->path);
        (void)poll(&cancel, 1, LOCK_RETRY_MS);
        coco_status status = coco_ctx_check(ctx, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

static void
unlock(const struct layout *layout)
{
    (void)flock(layout->dir, LOCK_UN);
}

static coco_status
has_blob(void *self, coco_ctx *ctx, const struct coco_digest *digest, bool *ret, coco_error **err)
{
    const struct layout *layout = self;
    char path[COCO_LAYOUT_PATH_SIZE];
    struct stat st;

    coco_status status = coco_ctx_check(ctx, err);
    if (status != COCO_OK)
        return status;
    coco_layout_blob_path(digest, path);
    *ret = fstatat(layout->dir, path, &st, 0) == 0 && S_ISREG(st.st_mode);
    return COCO_OK;
}

static void
abort_blob(void *self)
{
    struct layout *layout = self;

    coco_blobfile_abort(&layout->blob);
}

static coco_status
begin_blob(void *self, coco_ctx *ctx, struct coco_sink *ret, coco_error **err)
{
    struct layout *layout = self;

    coco_status status = coco_ctx_check(ctx, err);
    if (status == COCO_OK)
        status = coco_blobfile_begin(&layout->blob, layout->dir, "blobs/", ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "'%s'", layout->path);
}

static coco_status
commit_blob(void *self, coco_ctx *ctx, const struct coco_digest *digest, uint64_t size,
            coco_error **err)
{
    struct layout *layout = self;
    char path[COCO_LAYOUT_PATH_SIZE];
    char folder[COCO_LAYOUT_PATH_SIZE];

    (void)size; /* it is what was written */
    coco_status status = coco_ctx_check(ctx, err);
    if (status != COCO_OK)
        return status;
    coco_layout_blob_path(digest, path);
    (void)snprintf(folder, sizeof(folder), "blobs/%s", coco_hash_name(digest->alg));
    status = make_dir(layout->dir, folder, err);
    if (status == COCO_OK)
        status = coco_blobfile_commit(&layout->blob, path, err);
    if (status == COCO_OK)
        status = sync_dir(layout->dir, folder, err);
    if (status == COCO_OK)
        status = sync_dir(layout->dir, "blobs", err);
    return status;
}

/* What is to stand in the index: by its tag, or NULL. */
struct put {
    const char *tag;
    const struct coco_digest *digest;
    const cJSON *entry;
};

/* Whether it takes the entry's place: it has its tag, or is the same without one. */
static bool
is_replaced(const struct put *put, const struct coco_descriptor *entry)
{
    if (put->tag)
        return coco_layout_has_tag(entry, put->tag);
    return coco_digest_equal(&entry->digest, put->digest)
           && !cJSON_GetObjectItemCaseSensitive(entry->annotations, COCO_LAYOUT_REF_NAME);
}

coco_status
coco_layout_add_entry(cJSON *list, const char *tag, const char *media_type,
                      const struct coco_digest *digest, size_t size, coco_error **err)
{
    cJSON *annotations = NULL;
    cJSON *entry = NULL;

    coco_status status = coco_descriptor_add(list, NULL, media_type, digest, size, &entry, err);
    if (status == COCO_OK && tag)
        status = coco_json_add_object(entry, "annotations", &annotations, err);
    if (status == COCO_OK && tag)
        status = coco_json_add_string(annotations, COCO_LAYOUT_REF_NAME, tag, err);
    return status;
}

/* The index with all that stays, to which the new entry will be added. */
static coco_status
copy_index(const struct layout *layout, const struct put *put, cJSON *index, cJSON **list,
           coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_manifest_ struct coco_manifest old = {0};
    struct coco_folder folder = {.dir = layout->dir, .what = "OCI layout"};
    const struct coco_files files = coco_folder_files(&folder);
    const cJSON *item = NULL;
    size_t i = 0;

    coco_status status = coco_layout_read_index(&files, &text, &old, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(index, "schemaVersion", 2, err);
    cJSON_ArrayForEach(item, old.json)
        if (status == COCO_OK && strcmp(item->string, "schemaVersion") != 0
            && strcmp(item->string, "manifests") != 0)
            status = coco_json_add_copy(index, item->string, item, err);
    if (status == COCO_OK)
        status = coco_json_add_array(index, "manifests", list, err);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(old.json, "manifests"))
        if (status == COCO_OK && !is_replaced(put, &old.layers[i++]))
            status = coco_json_add_copy(*list, NULL, item, err);
    return status;
}

/* What nobody could read again is not written. */
static coco_status
check_index(const struct coco_buf *text, coco_error **err)
{
    _cleanup_manifest_ struct coco_manifest index = {0};

    coco_status status =
        coco_manifest_parse(text->data, text->len, COCO_MEDIA_OCI_INDEX, 0, &index, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "index.json");
}

static coco_status
update_index(const struct layout *layout, const struct put *put, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_json_ cJSON *index = NULL;
    cJSON *list = NULL;

    coco_status status = coco_json_new_object(&index, err);
    if (status == COCO_OK)
        status = copy_index(layout, put, index, &list, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(list, NULL, put->entry, err);
    if (status == COCO_OK)
        status = coco_json_write(index, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = check_index(&text, err);
    if (status == COCO_OK)
        status = coco_file_write_at(layout->dir, "index.json", text.data, text.len, 0644, err);
    return status;
}

/* Two that write into one layout must not lose each other's entry. */
static coco_status
enter(const struct layout *layout, coco_ctx *ctx, const struct put *put, coco_error **err)
{
    coco_status status = lock(layout, ctx, err);

    if (status != COCO_OK)
        return status;
    status = update_index(layout, put, err);
    unlock(layout);
    return status;
}

/* Manifests are blobs, too. */
static coco_status
put_child(void *self, coco_ctx *ctx, const char *media_type, const void *data, size_t len,
          const struct coco_digest *digest, coco_error **err)
{
    struct layout *layout = self;
    struct coco_sink sink = {0};

    (void)media_type; /* stands in the index */
    coco_status status = begin_blob(layout, ctx, &sink, err);
    if (status == COCO_OK)
        status = coco_sink_write(&sink, data, len, err);
    if (status == COCO_OK)
        status = commit_blob(layout, ctx, digest, len, err);
    if (status != COCO_OK)
        abort_blob(layout);
    return status;
}

static coco_status
put_manifest(void *self, coco_ctx *ctx, const char *media_type, const void *data, size_t len,
             const struct coco_digest *digest, coco_error **err)
{
    struct layout *layout = self;

    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    struct put put = {layout->tag, digest, NULL};

    if (!list)
        return coco_fail_nomem(err);
    coco_status status = put_child(layout, ctx, media_type, data, len, digest, err);
    if (status == COCO_OK)
        status = coco_layout_add_entry(list, layout->tag, media_type, digest, len, err);
    put.entry = list->child;
    return status == COCO_OK ? enter(layout, ctx, &put, err) : status;
}

static coco_status
put_referrer(void *self, coco_ctx *ctx, const cJSON *entry, const void *data, size_t len,
             const struct coco_digest *digest, coco_error **err)
{
    const struct put put = {NULL, digest, entry};

    coco_status status = put_child(self, ctx, COCO_MEDIA_OCI_MANIFEST, data, len, digest, err);
    return status == COCO_OK ? enter(self, ctx, &put, err) : status;
}

static void
free_layout(void *self)
{
    struct layout *layout = self;

    if (!layout)
        return;
    abort_blob(layout);
    if (layout->dir >= 0)
        (void)close(layout->dir);
    free(layout->path);
    free(layout->tag);
    free(layout);
}

static void
free_layoutp(struct layout **layout)
{
    free_layout(*layout);
}

static bool
is_missing(const struct layout *layout, const char *name)
{
    return faccessat(layout->dir, name, F_OK, 0) < 0;
}

/* Makes what is missing. A layout that is there, of a version that is known, stays as it is. */
static coco_status
fill(const struct layout *layout, coco_error **err)
{
    static const char empty[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" COCO_MEDIA_OCI_INDEX "\",\"manifests\":[]}";
    struct coco_folder folder = {.dir = layout->dir, .what = "OCI layout"};
    const struct coco_files files = coco_folder_files(&folder);
    bool is_new = is_missing(layout, "oci-layout");

    coco_status status = is_new ? COCO_OK : coco_layout_check_version(&files, err);
    if (status == COCO_OK)
        status = make_dir(layout->dir, "blobs", err);
    if (status == COCO_OK && is_missing(layout, "index.json"))
        status = coco_file_write_at(layout->dir, "index.json", empty, strlen(empty), 0644, err);
    /* Last, for it says that the rest is there. */
    if (status == COCO_OK && is_new)
        status = coco_file_write_at(layout->dir, "oci-layout", COCO_LAYOUT_VERSION,
                                    strlen(COCO_LAYOUT_VERSION), 0644, err);
    return status;
}

static coco_status
prepare(struct layout *layout, coco_ctx *ctx, coco_error **err)
{
    coco_status status = coco_ctx_check(ctx, err);
    if (status != COCO_OK)
        return status;
    bool made = mkdir(layout->path, 0755) == 0;
    if (!made && errno != EEXIST)
        return coco_fail_errno(err, errno, "make '%s'", layout->path);
    layout->dir = open(layout->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (layout->dir < 0)
        return coco_fail_errno(err, errno, "open '%s'", layout->path);
    /* Another may find the same missing, and have an image in its index before we write ours. */
    status = lock(layout, ctx, err);
    if (status != COCO_OK)
        return status;
    status = fill(layout, err);
    unlock(layout);
    if (status == COCO_OK && made)
        status = sync_dir(layout->dir, "..", err);
    return status;
}

coco_status
coco_layout_destination(coco_ctx *ctx, const coco_image_ref *ref, struct coco_destination *ret,
                        coco_error **err)
{
    _cleanup_(free_layoutp) struct layout *layout = calloc(1, sizeof(*layout));
    const char *tag = coco_image_ref_tag(ref);

    if (!layout)
        return coco_fail_nomem(err);
    layout->dir = -1;
    layout->blob = COCO_BLOBFILE_NONE;
    layout->path = strdup(coco_image_ref_repository(ref));
    layout->tag = tag ? strdup(tag) : NULL;
    if (!layout->path || (tag && !layout->tag))
        return coco_fail_nomem(err);
    coco_status status = prepare(layout, ctx, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "OCI layout");
    *ret = (struct coco_destination){
        .has_blob = has_blob,
        .begin_blob = begin_blob,
        .commit_blob = commit_blob,
        .abort_blob = abort_blob,
        .put_manifest = put_manifest,
        .put_child = put_child,
        .put_referrer = put_referrer,
        .free = free_layout,
        .self = coco_steal(&layout),
    };
    return COCO_OK;
}
