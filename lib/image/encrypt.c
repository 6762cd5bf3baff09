/*
 * image/encrypt.c - copying images with their layers encrypted
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"
#include "image/keys.h"
#include "image/transfer.h"

/* One layer on its way. */
struct encryption {
    struct coco_layer_key key;
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
    if (status == COCO_OK)
        status = coco_layer_encrypt(&encryption->key, out, &encryption->cipher, err);
    if (status == COCO_OK)
        *ret = coco_layer_cipher_sink(encryption->cipher);
    return status;
}

static coco_status
encrypt_layer(const struct coco_transfer *t, const struct coco_descriptor *layer, cJSON *layers,
              void *user, coco_error **err)
{
    const struct coco_client_recipients *recipients = user;
    _cleanup_(encryption_done) struct encryption encryption = {0};
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
        status = coco_annotations_add(annotations, &encryption.key, recipients->list, recipients->n,
                                      t->ctx, err);
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
    _cleanup_transfer_ struct coco_transfer t = {.client = client, .ctx = ctx};
    struct coco_client_recipients recipients;

    coco_client_recipients(client, &recipients);
    if (recipients.n == 0)
        return coco_fail(err, COCO_ERR_INVALID, "nobody to encrypt the image for");
    coco_status status = coco_transfer_check_new(to, err);
    if (status == COCO_OK)
        status = coco_transfer_find(&t, from, opts, 0, err);
    if (status == COCO_OK)
        status = check_encryptable(&t.found.manifest, err);
    if (status == COCO_OK)
        status = coco_transfer_open(&t, to, true, err);
    if (status == COCO_OK)
        status = coco_transfer_remake(&t, encrypt_layer, &recipients, ret, err);
    return status;
}
