/*
 * image/bundle.h - the config.json of an OCI bundle
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_BUNDLE_H
#define COCO_IMAGE_BUNDLE_H

#include "image/manifest.h"

/*
 * Appends the runtime configuration (runtime-spec config.md) of an image whose
 * tree is unpacked in the directory rootfs: what its config says (image-spec
 * conversion.md) over the defaults the field's guests use.
 */
coco_status coco_bundle_config(const struct coco_image_config *config, int rootfs,
                               struct coco_buf *ret, coco_error **err);

#endif
