/*
 * image/proof.h - that an image is encrypted: by what can be read where it was put
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_PROOF_H
#define COCO_IMAGE_PROOF_H

#include "image/transfer.h"

/* What became of a layer. */
struct coco_proof {
    bool encrypted; /* here */
    struct coco_layer_key key;
};

/*
 * Reads the image digest again, which t has put to to, and all of its layers that proofs say were
 * encrypted: they must be, and open by the key that each was given. What the client has keys for
 * must open by them, too, to the same key.
 *
 * COCO_ERR_VERIFY for what is anything else, and what reading fails with.
 */
coco_status coco_proof_check(const struct coco_transfer *t, const coco_image_ref *to,
                             const struct coco_digest *digest, const struct coco_proof *proofs,
                             size_t n, coco_error **err);

#endif
