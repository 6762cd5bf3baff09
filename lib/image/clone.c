/*
 * image/clone.c - a tree of files once more
 *
 * Directory by directory, in two descriptors that go down together. To have names
 * of one file together again, the files with more names than one are remembered by
 * their inode, with the path of the first: they are few in an image.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/clone.h"

#include "base/cleanup.h"
#include "base/context.h"
#include "base/entries.h"
#include "base/fail.h"
#include "base/fd.h"
#include "image/walk.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define PIECE ((size_t)1 << 30)
/* The longest list of attributes, and the longest value behind it; the longest link, too. */
#define SCRATCH_SIZE ((size_t)XATTR_LIST_MAX + XATTR_SIZE_MAX)

/* A file in from with several names, and its first name in to. */
struct first {
    uint64_t ino; /* 0: free */
    char *path;
};

struct clone {
    struct coco_pulse *pulse;
    bool links;
    int to;                    /* the root */
    char path[COCO_PATH_SIZE]; /* of the directory that is worked in, below to */
    size_t path_len;
    struct first *firsts; /* a hash table by ino; room is a power of two */
    size_t n_firsts, room;
    char scratch[SCRATCH_SIZE]; /* not on the stack, of which each directory takes some */
};

static void
clone_free(struct clone *clone)
{
    if (!clone)
        return;
    for (size_t i = 0; i < clone->room; i++)
        free(clone->firsts[i].path);
    free(clone->firsts);
    free(clone);
}
COCO_DEFINE_CLEANUP(struct clone *, clone_free);

static coco_status
clone_new(struct coco_pulse *pulse, int to, struct clone **ret, coco_error **err)
{
    struct clone *clone = calloc(1, sizeof(*clone));

    if (!clone)
        return coco_fail_nomem(err);
    clone->pulse = pulse;
    clone->to = to;
    *ret = clone;
    return COCO_OK;
}

static struct first *
find_slot(struct first *table, size_t room, uint64_t ino)
{
    size_t i = (size_t)(ino * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (room - 1);

    while (table[i].ino != 0 && table[i].ino != ino)
        i = (i + 1) & (room - 1);
    return &table[i];
}

static coco_status
make_room(struct clone *clone, coco_error **err)
{
    size_t room = clone->room ? 2 * clone->room : 64;

    if (4 * (clone->n_firsts + 1) <= 3 * clone->room)
        return COCO_OK;
    struct first *table = calloc(room, sizeof(*table));
    if (!table)
        return coco_fail_nomem(err);
    for (size_t i = 0; i < clone->room; i++)
        if (clone->firsts[i].ino != 0)
            *find_slot(table, room, clone->firsts[i].ino) = clone->firsts[i];
    free(clone->firsts);
    clone->firsts = table;
    clone->room = room;
    return COCO_OK;
}

/* The slot of a file with several names; its path is NULL at the first of them. */
static coco_status
find_first(struct clone *clone, uint64_t ino, struct first **ret, coco_error **err)
{
    coco_status status = make_room(clone, err);

    if (status != COCO_OK)
        return status;
    *ret = find_slot(clone->firsts, clone->room, ino);
    if ((*ret)->ino == 0) {
        (*ret)->ino = ino;
        clone->n_firsts++;
    }
    return COCO_OK;
}

/* All there are: the unpacker has let through what may be there. */
static coco_status
copy_xattrs(struct clone *clone, int from, int to, coco_error **err)
{
    const char *name = clone->scratch;
    char *value = clone->scratch + XATTR_LIST_MAX;
    ssize_t size = flistxattr(from, clone->scratch, XATTR_LIST_MAX);

    if (size < 0 && errno == ENOTSUP)
        return COCO_OK;
    if (size < 0)
        return coco_fail_errno(err, errno, "list extended attributes");
    for (; name < clone->scratch + size; name += strlen(name) + 1) {
        ssize_t len = fgetxattr(from, name, value, XATTR_SIZE_MAX);
        if (len < 0 || fsetxattr(to, name, value, (size_t)len, 0) < 0)
            return coco_fail_errno(err, errno, "copy an extended attribute");
    }
    return COCO_OK;
}

/* chown() takes setuid bits and capabilities away, so it comes first. */
static coco_status
copy_meta(struct clone *clone, int from, int to, const struct stat *st, coco_error **err)
{
    const struct timespec times[2] = {st->st_atim, st->st_mtim};

    if (fchown(to, st->st_uid, st->st_gid) < 0)
        return coco_fail_errno(err, errno, "set the owner");
    coco_status status = copy_xattrs(clone, from, to, err);
    if (status != COCO_OK)
        return status;
    if (fchmod(to, st->st_mode & 07777) < 0 || futimens(to, times) < 0)
        return coco_fail_errno(err, errno, "set mode and times");
    return COCO_OK;
}

static coco_status
copy_by_hand(struct clone *clone, int from, int to, off_t at, size_t len, coco_error **err)
{
    size_t most = len < SCRATCH_SIZE ? len : SCRATCH_SIZE;
    ssize_t n = pread(from, clone->scratch, most, at);

    if (n < 0)
        return coco_fail_errno(err, errno, "read a file");
    if (n == 0)
        return coco_fail(err, COCO_ERR_IO, "a file that gets shorter while it is copied");
    if (lseek(to, at, SEEK_SET) < 0)
        return coco_fail_errno(err, errno, "seek");
    coco_status status = coco_fd_write_all(to, clone->scratch, (size_t)n, err);
    if (status == COCO_OK && (size_t)n < len)
        status = copy_by_hand(clone, from, to, at + n, len - (size_t)n, err);
    return status;
}

/* Bytes from start to end, that hold something. */
static coco_status
copy_range(struct clone *clone, int from, int to, off_t start, off_t end, coco_error **err)
{
    coco_status status = COCO_OK;

    while (start < end && status == COCO_OK) {
        size_t piece = end - start < (off_t)PIECE ? (size_t)(end - start) : PIECE;
        off_t in = start, out = start;

        status = coco_ctx_check(clone->pulse->ctx, err);
        if (status != COCO_OK)
            return status;
        ssize_t n = copy_file_range(from, &in, to, &out, piece, 0);
        if (n <= 0) {
            /* Some file systems have no such thing; whatever it is, this finds out, too. */
            n = (ssize_t)(piece < SCRATCH_SIZE ? piece : SCRATCH_SIZE);
            status = copy_by_hand(clone, from, to, start, (size_t)n, err);
        }
        start += n;
        coco_pulse_beat(clone->pulse);
    }
    return status;
}

static coco_status
copy_content(struct clone *clone, int from, int to, off_t size, coco_error **err)
{
    coco_status status = COCO_OK;
    off_t at = 0;

    if (ioctl(to, FICLONE, from) == 0)
        return COCO_OK;
    while (at < size && status == COCO_OK) {
        off_t start = lseek(from, at, SEEK_DATA);
        if (start < 0 && errno == ENXIO)
            break; /* a hole up to the end */
        off_t end = start < 0 ? size : lseek(from, start, SEEK_HOLE);
        start = start < 0 ? at : start;
        status = copy_range(clone, from, to, start, end < 0 ? size : end, err);
        at = end < 0 ? size : end;
    }
    if (status == COCO_OK && ftruncate(to, size) < 0)
        status = coco_fail_errno(err, errno, "make a hole");
    return status;
}

static coco_status
copy_file(struct clone *clone, int from_dir, int to_dir, const char *name, const struct stat *st,
          coco_error **err)
{
    _cleanup_close_ int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (from < 0)
        return coco_fail_errno(err, errno, "open a file");
    _cleanup_close_ int to =
        openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return coco_fail_errno(err, errno, "make a file");
    coco_status status = copy_content(clone, from, to, st->st_size, err);
    if (status == COCO_OK)
        status = copy_meta(clone, from, to, st, err);
    clone->pulse->progress.done += (uint64_t)st->st_size;
    return status;
}

/* Links, devices and FIFOs, which have no attributes that the unpacker lets through. */
static coco_status
copy_node(struct clone *clone, int from_dir, int to_dir, const char *name, const struct stat *st,
          coco_error **err)
{
    const struct timespec times[2] = {st->st_atim, st->st_mtim};
    bool link = S_ISLNK(st->st_mode);
    char *target = clone->scratch;

    if (link) {
        ssize_t len = readlinkat(from_dir, name, target, SCRATCH_SIZE);
        if (len < 0 || (size_t)len == SCRATCH_SIZE)
            return coco_fail_errno(err, len < 0 ? errno : ENAMETOOLONG, "read a link");
        target[len] = '\0';
    }
    if ((link ? symlinkat(target, to_dir, name)
              : mknodat(to_dir, name, (st->st_mode & S_IFMT) | 0600, st->st_rdev))
        < 0)
        return coco_fail_errno(err, errno, "make a link or device");
    if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0
        || (!link && fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0)
        || utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return coco_fail_errno(err, errno, "set owner, mode and times");
    return COCO_OK;
}

static coco_status
copy_one(struct clone *clone, int from, int to, const char *name, const struct stat *st,
         coco_error **err)
{
    struct first *first = NULL;

    if (st->st_nlink > 1) {
        coco_status status = find_first(clone, st->st_ino, &first, err);
        if (status != COCO_OK)
            return status;
        if (first->path) {
            if (linkat(clone->to, first->path, to, name, 0) < 0)
                return coco_fail_errno(err, errno, "make a hard link");
            return COCO_OK;
        }
        if (asprintf(&first->path, "%s%s", clone->path, name) < 0) {
            first->path = NULL;
            return coco_fail_nomem(err);
        }
    }
    return S_ISREG(st->st_mode) ? copy_file(clone, from, to, name, st, err)
                                : copy_node(clone, from, to, name, st, err);
}

static coco_status clone_dir(struct clone *clone, int from, int to, coco_error **err);

static coco_status
clone_subdir(struct clone *clone, int from_dir, int to_dir, const char *name, coco_error **err)
{
    size_t before = clone->path_len;
    size_t len = strlen(name);

    if (before + len + 2 > sizeof(clone->path))
        return coco_fail(err, COCO_ERR_LIMIT, "a path that is too long");
    _cleanup_close_ int to = -1;
    _cleanup_close_ int from = openat(from_dir, name, DIR_FLAGS);
    if (from < 0)
        return coco_fail_errno(err, errno, "open a directory");
    coco_status status = coco_dir_make_at(to_dir, name, &to, err);
    if (status != COCO_OK)
        return status;
    memcpy(clone->path + before, name, len);
    memcpy(clone->path + before + len, "/", 2);
    clone->path_len += len + 1;
    status = clone_dir(clone, from, to, err);
    clone->path_len = before;
    clone->path[before] = '\0';
    return status;
}

static coco_status
clone_one(struct clone *clone, int from, int to, const char *name, coco_error **err)
{
    struct stat st;

    coco_status status = coco_ctx_check(clone->pulse->ctx, err);
    if (status != COCO_OK)
        return status;
    coco_pulse_beat(clone->pulse);
    clone->pulse->progress.files++;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return coco_fail_errno(err, errno, "look at a file");
    if (S_ISDIR(st.st_mode))
        return clone_subdir(clone, from, to, name, err);
    if (clone->links && linkat(from, name, to, name, 0) == 0)
        return COCO_OK;
    /* A file can have so many names only. */
    status = clone->links && errno != EMLINK ? coco_fail_errno(err, errno, "make a hard link")
                                             : copy_one(clone, from, to, name, &st, err);
    return status == COCO_OK ? COCO_OK
                             : coco_wrap(err, status, "'%.200s%.200s'", clone->path, name);
}

/* Its times come last, for they change with each name that is added. */
static coco_status
clone_dir(struct clone *clone, int from, int to, coco_error **err)
{
    _cleanup_entries_ struct coco_entries entries = {0};
    const char *name;
    struct stat st;

    if (fstat(from, &st) < 0)
        return coco_fail_errno(err, errno, "look at a directory");
    coco_status status = coco_entries_open(from, &entries, err);
    while (status == COCO_OK && (name = coco_entries_next(&entries)))
        status = clone_one(clone, from, to, name, err);
    if (status == COCO_OK)
        status = coco_entries_end(&entries, err);
    if (status != COCO_OK)
        return status;
    return copy_meta(clone, from, to, &st, err);
}

coco_status
coco_clone_by_links(struct coco_pulse *pulse, int from, int to, coco_error **err)
{
    _cleanup_(clone_freep) struct clone *clone = NULL;

    coco_status status = clone_new(pulse, to, &clone, err);
    if (status != COCO_OK)
        return status;
    clone->links = true;
    return clone_dir(clone, from, to, err);
}

coco_status
coco_clone_by_copies(struct coco_pulse *pulse, int from, int to, coco_error **err)
{
    _cleanup_(clone_freep) struct clone *clone = NULL;

    coco_status status = clone_new(pulse, to, &clone, err);
    return status == COCO_OK ? clone_dir(clone, from, to, err) : status;
}

coco_status
coco_clone_meta(int from, int to, coco_error **err)
{
    _cleanup_(clone_freep) struct clone *clone = NULL;
    struct stat st;

    coco_status status = clone_new(NULL, to, &clone, err);
    if (status != COCO_OK)
        return status;
    if (fstat(from, &st) < 0)
        return coco_fail_errno(err, errno, "look at a directory");
    return copy_meta(clone, from, to, &st, err);
}
