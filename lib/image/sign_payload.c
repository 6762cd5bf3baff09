/*
 * image/sign_payload.c - signatures in cosign's older format: layers of a manifest
 *
 *     payload {name, digest} -> signature -> annotation of the layer that is the payload
 *
 * Source: cosign's specs/SIGNATURE_SPEC.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/sign.h"

#include "base/base64.h"
#include "base/fail.h"
#include "image/signatures.h"
#include "signature/material.h"
#include "signature/payload.h"

#include <string.h>

#define ANNOTATION "dev.cosignproject.cosign/signature"

coco_status
coco_sign_payload_make(const struct coco_signee *image, struct coco_sign_payload *ret,
                       coco_error **err)
{
    _cleanup_sign_payload_ struct coco_sign_payload payload = {.text.limit = COCO_SIGNEE_TEXT_MAX};
    _cleanup_free_ char *name = NULL;

    coco_status status = coco_signatures_name_of(image->ref, &name, err);
    if (status == COCO_OK)
        status = coco_payload_write(name, &image->digest, &payload.text, err);
    if (status == COCO_OK)
        status =
            coco_digest_of(COCO_SHA256, payload.text.data, payload.text.len, &payload.digest, err);
    if (status != COCO_OK)
        return status;
    *ret = payload;
    payload = (struct coco_sign_payload){0};
    return COCO_OK;
}

void
coco_sign_payload_done(struct coco_sign_payload *payload)
{
    coco_buf_done(&payload->text);
}

coco_status
coco_sign_payload_is_in(const struct coco_sign_payload *payload,
                        const struct coco_descriptor *layer, EVP_PKEY *key, bool *ret,
                        coco_error **err)
{
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer->annotations, ANNOTATION));
    _cleanup_buf_ struct coco_buf raw = {.limit = COCO_SIGNEE_TEXT_MAX};
    coco_error *cause = NULL;
    bool other = false;

    *ret = false;
    if (!text || !coco_digest_equal(&layer->digest, &payload->digest))
        return COCO_OK;
    coco_status status = coco_base64_decode(COCO_BASE64, text, strlen(text), &raw, &cause);
    if (status == COCO_OK)
        status = coco_signer_key_verify(key, payload->text.data, payload->text.len,
                                        coco_buf_text(&raw), raw.len, &cause);
    *ret = status == COCO_OK;
    if (*ret)
        return COCO_OK;
    return coco_forgive(cause, status == COCO_ERR_PROTO ? status : COCO_ERR_VERIFY, &other, err);
}

coco_status
coco_sign_payload_add(const struct coco_sign_payload *payload, const struct coco_sign_key *key,
                      cJSON *layers, coco_error **err)
{
    _cleanup_buf_ struct coco_buf raw = {.limit = COCO_SIGNEE_TEXT_MAX};
    cJSON *annotations = NULL;
    cJSON *layer = NULL;

    coco_status status = coco_sign_key_sign(key, payload->text.data, payload->text.len, &raw, err);
    if (status == COCO_OK)
        status = coco_descriptor_add(layers, NULL, COCO_MEDIA_SIMPLE_SIGNING, &payload->digest,
                                     payload->text.len, &layer, err);
    if (status == COCO_OK)
        status = coco_json_add_object(layer, "annotations", &annotations, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(annotations, ANNOTATION, raw.data, raw.len, err);
    return status;
}

/* A diff_id for each layer. */
coco_status
coco_sign_payload_write_config(const struct coco_sign_payload *payload,
                               const struct coco_manifest *before, struct coco_buf *ret,
                               coco_error **err)
{
    char text[COCO_DIGEST_TEXT_SIZE];

    coco_status status = coco_buf_append_text(
        ret,
        "{\"architecture\":\"\",\"created\":\"0001-01-01T00:00:00Z\",\"history\":[],\"os\":\"\","
        "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
        err);
    for (size_t i = 0; status == COCO_OK && i < before->n_layers; i++) {
        coco_digest_format(&before->layers[i].digest, text);
        status = coco_buf_printf(ret, err, "\"%s\",", text);
    }
    coco_digest_format(&payload->digest, text);
    if (status == COCO_OK)
        status = coco_buf_printf(ret, err, "\"%s\"]},\"config\":{}}", text);
    return status;
}
