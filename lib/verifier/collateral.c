/*
 * verifier/collateral.c - what verifying needs beside the evidence
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/collateral.h"

#include "base/bytes.h"
#include "base/entries.h"
#include "base/fail.h"
#include "base/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Directories in each other; the names that there are have four. */
#define DEPTH_MAX 8

struct coco_collateral {
    const struct coco_collateral_driver *driver;
    void *self;
    atomic_size_t refs;
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
    atomic_init(&collateral->refs, 1);
    *ret = collateral;
    return COCO_OK;
}

void *
coco_collateral_self(const coco_collateral *collateral, const struct coco_collateral_driver *driver)
{
    return collateral->driver == driver ? collateral->self : NULL;
}

coco_status
coco_collateral_share(coco_collateral *collateral, coco_collateral **ret, coco_error **err)
{
    (void)err;
    (void)atomic_fetch_add(&collateral->refs, 1);
    *ret = collateral;
    return COCO_OK;
}

void
coco_collateral_free(coco_collateral *collateral)
{
    if (!collateral || atomic_fetch_sub(&collateral->refs, 1) > 1)
        return;
    collateral->driver->free(collateral->self);
    free(collateral);
}

bool
coco_collateral_is_name(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";
    size_t len = strlen(name);

    return len > 0 && len < COCO_COLLATERAL_NAME_SIZE && strspn(name, allowed) == len
           && name[0] != '/' && name[0] != '.' && name[len - 1] != '/' && !strstr(name, "/.")
           && !strstr(name, "//");
}

static coco_status
get(const coco_collateral *collateral, const char *name, struct coco_buf *ret, coco_error **err)
{
    if (!coco_collateral_is_name(name))
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
    char name[COCO_COLLATERAL_NAME_SIZE];
    va_list args;

    if (!collateral)
        return coco_fail(
            err, COCO_ERR_NOTFOUND,
            "no source of collateral is set: coco_verifier_set_collateral(), --collateral");
    va_start(args, fmt);
    int len = vsnprintf(name, sizeof(name), fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(name))
        return coco_fail(err, COCO_ERR_INVALID, "name of collateral is too long");
    return get(collateral, name, ret, err);
}

coco_status
coco_collateral_fetched(const coco_collateral *collateral, const char *name, int64_t *ret,
                        coco_error **err)
{
    *ret = 0;
    if (!collateral->driver->fetched)
        return COCO_OK;
    coco_status status = collateral->driver->fetched(collateral->self, name, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "collateral %s", name);
}

coco_status
coco_collateral_each(const coco_collateral *collateral, coco_collateral_each_fn *fn, void *user,
                     coco_error **err)
{
    if (!collateral->driver->each)
        return coco_fail(err, COCO_ERR_NOTSUP, "this source cannot tell what it has");
    return collateral->driver->each(collateral->self, fn, user, err);
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
open_file(const struct directory *directory, const char *name, int *ret, struct stat *st,
          coco_error **err)
{
    _cleanup_close_ int fd =
        openat(directory->fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return coco_fail(err, COCO_ERR_NOTFOUND, "there is no such file");
    if (fd < 0 || fstat(fd, st) != 0)
        return coco_fail_errno(err, errno, "cannot read");
    if (!S_ISREG(st->st_mode))
        return coco_fail(err, COCO_ERR_IO, "is not a file");
    *ret = fd;
    fd = -1;
    return COCO_OK;
}

static coco_status
directory_get(void *self, const char *name, struct coco_buf *ret, coco_error **err)
{
    _cleanup_close_ int fd = -1;
    struct stat st;

    coco_status status = open_file(self, name, &fd, &st, err);
    return status == COCO_OK ? coco_fd_read_all(fd, ret, err) : status;
}

/* A file is as old as what it holds: coco_collateral_write_dir() sees to it. */
static coco_status
directory_fetched(void *self, const char *name, int64_t *ret, coco_error **err)
{
    _cleanup_close_ int fd = -1;
    struct stat st;

    coco_status status = open_file(self, name, &fd, &st, err);
    if (status == COCO_OK)
        *ret = st.st_mtim.tv_sec;
    return status;
}

/* What is called is found; what cannot be called so is somebody else's. */
struct walk {
    coco_collateral_each_fn *fn;
    void *user;
    char name[COCO_COLLATERAL_NAME_SIZE]; /* of the directory that is read */
    size_t depth;
    size_t n;
};

static coco_status walk_directory(struct walk *walk, int fd, coco_error **err);

static coco_status
walk_entry(struct walk *walk, int dir, const char *entry, coco_error **err)
{
    size_t len = strlen(walk->name);
    struct stat st;
    coco_status status = COCO_OK;

    if (coco_file_is_temporary(entry) || fstatat(dir, entry, &st, 0) != 0)
        return COCO_OK;
    int added =
        snprintf(walk->name + len, sizeof(walk->name) - len, "%s%s", len > 0 ? "/" : "", entry);
    bool fits = added > 0 && (size_t)added < sizeof(walk->name) - len;
    if (fits && S_ISDIR(st.st_mode) && coco_collateral_is_name(walk->name)
        && walk->depth < DEPTH_MAX) {
        walk->depth++;
        status = walk_directory(walk, openat(dir, entry, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err);
        walk->depth--;
    } else if (fits && S_ISREG(st.st_mode) && coco_collateral_is_name(walk->name)) {
        if (walk->n++ == COCO_COLLATERAL_ITEMS_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "more than %zu files", COCO_COLLATERAL_ITEMS_MAX);
        status = walk->fn(walk->user, walk->name, err);
    }
    walk->name[len] = '\0';
    return status;
}

/* Takes fd. */
static coco_status
walk_directory(struct walk *walk, int fd, coco_error **err)
{
    _cleanup_entries_ struct coco_entries entries = {0};
    const char *entry;

    coco_status status = coco_entries_take(fd, &entries, err);
    while (status == COCO_OK && (entry = coco_entries_next(&entries)))
        status = walk_entry(walk, dirfd(entries.stream), entry, err);
    if (status == COCO_OK)
        status = coco_entries_end(&entries, err);
    return status;
}

static coco_status
directory_each(void *self, coco_collateral_each_fn *fn, void *user, coco_error **err)
{
    const struct directory *directory = self;
    struct walk walk = {.fn = fn, .user = user};

    return walk_directory(&walk, openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                          err);
}

static const struct coco_collateral_driver directory_driver = {
    .get = directory_get,
    .fetched = directory_fetched,
    .each = directory_each,
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
