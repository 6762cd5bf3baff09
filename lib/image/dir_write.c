/*
 * image/dir_write.c - writing one image into a directory
 *
 * Blobs are named by their digest and so are in nobody's way: the image that was
 * there can be read until manifest.json, written last, names the new one. Only
 * then what belonged to the old one alone goes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/dir.h"

#include "base/context.h"
#include "base/entries.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/text.h"
#include "image/blobfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define HEX_DIGITS "0123456789abcdef"

struct dir {
    int fd; /* locked: there is room for one image only */
    struct coco_blobfile blob;
};

static coco_status
has_blob(void *self, coco_ctx *ctx, const struct coco_digest *digest, bool *ret, coco_error **err)
{
    const struct dir *dir = self;
    char name[COCO_DIR_NAME_SIZE];
    struct stat st;

    coco_status status = coco_ctx_check(ctx, err);
    if (status != COCO_OK)
        return status;
    coco_dir_name(digest, "", name);
    *ret = fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
    return COCO_OK;
}

static coco_status
begin_blob(void *self, coco_ctx *ctx, struct coco_sink *ret, coco_error **err)
{
    struct dir *dir = self;

    coco_status status = coco_ctx_check(ctx, err);
    if (status == COCO_OK)
        status = coco_blobfile_begin(&dir->blob, dir->fd, "", ret, err);
    return status;
}

/* The name lasts once put_manifest() has synced the directory. */
static coco_status
commit_blob(void *self, coco_ctx *ctx, const struct coco_digest *digest, uint64_t size,
            coco_error **err)
{
    struct dir *dir = self;
    char name[COCO_DIR_NAME_SIZE];

    (void)size; /* it is what was written */
    coco_status status = coco_ctx_check(ctx, err);
    if (status != COCO_OK)
        return status;
    coco_dir_name(digest, "", name);
    return coco_blobfile_commit(&dir->blob, name, err);
}

static void
abort_blob(void *self)
{
    struct dir *dir = self;

    coco_blobfile_abort(&dir->blob);
}

static bool
is_named(const struct coco_descriptor *blob, const char *name)
{
    char own[COCO_DIR_NAME_SIZE];

    coco_dir_name(&blob->digest, "", own);
    return strcmp(own, name) == 0;
}

/* Whether a name is one that images are made of here: nothing else is ever removed. */
static bool
is_ours(const char *name)
{
    size_t hex = strspn(name, HEX_DIGITS);
    bool digest = hex == (size_t)2 * 32 || hex == (size_t)2 * 48 || hex == (size_t)2 * 64;
    size_t temp = name[0] == '.' ? strspn(name + 1, HEX_DIGITS) : 0;
    static const char signature[] = "signature-";
    size_t number = strncmp(name, signature, strlen(signature)) == 0
                        ? strspn(name + strlen(signature), "0123456789")
                        : 0;

    return (digest && (name[hex] == '\0' || strcmp(name + hex, ".manifest.json") == 0))
           || (temp == 2 * COCO_BLOBFILE_RANDOM && name[1 + temp] == '\0')
           || (number > 0 && name[strlen(signature) + number] == '\0');
}

/* Leaves the image that manifest describes. What cannot be removed is in nobody's way. */
static void
remove_old(const struct dir *dir, const struct coco_manifest *manifest)
{
    _cleanup_entries_ struct coco_entries entries = {0};
    const char *name;

    if (coco_entries_open(dir->fd, &entries, NULL) != COCO_OK)
        return;
    while ((name = coco_entries_next(&entries))) {
        bool wanted = !is_ours(name) || is_named(&manifest->config, name);

        for (size_t i = 0; i < manifest->n_layers && !wanted; i++)
            wanted = is_named(&manifest->layers[i], name);
        if (!wanted)
            (void)unlinkat(dir->fd, name, 0);
    }
}

static coco_status
put_manifest(void *self, coco_ctx *ctx, const char *media_type, const void *data, size_t len,
             const struct coco_digest *digest, coco_error **err)
{
    _cleanup_manifest_ struct coco_manifest manifest = {0};
    const struct dir *dir = self;

    (void)digest; /* it can be computed */
    coco_status status = coco_ctx_check(ctx, err);
    if (status == COCO_OK)
        status = coco_manifest_parse(data, len, media_type, COCO_LAYERS_ANY, &manifest, err);
    /* Blobs have their names for good before the manifest has its own. */
    if (status == COCO_OK && fsync(dir->fd) < 0)
        status = coco_fail_errno(err, errno, "sync it");
    if (status == COCO_OK)
        status = coco_file_write_at(dir->fd, "manifest.json", data, len, 0644, err);
    if (status == COCO_OK)
        remove_old(dir, &manifest);
    return status;
}

static void
free_dir(void *self)
{
    struct dir *dir = self;

    if (!dir)
        return;
    coco_blobfile_abort(&dir->blob);
    coco_closep(&dir->fd);
    free(dir);
}

static void
free_dirp(struct dir **dir)
{
    free_dir(*dir);
}

static coco_status
check_empty(int dir, coco_error **err)
{
    _cleanup_entries_ struct coco_entries entries = {0};

    coco_status status = coco_entries_open(dir, &entries, err);
    if (status == COCO_OK && coco_entries_next(&entries))
        return coco_fail(err, COCO_ERR_INVALID, "it is not empty and holds no image");
    return status == COCO_OK ? coco_entries_end(&entries, err) : status;
}

/* An image of a version that is known, or nothing: then the version makes it ours. */
static coco_status
claim(int dir, coco_error **err)
{
    struct coco_folder folder = {.dir = dir, .what = "image directory", .flags = O_NOFOLLOW};
    const struct coco_files files = coco_folder_files(&folder);

    if (faccessat(dir, "version", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return coco_dir_check_version(&files, err);
    coco_status status = check_empty(dir, err);
    if (status == COCO_OK)
        status = coco_file_write_at(dir, "version", COCO_DIR_VERSION, strlen(COCO_DIR_VERSION),
                                    0644, err);
    return status;
}

static coco_status
prepare(struct dir *dir, const char *path, coco_error **err)
{
    bool made = mkdir(path, 0755) == 0;

    if (!made && errno != EEXIST)
        return coco_fail_errno(err, errno, "make it");
    dir->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir->fd < 0)
        return coco_fail_errno(err, errno, "open it");
    if (flock(dir->fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? coco_fail(err, COCO_ERR_INVALID, "another is writing there")
                                    : coco_fail_errno(err, errno, "lock it");
    coco_status status = claim(dir->fd, err);
    if (status != COCO_OK || !made)
        return status;
    _cleanup_close_ int parent = openat(dir->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0 || fsync(parent) < 0)
        return coco_fail_errno(err, errno, "sync it");
    return COCO_OK;
}

coco_status
coco_dir_destination(coco_ctx *ctx, const coco_image_ref *ref, struct coco_destination *ret,
                     coco_error **err)
{
    _cleanup_(free_dirp) struct dir *dir = calloc(1, sizeof(*dir));
    const char *path = coco_image_ref_repository(ref);

    if (!dir)
        return coco_fail_nomem(err);
    dir->fd = -1;
    dir->blob = COCO_BLOBFILE_NONE;
    coco_status status = coco_ctx_check(ctx, err);
    if (status == COCO_OK)
        status = prepare(dir, path, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "image directory '%s'", path);
    *ret = (struct coco_destination){
        .has_blob = has_blob,
        .begin_blob = begin_blob,
        .commit_blob = commit_blob,
        .abort_blob = abort_blob,
        .put_manifest = put_manifest,
        .free = free_dir,
        .self = coco_steal(&dir),
    };
    return COCO_OK;
}
