/*
 * image/transfer.c - an image on its way from one place to another
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/transfer.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/relay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ENC_PREFIX "org.opencontainers.image.enc."

void
coco_transfer_done(struct coco_transfer *t)
{
    coco_source_done(&t->source);
    coco_destination_done(&t->destination);
    coco_resolved_done(&t->found);
    coco_image_free(t->image);
}

coco_status
coco_transfer_check_sizes(const struct coco_transfer *t, coco_error **err)
{
    const struct coco_manifest *manifest = &t->found.manifest;
    uint64_t left = t->opts.max_bytes;

    if (manifest->config.size > COCO_JSON_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "an image config of more than %zu bytes",
                         COCO_JSON_SIZE_MAX);
    for (size_t i = 0; i < manifest->n_layers; i++) {
        if (manifest->layers[i].size > left)
            return coco_fail(err, COCO_ERR_LIMIT, "layers of more than %" PRIu64 " bytes",
                             t->opts.max_bytes);
        left -= manifest->layers[i].size;
    }
    return COCO_OK;
}

coco_status
coco_transfer_find(struct coco_transfer *t, const coco_image_ref *from,
                   const coco_image_options *opts, uint32_t flags, coco_error **err)
{
    coco_status status = coco_image_options_set(&t->opts, opts, flags, err);
    if (status != COCO_OK)
        return status;
    t->image = calloc(1, sizeof(*t->image));
    if (!t->image)
        return coco_fail_nomem(err);
    status = coco_client_source(t->client, &t->opts, from, &t->source, err);
    t->platform = t->client->platform;
    if (status == COCO_OK && (t->opts.flags & COCO_IMAGE_ALL_PLATFORMS))
        status = coco_source_manifest(&t->source, t->ctx, from, NULL, t->opts.max_layers, &t->found,
                                      err);
    else if (status == COCO_OK)
        status = coco_source_resolve(&t->source, t->ctx, from, &t->platform, t->opts.max_layers,
                                     &t->found, err);
    if (status == COCO_OK && !t->found.manifest.is_index)
        status = coco_transfer_check_sizes(t, err);
    return status;
}

coco_status
coco_transfer_open(struct coco_transfer *t, const coco_image_ref *to, bool encrypted,
                   coco_error **err)
{
    coco_status status =
        coco_client_destination(t->client, &t->opts, t->ctx, to, &t->destination, err);
    if (status != COCO_OK)
        return status;
    if (encrypted && t->destination.plain_only)
        return coco_fail(err, COCO_ERR_INVALID, "%s: it cannot hold encrypted layers",
                         coco_image_ref_transport(to));
    return COCO_OK;
}

static coco_status
send_blob(const struct coco_transfer *t, const struct coco_descriptor *blob, coco_error **err)
{
    const struct coco_destination *destination = &t->destination;
    struct coco_sink sink = {0};

    coco_status status = destination->begin_blob(destination->self, t->ctx, &sink, err);
    if (status == COCO_OK)
        status = coco_source_blob(&t->source, t->ctx, blob, &sink, NULL, err);
    if (status == COCO_OK)
        status =
            destination->commit_blob(destination->self, t->ctx, &blob->digest, blob->size, err);
    return status;
}

/*
 * After a try to send a blob that came to *status: whether to do it once more. If not, the
 * blob is given up. known is what is sent the next time, too, or NULL.
 */
static bool
try_again(const struct coco_transfer *t, const struct coco_descriptor *known, coco_status *status,
          coco_error **cause)
{
    const struct coco_destination *destination = &t->destination;
    coco_status waited = COCO_OK;
    coco_error *other = NULL;
    bool again = false;

    if (*status == COCO_OK)
        return false;
    if (destination->retry_blob && coco_error_status(*cause) != COCO_ERR_NOMEM)
        waited = destination->retry_blob(destination->self, t->ctx, known, &again, &other);
    if (waited != COCO_OK || again) {
        coco_error_free(*cause);
        *cause = other;
        *status = waited;
    }
    if (!again)
        destination->abort_blob(destination->self);
    return again;
}

/* Hands cause out, as the error of the whole. */
static coco_status
give_up(coco_status status, coco_error *cause, coco_error **err)
{
    if (err)
        *err = cause;
    else
        coco_error_free(cause);
    return status;
}

coco_status
coco_transfer_copy(const struct coco_transfer *t, const struct coco_descriptor *blob,
                   coco_error **err)
{
    const struct coco_destination *destination = &t->destination;
    coco_error *cause = NULL;
    bool there = false;

    coco_status status =
        destination->has_blob(destination->self, t->ctx, &blob->digest, &there, err);
    if (status != COCO_OK || there)
        return status;
    do {
        status = send_blob(t, blob, &cause);
    } while (try_again(t, blob, &status, &cause));
    if (status != COCO_OK)
        return give_up(status, cause, err);
    t->image->bytes_read += blob->size;
    t->image->bytes_written += blob->size;
    return COCO_OK;
}

coco_status
coco_transfer_finish(struct coco_transfer *t, const struct coco_buf *manifest,
                     const char *media_type, const struct coco_digest *digest, coco_image **ret,
                     coco_error **err)
{
    const struct coco_destination *destination = &t->destination;

    coco_status status = destination->put_manifest(destination->self, t->ctx, media_type,
                                                   manifest->data, manifest->len, digest, err);
    if (status != COCO_OK)
        return status;
    t->image->digest = *digest;
    coco_digest_format(digest, t->image->digest_text);
    *ret = coco_steal(&t->image);
    return COCO_OK;
}

/* What is changed is measured on its way out: its digest cannot be known before. */
struct measure {
    const struct coco_sink *next; /* NULL: another thread passes it on */
    struct coco_hash hash;
    uint64_t size;
};

static coco_status
measure_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct measure *measure = self;

    coco_status status = coco_hash_add(&measure->hash, data, len, err);
    if (status != COCO_OK)
        return status;
    measure->size += len;
    return measure->next ? coco_sink_write(measure->next, data, len, err) : COCO_OK;
}

static coco_status
measure_end(void *self, coco_error **err)
{
    const struct measure *measure = self;

    return measure->next ? coco_sink_end(measure->next, err) : COCO_OK;
}

/*
 * A blob's way: source -> [change] -> [measure] -> destination. Of a large one each bracket has a
 * thread of its own, for all three compute about as long: the source's digest, the change, and the
 * digest of what comes out, beside which it is sent.
 */
struct way {
    struct coco_sink out;
    struct measure measure;
    struct coco_relay *behind; /* of the change, or NULL */
    struct coco_relay *before;
};

static void
way_done(struct way *way)
{
    coco_relay_free(way->before);
    coco_relay_free(way->behind);
    coco_hash_done(&way->measure.hash);
}

/* Where what the change makes goes. */
static coco_status
lay_behind(struct way *way, bool threads, struct coco_sink *ret, coco_error **err)
{
    const struct coco_sink measured = {
        .write = measure_write, .end = measure_end, .self = &way->measure};
    const struct coco_sink both[] = {measured, way->out};

    way->measure.next = threads ? NULL : &way->out;
    if (!threads) {
        *ret = measured;
        return COCO_OK;
    }
    coco_status status = coco_relay_new(COCO_TRANSFER_RING_SIZE, both, 2, &way->behind, err);
    if (status == COCO_OK)
        *ret = coco_relay_sink(way->behind);
    return status;
}

/* Where the source's bytes go, to come to sink. */
static coco_status
lay_before(struct way *way, bool threads, struct coco_sink *sink, coco_error **err)
{
    if (!threads)
        return COCO_OK;
    coco_status status = coco_relay_new(COCO_TRANSFER_RING_SIZE, sink, 1, &way->before, err);
    if (status == COCO_OK)
        *sink = coco_relay_sink(way->before);
    return status;
}

static coco_status
send_through(const struct coco_transfer *t, const struct coco_descriptor *blob,
             const struct coco_change *change, struct way *way, coco_error **err)
{
    bool threads = blob->size >= COCO_TRANSFER_THREADS_FROM;
    struct coco_sink behind = {0};
    struct coco_sink in = {0};

    coco_status status = lay_behind(way, threads, &behind, err);
    if (status == COCO_OK)
        status = change->begin(change->self, &behind, &in, err);
    if (status != COCO_OK)
        return status;
    status = lay_before(way, threads, &in, err);
    if (status == COCO_OK)
        status = coco_source_blob(&t->source, t->ctx, blob, &in, NULL, err);
    /* Nothing may be under way when what it goes through ends. */
    coco_relay_free(coco_steal(&way->before));
    change->end(change->self);
    return status;
}

static coco_status
send_changed(const struct coco_transfer *t, const struct coco_descriptor *blob,
             const struct coco_change *change, struct coco_descriptor *ret, coco_error **err)
{
    const struct coco_destination *destination = &t->destination;
    _cleanup_(way_done) struct way way = {0};

    coco_status status = coco_hash_begin(&way.measure.hash, COCO_SHA256, err);
    if (status == COCO_OK)
        status = destination->begin_blob(destination->self, t->ctx, &way.out, err);
    if (status == COCO_OK)
        status = send_through(t, blob, change, &way, err);
    if (status == COCO_OK)
        status = coco_hash_end(&way.measure.hash, &ret->digest, err);
    if (status != COCO_OK)
        return status;
    ret->size = way.measure.size;
    return destination->commit_blob(destination->self, t->ctx, &ret->digest, ret->size, err);
}

coco_status
coco_transfer_change(const struct coco_transfer *t, const struct coco_descriptor *blob,
                     const struct coco_change *change, struct coco_descriptor *ret,
                     coco_error **err)
{
    coco_status status = COCO_OK;
    coco_error *cause = NULL;

    do {
        status = send_changed(t, blob, change, ret, &cause);
    } while (try_again(t, NULL, &status, &cause));
    if (status != COCO_OK)
        return give_up(status, cause, err);
    t->image->bytes_read += blob->size;
    t->image->bytes_written += ret->size;
    return COCO_OK;
}

coco_status
coco_transfer_check_new(const coco_image_ref *to, coco_error **err)
{
    if (coco_image_ref_digest(to))
        return coco_fail(err, COCO_ERR_INVALID, "the digest of a new image cannot be chosen");
    return COCO_OK;
}

coco_status
coco_transfer_plain_annotations(const cJSON *from, cJSON *to, coco_error **err)
{
    const cJSON *item = NULL;
    coco_status status = COCO_OK;

    cJSON_ArrayForEach(item, from)
        if (status == COCO_OK && strncmp(item->string, ENC_PREFIX, strlen(ENC_PREFIX)) != 0)
            status = coco_json_add_string(to, item->string, item->valuestring, err);
    return status;
}

coco_status
coco_transfer_copy_layer(const struct coco_transfer *t, const struct coco_descriptor *layer,
                         cJSON *layers, cJSON **ret, coco_error **err)
{
    enum coco_compression compression = COCO_UNCOMPRESSED;
    bool encrypted = false;
    cJSON *json = NULL;

    /* The new manifest is an OCI one, and so are its types. */
    coco_status status = coco_layer_media_type(layer->media_type, &compression, &encrypted, err);
    if (status == COCO_OK)
        status = coco_transfer_copy(t, layer, err);
    if (status == COCO_OK)
        status =
            coco_descriptor_add(layers, NULL, coco_layer_media_type_name(compression, encrypted),
                                &layer->digest, layer->size, &json, err);
    if (status == COCO_OK && layer->annotations)
        status = coco_json_add_copy(json, "annotations", layer->annotations, err);
    if (status == COCO_OK && ret)
        *ret = json;
    return status;
}

static coco_status
remake(const struct coco_transfer *t, coco_transfer_layer *make, void *user, struct coco_buf *text,
       coco_error **err)
{
    const struct coco_manifest *old = &t->found.manifest;
    const cJSON *annotations = NULL;
    _cleanup_json_ cJSON *manifest = NULL;
    cJSON *layers = NULL;

    coco_status status = coco_json_get_object_opt(old->json, "annotations", &annotations, err);
    if (status == COCO_OK)
        status =
            coco_manifest_begin(&old->config.digest, old->config.size, &manifest, &layers, err);
    for (size_t i = 0; status == COCO_OK && i < old->n_layers; i++) {
        status = make(t, &old->layers[i], layers, user, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
    }
    if (status == COCO_OK && annotations)
        status = coco_json_add_copy(manifest, "annotations", annotations, err);
    if (status == COCO_OK)
        status = coco_json_write(manifest, COCO_JSON_COMPACT, text, err);
    return status;
}

coco_status
coco_transfer_remake(const struct coco_transfer *t, coco_transfer_layer *make, void *user,
                     struct coco_buf *text, coco_error **err)
{
    coco_status status = coco_transfer_copy(t, &t->found.manifest.config, err);

    if (status == COCO_OK)
        status = remake(t, make, user, text, err);
    return status;
}
