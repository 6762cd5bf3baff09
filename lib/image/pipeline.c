/*
 * image/pipeline.c - the stages of one layer, from its blob to files
 *
 * Built from its end on, for each stage holds the next.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/pipeline.h"

#include "base/fail.h"

/* Less is not worth a thread; of more, one stage would only run further ahead of the next. */
#define RING_MIN ((uint64_t)64 << 10)
#define RING_MAX ((uint64_t)1 << 20)
/* A piece of output, the decoder without its window, the reader of tar. */
#define FIXED ((uint64_t)512 << 10)

/* What is fetched ahead of its turn. */
#define AHEAD_MAX ((uint64_t)3 << 19)
/* All of it but the window, at the most: three rings' worth, and one of a chunk. */
#define BESIDE (FIXED + 4 * RING_MAX + AHEAD_MAX)

#define MEMORY_MOST (UINT64_C(1) << 62)

static uint64_t
within(uint64_t least, uint64_t value, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

static uint64_t
ring_of(uint64_t max_memory)
{
    return within(RING_MIN, max_memory / 16, RING_MAX);
}

uint64_t
coco_pipeline_ahead(uint64_t max_memory)
{
    return within(0, max_memory / 16, AHEAD_MAX);
}

/* Chunks that are larger are not waited for: the MAC of the layer is there for those. */
static uint64_t
chunk_of(const struct coco_layer_key *key, uint64_t max_memory)
{
    return key && key->chunks.size <= ring_of(max_memory) ? key->chunks.size : 0;
}

/* What is left for a window beside rings of that size. */
static uint64_t
max_window(uint64_t max_memory, uint64_t ring, uint64_t chunk)
{
    return max_memory - coco_pipeline_ahead(max_memory) - FIXED - 3 * ring - chunk;
}

uint64_t
coco_pipeline_memory(uint64_t window)
{
    const uint64_t least = COCO_PIPELINE_MEMORY_MIN;
    uint64_t need = RING_MIN;

    /* A decoder takes the next power of two, and anybody may have said what it needs. */
    while (need < window && need < MEMORY_MOST)
        need <<= 1;
    return need <= max_window(least, ring_of(least), 0) ? least : need + BESIDE;
}

/* What is inflated is hashed and unpacked at once. Whether it was the right content is heard first.
 */
static coco_status
begin_files(struct coco_pipeline *pipeline, const struct coco_pipeline_order *order, size_t ring,
            coco_error **err)
{
    struct coco_sink stages[2];

    coco_status status = coco_verify_sink_new(order->diff_id, &pipeline->verify, err);
    if (status == COCO_OK)
        status = coco_unpack_new(order->root, order->budget, &pipeline->unpack, err);
    if (status != COCO_OK)
        return status;
    stages[0] = coco_verify_sink_sink(pipeline->verify);
    stages[1] = coco_unpack_sink(pipeline->unpack);
    status = coco_relay_new(2 * ring, stages, 2, &pipeline->to_files, err);
    if (status == COCO_OK)
        pipeline->sink = coco_relay_sink(pipeline->to_files);
    return status;
}

static coco_status
begin_inflate(struct coco_pipeline *pipeline, const struct coco_pipeline_order *order, size_t ring,
              coco_error **err)
{
    const struct coco_inflate_limits limits = {
        .max_ratio = order->max_ratio,
        .max_window = max_window(order->max_memory, ring, chunk_of(order->key, order->max_memory)),
        .beside = BESIDE,
    };
    coco_status status =
        coco_inflate_new(order->compression, &limits, &pipeline->sink, &pipeline->inflate, err);

    if (status != COCO_OK)
        return status;
    pipeline->sink = coco_inflate_sink(pipeline->inflate);
    status = coco_relay_new(ring, &pipeline->sink, 1, &pipeline->to_inflate, err);
    if (status == COCO_OK)
        pipeline->sink = coco_relay_sink(pipeline->to_inflate);
    return status;
}

/* Failures of what is behind wait until the blob, and with it the MAC, was judged. */
static coco_status
begin_cipher(struct coco_pipeline *pipeline, const struct coco_pipeline_order *order,
             coco_error **err)
{
    struct coco_layer_key lent;

    pipeline->defer.next = pipeline->sink;
    pipeline->sink = coco_defer_sink(&pipeline->defer);
    if (!order->key)
        return COCO_OK;
    lent = *order->key;
    if (chunk_of(&lent, order->max_memory) == 0)
        lent.chunks = (struct coco_chunks){0};
    coco_status status = coco_layer_decrypt(&lent, &pipeline->sink, &pipeline->cipher, err);
    if (status == COCO_OK)
        pipeline->sink = coco_layer_cipher_sink(pipeline->cipher);
    return status;
}

coco_status
coco_pipeline_begin(struct coco_pipeline *pipeline, const struct coco_pipeline_order *order,
                    coco_error **err)
{
    /* A blob that is small needs no more. */
    size_t ring = (size_t)within(RING_MIN, order->blob_size, ring_of(order->max_memory));

    *pipeline = (struct coco_pipeline){0};
    coco_status status = begin_files(pipeline, order, ring, err);
    if (status == COCO_OK)
        status = begin_inflate(pipeline, order, ring, err);
    if (status == COCO_OK)
        status = begin_cipher(pipeline, order, err);
    return status;
}

/* From the front: a stage may still be writing into the next. */
void
coco_pipeline_done(struct coco_pipeline *pipeline)
{
    coco_layer_cipher_free(pipeline->cipher);
    coco_relay_free(pipeline->to_inflate);
    coco_defer_done(&pipeline->defer);
    coco_inflate_free(pipeline->inflate);
    coco_relay_free(pipeline->to_files);
    coco_verify_sink_free(pipeline->verify);
    coco_unpack_free(pipeline->unpack);
    *pipeline = (struct coco_pipeline){0};
}
