/*
 * image/decrypt.c - copying images with their layers decrypted
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"
#include "image/keys.h"
#include "image/transfer.h"

struct order {
    struct coco_client_openers openers;
    struct coco_image_config config;
    struct coco_layer_key *keys; /* of the layers that are encrypted */
    size_t n;
    size_t next; /* layer */
};

/* One layer on its way. */
struct decryption {
    const struct coco_layer_key *key;
    struct coco_layer_cipher *cipher;
};

static void
end_cipher(void *self)
{
    struct decryption *decryption = self;

    coco_layer_cipher_free(decryption->cipher);
    decryption->cipher = NULL;
}

/* What comes out becomes a blob once the MAC was right: the sink's end says so (T16). */
static coco_status
begin_cipher(void *self, const struct coco_sink *out, struct coco_sink *ret, coco_error **err)
{
    struct decryption *decryption = self;

    coco_status status = coco_layer_decrypt(decryption->key, out, &decryption->cipher, err);
    if (status == COCO_OK)
        *ret = coco_layer_cipher_sink(decryption->cipher);
    return status;
}

static coco_status
send_decrypted(const struct coco_transfer *t, const struct coco_descriptor *layer,
               const struct order *order, struct coco_descriptor *blob, coco_error **err)
{
    _cleanup_(end_cipher) struct decryption decryption = {.key = &order->keys[order->next]};
    const struct coco_change change = {begin_cipher, end_cipher, &decryption};

    return coco_transfer_change(t, layer, &change, blob, err);
}

static coco_status
decrypt_layer(const struct coco_transfer *t, const struct coco_descriptor *layer, cJSON *layers,
              void *user, coco_error **err)
{
    struct order *order = user;
    enum coco_compression compression = COCO_UNCOMPRESSED;
    struct coco_descriptor blob = *layer;
    cJSON *annotations = NULL;
    cJSON *json = NULL;
    bool encrypted = false;

    coco_status status = coco_layer_media_type(layer->media_type, &compression, &encrypted, err);
    if (status == COCO_OK)
        status = encrypted ? send_decrypted(t, layer, order, &blob, err)
                           : coco_transfer_copy(t, layer, err);
    if (status == COCO_OK)
        status = coco_descriptor_add(layers, NULL, coco_layer_media_type_name(compression, false),
                                     &blob.digest, blob.size, &json, err);
    if (status == COCO_OK && layer->annotations)
        status = coco_json_add_object(json, "annotations", &annotations, err);
    if (status == COCO_OK && layer->annotations)
        status = coco_transfer_plain_annotations(layer->annotations, annotations, err);
    if (status == COCO_OK && annotations && !annotations->child)
        coco_json_free(cJSON_DetachItemViaPointer(json, annotations));
    order->next++;
    return status;
}

static void
forget(void *self)
{
    struct order *order = self;

    for (size_t i = 0; i < order->n; i++)
        coco_layer_key_done(&order->keys[i]);
    free(order->keys);
    coco_image_config_done(&order->config);
    order->keys = NULL;
    order->n = 0;
    order->next = 0;
}

static coco_status
check_decryptable(const struct coco_manifest *manifest, coco_error **err)
{
    for (size_t i = 0; i < manifest->n_layers; i++)
        if (coco_media_type_encrypted(manifest->layers[i].media_type))
            return COCO_OK;
    return coco_fail(err, COCO_ERR_INVALID, "no layer is encrypted");
}

/* All keys there are, before anything is sent: each may cost a request, and be refused. */
static coco_status
open_keys(const struct coco_transfer *t, struct order *order, coco_error **err)
{
    const struct coco_manifest *manifest = &t->found.manifest;

    order->keys = calloc(manifest->n_layers + 1, sizeof(*order->keys));
    if (!order->keys)
        return coco_fail_nomem(err);
    order->n = manifest->n_layers;
    for (size_t i = 0; i < manifest->n_layers; i++) {
        if (!coco_media_type_encrypted(manifest->layers[i].media_type))
            continue;
        coco_status status =
            coco_annotations_open(manifest->layers[i].annotations, order->openers.list,
                                  order->openers.n, t->ctx, &order->keys[i], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
        coco_layer_key_of_content(&order->keys[i], &order->config.diff_ids[i]);
    }
    return COCO_OK;
}

static coco_status
plan(struct coco_transfer *t, void *self, coco_error **err)
{
    const struct coco_manifest *manifest = &t->found.manifest;
    struct order *order = self;

    coco_status status = check_decryptable(manifest, err);
    if (status == COCO_OK)
        status =
            coco_source_config(&t->source, t->ctx, manifest, &t->platform, &order->config, err);
    if (status == COCO_OK)
        status = coco_image_config_fits(&order->config, manifest->n_layers, err);
    if (status == COCO_OK)
        status = open_keys(t, order, err);
    return status;
}

coco_status
coco_image_decrypt(coco_image_client *client, coco_ctx *ctx, const coco_image_ref *from,
                   const coco_image_ref *to, const coco_image_options *opts, coco_image **ret,
                   coco_error **err)
{
    _cleanup_transfer_ struct coco_transfer t = {.client = client, .ctx = ctx};
    _cleanup_(forget) struct order order = {0};
    const struct coco_remaking how = {
        .plan = plan,
        .layer = decrypt_layer,
        .forget = forget,
        .self = &order,
    };

    coco_client_openers(client, &order.openers);
    coco_status status = coco_transfer_check_new(to, err);
    if (status == COCO_OK)
        status = coco_transfer_find(&t, from, opts, COCO_IMAGE_ALL_PLATFORMS, err);
    if (status == COCO_OK)
        status = coco_transfer_images(&t, from, to, &how, ret, err);
    return status;
}
