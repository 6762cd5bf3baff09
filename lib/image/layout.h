/*
 * image/layout.h - images in a directory
 *
 * Source: image-spec 1.1, image-layout.md. What lies there is checked like what
 * a registry sends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_LAYOUT_H
#define COCO_IMAGE_LAYOUT_H

#include "image/files.h"
#include "image/source.h"

coco_status coco_layout_source(const coco_image_ref *ref, struct coco_source *ret,
                               coco_error **err);

/* The layout that files hold, which are taken; ref says which image of it. */
coco_status coco_layout_source_of(struct coco_files *files, const coco_image_ref *ref,
                                  struct coco_source *ret, coco_error **err);

/*
 * Makes the layout when there is none yet; other images in it stay, also those
 * that others write meanwhile. A layout of another version is left alone.
 */
coco_status coco_layout_destination(coco_ctx *ctx, const coco_image_ref *ref,
                                    struct coco_destination *ret, coco_error **err);

#endif
