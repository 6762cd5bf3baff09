/*
 * image/lookaside.h - signatures that are kept elsewhere than in the registry's repository
 *
 *     lookaside   <base>/<repository>@sha256=<hex>/signature-<n>, file:// or http(s)://
 *     X-R-S-S     /extensions/v2/<repository>/signatures/<digest> of registries that say so
 *
 * Sources: containers-registries.d(5), signature-protocols.md of containers/image.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_LOOKASIDE_H
#define COCO_IMAGE_LOOKASIDE_H

#include "base/json.h"
#include "signature/signature.h"

#include <coco/image.h>

/* What the files of a registries.d say, taken together. {0} is none. */
struct coco_lookasides {
    cJSON *docker;   /* by scope; NULL: no file was read */
    cJSON *fallback; /* of "default-docker", or NULL */
};

/*
 * Adds a file. COCO_ERR_PROTO for what is none, with members that are not known, and for a scope
 * that another file has, too.
 */
coco_status coco_lookasides_add(struct coco_lookasides *lookasides, const void *yaml, size_t len,
                                coco_error **err);
void coco_lookasides_done(struct coco_lookasides *lookasides);

/*
 * Where the signatures of ref are, a URL that is lent, or NULL; whether its registry keeps those of
 * cosign beside it, which is so when nothing was configured.
 */
coco_status coco_lookasides_find(const struct coco_lookasides *lookasides,
                                 const coco_image_ref *ref, const char **url, bool *attachments,
                                 coco_error **err);

struct coco_found_image;

/* Appends the signatures of an image in a registry with that digest, OpenPGP and others. */
coco_status coco_lookaside_list(const struct coco_found_image *image, coco_ctx *ctx,
                                const struct coco_digest *digest, struct coco_signatures *ret,
                                coco_error **err);

#endif
