/*
 * image/referrers.h - what refers to an image in its registry
 *
 * Source: distribution-spec 1.1, "Listing Referrers" and "Referrers Tag Schema". The list is the
 * registry's to make: it may leave out what it likes, and nothing in it is believed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_REFERRERS_H
#define COCO_IMAGE_REFERRERS_H

#include "image/client.h"

/*
 * The index of what refers to digest, by the registry's API or, where there is none, by a tag;
 * an empty manifest if nothing does, and for images that are in no registry.
 */
coco_status coco_referrers_list(const coco_image_client *client, coco_ctx *ctx,
                                const coco_image_options *set, const coco_image_ref *ref,
                                const struct coco_digest *digest, struct coco_manifest *ret,
                                coco_error **err);

/* artifactType of the entry number i; "" if it has none. Lent. */
const char *coco_referrers_type(const struct coco_manifest *index, size_t i);

/* The manifest of an entry, as digest and size in it say: COCO_ERR_VERIFY for another. */
coco_status coco_referrers_manifest(const struct coco_source *source, coco_ctx *ctx,
                                    const struct coco_descriptor *entry, struct coco_manifest *ret,
                                    coco_error **err);

#endif
