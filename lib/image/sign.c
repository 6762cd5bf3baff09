/*
 * image/sign.c - a signature, as cosign makes it, beside an image
 *
 * By a tag it is one more layer of the manifest sha256-<hex>.sig; those that are there already
 * stay. Source: cosign's specs/SIGNATURE_SPEC.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/sign.h"

#include "base/fail.h"
#include "image/ref.h"
#include "image/signatures.h"

#include <string.h>

coco_status
coco_signing_put_blob(const struct coco_signing *signing, const struct coco_buf *data,
                      struct coco_digest *ret, coco_error **err)
{
    const struct coco_destination *to = &signing->destination;
    coco_ctx *ctx = signing->image.ctx;
    struct coco_sink sink = {0};
    bool there = false;

    coco_status status = coco_digest_of(COCO_SHA256, data->data, data->len, ret, err);
    if (status == COCO_OK)
        status = to->has_blob(to->self, ctx, ret, &there, err);
    if (status != COCO_OK || there)
        return status;
    status = to->begin_blob(to->self, ctx, &sink, err);
    if (status == COCO_OK)
        status = coco_sink_write(&sink, data->data, data->len, err);
    if (status == COCO_OK)
        status = coco_sink_end(&sink, err);
    if (status == COCO_OK)
        status = to->commit_blob(to->self, ctx, ret, data->len, err);
    if (status != COCO_OK)
        to->abort_blob(to->self);
    return status;
}

/* ---- by a tag ---- */

/* What is signed, and what is there; json is NULL if nothing is. */
struct tag {
    coco_image_ref *ref;
    struct coco_sign_payload payload;
    struct coco_manifest before;
};

static void
tag_done(struct tag *tag)
{
    coco_image_ref_free(tag->ref);
    coco_sign_payload_done(&tag->payload);
    coco_manifest_done(&tag->before);
}

static coco_status
read_before(const struct coco_signee *image, struct tag *tag, coco_error **err)
{
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_buf_ struct coco_buf type = {.limit = 1024};
    coco_error *cause = NULL;
    bool missing = false;

    coco_status status = coco_client_own_source(image->client, &image->set, tag->ref, &source, err);
    if (status != COCO_OK)
        return status;
    status = source.manifest(source.self, image->ctx, NULL, &text, &type, &cause);
    if (status != COCO_OK)
        return coco_forgive(cause, COCO_ERR_NOTFOUND, &missing, err);
    return coco_artifact_parse(coco_buf_text(&text), text.len, coco_buf_text(&type),
                               COCO_SIGNATURES_MAX - 1, &tag->before, err);
}

static coco_status
write_manifest(const struct coco_signing *signing, const struct tag *tag,
               const struct coco_digest *config, uint64_t size, struct coco_buf *ret,
               coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    cJSON *layers = NULL;
    const cJSON *layer = NULL;
    const cJSON *old = cJSON_GetObjectItemCaseSensitive(tag->before.json, "layers");

    coco_status status = coco_manifest_begin(config, size, &json, &layers, err);
    cJSON_ArrayForEach(layer, old) {
        if (status == COCO_OK)
            status = coco_json_add_copy(layers, NULL, layer, err);
    }
    if (status == COCO_OK)
        status = coco_sign_payload_add(&tag->payload, &signing->key, layers, err);
    return status == COCO_OK ? coco_json_write(json, COCO_JSON_COMPACT, ret, err) : status;
}

static coco_status
put_signature(struct coco_signing *signing, const struct tag *tag, coco_error **err)
{
    _cleanup_buf_ struct coco_buf config = {.limit = COCO_SIGNEE_TEXT_MAX};
    _cleanup_buf_ struct coco_buf manifest = {.limit = COCO_MANIFEST_SIZE_MAX};
    const struct coco_signee *image = &signing->image;
    struct coco_destination *to = &signing->destination;
    struct coco_digest digest = {0};

    coco_status status =
        coco_client_destination(image->client, &image->set, image->ctx, tag->ref, to, err);
    if (status == COCO_OK)
        status = coco_signing_put_blob(signing, &tag->payload.text, &digest, err);
    if (status == COCO_OK)
        status = coco_sign_payload_write_config(&tag->payload, &tag->before, &config, err);
    if (status == COCO_OK)
        status = coco_signing_put_blob(signing, &config, &digest, err);
    if (status == COCO_OK)
        status = write_manifest(signing, tag, &digest, config.len, &manifest, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, manifest.data, manifest.len, &digest, err);
    if (status == COCO_OK)
        status = to->put_manifest(to->self, image->ctx, COCO_MEDIA_OCI_MANIFEST, manifest.data,
                                  manifest.len, &digest, err);
    return status;
}

/* Signing the same once more makes no second signature of it. */
static coco_status
sign_by_tag(struct coco_signing *signing, coco_error **err)
{
    const struct coco_signee *image = &signing->image;
    _cleanup_(tag_done) struct tag tag = {0};

    coco_status status = coco_sign_payload_make(image, &tag.payload, err);
    if (status == COCO_OK)
        status = coco_signatures_attached_ref(image->ref, &image->digest, "sig", &tag.ref, err);
    if (status == COCO_OK)
        status = read_before(image, &tag, err);
    for (size_t i = 0; status == COCO_OK && !signing->already && i < tag.before.n_layers; i++)
        status = coco_sign_payload_is_in(&tag.payload, &tag.before.layers[i], signing->key.key,
                                         &signing->already, err);
    if (status == COCO_OK && !signing->already)
        status = put_signature(signing, &tag, err);
    if (status != COCO_OK)
        return status;
    signing->where = strdup(coco_image_ref_text(tag.ref));
    return signing->where ? COCO_OK : coco_fail_nomem(err);
}

/* ---- all of it ---- */

static void
signing_done(struct coco_signing *signing)
{
    coco_destination_done(&signing->destination);
    coco_sign_key_done(&signing->key);
    coco_signee_done(&signing->image);
    free(signing->where);
}

coco_status
coco_image_client_set_signature_form(coco_image_client *client, const char *form, coco_error **err)
{
    static const char *const names[] = {
        [COCO_SIGN_BY_TAG] = "tag",
        [COCO_SIGN_BY_REFERRER] = "referrer",
        [COCO_SIGN_BY_BUNDLE] = "bundle",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(form, names[i]) != 0)
            continue;
        client->sign_by = (enum coco_sign_by)i;
        return COCO_OK;
    }
    return coco_fail(err, COCO_ERR_INVALID, "'%.40s' is none of tag, referrer and bundle", form);
}

coco_status
coco_image_sign(coco_image_client *client, coco_ctx *ctx, const coco_image_ref *ref,
                const uint8_t *key, size_t len, coco_bytes **ret, coco_error **err)
{
    _cleanup_(signing_done) struct coco_signing signing = {0};

    coco_status status = coco_sign_key_open(client, key, len, &signing.key, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "key that signs");
    status = coco_signee_find(client, ctx, ref, &signing.image, err);
    if (status == COCO_OK)
        status = client->sign_by == COCO_SIGN_BY_TAG ? sign_by_tag(&signing, err)
                                                     : coco_signing_refer(&signing, err);
    if (status == COCO_OK)
        status = coco_signee_describe(&signing.image, signing.where, signing.already, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%.300s", coco_image_ref_text(ref));
}
