/*
 * image/ref.h - inside of a coco_image_ref
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_REF_H
#define COCO_IMAGE_REF_H

#include <coco/image.h>

#include <stdbool.h>

/* What coco_image_ref_transport() names. */
enum coco_transport {
    COCO_TRANSPORT_DOCKER,
    COCO_TRANSPORT_OCI,
    COCO_TRANSPORT_DIR,
    COCO_TRANSPORT_OCI_ARCHIVE,
    COCO_TRANSPORT_DOCKER_ARCHIVE,
};

enum coco_transport coco_image_ref_kind(const coco_image_ref *ref);

/* Whether no registry was spelled, as in "busybox": docker.io was filled in. */
bool coco_image_ref_is_short(const coco_image_ref *ref);

#endif
