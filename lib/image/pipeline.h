/*
 * image/pipeline.h - the stages of one layer, from its blob to files
 *
 * [decrypt] -> inflate -> sha256 of diff_id
 *                      -> tar and files
 * The caller's thread decrypts what it receives; the other three each have a thread of
 * their own, so that receiving, inflating, hashing and writing go on side by side. The
 * last two read the same ring.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_PIPELINE_H
#define COCO_IMAGE_PIPELINE_H

#include "base/relay.h"
#include "image/defer.h"
#include "image/unpack.h"
#include "ocicrypt/layer.h"

/*
 * Of the memory that is allowed, a sixteenth is for layers that are fetched ahead, one
 * ring takes a sixteenth and another two, and the rest is for the window of a decoder, whose own
 * state is what nothing works without.
 */
#define COCO_PIPELINE_MEMORY_MIN ((uint64_t)1 << 20)

struct coco_pipeline_order {
    int root; /* directory that the layer is unpacked into */
    struct coco_unpack_budget *budget;
    enum coco_compression compression;
    const struct coco_digest *diff_id;
    const struct coco_layer_key *key; /* NULL for a layer that is not encrypted */
    uint32_t max_ratio;
    uint64_t max_memory; /* COCO_PIPELINE_MEMORY_MIN and up */
    uint64_t blob_size;  /* small blobs need small rings */
};

/* The part of max_memory that is for what was fetched ahead: image/fetch.h. */
uint64_t coco_pipeline_ahead(uint64_t max_memory);

/* The max_memory that a stream with such a window takes. */
uint64_t coco_pipeline_memory(uint64_t window);

/* Stays where it is once begun: stages point into it. */
struct coco_pipeline {
    struct coco_unpack *unpack;
    struct coco_verify_sink *verify;
    struct coco_inflate *inflate;
    struct coco_defer defer;
    struct coco_layer_cipher *cipher;
    struct coco_relay *to_inflate, *to_files;
    struct coco_sink sink; /* takes the blob */
};

coco_status coco_pipeline_begin(struct coco_pipeline *pipeline,
                                const struct coco_pipeline_order *order, coco_error **err);
void coco_pipeline_done(struct coco_pipeline *pipeline);
#define _cleanup_pipeline_ _cleanup_(coco_pipeline_done)

#endif
