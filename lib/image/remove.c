/*
 * image/remove.c - removing trees, and what lower layers left in them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/remove.h"

#include "base/cleanup.h"
#include "base/entries.h"
#include "base/fail.h"
#include "image/meta.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* What is spared; both NULL to remove everything. */
struct spared {
    const struct coco_names *own;
    struct coco_names *clean;
};

static coco_status remove_name(int dir, uint64_t ino, const char *name, const struct spared *spared,
                               coco_error **err);

/* Empties the open directory fd, which is taken over. Its times stay as they are. */
static coco_status
empty_dir(int fd, const struct spared *spared, coco_error **err)
{
    _cleanup_entries_ struct coco_entries entries = {0};
    const char *name;
    struct stat st;

    coco_status status = coco_entries_take(fd, &entries, err);
    if (status != COCO_OK)
        return status;
    if (fstat(fd, &st) < 0)
        return coco_fail_errno(err, errno, "read a directory");
    if (spared->clean && coco_names_has(spared->clean, st.st_ino, ""))
        return COCO_OK;

    while (status == COCO_OK && (name = coco_entries_next(&entries)))
        status = remove_name(fd, st.st_ino, name, spared, err);
    if (status == COCO_OK)
        status = coco_entries_end(&entries, err);
    if (status != COCO_OK || !spared->clean)
        return status;

    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    if (futimens(fd, times) < 0)
        return coco_fail_errno(err, errno, "set the times of a directory");
    return coco_names_add(spared->clean, st.st_ino, "", err);
}

/*
 * A lower directory that holds something of this layer stays for its sake, and is
 * as if the layer had made it after the whiteout.
 */
static coco_status
imply(int dir, const char *name, coco_error **err)
{
    _cleanup_close_ int fd = openat(dir, name, DIR_FLAGS);

    if (fd < 0)
        return coco_fail_errno(err, errno, "open a directory");
    return coco_meta_imply(fd, err);
}

static coco_status
remove_dir(int dir, const char *name, bool own, const struct spared *spared, coco_error **err)
{
    int fd = openat(dir, name, DIR_FLAGS);

    if (fd < 0)
        return coco_fail_errno(err, errno, "open a directory");
    coco_status status = empty_dir(fd, spared, err);
    if (status != COCO_OK || own)
        return status;
    if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
        return COCO_OK;
    if (errno == ENOTEMPTY && spared->own)
        return imply(dir, name, err);
    return coco_fail_errno(err, errno, "remove a directory");
}

static coco_status
remove_name(int dir, uint64_t ino, const char *name, const struct spared *spared, coco_error **err)
{
    bool own = spared->own && coco_names_has(spared->own, ino, name);
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT)
            return COCO_OK;
        return coco_fail_errno(err, errno, "look at a file to remove");
    }
    if (S_ISDIR(st.st_mode))
        return remove_dir(dir, name, own, spared, err);
    if (!own && unlinkat(dir, name, 0) < 0)
        return coco_fail_errno(err, errno, "remove a file");
    return COCO_OK;
}

coco_status
coco_remove(int dir, const char *name, coco_error **err)
{
    const struct spared nothing = {0};

    return remove_name(dir, 0, name, &nothing, err);
}

coco_status
coco_remove_lower(int dir, uint64_t ino, const char *name, const struct coco_names *own,
                  struct coco_names *clean, coco_error **err)
{
    const struct spared spared = {.own = own, .clean = clean};

    return remove_name(dir, ino, name, &spared, err);
}

coco_status
coco_remove_all_lower(int dir, const struct coco_names *own, struct coco_names *clean,
                      coco_error **err)
{
    const struct spared spared = {.own = own, .clean = clean};
    int fd = openat(dir, ".", DIR_FLAGS);

    if (fd < 0)
        return coco_fail_errno(err, errno, "open a directory");
    return empty_dir(fd, &spared, err);
}
