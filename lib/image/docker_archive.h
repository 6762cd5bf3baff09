/*
 * image/docker_archive.h - images in a tar file as `docker save` writes it
 *
 *     manifest.json: [{"Config": name, "RepoTags": [text, …], "Layers": [name, …]}, …]
 *
 * There is no manifest of a registry in it. One is made of what is there: a layer
 * that is not compressed has its diff_id for a digest, of any other one the digest
 * is computed before; so every blob is checked as anywhere else.
 *
 * Source: containers-transports(5), "docker-archive:"; Docker's image
 * specification 1.2, "Combined Image JSON + Filesystem Changeset Format".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_DOCKER_ARCHIVE_H
#define COCO_IMAGE_DOCKER_ARCHIVE_H

#include "image/source.h"

coco_status coco_docker_archive_source(const coco_image_ref *ref, struct coco_source *ret,
                                       coco_error **err);

/*
 * A new archive with one image, called what ref says. COCO_ERR_INVALID for one that
 * is there already, for no image is added to it, and for a ref with a digest.
 */
coco_status coco_docker_archive_destination(coco_ctx *ctx, const coco_image_ref *ref,
                                            struct coco_destination *ret, coco_error **err);

#endif
