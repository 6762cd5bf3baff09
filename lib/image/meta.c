/*
 * image/meta.c - owner, mode, attributes and times of an unpacked file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/meta.h"

#include "base/fail.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define CAPABILITY "security.capability"
#define LEAVES_OUT "COCO_IMAGE_IGNORE_CHOWN (--ignore-chown) leaves it out"

/* What an entry says and its file has not. */
struct left_out {
    bool owner;
    bool capability;
    bool acl;
};

static bool
starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool
is_acl(const char *name)
{
    return strcmp(name, COCO_ACL_ACCESS) == 0 || strcmp(name, COCO_ACL_DEFAULT) == 0;
}

/* overlayfs reads user.overlay.* when it is mounted with userxattr. */
static bool
is_allowed(const char *name)
{
    if (starts_with(name, "user."))
        return strlen(name) > strlen("user.") && !starts_with(name, "user.overlay.");
    return strcmp(name, CAPABILITY) == 0 || is_acl(name);
}

coco_status
coco_ids_refuse(coco_error **err, const char *what)
{
    return coco_fail(err, COCO_ERR_NOTSUP, "%s without privileges; " LEAVES_OUT, what);
}

/* EACCES: a default list of what is no directory. EINVAL: also an id that the user namespace has
 * not. */
static coco_status
refused_acl(int errnum, const struct coco_ids *ids, struct left_out *out, coco_error **err)
{
    if (errnum == EACCES)
        return coco_fail(err, COCO_ERR_PROTO, "a default access control list of a file");
    if (errnum != EPERM && errnum != EINVAL && errnum != ENOTSUP)
        return coco_fail_errno(err, errnum, "set an access control list");
    if (!ids->ignore && errnum == EINVAL)
        return coco_fail(err, COCO_ERR_PROTO, "an access control list that cannot be");
    if (!ids->ignore && errnum == ENOTSUP)
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "an access control list that the file system does not take; " LEAVES_OUT);
    if (!ids->ignore)
        return coco_ids_refuse(err, "an access control list");
    out->acl = true;
    return COCO_OK;
}

/* A file system without user.* is one that a container cannot miss them on. */
static coco_status
refused_xattr(int errnum, const char *name, const struct coco_ids *ids, struct left_out *out,
              coco_error **err)
{
    if (is_acl(name))
        return refused_acl(errnum, ids, out, err);
    if (errnum == ENOTSUP && starts_with(name, "user."))
        return COCO_OK;
    if (errnum != EPERM)
        return coco_fail_errno(err, errnum, "set an extended attribute");
    if (!ids->ignore)
        return coco_ids_refuse(err, "a capability");
    out->capability = true;
    return COCO_OK;
}

static coco_status
set_xattrs(int fd, const struct coco_tar_entry *entry, const struct coco_ids *ids,
           struct left_out *out, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < entry->n_xattrs && status == COCO_OK; i++) {
        const struct coco_xattr *xattr = &entry->xattrs[i];

        if (is_allowed(xattr->name) && fsetxattr(fd, xattr->name, xattr->value, xattr->len, 0) < 0)
            status = refused_xattr(errno, xattr->name, ids, out, err);
    }
    return status;
}

/*
 * A device or FIFO has no attribute but an access control list, and cannot be
 * opened to get it: that has effects of its own.
 */
static coco_status
set_acl_at(int dir, const char *name, const struct coco_tar_entry *entry,
           const struct coco_ids *ids, struct left_out *out, coco_error **err)
{
    char path[sizeof("/proc/self/fd/-2147483648/") + NAME_MAX];
    coco_status status = COCO_OK;

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
    for (size_t i = 0; i < entry->n_xattrs && status == COCO_OK; i++) {
        const struct coco_xattr *xattr = &entry->xattrs[i];

        if (strcmp(xattr->name, COCO_ACL_ACCESS) == 0
            && lsetxattr(path, xattr->name, xattr->value, xattr->len, 0) < 0)
            status = refused_xattr(errno, xattr->name, ids, out, err);
    }
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
              struct left_out *out, coco_error **err)
{
    char what[64];

    if (errnum != EPERM && errnum != EINVAL)
        return coco_fail_errno(err, errnum, "set the owner");
    (void)snprintf(what, sizeof(what), "the owner %u:%u", entry->uid, entry->gid);
    if (!ids->ignore)
        return coco_ids_refuse(err, what);
    out->owner = true;
    return COCO_OK;
}

/* With a list, the bits of the group are the most that anybody named in it may have. */
static mode_t
mode_of(const struct coco_tar_entry *entry, const struct left_out *out)
{
    mode_t mode = entry->mode;

    if (out->owner)
        mode &= (mode_t) ~(S_ISUID | S_ISGID);
    if (out->acl)
        mode &= (mode_t)~S_IRWXG;
    return entry->type == COCO_TAR_DIR && geteuid() != 0 ? mode | S_IRWXU : mode;
}

coco_status
coco_meta_apply(int fd, const struct coco_tar_entry *entry, struct coco_ids *ids, coco_error **err)
{
    const struct timespec times[2] = {entry->atime, entry->mtime};
    struct left_out out = {0};
    coco_status status = COCO_OK;

    /* chown() takes setuid bits and capabilities away, so it comes first. */
    if (fchown(fd, entry->uid, entry->gid) < 0)
        status = refused_owner(errno, entry, ids, &out, err);
    if (status == COCO_OK && entry->type == COCO_TAR_DIR)
        status = clear_xattrs(fd, err);
    /* Attributes of a file that is not writable can be set by root alone. */
    if (status == COCO_OK)
        status = set_xattrs(fd, entry, ids, &out, err);
    if (status != COCO_OK)
        return status;
    if (fchmod(fd, mode_of(entry, &out)) < 0)
        return coco_fail_errno(err, errno, "set the mode");
    if (futimens(fd, times) < 0)
        return coco_fail_errno(err, errno, "set the times");
    ids->ignored += out.owner || out.capability || out.acl ? 1 : 0;
    return COCO_OK;
}

coco_status
coco_meta_apply_at(int dir, const char *name, const struct coco_tar_entry *entry,
                   struct coco_ids *ids, coco_error **err)
{
    const struct timespec times[2] = {entry->atime, entry->mtime};
    struct left_out out = {0};
    coco_status status = COCO_OK;

    if (fchownat(dir, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) < 0)
        status = refused_owner(errno, entry, ids, &out, err);
    if (status == COCO_OK && entry->type != COCO_TAR_SYMLINK)
        status = set_acl_at(dir, name, entry, ids, &out, err);
    if (status != COCO_OK)
        return status;
    /*
     * Links have no mode, and no allowed attribute either. There is no fchmodat()
     * that does not follow in all kernels; but name was made a moment ago, in a
     * tree that is nobody else's, and is no link.
     */
    if (entry->type != COCO_TAR_SYMLINK && fchmodat(dir, name, mode_of(entry, &out), 0) < 0)
        return coco_fail_errno(err, errno, "set the mode");
    if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return coco_fail_errno(err, errno, "set the times");
    ids->ignored += out.owner || out.acl ? 1 : 0;
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
