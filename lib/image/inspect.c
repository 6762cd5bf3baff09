/*
 * image/inspect.c - what an image is, without its layers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/client.h"

#include "base/bytes.h"
#include "base/fail.h"

#define TEXT_MAX ((size_t)16 << 20)

static coco_status
add_chunks(const cJSON *annotations, cJSON *layer, coco_error **err)
{
    _cleanup_(coco_chunks_done) struct coco_chunks chunks = {0};
    cJSON *json = NULL;

    coco_status status = coco_annotations_chunks(annotations, &chunks, err);
    if (status != COCO_OK || chunks.size == 0)
        return status;
    status = coco_json_add_object(layer, "chunks", &json, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "size", chunks.size, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "count", chunks.tags.len / COCO_CHUNK_TAG_SIZE, err);
    return status;
}

static coco_status
add_layer(const struct coco_descriptor *layer, cJSON *layers, coco_error **err)
{
    char digest[COCO_DIGEST_TEXT_SIZE];
    bool encrypted = coco_media_type_encrypted(layer->media_type);
    cJSON *recipients = NULL;
    cJSON *json = NULL;

    coco_digest_format(&layer->digest, digest);
    coco_status status = coco_json_add_object(layers, NULL, &json, err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "digest", digest, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "size", layer->size, err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "mediaType", layer->media_type, err);
    if (status == COCO_OK)
        status = coco_json_add_bool(json, "encrypted", encrypted, err);
    if (status == COCO_OK && encrypted)
        status = coco_json_add_array(json, "recipients", &recipients, err);
    if (status == COCO_OK && encrypted && layer->annotations)
        status = coco_annotations_list(layer->annotations, recipients, err);
    if (status == COCO_OK && encrypted && layer->annotations)
        status = add_chunks(layer->annotations, json, err);
    return status;
}

/* What the config says of the platform, which may be nothing. */
static coco_status
add_platform(const struct coco_image_config *config, cJSON *json, coco_error **err)
{
    static const char *const names[] = {"os", "architecture", "variant"};
    cJSON *platform = NULL;

    coco_status status = coco_json_add_object(json, "platform", &platform, err);
    for (size_t i = 0; status == COCO_OK && i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = NULL;

        status = coco_json_get_string_opt(config->json, names[i], &value, err);
        if (status == COCO_OK && value)
            status = coco_json_add_string(platform, names[i], value, err);
    }
    return status;
}

static coco_status
describe(const coco_image_ref *ref, const struct coco_resolved *found,
         const struct coco_image_config *config, struct coco_buf *text, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    char digest[COCO_DIGEST_TEXT_SIZE];
    cJSON *layers = NULL;

    coco_digest_format(&found->digest, digest);
    coco_status status = coco_json_new_object(&json, err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "reference", coco_image_ref_text(ref), err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "digest", digest, err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "mediaType", found->manifest.media_type, err);
    if (status == COCO_OK)
        status = add_platform(config, json, err);
    if (status == COCO_OK)
        status = config->config ? coco_json_add_copy(json, "config", config->config, err)
                                : coco_json_add_null(json, "config", err);
    if (status == COCO_OK)
        status = coco_json_add_array(json, "layers", &layers, err);
    for (size_t i = 0; status == COCO_OK && i < found->manifest.n_layers; i++) {
        status = add_layer(&found->manifest.layers[i], layers, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
    }
    if (status == COCO_OK)
        status = coco_json_write(json, COCO_JSON_COMPACT, text, err);
    return status;
}

coco_status
coco_image_inspect(coco_image_client *client, coco_ctx *ctx, const coco_image_ref *ref,
                   const coco_image_options *opts, coco_bytes **ret, coco_error **err)
{
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_resolved_ struct coco_resolved found = {0};
    _cleanup_image_config_ struct coco_image_config config = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};
    coco_image_options set = {0};

    coco_status status = coco_image_options_set(&set, opts, 0, err);
    if (status == COCO_OK)
        status = coco_client_source(client, &set, ref, &source, err);
    if (status == COCO_OK)
        status =
            coco_source_resolve(&source, ctx, ref, &client->platform, set.max_layers, &found, err);
    if (status == COCO_OK)
        status = coco_source_config(&source, ctx, &found.manifest, &client->platform, &config, err);
    if (status == COCO_OK)
        status = describe(ref, &found, &config, &text, err);
    if (status == COCO_OK)
        status = coco_bytes_take(&text, ret, err);
    return status;
}
