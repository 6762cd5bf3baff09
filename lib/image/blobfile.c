/*
 * image/blobfile.c - a blob that is being written into a directory
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/blobfile.h"

#include "base/fail.h"
#include "base/fd.h"
#include "base/secret.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>

static coco_status
write_blob(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    const struct coco_blobfile *blob = self;

    return coco_fd_write_all(blob->fd, data, len, err);
}

/* What makes it complete is the commit. */
static coco_status
end_nothing(void *self, coco_error **err)
{
    (void)self;
    (void)err;
    return COCO_OK;
}

coco_status
coco_blobfile_begin(struct coco_blobfile *blob, int dir, const char *prefix, struct coco_sink *ret,
                    coco_error **err)
{
    uint8_t random[COCO_BLOBFILE_RANDOM];
    char hex[2 * COCO_BLOBFILE_RANDOM + 1];

    coco_blobfile_abort(blob);
    coco_status status = coco_random(random, sizeof(random), err);
    if (status != COCO_OK)
        return status;
    coco_hex(random, sizeof(random), hex);
    (void)snprintf(blob->name, sizeof(blob->name), "%s.%s", prefix, hex);
    blob->dir = dir;
    blob->fd = openat(dir, blob->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (blob->fd < 0)
        return coco_fail_errno(err, errno, "make a blob");
    *ret = (struct coco_sink){.write = write_blob, .end = end_nothing, .self = blob};
    return COCO_OK;
}

coco_status
coco_blobfile_commit(struct coco_blobfile *blob, const char *path, coco_error **err)
{
    if (fsync(blob->fd) < 0 || renameat(blob->dir, blob->name, blob->dir, path) < 0)
        return coco_fail_errno(err, errno, "write '%s'", path);
    (void)close(blob->fd);
    blob->fd = -1;
    return COCO_OK;
}

void
coco_blobfile_abort(struct coco_blobfile *blob)
{
    if (blob->fd < 0)
        return;
    (void)close(blob->fd);
    blob->fd = -1;
    (void)unlinkat(blob->dir, blob->name, 0);
}
