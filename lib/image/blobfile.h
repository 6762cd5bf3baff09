/*
 * image/blobfile.h - a blob that is being written into a directory
 *
 * It has a name of its own, which begins with a dot, until it is whole and on
 * the disk: whoever looks for the blob meanwhile sees no half of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_BLOBFILE_H
#define COCO_IMAGE_BLOBFILE_H

#include "base/sink.h"

#define COCO_BLOBFILE_RANDOM ((size_t)8)
#define COCO_BLOBFILE_NAME_SIZE (sizeof("blobs/.") + 2 * COCO_BLOBFILE_RANDOM)

struct coco_blobfile {
    int dir; /* lent */
    int fd;  /* -1 when none is written */
    char name[COCO_BLOBFILE_NAME_SIZE];
};

#define COCO_BLOBFILE_NONE ((struct coco_blobfile){.dir = -1, .fd = -1})

/*
 * Begins a file in the directory dir, its name behind prefix ("" or "blobs/"),
 * that takes what *ret is given.
 */
coco_status coco_blobfile_begin(struct coco_blobfile *blob, int dir, const char *prefix,
                                struct coco_sink *ret, coco_error **err);

/* Syncs it and gives it the name path in dir; that the name lasts is for the caller to see to. */
coco_status coco_blobfile_commit(struct coco_blobfile *blob, const char *path, coco_error **err);

/* Removes what was begun and not committed, if there is something. */
void coco_blobfile_abort(struct coco_blobfile *blob);

#endif
