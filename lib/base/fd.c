/*
 * base/fd.c - whole files and whole writes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fd.h"

#include "base/fail.h"
#include "base/secret.h"
#include "base/text.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define READ_SIZE ((size_t)16 << 10)
#define TEMP_BYTES 8

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
coco_fd_raise(int *fd, int least, coco_error **err)
{
    if (*fd >= least)
        return COCO_OK;
    int raised = fcntl(*fd, F_DUPFD_CLOEXEC, least);
    if (raised < 0)
        return coco_fail_errno(err, errno, "copy a descriptor");
    (void)close(*fd);
    *fd = raised;
    return COCO_OK;
}

coco_status
coco_file_read(const char *path, struct coco_buf *buf, coco_error **err)
{
    /* A named pipe without a writer would be waited for, and nothing ended that. */
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int flags = fd < 0 ? 0 : fcntl(fd, F_GETFL);

    if (fd >= 0 && (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0))
        return coco_fail_errno(err, errno, "open '%s'", path);
    if (fd < 0 && errno == ENOENT)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no file '%s'", path);
    if (fd < 0)
        return coco_fail_errno(err, errno, "open '%s'", path);

    coco_status status = coco_fd_read_all(fd, buf, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "'%s'", path);
    return COCO_OK;
}

/* By way of O_PATH: what is no file is not even opened, which for a device may do something. */
coco_status
coco_file_read_regular(const char *path, struct coco_buf *buf, coco_error **err)
{
    _cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
    char link[sizeof("/proc/self/fd/-2147483648")];
    struct stat st;

    if (fd < 0 && errno == ENOENT)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no file '%s'", path);
    if (fd < 0 || fstat(fd, &st) < 0)
        return coco_fail_errno(err, errno, "open '%s'", path);
    if (!S_ISREG(st.st_mode))
        return coco_fail(err, COCO_ERR_INVALID, "'%s' is no regular file", path);
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    coco_status status = coco_file_read(link, buf, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "'%s'", path);
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

/* A name beside name that is nobody's. */
static coco_status
temp_name(const char *name, char **ret, coco_error **err)
{
    uint8_t random[TEMP_BYTES];
    char hex[2 * TEMP_BYTES + 1];

    coco_status status = coco_random(random, sizeof(random), err);
    if (status != COCO_OK)
        return status;
    coco_hex(random, sizeof(random), hex);
    if (asprintf(ret, "%s.%s", name, hex) < 0) {
        *ret = NULL;
        return coco_fail_nomem(err);
    }
    return COCO_OK;
}

bool
coco_file_is_temporary(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && dot > name && strlen(dot + 1) == (size_t)2 * TEMP_BYTES
           && strspn(dot + 1, "0123456789abcdef") == (size_t)2 * TEMP_BYTES;
}

static coco_status
replace(int dir, const char *name, const void *data, size_t len, mode_t mode, coco_error **err)
{
    _cleanup_free_ char *temp = NULL;

    coco_status status = temp_name(name, &temp, err);
    if (status != COCO_OK)
        return status;
    _cleanup_close_ int fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return coco_fail_errno(err, errno, "make");

    status = write_and_sync(fd, data, len, mode, err);
    if (status == COCO_OK && renameat(dir, temp, dir, name) < 0)
        status = coco_fail_errno(err, errno, "rename");
    /* A rename is durable once the directory that holds the name is. */
    if (status == COCO_OK && fsync(dir) < 0)
        status = coco_fail_errno(err, errno, "sync");
    if (status != COCO_OK)
        (void)unlinkat(dir, temp, 0);
    return status;
}

coco_status
coco_file_write_at(int dir, const char *name, const void *data, size_t len, mode_t mode,
                   coco_error **err)
{
    coco_status status = replace(dir, name, data, len, mode, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "'%s'", name);
}

coco_status
coco_path_in(const char *dir, const char *name, char **ret, coco_error **err)
{
    if (asprintf(ret, "%s/%s", dir, name) < 0) {
        *ret = NULL;
        return coco_fail_nomem(err);
    }
    return COCO_OK;
}

coco_status
coco_file_open_parent(const char *path, int *ret, const char **name, coco_error **err)
{
    const char *slash = strrchr(path, '/');
    /* "/x" is in "/", "x" in ".", "a/x" in "a". */
    _cleanup_free_ char *parent =
        slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    if (!parent)
        return coco_fail_nomem(err);

    int dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return coco_fail_errno(err, errno, "make '%s'", path);
    *ret = dir;
    *name = slash ? slash + 1 : path;
    return COCO_OK;
}

coco_status
coco_file_write(const char *path, const void *data, size_t len, mode_t mode, coco_error **err)
{
    _cleanup_close_ int dir = -1;
    const char *name = NULL;

    coco_status status = coco_file_open_parent(path, &dir, &name, err);
    if (status != COCO_OK)
        return status;
    status = replace(dir, name, data, len, mode, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "'%s'", path);
}

coco_status
coco_dir_make_at(int dir, const char *name, int *ret, coco_error **err)
{
    if (mkdirat(dir, name, 0700) < 0)
        return coco_fail_errno(err, errno, "make '%s'", name);
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return coco_fail_errno(err, errno, "open '%s'", name);
    *ret = fd;
    return COCO_OK;
}
