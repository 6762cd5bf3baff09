/*
 * image/meta.h - owner, mode, attributes and times of an unpacked file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_META_H
#define COCO_IMAGE_META_H

#include "image/tar.h"

/*
 * Gives the open file or directory what entry says of it, and nothing else: a
 * directory of a lower layer loses its extended attributes.
 *
 * Of extended attributes there are user.* without overlayfs's own and
 * security.capability; others are left out, for they mean something to the
 * kernel that is not for an image to say (T3 in doc/threats.md).
 *
 * Only root can give files away: without privileges, owners and capabilities
 * are left out, setuid and setgid bits with them, and directories stay usable.
 */
coco_status coco_meta_apply(int fd, const struct coco_tar_entry *entry, bool privileged,
                            coco_error **err);

/* The same for a link, device or FIFO that was just made as name in the directory dir. */
coco_status coco_meta_apply_at(int dir, const char *name, const struct coco_tar_entry *entry,
                               bool privileged, coco_error **err);

/*
 * Gives an open directory what it has when no layer speaks of it, and nothing
 * else: root's or the caller's, 0755, of no time.
 */
coco_status coco_meta_imply(int fd, coco_error **err);

#endif
