/*
 * softtee/fs.h - a TEE of software as a file system
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SOFTTEE_FS_H
#define COCO_SOFTTEE_FS_H

#include "softtee/tree.h"

struct coco_softtee_fs;

/*
 * Mounts tee at dir, by FUSE, and serves it by a thread until coco_softtee_fs_end().
 * COCO_ERR_NOTSUP where the system has no FUSE for us.
 */
coco_status coco_softtee_fs_begin(struct coco_softtee *tee, const char *dir,
                                  struct coco_softtee_fs **ret, coco_error **err);

/* Unmounts, whoever is still in there; NULL is fine. */
void coco_softtee_fs_end(struct coco_softtee_fs *fs);

#endif
