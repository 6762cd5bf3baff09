/*
 * image/oci_archive.h - an OCI layout in a tar file
 *
 * Source: containers-transports(5), "oci-archive:"; image-spec 1.1,
 * image-layout.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_OCI_ARCHIVE_H
#define COCO_IMAGE_OCI_ARCHIVE_H

#include "image/source.h"

coco_status coco_oci_archive_source(const coco_image_ref *ref, struct coco_source *ret,
                                    coco_error **err);

/* One image, in the place of whatever archive was there, once it is whole. */
coco_status coco_oci_archive_destination(coco_ctx *ctx, const coco_image_ref *ref,
                                         struct coco_destination *ret, coco_error **err);

#endif
