/*
 * image/clone.h - a tree of files once more
 *
 * The trees are those that the unpacker makes, of at most COCO_PATH_DEPTH_MAX
 * directories above one another. No link is followed; the destination is a
 * directory that is nobody else's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_CLONE_H
#define COCO_IMAGE_CLONE_H

#include "base/pulse.h"

/*
 * Fills the empty directory to with what is in from, itself included: directories
 * anew, everything else by another name for the same file, which whoever has either
 * tree must therefore replace and never change.
 */
coco_status coco_clone_by_links(struct coco_pulse *pulse, int from, int to, coco_error **err);

/*
 * The same with files of its own: their content is shared with those in from where
 * the file system can do that until either is written, and copied elsewhere. Names of
 * one file in from are names of one file again. pulse counts the bytes of content.
 */
coco_status coco_clone_by_copies(struct coco_pulse *pulse, int from, int to, coco_error **err);

/* Gives the open directory to what from has: owner, mode, attributes and times. */
coco_status coco_clone_meta(int from, int to, coco_error **err);

#endif
