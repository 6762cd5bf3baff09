/*
 * kbc/offline_fs_kbc.c - secrets in files that came with the measured root
 *
 *     /etc/aa-offline_fs_kbc-keys.json       {"<repository>/<type>/<tag>": "<base64>", ...}
 *     /etc/aa-offline_fs_kbc-resources.json  the same; looked at first
 *
 * The root is as measured as what it lies on: files elsewhere are the host's, and are read
 * only where "offline_fs_kbc::unprotected:" says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/offline_fs_kbc.h"

#include "base/fail.h"
#include "base/fd.h"
#include "base/json.h"
#include "kbc/offline_fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_DIR "/etc"
#define UNPROTECTED "unprotected:"

/* In the order they are looked at: upstream reads the keys first and lets the later file win. */
static const char *const files[] = {
    "aa-offline_fs_kbc-resources.json",
    "aa-offline_fs_kbc-keys.json",
};
#define FILES (sizeof(files) / sizeof(files[0]))

struct offline_fs_kbc {
    char *dir;
    struct coco_offline_fs *file[FILES]; /* NULL for one that is not there */
};

static void
offline_fs_close(void *self)
{
    struct offline_fs_kbc *kbc = self;

    if (!kbc)
        return;
    for (size_t i = 0; i < FILES; i++)
        coco_offline_fs_free(kbc->file[i]);
    free(kbc->dir);
    free(kbc);
}

COCO_DEFINE_CLEANUP(struct offline_fs_kbc *, offline_fs_close);

/* Reads a file that is the guest's own, or whoever's if storage is NULL. */
static coco_status
read_own(const struct coco_storage *storage, const char *path, int fd, struct coco_buf *text,
         coco_error **err)
{
    coco_status status = storage ? coco_storage_check(storage, fd, err) : COCO_OK;
    if (status == COCO_ERR_DENIED)
        return coco_wrap(err, status, "'%s' may be the host's ('" UNPROTECTED "' takes it)", path);
    if (status == COCO_OK)
        status = coco_fd_read_all(fd, text, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "'%s'", path);
}

/* A file that is not there holds nothing; one that cannot be read is an error. */
static coco_status
load(const struct coco_storage *storage, const char *dir, const char *name,
     struct coco_offline_fs **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};
    _cleanup_free_ char *path = NULL;

    coco_status status = coco_path_in(dir, name, &path, err);
    if (status != COCO_OK)
        return status;
    /* What is checked is what is read: by the descriptor, not by the name. */
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return COCO_OK;
    if (fd < 0)
        return coco_fail_errno(err, errno, "open '%s'", path);
    status = read_own(storage, path, fd, &text, err);
    if (status != COCO_OK)
        return status;
    status = coco_offline_fs_parse(coco_buf_text(&text), text.len, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "'%s'", path);
    return COCO_OK;
}

coco_status
coco_offline_fs_kbc_open(const struct coco_storage *storage, const char *uri, void **ret,
                         coco_error **err)
{
    _cleanup_(offline_fs_closep) struct offline_fs_kbc *kbc = NULL;
    const char *dir = uri;
    coco_status status = COCO_OK;

    if (strncmp(uri, UNPROTECTED, strlen(UNPROTECTED)) == 0) {
        dir += strlen(UNPROTECTED);
        storage = NULL;
    }
    if (dir[0] != '\0' && dir[0] != '/')
        return coco_fail(err, COCO_ERR_INVALID, "'%.100s' is no absolute directory", dir);

    kbc = calloc(1, sizeof(*kbc));
    if (!kbc)
        return coco_fail_nomem(err);
    kbc->dir = strdup(dir[0] != '\0' ? dir : DEFAULT_DIR);
    if (!kbc->dir)
        return coco_fail_nomem(err);
    for (size_t i = 0; i < FILES && status == COCO_OK; i++)
        status = load(storage, kbc->dir, files[i], &kbc->file[i], err);
    if (status != COCO_OK)
        return status;

    *ret = coco_steal(&kbc);
    return COCO_OK;
}

static coco_status
offline_fs_open(const char *uri, void **ret, coco_error **err)
{
    return coco_offline_fs_kbc_open(&coco_storage, uri, ret, err);
}

static coco_status
offline_fs_get(void *self, coco_ctx *ctx, const struct coco_resource_path *path, coco_bytes **ret,
               coco_error **err)
{
    const struct offline_fs_kbc *kbc = self;
    const struct coco_secret *secret = NULL;

    (void)ctx;
    for (size_t i = 0; i < FILES && !secret; i++)
        secret = coco_offline_fs_find(kbc->file[i], path->text);
    if (!secret)
        return coco_fail(err, COCO_ERR_NOTFOUND, "in neither file of offline_fs_kbc in '%s'",
                         kbc->dir);
    return coco_bytes_new(secret->data, secret->len, ret, err);
}

const struct coco_kbc_driver coco_offline_fs_kbc = {
    .name = "offline_fs_kbc",
    .open = offline_fs_open,
    .close = offline_fs_close,
    .get = offline_fs_get,
};
