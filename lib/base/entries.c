/*
 * base/entries.c - the names in a directory
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/entries.h"

#include "base/fail.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

coco_status
coco_entries_open(int dir, struct coco_entries *ret, coco_error **err)
{
    return coco_entries_take(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), ret,
                             err);
}

coco_status
coco_entries_take(int fd, struct coco_entries *ret, coco_error **err)
{
    *ret = (struct coco_entries){.stream = fd >= 0 ? fdopendir(fd) : NULL};
    if (ret->stream)
        return COCO_OK;
    coco_status status = coco_fail_errno(err, errno, "read a directory");
    coco_closep(&fd);
    return status;
}

void
coco_entries_done(struct coco_entries *entries)
{
    if (entries->stream)
        (void)closedir(entries->stream);
    *entries = (struct coco_entries){0};
}

const char *
coco_entries_next(struct coco_entries *entries)
{
    for (;;) {
        errno = 0;
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is not shared */
        const struct dirent *entry = readdir(entries->stream);
        if (!entry) {
            entries->errnum = errno;
            return NULL;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return entry->d_name;
    }
}

coco_status
coco_entries_end(const struct coco_entries *entries, coco_error **err)
{
    return entries->errnum == 0 ? COCO_OK
                                : coco_fail_errno(err, entries->errnum, "read a directory");
}
