/*
 * image/referrers.h - what refers to an image in its registry or layout
 *
 * Source: distribution-spec 1.1, "Listing Referrers" and "Referrers Tag Schema". The list is the
 * registry's to make: it may leave out what it likes, and nothing in it is believed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_REFERRERS_H
#define COCO_IMAGE_REFERRERS_H

#include "image/client.h"
#include "image/signee.h"

/* Of a config that there is none of. */
#define COCO_MEDIA_EMPTY "application/vnd.oci.empty.v1+json"

/*
 * The index of what refers to digest, by the registry's API or of a layout by what it has, and else
 * by a tag;
 * an empty manifest if nothing does, and for images that have nothing beside them.
 */
coco_status coco_referrers_list(const coco_image_client *client, coco_ctx *ctx,
                                const coco_image_options *set, const coco_image_ref *ref,
                                const struct coco_digest *digest, struct coco_manifest *ret,
                                coco_error **err);

/* artifactType of the entry number i; "" if it has none. Lent. */
const char *coco_referrers_type(const struct coco_manifest *index, size_t i);

/* Who keeps the list may say the config's type there, which tells nothing. */
bool coco_referrers_is_vague(const char *type);

/* The manifest of an entry, as digest and size in it say: COCO_ERR_VERIFY for another. */
coco_status coco_referrers_manifest(const struct coco_source *source, coco_ctx *ctx,
                                    const struct coco_descriptor *entry, struct coco_manifest *ret,
                                    coco_error **err);

/* The tag by which the index is known where nobody else keeps it; NULL where there are no tags. */
coco_status coco_referrers_tag(const coco_image_ref *ref, const struct coco_digest *digest,
                               coco_image_ref **ret, coco_error **err);

/* Appends the index that the source itself keeps; *there says whether it keeps one. */
coco_status coco_referrers_ask(const struct coco_source *source, coco_ctx *ctx,
                               const struct coco_digest *digest, struct coco_buf *ret, bool *there,
                               coco_error **err);

/* ---- writing (referrers_write.c) ---- */

/* Where what refers to an image is put. */
coco_status coco_referrers_destination(const struct coco_signee *image,
                                       struct coco_destination *ret, coco_error **err);

/*
 * Puts a manifest that has the image for its subject, and whose blobs are there, and has it listed:
 * by the registry, in the index of the tag, or of a layout in its index.
 */
coco_status coco_referrers_put(const struct coco_signee *image, const struct coco_destination *to,
                               const cJSON *manifest, struct coco_digest *ret, coco_error **err);

#endif
