/*
 * image/files.c - the files that an image is made of
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/files.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"

#include <fcntl.h>
#include <sys/stat.h>

#define READ_SIZE ((size_t)128 << 10)
#define PART_SIZE ((size_t)1 << 10)

void
coco_files_done(struct coco_files *files)
{
    if (files->free)
        files->free(files->self);
    *files = (struct coco_files){0};
}

coco_status
coco_files_open(int dir, const char *name, int flags, int *ret, coco_error **err)
{
    _cleanup_close_ int fd =
        openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);
    struct stat st;

    if (fd < 0 && errno == ENOENT)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no '%s'", name);
    if (fd < 0 || fstat(fd, &st) < 0)
        return coco_fail_errno(err, errno, "open '%s'", name);
    if (!S_ISREG(st.st_mode))
        return coco_fail(err, COCO_ERR_PROTO, "'%s' is not a file", name);
    *ret = fd;
    fd = -1;
    return COCO_OK;
}

static coco_status
open_in(const struct coco_folder *folder, const char *name, int *ret, coco_error **err)
{
    coco_status status = coco_files_open(folder->dir, name, folder->flags, ret, err);

    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%s", folder->what);
}

static coco_status
read_file(void *self, const char *name, struct coco_buf *buf, coco_error **err)
{
    _cleanup_close_ int fd = -1;

    coco_status status = open_in(self, name, &fd, err);
    if (status == COCO_OK)
        status = coco_fd_read_all(fd, buf, err);
    return status;
}

static coco_status
send_file(void *self, coco_ctx *ctx, const char *name, const struct coco_sink *sink,
          coco_error **err)
{
    _cleanup_free_ uint8_t *data = malloc(READ_SIZE);
    _cleanup_close_ int fd = -1;

    if (!data)
        return coco_fail_nomem(err);
    coco_status status = open_in(self, name, &fd, err);
    while (status == COCO_OK) {
        ssize_t n = read(fd, data, READ_SIZE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return coco_fail_errno(err, errno, "read '%s'", name);
        if (n == 0)
            break;
        status = coco_ctx_check(ctx, err);
        if (status == COCO_OK)
            status = coco_sink_write(sink, data, (size_t)n, err);
    }
    return status;
}

static coco_status
read_part(void *self, const char *name, uint64_t offset, size_t len, struct coco_buf *buf,
          coco_error **err)
{
    _cleanup_close_ int fd = -1;
    uint8_t piece[PART_SIZE];

    coco_status status = open_in(self, name, &fd, err);
    while (status == COCO_OK && len > 0) {
        ssize_t n = pread(fd, piece, len < sizeof(piece) ? len : sizeof(piece), (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return coco_fail_errno(err, errno, "read '%s'", name);
        if (n == 0)
            return coco_fail(err, COCO_ERR_PROTO, "'%s' is shorter than it is said to be", name);
        status = coco_buf_append(buf, piece, (size_t)n, err);
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return status;
}

struct coco_files
coco_folder_files(struct coco_folder *folder)
{
    return (struct coco_files){
        .read = read_file, .send = send_file, .part = read_part, .self = folder};
}

static void
free_folder(void *self)
{
    struct coco_folder *folder = self;

    (void)close(folder->dir);
    free(folder);
}

coco_status
coco_folder_open(const char *path, const char *what, int flags, struct coco_files *ret,
                 coco_error **err)
{
    _cleanup_free_ struct coco_folder *folder = calloc(1, sizeof(*folder));

    if (!folder)
        return coco_fail_nomem(err);
    folder->what = what;
    folder->flags = flags;
    folder->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->dir < 0 && errno == ENOENT)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no %s '%s'", what, path);
    if (folder->dir < 0)
        return coco_fail_errno(err, errno, "open '%s'", path);
    *ret = coco_folder_files(coco_steal(&folder));
    ret->free = free_folder;
    return COCO_OK;
}
