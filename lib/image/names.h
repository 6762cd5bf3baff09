/*
 * image/names.h - the set of names that a layer has put into directories
 *
 * Whiteouts hide what lower layers brought, never what their own layer brings,
 * whichever comes first in the archive (image-spec layer.md, "Whiteouts"); so a
 * layer's own names must be known. A name is kept as a keyed hash of directory
 * and name: 8 bytes, and nobody who does not know the key can make two names
 * meet. Should two of millions do so by chance, one file that a whiteout names
 * stays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_NAMES_H
#define COCO_IMAGE_NAMES_H

#include <coco/error.h>

struct coco_names {
    uint64_t *slots; /* 0 is free */
    size_t n, room;  /* room is a power of two, or 0 */
    uint64_t key[2];
};

/* A fresh key. */
coco_status coco_names_init(struct coco_names *names, coco_error **err);
void coco_names_done(struct coco_names *names);

/* dir is the inode number of a directory; name may be "" for the directory itself. */
coco_status coco_names_add(struct coco_names *names, uint64_t dir, const char *name,
                           coco_error **err);
bool coco_names_has(const struct coco_names *names, uint64_t dir, const char *name);

#endif
