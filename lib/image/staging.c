/*
 * image/staging.c - a directory that appears at once and complete, or not at all
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/staging.h"

#include "base/entries.h"
#include "base/fail.h"
#include "base/pulse.h"
#include "base/secret.h"
#include "base/text.h"
#include "image/overlay.h"
#include "image/remove.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define MARK ".coco-"
#define SUFFIX_BYTES 8
#define TRIES 16
#define MODE_DEFAULT 0755

void
coco_staging_done(struct coco_staging *staging)
{
    bool there = staging->dir >= 0 && !staging->committed;

    if (there)
        coco_overlay_detach(staging->dir);
    /* First: there may be no other descriptor to remove it with. If others take it for stale now,
     * they only help. */
    coco_closep(&staging->dir);
    if (there)
        (void)coco_remove(staging->parent, staging->name, NULL);
    coco_closep(&staging->parent);
    free(staging->name);
    free(staging->target);
    *staging = COCO_STAGING_NONE;
}

static coco_status
check_empty(int dir, const char *path, coco_error **err)
{
    _cleanup_entries_ struct coco_entries entries = {0};

    coco_status status = coco_entries_open(dir, &entries, err);
    if (status == COCO_OK && coco_entries_next(&entries))
        return coco_fail(err, COCO_ERR_INVALID, "'%s' is not empty", path);
    if (status == COCO_OK)
        status = coco_entries_end(&entries, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "'%s'", path);
}

/* Nothing can be renamed to where something is mounted, which would come out when all is there. */
static coco_status
check_mount(int dir, const char *path, coco_error **err)
{
    struct statx stx = {0};

    if (statx(dir, "", AT_EMPTY_PATH, STATX_TYPE, &stx) == 0
        && stx.stx_attributes & STATX_ATTR_MOUNT_ROOT)
        return coco_fail(err, COCO_ERR_INVALID, "'%s' is a mount point: name a new directory in it",
                         path);
    return COCO_OK;
}

/* The place as it really is: links in path are followed once, here. */
static coco_status
resolve(const char *path, struct coco_staging *staging, char **ret, coco_error **err)
{
    struct stat st;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        if (errno == ENOTDIR)
            return coco_fail(err, COCO_ERR_INVALID, "'%s' is not an empty directory", path);
        if (errno != ENOENT)
            return coco_fail_errno(err, errno, "open '%s'", path);
        staging->mode = MODE_DEFAULT;
        *ret = strdup(path);
        return *ret ? COCO_OK : coco_fail_nomem(err);
    }
    coco_status status = check_mount(fd, path, err);
    if (status == COCO_OK)
        status = check_empty(fd, path, err);
    if (status != COCO_OK)
        return status;
    if (fstat(fd, &st) < 0)
        return coco_fail_errno(err, errno, "look at '%s'", path);
    staging->mode = st.st_mode & 07777;
    char *real = realpath(path, NULL);
    if (!real)
        return coco_fail_errno(err, errno, "resolve '%s'", path);
    *ret = real;
    return COCO_OK;
}

/* Splits a path into the directory that is opened and the name in it. */
static coco_status
open_parent(char *path, struct coco_staging *staging, coco_error **err)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        path[--len] = '\0';
    char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *parent = slash == path ? "/" : slash ? path : ".";

    if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return coco_fail(err, COCO_ERR_INVALID, "'%s' cannot be made", path);
    staging->target = strdup(name);
    if (!staging->target)
        return coco_fail_nomem(err);
    if (slash)
        *slash = '\0';
    staging->parent = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (staging->parent < 0)
        return coco_fail_errno(err, errno, "open '%s'", parent);
    return COCO_OK;
}

/* What all staging directories for one place begin with; long names are cut. */
static coco_status
prefix_of(const char *target, char **ret, coco_error **err)
{
    if (asprintf(ret, ".%.*s" MARK, NAME_MAX / 2, target) < 0) {
        *ret = NULL;
        return coco_fail_nomem(err);
    }
    return COCO_OK;
}

/* Whoever works there holds the lock, and the system takes it from the dead. */
static void
remove_if_stale(int parent, const char *name)
{
    _cleanup_close_ int dir = openat(parent, name, DIR_FLAGS);

    if (dir < 0 || flock(dir, LOCK_EX | LOCK_NB) < 0)
        return;
    coco_overlay_detach(dir);
    (void)coco_remove(parent, name, NULL);
}

/* ".<target>.coco-<16 hex digits>" */
static bool
is_staging(const char *name)
{
    const char *mark = strrchr(name, '.');

    return name[0] == '.' && mark && strncmp(mark, MARK, strlen(MARK)) == 0
           && strlen(mark) == strlen(MARK) + (size_t)2 * SUFFIX_BYTES;
}

/* What cannot be removed is no reason to fail: it is in nobody's way. */
static void
remove_stale(int parent, const char *prefix)
{
    _cleanup_entries_ struct coco_entries entries = {0};
    const char *name;

    if (coco_entries_open(parent, &entries, NULL) != COCO_OK)
        return;
    while ((name = coco_entries_next(&entries)))
        if (is_staging(name) && strncmp(name, prefix, strlen(prefix)) == 0)
            remove_if_stale(parent, name);
}

void
coco_staging_sweep(int parent)
{
    remove_stale(parent, "");
}

coco_status
coco_staging_path(const struct coco_staging *staging, char **ret, coco_error **err)
{
    char parent[PATH_MAX];
    char link[32];

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", staging->parent);
    *ret = NULL;
    ssize_t len = readlink(link, parent, sizeof(parent) - 1);
    if (len < 0)
        return coco_fail_errno(err, errno, "resolve the place of '%s'", staging->target);
    parent[len] = '\0';
    if (asprintf(ret, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, staging->target) < 0) {
        *ret = NULL;
        return coco_fail_nomem(err);
    }
    return COCO_OK;
}

static coco_status
random_name(const char *prefix, char **ret, coco_error **err)
{
    uint8_t bytes[SUFFIX_BYTES];
    char suffix[2 * SUFFIX_BYTES + 1];

    coco_status status = coco_random(bytes, sizeof(bytes), err);
    if (status != COCO_OK)
        return status;
    coco_hex(bytes, sizeof(bytes), suffix);
    if (asprintf(ret, "%s%s", prefix, suffix) < 0) {
        *ret = NULL;
        return coco_fail_nomem(err);
    }
    return COCO_OK;
}

coco_status
coco_staging_discard(int parent, const char *name, coco_error **err)
{
    _cleanup_free_ char *prefix = NULL;
    _cleanup_free_ char *stale = NULL;

    coco_status status = prefix_of(name, &prefix, err);
    if (status == COCO_OK)
        status = random_name(prefix, &stale, err);
    if (status != COCO_OK)
        return status;
    if (renameat(parent, name, parent, stale) < 0)
        return coco_fail_errno(err, errno, "rename '%s'", name);
    return coco_remove(parent, stale, err);
}

/*
 * Makes and locks one. Between the two, another process may have taken it for
 * stale and removed it: then it has no name any more, and it takes another try.
 */
static coco_status
make_one(struct coco_staging *staging, const char *prefix, bool *made, coco_error **err)
{
    _cleanup_free_ char *name = NULL;
    struct stat st;
    struct stat named;

    *made = false;
    coco_status status = random_name(prefix, &name, err);
    if (status != COCO_OK)
        return status;
    if (mkdirat(staging->parent, name, 0700) < 0) {
        if (errno == EEXIST)
            return COCO_OK;
        return coco_fail_errno(err, errno, "make a staging directory");
    }
    _cleanup_close_ int dir = openat(staging->parent, name, DIR_FLAGS);
    if (dir < 0 && errno != ENOENT) {
        int cause = errno;

        (void)unlinkat(staging->parent, name, AT_REMOVEDIR);
        return coco_fail_errno(err, cause, "open a staging directory");
    }
    if (dir < 0 || flock(dir, LOCK_EX | LOCK_NB) < 0 || fstat(dir, &st) < 0
        || fstatat(staging->parent, name, &named, AT_SYMLINK_NOFOLLOW) < 0
        || st.st_ino != named.st_ino)
        return COCO_OK;
    staging->dir = dir;
    dir = -1;
    staging->name = coco_steal(&name);
    *made = true;
    return COCO_OK;
}

static coco_status
make(struct coco_staging *staging, coco_error **err)
{
    _cleanup_free_ char *prefix = NULL;

    coco_status status = prefix_of(staging->target, &prefix, err);
    if (status != COCO_OK)
        return status;
    remove_stale(staging->parent, prefix);
    for (int i = 0; i < TRIES; i++) {
        bool made;

        status = make_one(staging, prefix, &made, err);
        if (status != COCO_OK || made)
            return status;
    }
    return coco_fail(err, COCO_ERR_IO, "no staging directory can be made");
}

coco_status
coco_staging_begin(const char *path, struct coco_staging *ret, coco_error **err)
{
    _cleanup_staging_ struct coco_staging staging = COCO_STAGING_NONE;
    _cleanup_free_ char *real = NULL;

    coco_status status = resolve(path, &staging, &real, err);
    if (status == COCO_OK)
        status = open_parent(real, &staging, err);
    if (status == COCO_OK)
        status = make(&staging, err);
    if (status != COCO_OK)
        return status;
    *ret = staging;
    staging = COCO_STAGING_NONE;
    return COCO_OK;
}

/* Which takes as long as the disk does. */
static coco_status
sync_it(void *self, coco_error **err)
{
    const struct coco_staging *staging = self;

    return syncfs(staging->dir) == 0 ? COCO_OK
                                     : coco_fail_errno(err, errno, "finish '%s'", staging->target);
}

/* rename() takes the place of an empty directory, and of nothing else. */
coco_status
coco_staging_commit(struct coco_staging *staging, const coco_ctx *ctx, coco_error **err)
{
    const struct coco_pulse_work work = {.run = sync_it, .self = staging};
    struct coco_pulse pulse = coco_pulse_begin(ctx, staging->target, COCO_PHASE_SYNC);

    if (fchmod(staging->dir, staging->mode) < 0)
        return coco_fail_errno(err, errno, "finish '%s'", staging->target);
    coco_status status = coco_pulse_during(&pulse, &work, err);
    if (status != COCO_OK)
        return status;
    coco_pulse_end(&pulse);
    if (renameat(staging->parent, staging->name, staging->parent, staging->target) < 0) {
        if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
            return coco_fail(err, COCO_ERR_INVALID, "'%s' is there by now", staging->target);
        return coco_fail_errno(err, errno, "rename to '%s'", staging->target);
    }
    staging->committed = true;
    if (fsync(staging->parent) < 0)
        return coco_fail_errno(err, errno, "finish '%s'", staging->target);
    return COCO_OK;
}
