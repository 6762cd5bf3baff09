/*
 * image/signatures.h - the signatures of an image, where registries and directories keep them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_SIGNATURES_H
#define COCO_IMAGE_SIGNATURES_H

#include "image/client.h"
#include "signature/judge.h"

/* Reads the name of an image in a registry: as coco_signature_source has it. */
coco_status coco_signatures_read_name(const char *text, struct coco_signed_name *ret,
                                      coco_error **err);

/* The host and repository, or the path with links resolved; to be freed. */
coco_status coco_signatures_name_of(const coco_image_ref *ref, char **ret, coco_error **err);

/* Where cosign has signatures as referrers, of what it calls the older format. */
#define COCO_ARTIFACT_COSIGN "application/vnd.dev.cosign.artifact.sig.v1+json"
#define COCO_MEDIA_SIMPLE_SIGNING "application/vnd.dev.cosign.simplesigning.v1+json"

/* The reference of a tag beside to; NULL where there are no tags. */
coco_status coco_signatures_tag_beside(const coco_image_ref *to, const char *tag,
                                       coco_image_ref **ret, coco_error **err);

/*
 * The reference of what is attached to the image with that digest by a tag, such as
 * sha256-<hex>.sig; NULL where there are no tags, and for longer digests, for which a tag has
 * no room.
 */
coco_status coco_signatures_attached_ref(const coco_image_ref *to, const struct coco_digest *digest,
                                         const char *suffix, coco_image_ref **ret,
                                         coco_error **err);

/* An image that was found and is to be judged by the client's policy; all of it is lent. */
struct coco_found_image {
    const coco_image_client *client;
    const coco_image_ref *ref;
    const coco_image_options *set;
    const struct coco_resolved *found;
};

/* Its name must have passed coco_policy_check(). COCO_ERR_DENIED if it is refused. */
coco_status coco_signatures_judge(const struct coco_found_image *image, coco_ctx *ctx,
                                  coco_error **err);

/*
 * The same, but a refusal is no failure: what every scope came to is appended to verdict, an
 * array, and why not to *why.
 */
coco_status coco_signatures_explain(const struct coco_found_image *image, coco_ctx *ctx,
                                    cJSON *verdict, bool *accepted, struct coco_buf *why,
                                    coco_error **err);

#endif
