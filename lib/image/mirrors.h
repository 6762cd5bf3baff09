/*
 * image/mirrors.h - one image from several registries, whichever has it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_MIRRORS_H
#define COCO_IMAGE_MIRRORS_H

#include "image/registries.h"
#include "image/registry.h"

/*
 * A source of the image that is in all of the places, which are taken over. They are
 * asked in their order; one that fails is not asked again, and what it failed with is
 * in the message when none is left. A cache is asked for what has a digest only.
 *
 * What has a digest is checked here, too, so that a place which delivers something
 * else is one that fails: manifests, and blobs of up to 4 MiB, which are kept until
 * they are whole. Of longer ones the next place delivers what is missing when the
 * connection is lost; that they are wrong is known at their end only. Then its place is
 * left, and whoever wants the blob has to begin anew.
 */
coco_status coco_mirrors_source(const struct coco_registry_options *opts,
                                struct coco_places *places, struct coco_source *ret,
                                coco_error **err);

#endif
