/*
 * image/rekey.c - copying encrypted images for other recipients
 *
 * The layers and their keys stay what they are: only annotations are made anew. Whoever could
 * open the image before still can, if they kept its keys or the old annotations.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"
#include "image/keys.h"
#include "image/transfer.h"

struct rekeying {
    struct coco_client_openers openers;
    struct coco_client_recipients recipients;
    struct coco_layer_key *keys; /* of the layers that are encrypted */
    size_t n;
    size_t next;
};

static void
forget(void *self)
{
    struct rekeying *rekeying = self;

    for (size_t i = 0; i < rekeying->n; i++)
        coco_layer_key_done(&rekeying->keys[i]);
    free(rekeying->keys);
    rekeying->keys = NULL;
    rekeying->n = 0;
    rekeying->next = 0;
}

static coco_status
wrap_anew(const struct coco_transfer *t, const struct rekeying *rekeying,
          const struct coco_layer_key *key, cJSON *annotations, coco_error **err)
{
    const struct coco_wrapper *recipients = rekeying->recipients.list;
    size_t n = rekeying->recipients.n;

    if (t->opts.flags & COCO_IMAGE_KEEP_RECIPIENTS)
        return coco_annotations_add_recipients(annotations, key, recipients, n, t->ctx, err);
    coco_annotations_strip(annotations);
    return coco_annotations_add(annotations, key, recipients, n, t->ctx, err);
}

static coco_status
rekey_layer(const struct coco_transfer *t, const struct coco_descriptor *layer, cJSON *layers,
            void *user, coco_error **err)
{
    struct rekeying *rekeying = user;
    const struct coco_layer_key *key = &rekeying->keys[rekeying->next++];
    cJSON *annotations = NULL;
    cJSON *json = NULL;

    coco_status status = coco_transfer_copy_layer(t, layer, layers, &json, err);
    if (status != COCO_OK || !coco_media_type_encrypted(layer->media_type))
        return status;
    annotations = cJSON_GetObjectItemCaseSensitive(json, "annotations");
    if (!annotations)
        return coco_fail(err, COCO_ERR_PROTO, "an encrypted layer without annotations");
    return wrap_anew(t, rekeying, key, annotations, err);
}

/* All keys there are, before anything is sent: each may cost a request. */
static coco_status
open_keys(struct coco_transfer *t, void *self, coco_error **err)
{
    const struct coco_manifest *manifest = &t->found.manifest;
    struct rekeying *rekeying = self;
    bool any = false;

    rekeying->keys = calloc(manifest->n_layers + 1, sizeof(*rekeying->keys));
    if (!rekeying->keys)
        return coco_fail_nomem(err);
    rekeying->n = manifest->n_layers;
    for (size_t i = 0; i < manifest->n_layers; i++) {
        if (!coco_media_type_encrypted(manifest->layers[i].media_type))
            continue;
        any = true;
        coco_status status =
            coco_annotations_open(manifest->layers[i].annotations, rekeying->openers.list,
                                  rekeying->openers.n, t->ctx, &rekeying->keys[i], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
    }
    return any ? COCO_OK : coco_fail(err, COCO_ERR_INVALID, "no layer is encrypted");
}

coco_status
coco_image_rekey(coco_image_client *client, coco_ctx *ctx, const coco_image_ref *from,
                 const coco_image_ref *to, const coco_image_options *opts, coco_image **ret,
                 coco_error **err)
{
    _cleanup_transfer_ struct coco_transfer t = {.client = client, .ctx = ctx};
    _cleanup_(forget) struct rekeying rekeying = {0};
    const struct coco_remaking how = {
        .encrypted = true,
        .plan = open_keys,
        .layer = rekey_layer,
        .forget = forget,
        .self = &rekeying,
    };

    coco_client_openers(client, &rekeying.openers);
    coco_client_recipients(client, &rekeying.recipients);
    if (rekeying.recipients.n == 0)
        return coco_fail(err, COCO_ERR_INVALID, "nobody to encrypt the image for");
    coco_status status = coco_transfer_check_new(to, err);
    if (status == COCO_OK)
        status = coco_transfer_find(&t, from, opts,
                                    COCO_IMAGE_KEEP_RECIPIENTS | COCO_IMAGE_ALL_PLATFORMS, err);
    if (status == COCO_OK)
        status = coco_transfer_images(&t, from, to, &how, ret, err);
    return status;
}
