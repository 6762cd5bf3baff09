/*
 * image/push.c - images from one place to another, as they are or encrypted
 *
 *     source -> [sha256, size] -> [encrypt -> sha256, size] -> destination
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/client.h"
#include "image/keys.h"

#include "base/context.h"
#include "base/fail.h"
#include "image/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ENC_PREFIX "org.opencontainers.image.enc."

struct push {
    const coco_image_client *client;
    coco_ctx *ctx;
    coco_image_options opts;
    struct coco_source source;
    struct coco_destination destination;
    struct coco_resolved found;
    coco_image *image;
};

static void
push_done(struct push *push)
{
    coco_source_done(&push->source);
    coco_destination_done(&push->destination);
    coco_resolved_done(&push->found);
    coco_image_free(push->image);
}

/* Refuses too much before the first byte is fetched. */
static coco_status
check_sizes(const struct push *push, coco_error **err)
{
    const struct coco_manifest *manifest = &push->found.manifest;
    uint64_t left = push->opts.max_bytes;

    if (manifest->config.size > COCO_JSON_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "an image config of more than %zu bytes",
                         COCO_JSON_SIZE_MAX);
    for (size_t i = 0; i < manifest->n_layers; i++) {
        if (manifest->layers[i].size > left)
            return coco_fail(err, COCO_ERR_LIMIT, "layers of more than %" PRIu64 " bytes",
                             push->opts.max_bytes);
        left -= manifest->layers[i].size;
    }
    return COCO_OK;
}

/* Finds the image. The destination is opened later: what is not there leaves no trace there. */
static coco_status
find(struct push *push, const coco_image_ref *from, const coco_image_options *opts,
     coco_error **err)
{
    coco_status status = coco_image_options_set(&push->opts, opts, err);
    if (status != COCO_OK)
        return status;
    if (push->opts.flags != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "image options: flags of a pull");
    push->image = calloc(1, sizeof(*push->image));
    if (!push->image)
        return coco_fail_nomem(err);
    status = coco_client_source(push->client, &push->opts, from, &push->source, err);
    if (status == COCO_OK)
        status = coco_source_resolve(&push->source, push->ctx, from, &push->client->platform,
                                     push->opts.max_layers, &push->found, err);
    if (status == COCO_OK)
        status = check_sizes(push, err);
    return status;
}

/* Opens the destination, unless layers are encrypted and it could not say so. */
static coco_status
open_destination(struct push *push, const coco_image_ref *to, bool encrypted, coco_error **err)
{
    const struct coco_manifest *manifest = &push->found.manifest;

    coco_status status =
        coco_client_destination(push->client, &push->opts, push->ctx, to, &push->destination, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < manifest->n_layers; i++)
        encrypted = encrypted || coco_media_type_encrypted(manifest->layers[i].media_type);
    if (encrypted && push->destination.plain_only)
        return coco_fail(err, COCO_ERR_INVALID, "%s: it cannot hold encrypted layers",
                         coco_image_ref_transport(to));
    return COCO_OK;
}

static coco_status
send_blob(const struct push *push, const struct coco_descriptor *blob, coco_error **err)
{
    const struct coco_destination *destination = &push->destination;
    struct coco_sink sink = {0};

    coco_status status = destination->begin_blob(destination->self, push->ctx, &sink, err);
    if (status == COCO_OK)
        status = coco_source_blob(&push->source, push->ctx, blob, &sink, NULL, err);
    if (status == COCO_OK)
        status =
            destination->commit_blob(destination->self, push->ctx, &blob->digest, blob->size, err);
    return status;
}

/*
 * After a try to send a blob that came to *status: whether to do it once more. If not, the
 * blob is given up. known is what is sent the next time, too, or NULL.
 */
static bool
try_again(const struct push *push, const struct coco_descriptor *known, coco_status *status,
          coco_error **cause)
{
    const struct coco_destination *destination = &push->destination;
    coco_status waited = COCO_OK;
    coco_error *other = NULL;
    bool again = false;

    if (*status == COCO_OK)
        return false;
    if (destination->retry_blob && coco_error_status(*cause) != COCO_ERR_NOMEM)
        waited = destination->retry_blob(destination->self, push->ctx, known, &again, &other);
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

/* Copies a blob that is not there yet. */
static coco_status
copy_blob(const struct push *push, const struct coco_descriptor *blob, coco_error **err)
{
    const struct coco_destination *destination = &push->destination;
    coco_error *cause = NULL;
    bool there = false;

    coco_status status =
        destination->has_blob(destination->self, push->ctx, &blob->digest, &there, err);
    if (status != COCO_OK || there)
        return status;
    do {
        status = send_blob(push, blob, &cause);
    } while (try_again(push, blob, &status, &cause));
    if (status != COCO_OK)
        return give_up(status, cause, err);
    push->image->bytes_read += blob->size;
    push->image->bytes_written += blob->size;
    return COCO_OK;
}

/* Last, when all that it names is there. */
static coco_status
finish(struct push *push, const struct coco_buf *manifest, const char *media_type,
       const struct coco_digest *digest, coco_image **ret, coco_error **err)
{
    const struct coco_destination *destination = &push->destination;

    coco_status status = destination->put_manifest(destination->self, push->ctx, media_type,
                                                   manifest->data, manifest->len, digest, err);
    if (status != COCO_OK)
        return status;
    push->image->digest = *digest;
    coco_digest_format(digest, push->image->digest_text);
    push->image->n_layers = push->found.manifest.n_layers;
    *ret = coco_steal(&push->image);
    return COCO_OK;
}

coco_status
coco_image_push(coco_image_client *client, coco_ctx *ctx, const coco_image_ref *from,
                const coco_image_ref *to, const coco_image_options *opts, coco_image **ret,
                coco_error **err)
{
    _cleanup_(push_done) struct push push = {.client = client, .ctx = ctx};
    const struct coco_manifest *manifest = &push.found.manifest;
    const char *pin = coco_image_ref_digest(to);
    struct coco_digest pinned = {0};

    coco_status status = pin ? coco_digest_parse(pin, &pinned, err) : COCO_OK;
    if (status == COCO_OK)
        status = find(&push, from, opts, err);
    if (status == COCO_OK && pin && !coco_digest_equal(&pinned, &push.found.digest))
        status = coco_fail(err, COCO_ERR_INVALID, "the image does not have the digest %.80s", pin);
    if (status == COCO_OK)
        status = open_destination(&push, to, false, err);
    if (status == COCO_OK)
        status = copy_blob(&push, &manifest->config, err);
    for (size_t i = 0; status == COCO_OK && i < manifest->n_layers; i++) {
        status = copy_blob(&push, &manifest->layers[i], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
    }
    if (status == COCO_OK)
        status =
            finish(&push, &push.found.text, manifest->media_type, &push.found.digest, ret, err);
    return status;
}

/* What was encrypted is measured on its way out: its digest cannot be known before. */
struct measure {
    const struct coco_sink *next;
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
    return coco_sink_write(measure->next, data, len, err);
}

static coco_status
measure_end(void *self, coco_error **err)
{
    const struct measure *measure = self;

    return coco_sink_end(measure->next, err);
}

static void
measure_done(struct measure *measure)
{
    coco_hash_done(&measure->hash);
}

/*
 * Streams the layer through the cipher; blob gets digest and size of what came out. The
 * key is a fresh one: with one that was used before, whoever saw what was sent then and
 * what is sent now would see one stream of the cipher over two texts, should they differ.
 */
static coco_status
encrypt_blob(const struct push *push, const struct coco_descriptor *layer,
             struct coco_layer_key *key, struct coco_descriptor *blob, coco_error **err)
{
    const struct coco_destination *destination = &push->destination;
    _cleanup_(coco_layer_cipher_freep) struct coco_layer_cipher *cipher = NULL;
    struct coco_sink out = {0};
    _cleanup_(measure_done) struct measure measure = {.next = &out};
    const struct coco_sink measured = {
        .write = measure_write, .end = measure_end, .self = &measure};

    coco_layer_key_done(key);
    coco_status status = coco_hash_begin(&measure.hash, COCO_SHA256, err);
    if (status == COCO_OK)
        status = coco_layer_key_generate(key, err);
    if (status == COCO_OK)
        status = destination->begin_blob(destination->self, push->ctx, &out, err);
    if (status == COCO_OK)
        status = coco_layer_encrypt(key, &measured, &cipher, err);
    if (status != COCO_OK)
        return status;
    const struct coco_sink in = coco_layer_cipher_sink(cipher);
    status = coco_source_blob(&push->source, push->ctx, layer, &in, NULL, err);
    if (status == COCO_OK)
        status = coco_hash_end(&measure.hash, &blob->digest, err);
    if (status != COCO_OK)
        return status;
    blob->size = measure.size;
    return destination->commit_blob(destination->self, push->ctx, &blob->digest, blob->size, err);
}

/* Nothing of an earlier try can be gone on with: the next is under another key. */
static coco_status
send_encrypted(const struct push *push, const struct coco_descriptor *layer,
               struct coco_layer_key *key, struct coco_descriptor *blob, coco_error **err)
{
    coco_status status = COCO_OK;
    coco_error *cause = NULL;

    do {
        status = encrypt_blob(push, layer, key, blob, &cause);
    } while (try_again(push, NULL, &status, &cause));
    return status == COCO_OK ? COCO_OK : give_up(status, cause, err);
}

static coco_status
add_recipients(const struct push *push, cJSON *annotations, const struct coco_layer_key *key,
               coco_error **err)
{
    struct coco_client_recipients recipients;

    coco_client_recipients(push->client, &recipients);
    return coco_annotations_add(annotations, key, recipients.list, recipients.n, push->ctx, err);
}

/* The annotations a layer had already, without any that claim to be of an encryption. */
static coco_status
copy_annotations(const cJSON *from, cJSON *to, coco_error **err)
{
    const cJSON *item = NULL;
    coco_status status = COCO_OK;

    cJSON_ArrayForEach(item, from)
        if (status == COCO_OK && strncmp(item->string, ENC_PREFIX, strlen(ENC_PREFIX)) != 0)
            status = coco_json_add_string(to, item->string, item->valuestring, err);
    return status;
}

static coco_status
encrypt_layer(const struct push *push, const struct coco_descriptor *layer, cJSON *layers,
              coco_error **err)
{
    _cleanup_layer_key_ struct coco_layer_key key = {0};
    struct coco_descriptor blob = {0};
    enum coco_compression compression = COCO_UNCOMPRESSED;
    bool encrypted = false;
    cJSON *annotations = NULL;
    cJSON *json = NULL;

    coco_status status = coco_layer_media_type(layer->media_type, &compression, &encrypted, err);
    if (status == COCO_OK)
        status = send_encrypted(push, layer, &key, &blob, err);
    if (status == COCO_OK)
        status = coco_descriptor_add(layers, NULL, coco_layer_media_type_name(compression, true),
                                     &blob.digest, blob.size, &json, err);
    if (status == COCO_OK)
        status = coco_json_add_object(json, "annotations", &annotations, err);
    if (status == COCO_OK)
        status = copy_annotations(layer->annotations, annotations, err);
    if (status == COCO_OK)
        status = add_recipients(push, annotations, &key, err);
    if (status != COCO_OK)
        return status;
    push->image->bytes_read += layer->size;
    push->image->bytes_written += blob.size;
    return COCO_OK;
}

static coco_status
encrypt_layers(const struct push *push, cJSON *layers, coco_error **err)
{
    const struct coco_manifest *old = &push->found.manifest;
    coco_status status = COCO_OK;

    for (size_t i = 0; status == COCO_OK && i < old->n_layers; i++) {
        status = encrypt_layer(push, &old->layers[i], layers, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
    }
    return status;
}

/* The manifest anew, an OCI one whatever it was, with all layers encrypted and sent. */
static coco_status
encrypt_image(const struct push *push, struct coco_buf *text, coco_error **err)
{
    const struct coco_manifest *old = &push->found.manifest;
    const cJSON *annotations = NULL;
    _cleanup_json_ cJSON *manifest = NULL;
    cJSON *layers = NULL;

    coco_status status = coco_json_get_object_opt(old->json, "annotations", &annotations, err);
    if (status == COCO_OK)
        status =
            coco_manifest_begin(&old->config.digest, old->config.size, &manifest, &layers, err);
    if (status == COCO_OK)
        status = encrypt_layers(push, layers, err);
    if (status == COCO_OK && annotations)
        status = coco_json_add_copy(manifest, "annotations", annotations, err);
    if (status == COCO_OK)
        status = coco_json_write(manifest, COCO_JSON_COMPACT, text, err);
    return status;
}

/* Refused before anything is sent. */
static coco_status
check_encryptable(const struct coco_manifest *manifest, coco_error **err)
{
    for (size_t i = 0; i < manifest->n_layers; i++) {
        enum coco_compression compression = COCO_UNCOMPRESSED;
        bool encrypted = false;

        coco_status status =
            coco_layer_media_type(manifest->layers[i].media_type, &compression, &encrypted, err);
        if (status == COCO_OK && encrypted)
            status = coco_fail(err, COCO_ERR_INVALID, "encrypted already");
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
    }
    return COCO_OK;
}

coco_status
coco_image_encrypt(coco_image_client *client, coco_ctx *ctx, const coco_image_ref *from,
                   const coco_image_ref *to, const coco_image_options *opts, coco_image **ret,
                   coco_error **err)
{
    _cleanup_(push_done) struct push push = {.client = client, .ctx = ctx};
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    struct coco_digest digest = {0};

    if (coco_client_recipients_count(client) == 0)
        return coco_fail(err, COCO_ERR_INVALID, "nobody to encrypt the image for");
    if (coco_image_ref_digest(to))
        return coco_fail(err, COCO_ERR_INVALID, "an encrypted image's digest cannot be chosen");

    coco_status status = find(&push, from, opts, err);
    if (status == COCO_OK)
        status = check_encryptable(&push.found.manifest, err);
    if (status == COCO_OK)
        status = open_destination(&push, to, true, err);
    if (status == COCO_OK)
        status = copy_blob(&push, &push.found.manifest.config, err);
    if (status == COCO_OK)
        status = encrypt_image(&push, &text, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, text.data, text.len, &digest, err);
    if (status == COCO_OK)
        status = finish(&push, &text, COCO_MEDIA_OCI_MANIFEST, &digest, ret, err);
    return status;
}
