/*
 * image/pull.h - an image from a source into a bundle
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_PULL_H
#define COCO_IMAGE_PULL_H

#include "image/client.h"

/* One pull; all of it is lent. */
struct coco_pull_order {
    const coco_image_client *client; /* keys, key broker, platform */
    const struct coco_source *source;
    const coco_image_ref *ref;
    const char *dir;
    coco_image_options limits; /* set, see coco_image_options_set() */
    bool judged; /* by the client's policy, once it is known what the reference means */
};

/* coco_image_pull() from an open source. The policy is asked for what it is of, not for its name.
 */
coco_status coco_pull_from(const struct coco_pull_order *order, coco_ctx *ctx, coco_image **ret,
                           coco_error **err);

#endif
