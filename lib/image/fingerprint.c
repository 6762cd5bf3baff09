/*
 * image/fingerprint.c - what a layer has made of a tree, as a digest
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/fingerprint.h"

#include "base/context.h"
#include "base/entries.h"
#include "base/fail.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define SCRATCH_SIZE ((size_t)XATTR_LIST_MAX + XATTR_SIZE_MAX)

struct fingerprint {
    struct coco_pulse *pulse;
    struct coco_hash hash;
    char scratch[SCRATCH_SIZE]; /* not on the stack, of which each directory takes some */
};

/* The names in a directory, in their order as bytes. */
struct listing {
    char **names;
    size_t n, room;
};

static void
listing_done(struct listing *listing)
{
    for (size_t i = 0; i < listing->n; i++)
        free(listing->names[i]);
    free(listing->names);
}
#define _cleanup_listing_ _cleanup_(listing_done)

static int
compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static coco_status
add_name(struct listing *listing, const char *name, coco_error **err)
{
    if (listing->n == listing->room) {
        size_t room = listing->room ? 2 * listing->room : 16;
        char **grown = realloc(listing->names, room * sizeof(*grown));
        if (!grown)
            return coco_fail_nomem(err);
        listing->names = grown;
        listing->room = room;
    }
    listing->names[listing->n] = strdup(name);
    if (!listing->names[listing->n])
        return coco_fail_nomem(err);
    listing->n++;
    return COCO_OK;
}

/* dir may be -1: then there is nothing in it. */
static coco_status
list(int dir, struct listing *listing, coco_error **err)
{
    _cleanup_entries_ struct coco_entries entries = {0};
    const char *name;

    if (dir < 0)
        return COCO_OK;
    coco_status status = coco_entries_open(dir, &entries, err);
    while (status == COCO_OK && (name = coco_entries_next(&entries)))
        status = add_name(listing, name, err);
    if (status == COCO_OK)
        status = coco_entries_end(&entries, err);
    if (listing->n > 0)
        qsort(listing->names, listing->n, sizeof(*listing->names), compare);
    return status;
}

/* With its NUL, so that what follows cannot be taken for a part of it. */
static coco_status
add_text(struct fingerprint *print, const char *text, coco_error **err)
{
    return coco_hash_add(&print->hash, text, strlen(text) + 1, err);
}

static coco_status
add_name_of(struct fingerprint *print, const char *what, const char *name, coco_error **err)
{
    coco_status status = add_text(print, what, err);

    return status == COCO_OK ? add_text(print, name, err) : status;
}

static coco_status
add_bytes(struct fingerprint *print, const char *data, size_t len, coco_error **err)
{
    char head[32];

    (void)snprintf(head, sizeof(head), "%zu", len);
    coco_status status = add_text(print, head, err);
    return status == COCO_OK ? coco_hash_add(&print->hash, data, len, err) : status;
}

static coco_status
add_meta(struct fingerprint *print, const struct stat *st, coco_error **err)
{
    char text[160];
    bool dir = S_ISDIR(st->st_mode);

    (void)snprintf(text, sizeof(text), "%o %u %u %" PRIu64 " %" PRIu64 ".%09ld %" PRIu64,
                   st->st_mode, st->st_uid, st->st_gid, dir ? 0 : (uint64_t)st->st_size,
                   (uint64_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (uint64_t)st->st_rdev);
    return add_text(print, text, err);
}

static coco_status
add_xattrs(struct fingerprint *print, int fd, coco_error **err)
{
    _cleanup_listing_ struct listing names = {0};
    char *value = print->scratch + XATTR_LIST_MAX;
    ssize_t size = flistxattr(fd, print->scratch, XATTR_LIST_MAX);
    coco_status status = COCO_OK;

    if (size < 0 && errno != ENOTSUP)
        return coco_fail_errno(err, errno, "list extended attributes");
    for (const char *name = print->scratch; name < print->scratch + size && status == COCO_OK;
         name += strlen(name) + 1)
        status = add_name(&names, name, err);
    if (names.n > 0)
        qsort(names.names, names.n, sizeof(*names.names), compare);
    for (size_t i = 0; i < names.n && status == COCO_OK; i++) {
        ssize_t len = fgetxattr(fd, names.names[i], value, XATTR_SIZE_MAX);
        if (len < 0)
            return coco_fail_errno(err, errno, "read an extended attribute");
        status = add_text(print, names.names[i], err);
        if (status == COCO_OK)
            status = add_bytes(print, value, (size_t)len, err);
    }
    return status == COCO_OK ? add_text(print, "", err) : status;
}

static coco_status
add_file(struct fingerprint *print, int dir, const char *name, coco_error **err)
{
    _cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return coco_fail_errno(err, errno, "open a file");
    coco_status status = add_xattrs(print, fd, err);
    while (status == COCO_OK) {
        ssize_t n = read(fd, print->scratch, SCRATCH_SIZE);
        if (n < 0)
            return coco_fail_errno(err, errno, "read a file");
        if (n == 0)
            break;
        print->pulse->progress.done += (uint64_t)n;
        coco_pulse_beat(print->pulse);
        status = coco_hash_add(&print->hash, print->scratch, (size_t)n, err);
        if (status == COCO_OK)
            status = coco_ctx_check(print->pulse->ctx, err);
    }
    return status;
}

static coco_status
add_target(struct fingerprint *print, int dir, const char *name, coco_error **err)
{
    ssize_t len = readlinkat(dir, name, print->scratch, SCRATCH_SIZE);

    if (len < 0)
        return coco_fail_errno(err, errno, "read a link");
    return add_bytes(print, print->scratch, (size_t)len, err);
}

static coco_status add_dir(struct fingerprint *print, int parent, int dir, coco_error **err);

static coco_status
add_subdir(struct fingerprint *print, int parent, int dir, const char *name, coco_error **err)
{
    _cleanup_close_ int below = openat(dir, name, DIR_FLAGS);
    _cleanup_close_ int old = parent >= 0 ? openat(parent, name, DIR_FLAGS) : -1;

    if (below < 0)
        return coco_fail_errno(err, errno, "open a directory");
    return add_dir(print, old, below, err);
}

/* Whether name is the same file in both. */
static bool
is_same(int parent, const char *name, const struct stat *st)
{
    struct stat old;

    return parent >= 0 && fstatat(parent, name, &old, AT_SYMLINK_NOFOLLOW) == 0
           && old.st_ino == st->st_ino && old.st_dev == st->st_dev;
}

static coco_status
add_one(struct fingerprint *print, int parent, int dir, const char *name, coco_error **err)
{
    struct stat st;

    coco_status status = coco_ctx_check(print->pulse->ctx, err);
    if (status != COCO_OK)
        return status;
    coco_pulse_beat(print->pulse);
    print->pulse->progress.files++;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return coco_fail_errno(err, errno, "look at a file");
    if (!S_ISDIR(st.st_mode) && is_same(parent, name, &st))
        return COCO_OK;
    status = add_name_of(print, "there", name, err);
    if (status == COCO_OK)
        status = add_meta(print, &st, err);
    if (status != COCO_OK)
        return status;
    if (S_ISDIR(st.st_mode))
        return add_subdir(print, parent, dir, name, err);
    if (S_ISREG(st.st_mode))
        return add_file(print, dir, name, err);
    return S_ISLNK(st.st_mode) ? add_target(print, dir, name, err) : COCO_OK;
}

/* Both lists side by side: what is in the old one alone was removed. */
static coco_status
add_names(struct fingerprint *print, int parent, int dir, coco_error **err)
{
    _cleanup_listing_ struct listing old = {0};
    _cleanup_listing_ struct listing now = {0};
    size_t i = 0;

    coco_status status = list(parent, &old, err);
    if (status == COCO_OK)
        status = list(dir, &now, err);
    for (size_t k = 0; k < now.n && status == COCO_OK; k++) {
        for (; i < old.n && strcmp(old.names[i], now.names[k]) < 0 && status == COCO_OK; i++)
            status = add_name_of(print, "gone", old.names[i], err);
        if (i < old.n && strcmp(old.names[i], now.names[k]) == 0)
            i++;
        if (status == COCO_OK)
            status = add_one(print, parent, dir, now.names[k], err);
    }
    for (; i < old.n && status == COCO_OK; i++)
        status = add_name_of(print, "gone", old.names[i], err);
    return status;
}

static coco_status
add_dir(struct fingerprint *print, int parent, int dir, coco_error **err)
{
    struct stat st;

    if (fstat(dir, &st) < 0)
        return coco_fail_errno(err, errno, "look at a directory");
    coco_status status = add_meta(print, &st, err);
    if (status == COCO_OK)
        status = add_xattrs(print, dir, err);
    if (status == COCO_OK)
        status = add_names(print, parent, dir, err);
    return status == COCO_OK ? add_text(print, "", err) : status;
}

static void
print_free(struct fingerprint *print)
{
    if (!print)
        return;
    coco_hash_done(&print->hash);
    free(print);
}
COCO_DEFINE_CLEANUP(struct fingerprint *, print_free);

coco_status
coco_fingerprint(struct coco_pulse *pulse, int parent, int tree, struct coco_digest *ret,
                 coco_error **err)
{
    _cleanup_(print_freep) struct fingerprint *print = calloc(1, sizeof(*print));

    if (!print)
        return coco_fail_nomem(err);
    print->pulse = pulse;
    coco_status status = coco_hash_begin(&print->hash, COCO_SHA256, err);
    if (status == COCO_OK)
        status = add_dir(print, parent, tree, err);
    if (status == COCO_OK)
        status = coco_hash_end(&print->hash, ret, err);
    return status;
}
