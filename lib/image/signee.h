/*
 * image/signee.h - an image that is signed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_SIGNEE_H
#define COCO_IMAGE_SIGNEE_H

#include "image/client.h"

struct coco_signee {
    const coco_image_client *client;
    coco_ctx *ctx;
    const coco_image_ref *ref; /* lent, as those before */
    coco_image_options set;
    struct coco_resolved found; /* the index, if there is one */
    struct coco_digest digest;  /* of it, SHA-256: what is signed */
};

/*
 * What the reference means, not which platform of it would be chosen here: as cosign does; in the
 * registry itself, whatever mirrors it has. COCO_ERR_NOTSUP for images that are in none, but for
 * those of a layout where the client signs by bundles.
 */
coco_status coco_signee_find(const coco_image_client *client, coco_ctx *ctx,
                             const coco_image_ref *ref, struct coco_signee *ret, coco_error **err);
void coco_signee_done(struct coco_signee *signee);
#define _cleanup_signee_ _cleanup_(coco_signee_done)

#define COCO_SIGNEE_TEXT_MAX ((size_t)64 << 10)

/* {reference, digest, signature: where, already}, as it is told of who signed. */
coco_status coco_signee_describe(const struct coco_signee *signee, const char *where, bool already,
                                 coco_bytes **ret, coco_error **err);

#endif
