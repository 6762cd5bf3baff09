/*
 * image/pull.h - an image from a source into a bundle
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_PULL_H
#define COCO_IMAGE_PULL_H

#include "image/client.h"

/* coco_image_pull() from an open source, with options that are set: no policy is asked. */
coco_status coco_pull_from(const coco_image_client *client, coco_ctx *ctx,
                           const struct coco_source *source, const coco_image_ref *ref,
                           const char *dir, const coco_image_options *opts, coco_image **ret,
                           coco_error **err);

#endif
