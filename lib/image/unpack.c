/*
 * image/unpack.c - a layer's tar into a root directory
 *
 * tar -> path -> [whiteout] -> directory -> replace -> file -> owner, mode, attributes, times
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/unpack.h"

#include "base/fail.h"
#include "base/fd.h"
#include "base/text.h"
#include "image/meta.h"
#include "image/remove.h"
#include "image/tar.h"
#include "image/walk.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* image-spec layer.md, "Whiteouts" */
#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"

/* What Linux has for a device number. */
#define MAJOR_MAX 0xfffU
#define MINOR_MAX 0xfffffU

struct coco_unpack {
    struct coco_unpack_budget *budget;
    struct coco_tar *tar;
    struct coco_walk walk;
    struct coco_names own;   /* what this layer has put there */
    struct coco_names clean; /* directories without anything of a lower layer */
    const struct coco_tar_entry *entry;
    struct coco_path path;
    int file; /* that is being written, or -1 */
    uint64_t offset;
};

static coco_status
take_from_budget(struct coco_unpack *unpack, const struct coco_tar_entry *entry, coco_error **err)
{
    if (unpack->budget->entries == 0)
        return coco_fail(err, COCO_ERR_LIMIT, "more files than allowed");
    if (entry->size > unpack->budget->content)
        return coco_fail(err, COCO_ERR_LIMIT, "more bytes of files than allowed");
    unpack->budget->entries--;
    unpack->budget->content -= entry->size;
    return COCO_OK;
}

/* Whether a component before the last is named as only a whiteout may be. */
static bool
is_beneath_whiteout(const struct coco_path *path)
{
    for (const char *p = path->text; p < path->base; p += strcspn(p, "/") + 1)
        if (strncmp(p, WHITEOUT, strlen(WHITEOUT)) == 0)
            return true;
    return false;
}

static coco_status
apply_whiteout(struct coco_unpack *unpack, const struct coco_dir *dir, coco_error **err)
{
    const char *name = unpack->path.base + strlen(WHITEOUT);

    coco_walk_forget(&unpack->walk);
    if (strcmp(unpack->path.base, OPAQUE) == 0)
        return coco_remove_all_lower(dir->fd, &unpack->own, &unpack->clean, err);
    return coco_remove_lower(dir->fd, dir->ino, name, &unpack->own, &unpack->clean, err);
}

static void
drop_error(coco_error **err)
{
    if (!err)
        return;
    coco_error_free(*err);
    *err = NULL;
}

/* The directory it is in need not be there: then there is nothing to hide. */
static coco_status
whiteout(struct coco_unpack *unpack, coco_error **err)
{
    const char *name = unpack->path.base + strlen(WHITEOUT);
    bool opaque = strcmp(unpack->path.base, OPAQUE) == 0;
    const struct coco_dir *dir;

    /* AUFS had more of them (".wh..wh.plnk"), which mean nothing here (T2). */
    if (unpack->entry->size > 0
        || (!opaque
            && (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0
                || strncmp(name, WHITEOUT, strlen(WHITEOUT)) == 0)))
        return coco_fail(err, COCO_ERR_PROTO, "a whiteout of nothing");

    coco_status status = coco_walk_to(&unpack->walk, &unpack->path, false, &dir, err);
    if (status == COCO_ERR_NOTFOUND) {
        drop_error(err);
        return COCO_OK;
    }
    if (status != COCO_OK)
        return status;
    return apply_whiteout(unpack, dir, err);
}

/*
 * Makes room for the entry: what has its name is removed, never opened, but for a
 * directory in the place of which another comes. *kept says whether there is one.
 */
static coco_status
replace(struct coco_unpack *unpack, const struct coco_dir *dir, bool *kept, coco_error **err)
{
    const char *name = unpack->path.base;
    struct stat st;

    *kept = false;
    if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT)
            return COCO_OK;
        return coco_fail_errno(err, errno, "look at what is there");
    }
    if (S_ISDIR(st.st_mode) && unpack->entry->type == COCO_TAR_DIR) {
        *kept = true;
        return COCO_OK;
    }
    if (S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode))
        coco_walk_forget(&unpack->walk);
    return coco_remove(dir->fd, name, err);
}

/* Whether there is a new file now; nothing was there before. */
static bool
make_new_file(struct coco_unpack *unpack, const struct coco_dir *dir)
{
    unpack->offset = 0;
    unpack->file = openat(dir->fd, unpack->path.base,
                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return unpack->file >= 0;
}

static coco_status
make_file(struct coco_unpack *unpack, const struct coco_dir *dir, coco_error **err)
{
    return make_new_file(unpack, dir) ? COCO_OK : coco_fail_errno(err, errno, "make a file");
}

static coco_status
make_dir(struct coco_unpack *unpack, const struct coco_dir *dir, bool kept, coco_error **err)
{
    if (dir->depth >= COCO_PATH_DEPTH_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %u directories above one another",
                         COCO_PATH_DEPTH_MAX);
    if (!kept && mkdirat(dir->fd, unpack->path.base, 0700) < 0)
        return coco_fail_errno(err, errno, "make a directory");
    _cleanup_close_ int fd =
        openat(dir->fd, unpack->path.base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return coco_fail_errno(err, errno, "open a directory");
    return coco_meta_apply(fd, unpack->entry, &unpack->budget->ids, err);
}

/* A file that is there already, of this layer or of one below, gets another name. */
static coco_status
make_link(struct coco_unpack *unpack, const struct coco_path *target, coco_error **err)
{
    const struct coco_dir *dir;
    struct stat st;

    if (target->depth == 0)
        return coco_fail(err, COCO_ERR_PROTO, "a hard link to the root");
    coco_status status = coco_walk_to(&unpack->walk, target, false, &dir, err);
    if (status == COCO_ERR_NOTFOUND)
        drop_error(err);
    else if (status != COCO_OK)
        return coco_wrap(err, status, "target of a hard link");
    if (status == COCO_ERR_NOTFOUND || fstatat(dir->fd, target->base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return coco_fail(err, COCO_ERR_PROTO, "a hard link to what is not there");
    if (S_ISDIR(st.st_mode))
        return coco_fail(err, COCO_ERR_PROTO, "a hard link to a directory");

    _cleanup_close_ int from = fcntl(dir->fd, F_DUPFD_CLOEXEC, 0);
    if (from < 0)
        return coco_fail_errno(err, errno, "open a directory");
    bool kept;
    status = coco_walk_to(&unpack->walk, &unpack->path, true, &dir, err);
    if (status == COCO_OK)
        status = replace(unpack, dir, &kept, err);
    if (status != COCO_OK)
        return status;
    if (linkat(from, target->base, dir->fd, unpack->path.base, 0) < 0) {
        if (errno == ENOENT)
            return coco_fail(err, COCO_ERR_PROTO, "a hard link in the place of its target");
        return coco_fail_errno(err, errno, "make a hard link");
    }
    return coco_names_add(&unpack->own, dir->ino, unpack->path.base, err);
}

static coco_status
make_symlink(struct coco_unpack *unpack, const struct coco_dir *dir, coco_error **err)
{
    if (symlinkat(unpack->entry->link, dir->fd, unpack->path.base) < 0)
        return coco_fail_errno(err, errno, "make a link");
    return coco_meta_apply_at(dir->fd, unpack->path.base, unpack->entry, &unpack->budget->ids, err);
}

/* What `umoci unpack --rootless` makes of a device, too: an empty file. */
static coco_status
stand_in(struct coco_unpack *unpack, const struct coco_dir *dir, coco_error **err)
{
    struct coco_ids *ids = &unpack->budget->ids;
    const uint64_t ignored = ids->ignored;

    if (!ids->ignore)
        return coco_ids_refuse(err, "a device");
    coco_status status = make_file(unpack, dir, err);
    if (status != COCO_OK)
        return status;
    _cleanup_close_ int file = unpack->file;
    unpack->file = -1;
    status = coco_meta_apply(file, unpack->entry, ids, err);
    ids->ignored = ignored + 1;
    return status;
}

static coco_status
make_node(struct coco_unpack *unpack, const struct coco_dir *dir, coco_error **err)
{
    const struct coco_tar_entry *entry = unpack->entry;
    mode_t type = entry->type == COCO_TAR_CHAR   ? S_IFCHR
                  : entry->type == COCO_TAR_FIFO ? S_IFIFO
                                                 : S_IFBLK;

    if (entry->dev_major > MAJOR_MAX || entry->dev_minor > MINOR_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "a device number that does not fit");
    /* overlayfs would take it for a whiteout of its own (T2). */
    if (entry->type == COCO_TAR_CHAR && entry->dev_major == 0 && entry->dev_minor == 0)
        return coco_fail(err, COCO_ERR_PROTO, "a character device 0:0");
    if (mknodat(dir->fd, unpack->path.base, type | 0600,
                makedev(entry->dev_major, entry->dev_minor))
        < 0)
        return errno == EPERM ? stand_in(unpack, dir, err)
                              : coco_fail_errno(err, errno, "make a device");
    return coco_meta_apply_at(dir->fd, unpack->path.base, entry, &unpack->budget->ids, err);
}

static coco_status
make(struct coco_unpack *unpack, const struct coco_dir *dir, bool kept, coco_error **err)
{
    switch (unpack->entry->type) {
    case COCO_TAR_FILE:
        return make_file(unpack, dir, err);
    case COCO_TAR_DIR:
        return make_dir(unpack, dir, kept, err);
    case COCO_TAR_SYMLINK:
        return make_symlink(unpack, dir, err);
    default:
        return make_node(unpack, dir, err);
    }
}

static coco_status
unpack_entry(struct coco_unpack *unpack, coco_error **err)
{
    const struct coco_dir *dir;
    bool kept;

    coco_status status = coco_walk_to(&unpack->walk, &unpack->path, true, &dir, err);
    if (status == COCO_OK)
        status = coco_names_add(&unpack->own, dir->ino, unpack->path.base, err);
    if (status != COCO_OK)
        return status;
    /* Most files are new: asking first what is there would cost as much as making them. */
    if (unpack->entry->type == COCO_TAR_FILE && make_new_file(unpack, dir))
        return COCO_OK;
    status = replace(unpack, dir, &kept, err);
    if (status == COCO_OK)
        status = make(unpack, dir, kept, err);
    return status;
}

/* "./", with which most archives begin: the root itself gets its owner, mode and times. */
static coco_status
unpack_root(struct coco_unpack *unpack, coco_error **err)
{
    if (unpack->entry->type != COCO_TAR_DIR)
        return coco_fail(err, COCO_ERR_PROTO, "a root that is not a directory");
    coco_status status = coco_walk_leave(&unpack->walk, err);
    if (status != COCO_OK)
        return status;
    return coco_meta_apply(unpack->walk.root, unpack->entry, &unpack->budget->ids, err);
}

static coco_status
unpack_hard_link(struct coco_unpack *unpack, coco_error **err)
{
    struct coco_path target;

    coco_status status = coco_path_parse(unpack->entry->link, &target, err);
    if (status != COCO_OK)
        return status;
    /* A link to itself would be removed to make room for itself. */
    if (strcmp(target.text, unpack->path.text) == 0)
        return coco_fail(err, COCO_ERR_PROTO, "a hard link to itself");
    return make_link(unpack, &target, err);
}

static coco_status
dispatch(struct coco_unpack *unpack, coco_error **err)
{
    if (unpack->path.depth == 0)
        return unpack_root(unpack, err);
    if (is_beneath_whiteout(&unpack->path))
        return coco_fail(err, COCO_ERR_PROTO, "a file beneath a whiteout");
    if (strncmp(unpack->path.base, WHITEOUT, strlen(WHITEOUT)) == 0)
        return whiteout(unpack, err);
    if (unpack->entry->type == COCO_TAR_LINK)
        return unpack_hard_link(unpack, err);
    return unpack_entry(unpack, err);
}

static coco_status
wrap(const struct coco_unpack *unpack, coco_status status, coco_error **err)
{
    char name[256];

    coco_text_escape(unpack->entry->name, strlen(unpack->entry->name), name, sizeof(name));
    return coco_wrap(err, status, "'%s'", name);
}

static coco_status
on_entry(void *self, const struct coco_tar_entry *entry, coco_error **err)
{
    struct coco_unpack *unpack = self;

    unpack->entry = entry;
    coco_status status = take_from_budget(unpack, entry, err);
    if (status == COCO_OK)
        status = coco_path_parse(entry->name, &unpack->path, err);
    if (status == COCO_OK)
        status = dispatch(unpack, err);
    return status == COCO_OK ? COCO_OK : wrap(unpack, status, err);
}

static coco_status
on_data(void *self, uint64_t offset, const uint8_t *data, size_t len, coco_error **err)
{
    struct coco_unpack *unpack = self;

    if (offset != unpack->offset && lseek(unpack->file, (off_t)offset, SEEK_SET) < 0)
        return wrap(unpack, coco_fail_errno(err, errno, "seek"), err);
    coco_status status = coco_fd_write_all(unpack->file, data, len, err);
    if (status != COCO_OK)
        return wrap(unpack, status, err);
    unpack->offset = offset + len;
    return COCO_OK;
}

static coco_status
finish_file(struct coco_unpack *unpack, coco_error **err)
{
    _cleanup_close_ int file = unpack->file;

    unpack->file = -1;
    if (unpack->offset < unpack->entry->size && ftruncate(file, (off_t)unpack->entry->size) < 0)
        return coco_fail_errno(err, errno, "make a hole");
    return coco_meta_apply(file, unpack->entry, &unpack->budget->ids, err);
}

static coco_status
on_done(void *self, coco_error **err)
{
    struct coco_unpack *unpack = self;

    if (unpack->file < 0)
        return COCO_OK;
    coco_status status = finish_file(unpack, err);
    return status == COCO_OK ? COCO_OK : wrap(unpack, status, err);
}

static coco_status
on_end(void *self, coco_error **err)
{
    struct coco_unpack *unpack = self;

    return coco_walk_leave(&unpack->walk, err);
}

coco_status
coco_unpack_new(int root, struct coco_unpack_budget *budget, struct coco_unpack **ret,
                coco_error **err)
{
    _cleanup_(coco_unpack_freep) struct coco_unpack *unpack = calloc(1, sizeof(*unpack));
    if (!unpack)
        return coco_fail_nomem(err);

    const struct coco_tar_handler handler = {
        .entry = on_entry,
        .data = on_data,
        .done = on_done,
        .end = on_end,
        .self = unpack,
    };
    unpack->budget = budget;
    unpack->file = -1;
    coco_walk_init(&unpack->walk, root, &unpack->own);
    coco_status status = coco_names_init(&unpack->own, err);
    if (status == COCO_OK)
        status = coco_names_init(&unpack->clean, err);
    if (status == COCO_OK)
        status = coco_tar_new(&handler, &unpack->tar, err);
    if (status != COCO_OK)
        return status;
    *ret = coco_steal(&unpack);
    return COCO_OK;
}

void
coco_unpack_free(struct coco_unpack *unpack)
{
    if (!unpack)
        return;
    coco_tar_free(unpack->tar);
    coco_walk_done(&unpack->walk);
    coco_names_done(&unpack->own);
    coco_names_done(&unpack->clean);
    coco_closep(&unpack->file);
    free(unpack);
}

struct coco_sink
coco_unpack_sink(struct coco_unpack *unpack)
{
    return coco_tar_sink(unpack->tar);
}
