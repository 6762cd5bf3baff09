/*
 * image/meta.h - owner, mode, attributes and times of an unpacked file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_META_H
#define COCO_IMAGE_META_H

#include "image/tar.h"

/* Access control lists in the form the kernel reads, acl(5), <linux/posix_acl_xattr.h> */
#define COCO_ACL_ACCESS "system.posix_acl_access"
#define COCO_ACL_DEFAULT "system.posix_acl_default" /* what new files in a directory get */

/*
 * What is done with what only privileges can set: owners, capabilities, devices,
 * and access control lists, which some file systems have not and which name owners.
 * Whether they are there is not asked beforehand, for in a user namespace it
 * depends on the id: what the kernel refuses was not allowed.
 */
struct coco_ids {
    bool ignore;      /* leave it out; else it is an error */
    uint64_t ignored; /* files that something was left out of */
};

/*
 * Gives the open file or directory what entry says of it, and nothing else: a
 * directory of a lower layer loses its extended attributes.
 *
 * Of extended attributes there are user.* without overlayfs's own,
 * security.capability and access control lists; others are left out, for they
 * mean something to the kernel that is not for an image to say (T3 in
 * doc/threats.md).
 *
 * A file whose owner was left out is the caller's and has neither setuid nor
 * setgid bit, for they would be the caller's, too; one whose list was left out
 * gives its group nothing. Directories of anybody but
 * root stay usable by their owner, as later layers have to be unpacked into them.
 */
coco_status coco_meta_apply(int fd, const struct coco_tar_entry *entry, struct coco_ids *ids,
                            coco_error **err);

/* The same for a link, device or FIFO that was just made as name in the directory dir. */
coco_status coco_meta_apply_at(int dir, const char *name, const struct coco_tar_entry *entry,
                               struct coco_ids *ids, coco_error **err);

/* Says how not to fail for want of privileges. COCO_ERR_NOTSUP. */
coco_status coco_ids_refuse(coco_error **err, const char *what);

/*
 * Gives an open directory what it has when no layer speaks of it, and nothing
 * else: root's or the caller's, 0755, of no time.
 */
coco_status coco_meta_imply(int fd, coco_error **err);

#endif
