/*
 * image/remove.h - removing trees, and what lower layers left in them
 *
 * No link is followed; a directory is entered by descriptor. Recursion is
 * bounded by COCO_PATH_DEPTH_MAX, which holds for every tree made here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_REMOVE_H
#define COCO_IMAGE_REMOVE_H

#include "image/names.h"

/* Removes name from the directory dir with all that is beneath; COCO_OK if there is none. */
coco_status coco_remove(int dir, const char *name, coco_error **err);

/*
 * Removes name from the directory dir, whose inode is ino, with all that is
 * beneath, but for the names in own and the directories they are in. clean holds
 * directories that have nothing else in them, so that none is searched twice.
 */
coco_status coco_remove_lower(int dir, uint64_t ino, const char *name, const struct coco_names *own,
                              struct coco_names *clean, coco_error **err);

/* The same for all names in dir. */
coco_status coco_remove_all_lower(int dir, const struct coco_names *own, struct coco_names *clean,
                                  coco_error **err);

#endif
