/*
 * image/meta.c - owner, mode, attributes and times of an unpacked file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/meta.h"

#include "base/fail.h"

#include <fcntl.h>
#include <stdio.h>
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
is_allowed(const char *name)
{
    if (starts_with(name, "user."))
        return strlen(name) > strlen("user.") && !starts_with(name, "user.overlay.");
    return strcmp(name, CAPABILITY) == 0;
}

coco_status
coco_ids_refuse(coco_error **err, const char *what)
{
    return coco_fail(
        err, COCO_ERR_NOTSUP,
        "%s without privileges; COCO_IMAGE_IGNORE_CHOWN (--ignore-chown) leaves it out", what);
}

/* A file system without user.* is one that a container cannot miss them on. */
static coco_status
set_xattr(int fd, const struct coco_xattr *xattr, const struct coco_ids *ids, bool *ignored,
          coco_error **err)
{
    if (fsetxattr(fd, xattr->name, xattr->value, xattr->len, 0) == 0)
        return COCO_OK;
    if (errno == ENOTSUP && starts_with(xattr->name, "user."))
        return COCO_OK;
    if (errno != EPERM)
        return coco_fail_errno(err, errno, "set an extended attribute");
    if (!ids->ignore)
        return coco_ids_refuse(err, "a capability");
    *ignored = true;
    return COCO_OK;
}

static coco_status
set_xattrs(int fd, const struct coco_tar_entry *entry, const struct coco_ids *ids, bool *ignored,
           coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < entry->n_xattrs && status == COCO_OK; i++)
        if (is_allowed(entry->xattrs[i].name))
            status = set_xattr(fd, &entry->xattrs[i], ids, ignored, err);
    return status;
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
        if (is_allowed(name) && fremovexattr(fd, name) < 0)
            return coco_fail_errno(err, errno, "remove an extended attribute");
    return COCO_OK;
}

/* chown() said no. EINVAL: the user namespace has no such id. */
static coco_status
refused_owner(int errnum, const struct coco_tar_entry *entry, const struct coco_ids *ids,
              bool *ignored, coco_error **err)
{
    char what[64];

    if (errnum != EPERM && errnum != EINVAL)
        return coco_fail_errno(err, errnum, "set the owner");
    (void)snprintf(what, sizeof(what), "the owner %u:%u", entry->uid, entry->gid);
    if (!ids->ignore)
        return coco_ids_refuse(err, what);
    *ignored = true;
    return COCO_OK;
}

static mode_t
mode_of(const struct coco_tar_entry *entry, bool owned)
{
    mode_t mode = entry->mode;

    if (!owned)
        mode &= (mode_t) ~(S_ISUID | S_ISGID);
    return entry->type == COCO_TAR_DIR && geteuid() != 0 ? mode | S_IRWXU : mode;
}

coco_status
coco_meta_apply(int fd, const struct coco_tar_entry *entry, struct coco_ids *ids, coco_error **err)
{
    const struct timespec times[2] = {entry->atime, entry->mtime};
    bool no_owner = false;
    bool no_capability = false;
    coco_status status = COCO_OK;

    /* chown() takes setuid bits and capabilities away, so it comes first. */
    if (fchown(fd, entry->uid, entry->gid) < 0)
        status = refused_owner(errno, entry, ids, &no_owner, err);
    if (status == COCO_OK && entry->type == COCO_TAR_DIR)
        status = clear_xattrs(fd, err);
    /* Attributes of a file that is not writable can be set by root alone. */
    if (status == COCO_OK)
        status = set_xattrs(fd, entry, ids, &no_capability, err);
    if (status != COCO_OK)
        return status;
    if (fchmod(fd, mode_of(entry, !no_owner)) < 0)
        return coco_fail_errno(err, errno, "set the mode");
    if (futimens(fd, times) < 0)
        return coco_fail_errno(err, errno, "set the times");
    ids->ignored += no_owner || no_capability ? 1 : 0;
    return COCO_OK;
}

coco_status
coco_meta_apply_at(int dir, const char *name, const struct coco_tar_entry *entry,
                   struct coco_ids *ids, coco_error **err)
{
    const struct timespec times[2] = {entry->atime, entry->mtime};
    bool no_owner = false;
    coco_status status = COCO_OK;

    if (fchownat(dir, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) < 0)
        status = refused_owner(errno, entry, ids, &no_owner, err);
    if (status != COCO_OK)
        return status;
    /*
     * Links have no mode, and no allowed attribute either. There is no fchmodat()
     * that does not follow in all kernels; but name was made a moment ago, in a
     * tree that is nobody else's, and is no link.
     */
    if (entry->type != COCO_TAR_SYMLINK && fchmodat(dir, name, mode_of(entry, !no_owner), 0) < 0)
        return coco_fail_errno(err, errno, "set the mode");
    if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return coco_fail_errno(err, errno, "set the times");
    ids->ignored += no_owner ? 1 : 0;
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
