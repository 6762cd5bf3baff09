/*
 * image/files.h - the files that an image is made of
 *
 * A format of images on disk asks for its files by name and does not see whether
 * a directory or an archive holds them. What they hold is hostile: whoever reads
 * gives the bounds, and checks digests. So is what they are: only regular files
 * are read, so that nothing blocks and nothing has a side effect.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_FILES_H
#define COCO_IMAGE_FILES_H

#include "base/buf.h"
#include "base/sink.h"

#include <coco/context.h>

struct coco_files {
    /* Appends a file to buf, whose limit bounds it; COCO_ERR_NOTFOUND if there is none. */
    coco_status (*read)(void *self, const char *name, struct coco_buf *buf, coco_error **err);
    /* Writes a file to sink, not calling its end. */
    coco_status (*send)(void *self, coco_ctx *ctx, const char *name, const struct coco_sink *sink,
                        coco_error **err);
    /* Appends so many bytes from offset on, which have to be there: else it is COCO_ERR_PROTO. */
    coco_status (*part)(void *self, const char *name, uint64_t offset, size_t len,
                        struct coco_buf *buf, coco_error **err);
    void (*free)(void *self);
    void *self;
};

void coco_files_done(struct coco_files *files);
#define _cleanup_files_ _cleanup_(coco_files_done)

/*
 * Opens a regular file in the directory dir (or AT_FDCWD) for reading, and never
 * waits for it; flags may add O_NOFOLLOW.
 */
coco_status coco_files_open(int dir, const char *name, int flags, int *ret, coco_error **err);

/* A directory of which only names made here are opened. */
struct coco_folder {
    int dir;
    const char *what; /* it is, for messages: "OCI layout"; static */
    int flags;        /* O_NOFOLLOW, or 0 where links to files are usual */
};

/* The files in a folder, which is lent. */
struct coco_files coco_folder_files(struct coco_folder *folder);

/* The files in the directory at path; COCO_ERR_NOTFOUND if there is none. */
coco_status coco_folder_open(const char *path, const char *what, int flags, struct coco_files *ret,
                             coco_error **err);

#endif
