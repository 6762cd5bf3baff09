/*
 * image/chain.h - the layers of an image, each as a tree in a store
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_CHAIN_H
#define COCO_IMAGE_CHAIN_H

#include "image/layers.h"
#include "image/store.h"

/* The n ids of the layers with those diff_ids. */
coco_status coco_chain_ids(const struct coco_digest *diff_ids, size_t n, struct coco_digest *ret,
                           coco_error **err);

struct coco_chain {
    struct coco_digest *ids; /* of all layers up to each: image-spec config.md, "Layer ChainID" */
    size_t n;
    struct coco_tree top; /* of all layers */
    int lock;             /* that keeps the trees from being collected, or -1 */
    uint64_t content;     /* bytes of files that were unpacked now */
    uint64_t ids_ignored; /* files of all trees that something was left out of */
};
#define COCO_CHAIN_NONE ((struct coco_chain){.top.rootfs = -1, .lock = -1})

/*
 * Makes the trees that the store lacks. Who else makes one of them is waited for, and
 * nothing of it is asked of the source. An image without a layer is COCO_ERR_NOTSUP.
 * *ret must be COCO_CHAIN_NONE.
 */
coco_status coco_chain_build(const coco_store *store, coco_ctx *ctx, struct coco_layers *layers,
                             const coco_image_options *limits, struct coco_chain *ret,
                             coco_error **err);
void coco_chain_done(struct coco_chain *chain);

#endif
