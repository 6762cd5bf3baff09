/*
 * image/meta.c - owner, mode, attributes and times of an unpacked file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/meta.h"

#include "base/fail.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define CAPABILITY "security.capability"

static bool
starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* overlayfs reads user.overlay.* when it is mounted with userxattr. */
static bool
is_allowed(const char *name, bool privileged)
{
    if (starts_with(name, "user."))
        return strlen(name) > strlen("user.") && !starts_with(name, "user.overlay.");
    return privileged && strcmp(name, CAPABILITY) == 0;
}

/* A file system without user.* is one that a container cannot miss them on. */
static coco_status
set_xattr(int fd, const struct coco_xattr *xattr, coco_error **err)
{
    if (fsetxattr(fd, xattr->name, xattr->value, xattr->len, 0) == 0)
        return COCO_OK;
    if (errno == ENOTSUP && starts_with(xattr->name, "user."))
        return COCO_OK;
    return coco_fail_errno(err, errno, "set an extended attribute");
}

/* Removes what a lower layer gave the directory. */
static coco_status
clear_xattrs(int fd, coco_error **err)
{
    ssize_t size = flistxattr(fd, NULL, 0);

    if (size == 0 || (size < 0 && errno == ENOTSUP))
        return COCO_OK;
    if (size < 0)
        return coco_fail_errno(err, errno, "list extended attributes");
    _cleanup_free_ char *names = malloc((size_t)size);
    if (!names)
        return coco_fail_nomem(err);
    size = flistxattr(fd, names, (size_t)size);
    if (size < 0)
        return coco_fail_errno(err, errno, "list extended attributes");
    for (const char *name = names; name < names + size; name += strlen(name) + 1)
        if (is_allowed(name, true) && fremovexattr(fd, name) < 0)
            return coco_fail_errno(err, errno, "remove an extended attribute");
    return COCO_OK;
}

static mode_t
mode_of(const struct coco_tar_entry *entry, bool privileged)
{
    mode_t mode = entry->mode;

    if (privileged)
        return mode;
    mode &= (mode_t) ~(S_ISUID | S_ISGID);
    return entry->type == COCO_TAR_DIR ? mode | S_IRWXU : mode;
}

coco_status
coco_meta_apply(int fd, const struct coco_tar_entry *entry, bool privileged, coco_error **err)
{
    const struct timespec times[2] = {entry->atime, entry->mtime};
    coco_status status = COCO_OK;

    /* chown() takes setuid bits and capabilities away, so it comes first. */
    if (privileged && fchown(fd, entry->uid, entry->gid) < 0)
        return coco_fail_errno(err, errno, "set the owner");
    if (fchmod(fd, mode_of(entry, privileged)) < 0)
        return coco_fail_errno(err, errno, "set the mode");
    if (entry->type == COCO_TAR_DIR)
        status = clear_xattrs(fd, err);
    for (size_t i = 0; i < entry->n_xattrs && status == COCO_OK; i++)
        if (is_allowed(entry->xattrs[i].name, privileged))
            status = set_xattr(fd, &entry->xattrs[i], err);
    if (status == COCO_OK && futimens(fd, times) < 0)
        status = coco_fail_errno(err, errno, "set the times");
    return status;
}

coco_status
coco_meta_apply_at(int dir, const char *name, const struct coco_tar_entry *entry, bool privileged,
                   coco_error **err)
{
    const struct timespec times[2] = {entry->atime, entry->mtime};

    if (privileged && fchownat(dir, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return coco_fail_errno(err, errno, "set the owner");
    /*
     * Links have no mode, and no allowed attribute either. There is no fchmodat()
     * that does not follow in all kernels; but name was made a moment ago, in a
     * tree that is nobody else's, and is no link.
     */
    if (entry->type != COCO_TAR_SYMLINK && fchmodat(dir, name, mode_of(entry, privileged), 0) < 0)
        return coco_fail_errno(err, errno, "set the mode");
    if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return coco_fail_errno(err, errno, "set the times");
    return COCO_OK;
}

coco_status
coco_meta_imply(int fd, coco_error **err)
{
    static const struct timespec never[2];

    /* In a set-gid directory it would have that one's group. */
    if (fchown(fd, geteuid(), getegid()) < 0)
        return coco_fail_errno(err, errno, "set the owner");
    if (fchmod(fd, 0755) < 0)
        return coco_fail_errno(err, errno, "set the mode");
    coco_status status = clear_xattrs(fd, err);
    if (status == COCO_OK && futimens(fd, never) < 0)
        status = coco_fail_errno(err, errno, "set the times");
    return status;
}
