/*
 * image/layers.h - the layers of one image: what they are opened with, and how they come
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_LAYERS_H
#define COCO_IMAGE_LAYERS_H

#include "image/client.h"
#include "image/fetch.h"
#include "image/unpack.h"
#include "ocicrypt/layer.h"

/* All of it is lent. */
struct coco_layers_order {
    const coco_image_client *client; /* keys and key broker */
    const struct coco_source *source;
    const struct coco_manifest *manifest;
    const struct coco_digest *diff_ids; /* as many as there are layers */
    const coco_image_options *limits;   /* set */
};

struct coco_layers {
    struct coco_layers_order order;
    struct coco_layer_key *keys; /* where they are encrypted */
    struct coco_fetch *fetch;
    uint64_t bytes; /* of blobs that were asked for */
};

/*
 * Opens them, without asking for the first byte of one: whoever may not have a key is
 * told so at once. Too many bytes are refused, and a layer that is not encrypted when all
 * have to be (T18).
 */
coco_status coco_layers_open(const struct coco_layers_order *order, coco_ctx *ctx,
                             struct coco_layers *ret, coco_error **err);
void coco_layers_done(struct coco_layers *layers);
#define _cleanup_layers_ _cleanup_(coco_layers_done)

/*
 * Unpacks layer i over what is in root. Layers come in their order; to leave some out, or
 * to begin anew behind a failure, coco_layers_stop() comes first. *elsewhere as
 * coco_source_blob() has it.
 */
coco_status coco_layers_unpack(struct coco_layers *layers, coco_ctx *ctx, size_t i, int root,
                               struct coco_unpack_budget *budget, bool *elsewhere,
                               coco_error **err);
void coco_layers_stop(struct coco_layers *layers);

#endif
