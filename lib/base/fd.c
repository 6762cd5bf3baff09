/*
 * base/fd.c - whole files and whole writes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fd.h"

#include "base/fail.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define READ_SIZE ((size_t)16 << 10)

coco_status
coco_fd_write_all(int fd, const void *data, size_t len, coco_error **err)
{
    const uint8_t *p = data;

    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return coco_fail_errno(err, errno, "write");
        p += n;
        len -= (size_t)n;
    }
    return COCO_OK;
}

coco_status
coco_fd_read_all(int fd, struct coco_buf *buf, coco_error **err)
{
    uint8_t chunk[READ_SIZE];
    coco_status status = COCO_OK;

    while (status == COCO_OK) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            status = coco_fail_errno(err, errno, "read");
        if (n <= 0)
            break;
        status = coco_buf_append(buf, chunk, (size_t)n, err);
    }
    OPENSSL_cleanse(chunk, sizeof(chunk)); /* the file may hold a key */
    return status;
}

coco_status
coco_file_read(const char *path, struct coco_buf *buf, coco_error **err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0 && errno == ENOENT)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no file '%s'", path);
    if (fd < 0)
        return coco_fail_errno(err, errno, "open '%s'", path);

    coco_status status = coco_fd_read_all(fd, buf, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "'%s'", path);
    return COCO_OK;
}

static coco_status
write_and_sync(int fd, const void *data, size_t len, mode_t mode, coco_error **err)
{
    coco_status status = coco_fd_write_all(fd, data, len, err);
    if (status != COCO_OK)
        return status;
    if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
        return coco_fail_errno(err, errno, "write");
    return COCO_OK;
}

/* A rename is durable once the directory that holds the name is. */
static coco_status
sync_dir_of(const char *path, coco_error **err)
{
    const char *slash = strrchr(path, '/');
    /* "/x" is in "/", "x" in ".", "a/x" in "a". */
    _cleanup_free_ char *parent =
        slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    if (!parent)
        return coco_fail_nomem(err);

    _cleanup_close_ int dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || fsync(dir) < 0)
        return coco_fail_errno(err, errno, "sync");
    return COCO_OK;
}

coco_status
coco_file_write(const char *path, const void *data, size_t len, mode_t mode, coco_error **err)
{
    _cleanup_free_ char *temp = NULL;

    if (asprintf(&temp, "%s.XXXXXX", path) < 0) {
        temp = NULL;
        return coco_fail_nomem(err);
    }
    _cleanup_close_ int fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0)
        return coco_fail_errno(err, errno, "make '%s'", path);

    coco_status status = write_and_sync(fd, data, len, mode, err);
    if (status == COCO_OK && rename(temp, path) < 0)
        status = coco_fail_errno(err, errno, "rename");
    if (status == COCO_OK)
        status = sync_dir_of(path, err);
    if (status != COCO_OK) {
        (void)unlink(temp);
        return coco_wrap(err, status, "'%s'", path);
    }
    return COCO_OK;
}
