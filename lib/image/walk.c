/*
 * image/walk.c - from the names in an archive to directories beneath a root
 *
 * The whole path at once by openat2(), which sees to it that there is no link in
 * it. Where there is one, where something is missing and where there is no
 * openat2(), one component after the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/walk.h"

#include "base/cleanup.h"
#include "base/fail.h"
#include "image/meta.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define LINKS_MAX 40 /* as the kernel has it, path_resolution(7) */

coco_status
coco_path_parse(const char *name, struct coco_path *ret, coco_error **err)
{
    size_t len = 0;

    *ret = (struct coco_path){.base = ret->text};
    while (*name != '\0') {
        size_t n = strcspn(name, "/");

        if (n == 2 && name[0] == '.' && name[1] == '.')
            return coco_fail(err, COCO_ERR_PROTO, "'..' in a name");
        if (n > NAME_MAX || len + 1 + n >= sizeof(ret->text))
            return coco_fail(err, COCO_ERR_LIMIT, "a name that is too long");
        if (n > 0 && !(n == 1 && name[0] == '.')) {
            ret->dir_len = len;
            if (len > 0)
                ret->text[len++] = '/';
            ret->base = ret->text + len;
            memcpy(ret->text + len, name, n);
            len += n;
            ret->depth++;
        }
        name += n + strspn(name + n, "/");
    }
    ret->text[len] = '\0';
    if (ret->depth > COCO_PATH_DEPTH_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "a name of more than %u components",
                         COCO_PATH_DEPTH_MAX);
    return COCO_OK;
}

void
coco_walk_init(struct coco_walk *walk, int root, struct coco_names *own)
{
    *walk = (struct coco_walk){.root = root, .own = own, .dir = {.fd = -1}};
}

void
coco_walk_done(struct coco_walk *walk)
{
    coco_closep(&walk->dir.fd);
    free(walk->dir.acl);
    walk->dir = (struct coco_dir){.fd = -1};
}

/* Fills in what is known of an open directory; takes over nothing. */
static coco_status
look_at(int fd, unsigned depth, struct coco_dir *ret, coco_error **err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return coco_fail_errno(err, errno, "look at a directory");
    *ret = (struct coco_dir){
        .fd = fd,
        .ino = st.st_ino,
        .depth = depth,
        .times = {st.st_atim, st.st_mtim},
    };
    return COCO_OK;
}

static coco_status
set_acl_aside(struct coco_dir *dir, coco_error **err)
{
    ssize_t size = fgetxattr(dir->fd, COCO_ACL_DEFAULT, NULL, 0);

    if (size < 0 && (errno == ENODATA || errno == ENOTSUP))
        return COCO_OK;
    if (size <= 0)
        return coco_fail_errno(err, errno, "look at the list of a directory");
    _cleanup_free_ void *acl = malloc((size_t)size);
    if (!acl)
        return coco_fail_nomem(err);
    if (fgetxattr(dir->fd, COCO_ACL_DEFAULT, acl, (size_t)size) != size
        || fremovexattr(dir->fd, COCO_ACL_DEFAULT) < 0)
        return coco_fail_errno(err, errno, "set the list of a directory aside");
    dir->acl = coco_steal(&acl);
    dir->acl_len = (size_t)size;
    return COCO_OK;
}

coco_status
coco_walk_leave(struct coco_walk *walk, coco_error **err)
{
    _cleanup_close_ int fd = walk->dir.fd;
    _cleanup_free_ void *acl = coco_steal(&walk->dir.acl);

    walk->dir.fd = -1;
    if (acl && fsetxattr(fd, COCO_ACL_DEFAULT, acl, walk->dir.acl_len, 0) < 0)
        return coco_fail_errno(err, errno, "put the list of a directory back");
    if (fd >= 0 && futimens(fd, walk->dir.times) < 0)
        return coco_fail_errno(err, errno, "set the times of a directory");
    return COCO_OK;
}

void
coco_walk_forget(struct coco_walk *walk)
{
    walk->stale = true;
}

/* A walk by single steps. rest is what is still to be walked, in the end of its buffer. */
struct steps {
    struct coco_walk *walk;
    int fd;
    unsigned depth; /* of fd beneath the root */
    bool make;
    unsigned links;
    char *rest;
    char buf[2 * COCO_PATH_SIZE];
};

static int
open_root(const struct coco_walk *walk)
{
    return openat(walk->root, ".", DIR_FLAGS);
}

static coco_status
enter(struct steps *steps, int fd, unsigned depth, coco_error **err)
{
    if (fd < 0)
        return coco_fail_errno(err, errno, "open a directory");
    if (depth > COCO_PATH_DEPTH_MAX) {
        (void)close(fd);
        return coco_fail(err, COCO_ERR_LIMIT, "more than %u directories above one another",
                         COCO_PATH_DEPTH_MAX);
    }
    (void)close(steps->fd);
    steps->fd = fd;
    steps->depth = depth;
    return COCO_OK;
}

static coco_status
make_dir(struct steps *steps, const char *name, coco_error **err)
{
    struct coco_dir parent;

    coco_status status = look_at(steps->fd, steps->depth, &parent, err);
    if (status == COCO_OK)
        status = coco_names_add(steps->walk->own, parent.ino, name, err);
    if (status != COCO_OK)
        return status;
    if (mkdirat(steps->fd, name, 0700) < 0)
        return coco_fail_errno(err, errno, "make a directory");
    _cleanup_close_ int fd = openat(steps->fd, name, DIR_FLAGS);
    if (fd < 0 || futimens(steps->fd, parent.times) < 0)
        return coco_fail_errno(err, errno, "make a directory");
    status = coco_meta_imply(fd, err);
    if (status != COCO_OK)
        return status;
    int entered = fd;
    fd = -1;
    return enter(steps, entered, steps->depth + 1, err);
}

/* Puts the target of a link in front of the rest. */
static coco_status
follow(struct steps *steps, const char *name, coco_error **err)
{
    char target[COCO_PATH_SIZE];
    ssize_t n = readlinkat(steps->fd, name, target, sizeof(target));

    if (n < 0 && errno == EINVAL)
        return coco_fail(err, COCO_ERR_PROTO, "a directory on the way is a file");
    if (n < 0)
        return coco_fail_errno(err, errno, "read a link");
    if (++steps->links > LINKS_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "more than %d links on the way", LINKS_MAX);
    if ((size_t)n + 1 >= (size_t)(steps->rest - steps->buf))
        return coco_fail(err, COCO_ERR_LIMIT, "links on the way are too long");

    *--steps->rest = '/';
    steps->rest -= n;
    memcpy(steps->rest, target, (size_t)n);
    if (target[0] != '/')
        return COCO_OK;
    return enter(steps, open_root(steps->walk), 0, err);
}

/* The root's own ".." is the root, as it is in a chroot. */
static coco_status
go_up(struct steps *steps, coco_error **err)
{
    if (steps->depth == 0)
        return COCO_OK;
    return enter(steps, openat(steps->fd, "..", DIR_FLAGS), steps->depth - 1, err);
}

static coco_status
step(struct steps *steps, const char *name, coco_error **err)
{
    if (strcmp(name, ".") == 0)
        return COCO_OK;
    if (strcmp(name, "..") == 0)
        return go_up(steps, err);
    int fd = openat(steps->fd, name, DIR_FLAGS);
    if (fd >= 0)
        return enter(steps, fd, steps->depth + 1, err);
    if (errno == ENOENT && steps->make)
        return make_dir(steps, name, err);
    if (errno == ENOENT)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no directory on the way");
    if (errno == ELOOP || errno == ENOTDIR)
        return follow(steps, name, err);
    return coco_fail_errno(err, errno, "open a directory");
}

static coco_status
walk_steps(struct steps *steps, const char *path, size_t len, coco_error **err)
{
    coco_status status = COCO_OK;

    steps->rest = steps->buf + sizeof(steps->buf) - 1 - len;
    memcpy(steps->rest, path, len);
    steps->rest[len] = '\0';
    while (status == COCO_OK) {
        char name[NAME_MAX + 1];

        steps->rest += strspn(steps->rest, "/");
        size_t n = strcspn(steps->rest, "/");
        if (n == 0)
            break;
        if (n > NAME_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "a link with a name that is too long");
        memcpy(name, steps->rest, n);
        name[n] = '\0';
        steps->rest += n;
        status = step(steps, name, err);
    }
    return status;
}

static coco_status
open_by_steps(struct coco_walk *walk, const struct coco_path *path, bool make, struct coco_dir *ret,
              coco_error **err)
{
    struct steps steps = {.walk = walk, .make = make, .fd = open_root(walk)};

    if (steps.fd < 0)
        return coco_fail_errno(err, errno, "open the root");
    coco_status status = walk_steps(&steps, path->text, path->dir_len, err);
    if (status == COCO_OK)
        status = look_at(steps.fd, steps.depth, ret, err);
    if (status != COCO_OK)
        (void)close(steps.fd);
    return status;
}

/* -1 when it takes single steps. Without links, the depth is that of the path. */
static int
open_at_once(struct coco_walk *walk, const char *path)
{
    struct open_how how = {
        .flags = DIR_FLAGS,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };

    if (walk->no_openat2)
        return -1;
    long fd = syscall(SYS_openat2, walk->root, path, &how, sizeof(how));
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        walk->no_openat2 = true;
    return (int)fd;
}

static coco_status
open_dir(struct coco_walk *walk, const struct coco_path *path, bool make, struct coco_dir *ret,
         coco_error **err)
{
    int fd = path->dir_len == 0 ? open_root(walk) : open_at_once(walk, walk->text);

    if (fd < 0)
        return open_by_steps(walk, path, make, ret, err);
    coco_status status = look_at(fd, path->dir_len > 0 ? path->depth - 1 : 0, ret, err);
    if (status != COCO_OK)
        (void)close(fd);
    return status;
}

coco_status
coco_walk_to(struct coco_walk *walk, const struct coco_path *path, bool make,
             const struct coco_dir **ret, coco_error **err)
{
    bool same = walk->dir.fd >= 0 && !walk->stale
                && strncmp(walk->text, path->text, path->dir_len) == 0
                && walk->text[path->dir_len] == '\0';

    if (!same) {
        coco_status status = coco_walk_leave(walk, err);
        if (status != COCO_OK)
            return status;
        walk->stale = false;
        memcpy(walk->text, path->text, path->dir_len);
        walk->text[path->dir_len] = '\0';
        status = open_dir(walk, path, make, &walk->dir, err);
        if (status == COCO_OK)
            status = set_acl_aside(&walk->dir, err);
        if (status != COCO_OK)
            return status;
    }
    *ret = &walk->dir;
    return COCO_OK;
}
