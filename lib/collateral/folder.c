/*
 * collateral/folder.c - collateral as files that have its names
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/folder.h"

#include "base/fail.h"
#include "base/fd.h"
#include "verifier/collateral.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* The directory called name in dir, which is made if it is missing. */
static int
open_or_make(int dir, const char *name)
{
    if (mkdirat(dir, name, 0755) != 0 && errno != EEXIST)
        return -1;
    return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Opens the directory that name's last part is in; *last is that part. */
static coco_status
open_parent(int dir, char *name, int *ret, const char **last, coco_error **err)
{
    _cleanup_close_ int at = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *part = name;

    for (char *slash; at >= 0 && (slash = strchr(part, '/')); part = slash + 1) {
        *slash = '\0';
        int next = open_or_make(at, part);
        int error = errno;
        (void)close(at);
        at = next;
        errno = error;
    }
    if (at < 0)
        return coco_fail_errno(err, errno, "make a directory for it");
    *ret = at;
    *last = part;
    at = -1;
    return COCO_OK;
}

coco_status
coco_folder_put(int dir, const char *name, const void *data, size_t len, int64_t fetched,
                coco_error **err)
{
    const struct timespec times[] = {
        {.tv_nsec = UTIME_OMIT},
        {.tv_sec = (time_t)fetched, .tv_nsec = fetched == 0 ? UTIME_NOW : 0},
    };
    _cleanup_free_ char *path = strdup(name);
    _cleanup_close_ int parent = -1;
    const char *last = NULL;

    if (!path)
        return coco_fail_nomem(err);
    if (!coco_collateral_is_name(name))
        return coco_fail(err, COCO_ERR_INVALID, "collateral cannot be called '%.80s'", name);
    coco_status status = open_parent(dir, path, &parent, &last, err);
    if (status == COCO_OK)
        status = coco_file_write_at(parent, last, data, len, 0644, err);
    if (status == COCO_OK && utimensat(parent, last, times, AT_SYMLINK_NOFOLLOW) != 0)
        status = coco_fail_errno(err, errno, "set its age");
    return status == COCO_OK ? status : coco_wrap(err, status, "%s", name);
}
