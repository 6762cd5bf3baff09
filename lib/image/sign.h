/*
 * image/sign.h - the inside of coco_image_sign(): a signature on its way
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_SIGN_H
#define COCO_IMAGE_SIGN_H

#include "image/sign_key.h"
#include "image/signee.h"

struct coco_signing {
    struct coco_signee image;
    struct coco_sign_key key;
    struct coco_destination destination; /* opened by whoever puts something there */
    char *where;                         /* the signature is, when it is done */
    bool already;                        /* it was there */
};

/* Puts a small blob, unless it is there; ret is its digest. */
coco_status coco_signing_put_blob(const struct coco_signing *signing, const struct coco_buf *data,
                                  struct coco_digest *ret, coco_error **err);

/* By a referrer, as an artifact of cosign's or as a bundle (sign_referrer.c). */
coco_status coco_signing_refer(struct coco_signing *signing, coco_error **err);

/* ---- the older format (sign_payload.c) ---- */

/* What is signed: a name and a digest. */
struct coco_sign_payload {
    struct coco_buf text;
    struct coco_digest digest;
};

coco_status coco_sign_payload_make(const struct coco_signee *image, struct coco_sign_payload *ret,
                                   coco_error **err);
void coco_sign_payload_done(struct coco_sign_payload *payload);
#define _cleanup_sign_payload_ _cleanup_(coco_sign_payload_done)

/* Whether a layer of a manifest is a signature of the same by the same key. */
coco_status coco_sign_payload_is_in(const struct coco_sign_payload *payload,
                                    const struct coco_descriptor *layer, EVP_PKEY *key, bool *ret,
                                    coco_error **err);

/* Adds one to the layers of a manifest. */
coco_status coco_sign_payload_add(const struct coco_sign_payload *payload,
                                  const struct coco_sign_key *key, cJSON *layers, coco_error **err);

/* Appends an image's config as far as one must be there, for layers before it and itself. */
coco_status coco_sign_payload_write_config(const struct coco_sign_payload *payload,
                                           const struct coco_manifest *before, struct coco_buf *ret,
                                           coco_error **err);

#endif
