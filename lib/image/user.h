/*
 * image/user.h - who an image's process runs as
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_USER_H
#define COCO_IMAGE_USER_H

#include <coco/error.h>

#define COCO_USER_GROUPS_MAX ((size_t)1024)

struct coco_user {
    uint32_t uid, gid;
    uint32_t groups[COCO_USER_GROUPS_MAX]; /* further ones, by /etc/group */
    size_t n_groups;
};

/*
 * Resolves "", "user", "uid", "user:group" and their mixtures (image-spec
 * config.md, "User") in the /etc/passwd and /etc/group of root, which are the
 * image's: links in their names end beneath root, and nothing but files is read.
 * A number needs no entry there. COCO_ERR_NOTFOUND for a name without one.
 */
coco_status coco_user_resolve(int root, const char *text, struct coco_user *ret, coco_error **err);

#endif
