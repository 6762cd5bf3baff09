/*
 * verifier/collateral.c - what verifying needs beside the evidence
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/collateral.h"

#include "base/bytes.h"
#include "base/fail.h"
#include "base/fd.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_MAX_LEN 512

struct coco_collateral {
    const struct coco_collateral_driver *driver;
    void *self;
};

coco_status
coco_collateral_wrap(const struct coco_collateral_driver *driver, void *self, coco_collateral **ret,
                     coco_error **err)
{
    coco_collateral *collateral = calloc(1, sizeof(*collateral));
    if (!collateral)
        return coco_fail_nomem(err);

    collateral->driver = driver;
    collateral->self = self;
    *ret = collateral;
    return COCO_OK;
}

void
coco_collateral_free(coco_collateral *collateral)
{
    if (!collateral)
        return;
    collateral->driver->free(collateral->self);
    free(collateral);
}

/* Parts of names come from evidence: they must not lead anywhere else. */
static bool
is_name(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";
    size_t len = strlen(name);

    return len > 0 && len < NAME_MAX_LEN && strspn(name, allowed) == len && name[0] != '/'
           && name[0] != '.' && name[len - 1] != '/' && !strstr(name, "/.") && !strstr(name, "//");
}

static coco_status
get(const coco_collateral *collateral, const char *name, struct coco_buf *ret, coco_error **err)
{
    if (!is_name(name))
        return coco_fail(err, COCO_ERR_INVALID, "collateral cannot be called '%.80s'", name);
    coco_status status = collateral->driver->get(collateral->self, name, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "collateral %s", name);
}

coco_status
coco_collateral_get(coco_collateral *collateral, const char *name, coco_bytes **ret,
                    coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_COLLATERAL_MAX};

    coco_status status = get(collateral, name, &buf, err);
    if (status == COCO_OK)
        status = coco_bytes_take(&buf, ret, err);
    return status;
}

coco_status
coco_collateral_read(const coco_collateral *collateral, struct coco_buf *ret, coco_error **err,
                     const char *fmt, ...)
{
    char name[NAME_MAX_LEN];
    va_list args;

    if (!collateral)
        return coco_fail(err, COCO_ERR_NOTFOUND, "there is no collateral");
    va_start(args, fmt);
    int len = vsnprintf(name, sizeof(name), fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(name))
        return coco_fail(err, COCO_ERR_INVALID, "name of collateral is too long");
    return get(collateral, name, ret, err);
}

/* ---- a directory ---- */

struct directory {
    int fd;
};

static void
directory_free(void *self)
{
    struct directory *directory = self;

    (void)close(directory->fd);
    free(directory);
}

static coco_status
directory_get(void *self, const char *name, struct coco_buf *ret, coco_error **err)
{
    const struct directory *directory = self;
    _cleanup_close_ int fd =
        openat(directory->fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return coco_fail(err, COCO_ERR_NOTFOUND, "there is no such file");
    if (fd < 0 || fstat(fd, &st) != 0)
        return coco_fail_errno(err, errno, "cannot read");
    if (!S_ISREG(st.st_mode))
        return coco_fail(err, COCO_ERR_IO, "is not a file");
    return coco_fd_read_all(fd, ret, err);
}

static const struct coco_collateral_driver directory_driver = {
    .get = directory_get,
    .free = directory_free,
};

coco_status
coco_collateral_new_dir(const char *dir, coco_collateral **ret, coco_error **err)
{
    _cleanup_close_ int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return coco_fail(err, COCO_ERR_NOTFOUND, "there is no directory %s", dir);
    if (fd < 0)
        return coco_fail_errno(err, errno, "cannot open %s", dir);
    _cleanup_free_ struct directory *self = malloc(sizeof(*self));
    if (!self)
        return coco_fail_nomem(err);
    self->fd = fd;
    coco_status status = coco_collateral_wrap(&directory_driver, self, ret, err);
    if (status == COCO_OK) {
        fd = -1;
        self = NULL;
    }
    return status;
}
