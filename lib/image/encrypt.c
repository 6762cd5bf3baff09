/*
 * image/encrypt.c - copying images with their layers encrypted
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"
#include "image/keys.h"
#include "image/proof.h"
#include "image/transfer.h"

/* The image on its way. */
struct order {
    struct coco_client_recipients recipients;
    struct coco_proof *layers; /* of which those are encrypted that are asked for */
    size_t n;
    size_t next;
    size_t chunk_size; /* 0 for no list of chunks */
};

static void
forget(void *self)
{
    struct order *order = self;

    for (size_t i = 0; i < order->n; i++)
        coco_layer_key_done(&order->layers[i].key);
    free(order->layers);
    order->layers = NULL;
    order->n = 0;
    order->next = 0;
}

/* One layer on its way. */
struct encryption {
    struct coco_layer_key key;
    struct coco_digest plain; /* of the layer, which its source is held to */
    size_t chunk_size;
    struct coco_layer_cipher *cipher;
};

static void
end_cipher(void *self)
{
    struct encryption *encryption = self;

    coco_layer_cipher_free(encryption->cipher);
    encryption->cipher = NULL;
}

static void
encryption_done(struct encryption *encryption)
{
    end_cipher(encryption);
    coco_layer_key_done(&encryption->key);
}

/*
 * The key of each try is a fresh one: with one that was used before, whoever saw what was
 * sent then and what is sent now would see one stream of the cipher over two texts, should
 * they differ.
 */
static coco_status
begin_cipher(void *self, const struct coco_sink *out, struct coco_sink *ret, coco_error **err)
{
    struct encryption *encryption = self;

    coco_layer_key_done(&encryption->key);
    coco_status status = coco_layer_key_generate(&encryption->key, err);
    if (encryption->plain.alg == COCO_SHA256)
        encryption->key.plain = encryption->plain;
    encryption->key.chunks.size = encryption->chunk_size;
    if (status == COCO_OK)
        status = coco_layer_encrypt(&encryption->key, out, &encryption->cipher, err);
    if (status == COCO_OK)
        *ret = coco_layer_cipher_sink(encryption->cipher);
    return status;
}

static coco_status
encrypt_layer(const struct coco_transfer *t, const struct coco_descriptor *layer,
              const struct order *order, struct coco_layer_key *key, cJSON *layers,
              coco_error **err)
{
    _cleanup_(encryption_done) struct encryption encryption = {.plain = layer->digest,
                                                               .chunk_size = order->chunk_size};
    const struct coco_change change = {begin_cipher, end_cipher, &encryption};
    enum coco_compression compression = COCO_UNCOMPRESSED;
    struct coco_descriptor blob = {0};
    cJSON *annotations = NULL;
    cJSON *json = NULL;
    bool encrypted = false;

    coco_status status = coco_layer_media_type(layer->media_type, &compression, &encrypted, err);
    if (status == COCO_OK)
        status = coco_transfer_change(t, layer, &change, &blob, err);
    if (status == COCO_OK)
        status = coco_descriptor_add(layers, NULL, coco_layer_media_type_name(compression, true),
                                     &blob.digest, blob.size, &json, err);
    if (status == COCO_OK)
        status = coco_json_add_object(json, "annotations", &annotations, err);
    if (status == COCO_OK)
        status = coco_transfer_plain_annotations(layer->annotations, annotations, err);
    if (status == COCO_OK)
        status = coco_annotations_add(annotations, &encryption.key, order->recipients.list,
                                      order->recipients.n, t->ctx, err);
    if (status != COCO_OK)
        return status;
    *key = encryption.key;
    encryption.key = (struct coco_layer_key){0};
    return COCO_OK;
}

static coco_status
send_layer(const struct coco_transfer *t, const struct coco_descriptor *layer, cJSON *layers,
           void *user, coco_error **err)
{
    struct order *order = user;
    struct coco_proof *proof = &order->layers[order->next++];

    return proof->encrypted ? encrypt_layer(t, layer, order, &proof->key, layers, err)
                            : coco_transfer_copy_layer(t, layer, layers, NULL, err);
}

/* Which layers are asked for; a negative number counts from the end, as in skopeo. */
static coco_status
choose_layers(const coco_image_client *client, struct order *order, coco_error **err)
{
    for (size_t i = 0; i < client->n_encrypted_layers; i++) {
        int64_t at = client->encrypted_layers[i];

        if (at < 0)
            at += (int64_t)order->n;
        if (at < 0 || (uint64_t)at >= order->n)
            return coco_fail(err, COCO_ERR_INVALID, "there is no layer %d among %zu",
                             (int)client->encrypted_layers[i], order->n);
        order->layers[at].encrypted = true;
    }
    for (size_t i = 0; client->n_encrypted_layers == 0 && i < order->n; i++)
        order->layers[i].encrypted = true;
    return COCO_OK;
}

/* Refused before anything is sent. */
static coco_status
check_encryptable(const struct coco_manifest *manifest, const struct order *order, coco_error **err)
{
    for (size_t i = 0; i < manifest->n_layers; i++) {
        enum coco_compression compression = COCO_UNCOMPRESSED;
        bool encrypted = false;

        coco_status status =
            coco_layer_media_type(manifest->layers[i].media_type, &compression, &encrypted, err);
        if (status == COCO_OK && encrypted && order->layers[i].encrypted)
            status = coco_fail(err, COCO_ERR_INVALID, "encrypted already");
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
    }
    return COCO_OK;
}

/* What the lists of all layers take is bounded: they lie in one manifest. */
static size_t
chunk_size_of(const struct coco_transfer *t, const struct order *order)
{
    uint64_t total = 0;

    if (t->opts.flags & COCO_IMAGE_UNCHUNKED)
        return 0;
    for (size_t i = 0; i < order->n; i++)
        total += order->layers[i].encrypted ? t->found.manifest.layers[i].size : 0;
    return coco_chunk_size_for(total);
}

static coco_status
plan(struct coco_transfer *t, void *self, coco_error **err)
{
    const struct coco_manifest *manifest = &t->found.manifest;
    struct order *order = self;

    order->layers = calloc(manifest->n_layers + 1, sizeof(*order->layers));
    if (!order->layers)
        return coco_fail_nomem(err);
    order->n = manifest->n_layers;
    coco_status status = choose_layers(t->client, order, err);
    if (status == COCO_OK)
        status = check_encryptable(manifest, order, err);
    order->chunk_size = chunk_size_of(t, order);
    return status;
}

static coco_status
prove(const struct coco_transfer *t, const coco_image_ref *to, const struct coco_digest *digest,
      void *self, coco_error **err)
{
    const struct order *order = self;

    if (t->opts.flags & COCO_IMAGE_UNPROVED)
        return COCO_OK;
    return coco_proof_check(t, to, digest, order->layers, order->n, err);
}

coco_status
coco_image_encrypt(coco_image_client *client, coco_ctx *ctx, const coco_image_ref *from,
                   const coco_image_ref *to, const coco_image_options *opts, coco_image **ret,
                   coco_error **err)
{
    _cleanup_transfer_ struct coco_transfer t = {.client = client, .ctx = ctx};
    _cleanup_(forget) struct order order = {0};
    const uint32_t flags = COCO_IMAGE_UNPROVED | COCO_IMAGE_ALL_PLATFORMS | COCO_IMAGE_UNCHUNKED;
    const struct coco_remaking how = {
        .encrypted = true,
        .plan = plan,
        .layer = send_layer,
        .prove = prove,
        .forget = forget,
        .self = &order,
    };

    coco_client_recipients(client, &order.recipients);
    if (order.recipients.n == 0)
        return coco_fail(err, COCO_ERR_INVALID, "nobody to encrypt the image for");
    coco_status status = coco_transfer_check_new(to, err);
    if (status == COCO_OK)
        status = coco_transfer_find(&t, from, opts, flags, err);
    if (status == COCO_OK)
        status = coco_transfer_images(&t, from, to, &how, ret, err);
    return status;
}

coco_status
coco_image_client_add_encrypted_layer(coco_image_client *client, int32_t layer, coco_error **err)
{
    if (client->n_encrypted_layers == COCO_CLIENT_LAYERS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d layers", COCO_CLIENT_LAYERS_MAX);
    client->encrypted_layers[client->n_encrypted_layers++] = layer;
    return COCO_OK;
}
