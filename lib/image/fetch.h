/*
 * image/fetch.h - the layers of an image on their way
 *
 * While one layer is unpacked the next ones are asked for already, each by a lane:
 * a thread with a connection of its own and a ring of bounded size, in which the
 * first bytes of its layer wait. So a pull does not stand still for a round trip or
 * two at each layer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_FETCH_H
#define COCO_IMAGE_FETCH_H

#include "image/source.h"

/* Layers that are on their way at once. */
#define COCO_FETCH_LANES_MAX 3

/* All of it is lent, until the fetch is freed. */
struct coco_fetch_order {
    const struct coco_source *source; /* a lane's, and cloned for the others */
    const struct coco_descriptor *layers;
    size_t n_layers;
    uint64_t max_memory; /* of all rings together */
};

struct coco_fetch;
coco_status coco_fetch_new(const struct coco_fetch_order *order, struct coco_fetch **ret,
                           coco_error **err);
void coco_fetch_free(struct coco_fetch *fetch);
COCO_DEFINE_CLEANUP(struct coco_fetch *, coco_fetch_free);

/*
 * Layer i, as coco_source_blob(); it must follow the one before, but for the first,
 * at which all lanes begin. While nothing comes, ctx is told once a second how far
 * it is. Behind a failure there is only coco_fetch_stop().
 */
coco_status coco_fetch_layer(struct coco_fetch *fetch, coco_ctx *ctx, size_t i,
                             const struct coco_sink *sink, bool *elsewhere, coco_error **err);

/* Gives up what is on its way. Then any layer may be the first. */
void coco_fetch_stop(struct coco_fetch *fetch);

#endif
