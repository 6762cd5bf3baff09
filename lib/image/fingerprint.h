/*
 * image/fingerprint.h - what a layer has made of a tree, as a digest
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_FINGERPRINT_H
#define COCO_IMAGE_FINGERPRINT_H

#include "base/digest.h"
#include "base/pulse.h"

/*
 * Digest of all files in tree that are not the very same file in parent (-1: there is
 * none), which tree was cloned from by links: name, type, mode, owner, size, time of
 * modification, device, target or content, attributes; of all directories, and of which
 * names of parent there are no more. So each content is read once, however many trees
 * it is in, and those of a tree and of all its parents vouch for the whole.
 */
coco_status coco_fingerprint(struct coco_pulse *pulse, int parent, int tree,
                             struct coco_digest *ret, coco_error **err);

#endif
