/*
 * image/push.c - copying images as they are
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"
#include "image/transfer.h"

static bool
is_encrypted(const struct coco_manifest *manifest)
{
    for (size_t i = 0; i < manifest->n_layers; i++)
        if (coco_media_type_encrypted(manifest->layers[i].media_type))
            return true;
    return false;
}

coco_status
coco_image_push(coco_image_client *client, coco_ctx *ctx, const coco_image_ref *from,
                const coco_image_ref *to, const coco_image_options *opts, coco_image **ret,
                coco_error **err)
{
    _cleanup_transfer_ struct coco_transfer t = {.client = client, .ctx = ctx};
    const struct coco_manifest *manifest = &t.found.manifest;
    const char *pin = coco_image_ref_digest(to);
    struct coco_digest pinned = {0};

    coco_status status = pin ? coco_digest_parse(pin, &pinned, err) : COCO_OK;
    if (status == COCO_OK)
        status = coco_transfer_find(&t, from, opts, 0, err);
    if (status == COCO_OK && pin && !coco_digest_equal(&pinned, &t.found.digest))
        status = coco_fail(err, COCO_ERR_INVALID, "the image does not have the digest %.80s", pin);
    if (status == COCO_OK)
        status = coco_transfer_open(&t, to, is_encrypted(manifest), err);
    if (status == COCO_OK)
        status = coco_transfer_copy(&t, &manifest->config, err);
    for (size_t i = 0; status == COCO_OK && i < manifest->n_layers; i++) {
        status = coco_transfer_copy(&t, &manifest->layers[i], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
    }
    if (status != COCO_OK)
        return status;
    t.image->n_layers = manifest->n_layers;
    return coco_transfer_finish(&t, &t.found.text, manifest->media_type, &t.found.digest, ret, err);
}
