/*
 * image/layers.c - the layers of one image: what they are opened with, and how they come
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/layers.h"

#include "base/fail.h"
#include "base/pulse.h"
#include "image/keys.h"
#include "image/pipeline.h"

static coco_status
open_layer(const struct coco_layers *layers, coco_ctx *ctx, const struct coco_descriptor *layer,
           struct coco_layer_key *ret, coco_error **err)
{
    struct coco_client_openers openers;
    enum coco_compression compression;
    bool encrypted = false;

    coco_status status = coco_layer_media_type(layer->media_type, &compression, &encrypted, err);
    if (status != COCO_OK || !encrypted)
        return status;
    coco_client_openers(layers->order.client, &openers);
    return coco_annotations_open(layer->annotations, openers.list, openers.n, ctx, ret, err);
}

/* Refuses too much before the first byte of it is fetched. */
static coco_status
check_size(const struct coco_layers_order *order, coco_error **err)
{
    uint64_t left = order->limits->max_bytes;

    for (size_t i = 0; i < order->manifest->n_layers; i++) {
        if (order->manifest->layers[i].size > left)
            return coco_fail(err, COCO_ERR_LIMIT, "layers of more than %llu bytes",
                             (unsigned long long)order->limits->max_bytes);
        left -= order->manifest->layers[i].size;
    }
    return COCO_OK;
}

/* One plain layer is enough for whoever wants to be run (T18). */
static coco_status
check_encryption(const struct coco_layers_order *order, coco_error **err)
{
    for (size_t i = 0; i < order->manifest->n_layers && order->client->require_encryption; i++) {
        enum coco_compression compression;
        bool encrypted = false;

        coco_status status = coco_layer_media_type(order->manifest->layers[i].media_type,
                                                   &compression, &encrypted, err);
        if (status == COCO_OK && !encrypted)
            status = coco_fail(err, COCO_ERR_VERIFY, "it is not encrypted, and has to be");
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
    }
    return COCO_OK;
}

static coco_status
open_all(struct coco_layers *layers, coco_ctx *ctx, coco_error **err)
{
    const struct coco_manifest *manifest = layers->order.manifest;

    layers->keys = calloc(manifest->n_layers + 1, sizeof(*layers->keys));
    if (!layers->keys)
        return coco_fail_nomem(err);
    for (size_t i = 0; i < manifest->n_layers; i++) {
        coco_status status = open_layer(layers, ctx, &manifest->layers[i], &layers->keys[i], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
        coco_layer_key_of_content(&layers->keys[i], &layers->order.diff_ids[i]);
    }
    return COCO_OK;
}

coco_status
coco_layers_open(const struct coco_layers_order *order, coco_ctx *ctx, struct coco_layers *ret,
                 coco_error **err)
{
    _cleanup_layers_ struct coco_layers layers = {.order = *order};
    const struct coco_fetch_order fetch = {
        .source = order->source,
        .layers = order->manifest->layers,
        .n_layers = order->manifest->n_layers,
        .max_memory = coco_pipeline_ahead(order->limits->max_memory),
    };

    coco_status status = check_size(order, err);
    if (status == COCO_OK)
        status = check_encryption(order, err);
    if (status == COCO_OK)
        status = open_all(&layers, ctx, err);
    if (status == COCO_OK)
        status = coco_fetch_new(&fetch, &layers.fetch, err);
    if (status != COCO_OK)
        return status;
    *ret = layers;
    layers = (struct coco_layers){0};
    return COCO_OK;
}

void
coco_layers_done(struct coco_layers *layers)
{
    coco_fetch_free(layers->fetch);
    for (size_t i = 0; layers->keys && i < layers->order.manifest->n_layers; i++)
        coco_layer_key_done(&layers->keys[i]);
    free(layers->keys);
    *layers = (struct coco_layers){0};
}

/* What stands before a pipeline: it tells how far the files are, which nobody else knows. */
struct watch {
    struct coco_sink next;
    const struct coco_unpack_budget *budget;
    struct coco_unpack_budget before;
    struct coco_pulse pulse;
};

static void
look(void *self, coco_progress *ret)
{
    const struct watch *watch = self;

    ret->files = watch->before.entries - watch->budget->entries;
    ret->done = watch->before.content - watch->budget->content;
}

static coco_status
watch_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct watch *watch = self;

    look(watch, &watch->pulse.progress);
    coco_pulse_beat(&watch->pulse);
    return coco_sink_write(&watch->next, data, len, err);
}

static coco_status
end_next(void *self, coco_error **err)
{
    const struct watch *watch = self;

    return coco_sink_end(&watch->next, err);
}

/* What is in the rings then may be a thousand times as much when it is written. */
static coco_status
watch_end(void *self, coco_error **err)
{
    const struct coco_pulse_work work = {.run = end_next, .look = look, .self = self};
    struct watch *watch = self;

    coco_status status = coco_pulse_during(&watch->pulse, &work, err);
    look(watch, &watch->pulse.progress);
    if (status == COCO_OK)
        coco_pulse_end(&watch->pulse);
    return status;
}

static coco_status
fetch(struct coco_layers *layers, coco_ctx *ctx, size_t i, const struct coco_sink *next,
      const struct coco_unpack_budget *budget, bool *elsewhere, coco_error **err)
{
    struct watch watch = {.next = *next, .budget = budget, .before = *budget};
    const struct coco_sink sink = {.write = watch_write, .end = watch_end, .self = &watch};
    char name[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(&layers->order.manifest->layers[i].digest, name);
    watch.pulse = coco_pulse_begin(ctx, name, COCO_PHASE_UNPACK);
    return coco_fetch_layer(layers->fetch, ctx, i, &sink, elsewhere, err);
}

static coco_status
unpack(struct coco_layers *layers, coco_ctx *ctx, size_t i, struct coco_pipeline_order *order,
       bool *elsewhere, coco_error **err)
{
    const struct coco_descriptor *layer = &layers->order.manifest->layers[i];
    _cleanup_pipeline_ struct coco_pipeline pipeline = {0};
    bool encrypted = false;

    coco_status status =
        coco_layer_media_type(layer->media_type, &order->compression, &encrypted, err);
    if (encrypted)
        order->key = &layers->keys[i];
    if (status == COCO_OK)
        status = coco_pipeline_begin(&pipeline, order, err);
    if (status == COCO_OK)
        status = fetch(layers, ctx, i, &pipeline.sink, order->budget, elsewhere, err);
    return status;
}

coco_status
coco_layers_unpack(struct coco_layers *layers, coco_ctx *ctx, size_t i, int root,
                   struct coco_unpack_budget *budget, bool *elsewhere, coco_error **err)
{
    const struct coco_descriptor *layer = &layers->order.manifest->layers[i];
    struct coco_pipeline_order order = {
        .root = root,
        .budget = budget,
        .diff_id = &layers->order.diff_ids[i],
        .max_ratio = layers->order.limits->max_ratio,
        .blob_size = layer->size,
        .max_memory = layers->order.limits->max_memory,
    };

    *elsewhere = false;
    layers->bytes += layer->size;
    coco_status status = unpack(layers, ctx, i, &order, elsewhere, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "layer %zu", i);
}

void
coco_layers_stop(struct coco_layers *layers)
{
    coco_fetch_stop(layers->fetch);
}
