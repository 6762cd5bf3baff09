/*
 * image/sign.c - a signature, as cosign makes it, beside an image
 *
 *     payload {name, digest} -> signature -> layer of the manifest sha256-<hex>.sig
 *
 * Those that are there already stay. Source: cosign's specs/SIGNATURE_SPEC.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/signatures.h"

#include "base/base64.h"
#include "base/fail.h"
#include "image/ref.h"
#include "image/sign_key.h"
#include "image/signee.h"
#include "signature/material.h"
#include "signature/payload.h"

#include <string.h>

#define ANNOTATION "dev.cosignproject.cosign/signature"

/* One signature on its way. */
struct sign {
    struct coco_signee image;
    struct coco_sign_key key;
    coco_image_ref *to;
    struct coco_buf payload;
    struct coco_digest payload_digest;
    struct coco_manifest before; /* what is there; json is NULL if nothing is */
    struct coco_destination destination;
    bool already;
};

static void
sign_done(struct sign *sign)
{
    coco_destination_done(&sign->destination);
    coco_manifest_done(&sign->before);
    coco_buf_done(&sign->payload);
    coco_image_ref_free(sign->to);
    coco_sign_key_done(&sign->key);
    coco_signee_done(&sign->image);
}

static coco_status
make_payload(struct sign *sign, coco_error **err)
{
    _cleanup_free_ char *name = NULL;

    coco_status status = coco_signatures_name_of(sign->image.ref, &name, err);
    if (status == COCO_OK)
        status = coco_payload_write(name, &sign->image.digest, &sign->payload, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, sign->payload.data, sign->payload.len,
                                &sign->payload_digest, err);
    return status;
}

/* ---- what is there ---- */

static coco_status
read_before(struct sign *sign, coco_error **err)
{
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_buf_ struct coco_buf type = {.limit = 1024};
    coco_error *cause = NULL;
    bool missing = false;

    coco_status status =
        coco_client_own_source(sign->image.client, &sign->image.set, sign->to, &source, err);
    if (status != COCO_OK)
        return status;
    status = source.manifest(source.self, sign->image.ctx, NULL, &text, &type, &cause);
    if (status != COCO_OK)
        return coco_forgive(cause, COCO_ERR_NOTFOUND, &missing, err);
    return coco_artifact_parse(coco_buf_text(&text), text.len, coco_buf_text(&type),
                               COCO_SIGNATURES_MAX - 1, &sign->before, err);
}

/* Signing the same once more makes no second signature of it. */
static coco_status
look_for_own(struct sign *sign, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; status == COCO_OK && i < sign->before.n_layers; i++) {
        const struct coco_descriptor *layer = &sign->before.layers[i];
        const char *text =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer->annotations, ANNOTATION));
        _cleanup_buf_ struct coco_buf raw = {.limit = COCO_SIGNEE_TEXT_MAX};
        coco_error *cause = NULL;
        bool other = false;

        if (!text || !coco_digest_equal(&layer->digest, &sign->payload_digest))
            continue;
        status = coco_base64_decode(COCO_BASE64, text, strlen(text), &raw, &cause);
        if (status == COCO_OK)
            status = coco_signer_key_verify(sign->key.key, sign->payload.data, sign->payload.len,
                                            coco_buf_text(&raw), raw.len, &cause);
        if (status == COCO_OK)
            sign->already = true;
        else
            status = coco_forgive(cause, status == COCO_ERR_PROTO ? status : COCO_ERR_VERIFY,
                                  &other, err);
    }
    return status;
}

/* ---- what is written ---- */

static coco_status
put_blob(const struct sign *sign, const struct coco_buf *data, struct coco_digest *ret,
         coco_error **err)
{
    const struct coco_destination *to = &sign->destination;
    struct coco_sink sink = {0};
    bool there = false;

    coco_status status = coco_digest_of(COCO_SHA256, data->data, data->len, ret, err);
    if (status == COCO_OK)
        status = to->has_blob(to->self, sign->image.ctx, ret, &there, err);
    if (status != COCO_OK || there)
        return status;
    status = to->begin_blob(to->self, sign->image.ctx, &sink, err);
    if (status == COCO_OK)
        status = coco_sink_write(&sink, data->data, data->len, err);
    if (status == COCO_OK)
        status = coco_sink_end(&sink, err);
    if (status == COCO_OK)
        status = to->commit_blob(to->self, sign->image.ctx, ret, data->len, err);
    if (status != COCO_OK)
        to->abort_blob(to->self);
    return status;
}

/* An image's config as far as one must be there: a diff_id for each layer. */
static coco_status
write_config(const struct sign *sign, struct coco_buf *ret, coco_error **err)
{
    char text[COCO_DIGEST_TEXT_SIZE];

    coco_status status = coco_buf_append_text(
        ret,
        "{\"architecture\":\"\",\"created\":\"0001-01-01T00:00:00Z\",\"history\":[],\"os\":\"\","
        "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
        err);
    for (size_t i = 0; status == COCO_OK && i < sign->before.n_layers; i++) {
        coco_digest_format(&sign->before.layers[i].digest, text);
        status = coco_buf_printf(ret, err, "\"%s\",", text);
    }
    coco_digest_format(&sign->payload_digest, text);
    if (status == COCO_OK)
        status = coco_buf_printf(ret, err, "\"%s\"]},\"config\":{}}", text);
    return status;
}

static coco_status
add_own_layer(const struct sign *sign, cJSON *layers, coco_error **err)
{
    _cleanup_buf_ struct coco_buf raw = {.limit = COCO_SIGNEE_TEXT_MAX};
    cJSON *annotations = NULL;
    cJSON *layer = NULL;

    coco_status status =
        coco_sign_key_sign(&sign->key, sign->payload.data, sign->payload.len, &raw, err);
    if (status == COCO_OK)
        status = coco_descriptor_add(layers, NULL, COCO_MEDIA_SIMPLE_SIGNING, &sign->payload_digest,
                                     sign->payload.len, &layer, err);
    if (status == COCO_OK)
        status = coco_json_add_object(layer, "annotations", &annotations, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(annotations, ANNOTATION, raw.data, raw.len, err);
    return status;
}

static coco_status
write_manifest(const struct sign *sign, const struct coco_digest *config, uint64_t size,
               struct coco_buf *ret, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    cJSON *layers = NULL;
    const cJSON *layer = NULL;
    const cJSON *old = cJSON_GetObjectItemCaseSensitive(sign->before.json, "layers");

    coco_status status = coco_manifest_begin(config, size, &json, &layers, err);
    cJSON_ArrayForEach(layer, old) {
        if (status == COCO_OK)
            status = coco_json_add_copy(layers, NULL, layer, err);
    }
    if (status == COCO_OK)
        status = add_own_layer(sign, layers, err);
    return status == COCO_OK ? coco_json_write(json, COCO_JSON_COMPACT, ret, err) : status;
}

static coco_status
put_signature(struct sign *sign, coco_error **err)
{
    _cleanup_buf_ struct coco_buf config = {.limit = COCO_SIGNEE_TEXT_MAX};
    _cleanup_buf_ struct coco_buf manifest = {.limit = COCO_MANIFEST_SIZE_MAX};
    const struct coco_destination *to = &sign->destination;
    struct coco_digest digest = {0};

    coco_status status = coco_client_destination(
        sign->image.client, &sign->image.set, sign->image.ctx, sign->to, &sign->destination, err);
    if (status == COCO_OK)
        status = put_blob(sign, &sign->payload, &digest, err);
    if (status == COCO_OK)
        status = write_config(sign, &config, err);
    if (status == COCO_OK)
        status = put_blob(sign, &config, &digest, err);
    if (status == COCO_OK)
        status = write_manifest(sign, &digest, config.len, &manifest, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, manifest.data, manifest.len, &digest, err);
    if (status == COCO_OK)
        status = to->put_manifest(to->self, sign->image.ctx, COCO_MEDIA_OCI_MANIFEST, manifest.data,
                                  manifest.len, &digest, err);
    return status;
}

static coco_status
make_signature(struct sign *sign, coco_error **err)
{
    coco_status status = make_payload(sign, err);

    if (status == COCO_OK)
        status = coco_signatures_attached_ref(sign->image.ref, &sign->image.digest, "sig",
                                              &sign->to, err);
    if (status == COCO_OK)
        status = read_before(sign, err);
    if (status == COCO_OK)
        status = look_for_own(sign, err);
    if (status == COCO_OK && !sign->already)
        status = put_signature(sign, err);
    return status;
}

coco_status
coco_image_sign(coco_image_client *client, coco_ctx *ctx, const coco_image_ref *ref,
                const uint8_t *key, size_t len, coco_bytes **ret, coco_error **err)
{
    _cleanup_(sign_done) struct sign sign = {.payload.limit = COCO_SIGNEE_TEXT_MAX};

    coco_status status = coco_sign_key_open(client, key, len, &sign.key, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "key that signs");
    status = coco_signee_find(client, ctx, ref, &sign.image, err);
    if (status == COCO_OK)
        status = make_signature(&sign, err);
    if (status == COCO_OK)
        status =
            coco_signee_describe(&sign.image, coco_image_ref_text(sign.to), sign.already, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%.300s", coco_image_ref_text(ref));
}
