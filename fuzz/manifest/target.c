/*
 * fuzz/manifest/target.c - manifests and indexes, and what is chosen from one
 *
 * Input: a line with what the registry called it, then the document.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/manifest.h"

#include <stdlib.h>
#include <string.h>

#define LAYERS_MAX 4
#define ENTRIES_MAX 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_descriptor(const struct coco_descriptor *descriptor)
{
    char text[COCO_DIGEST_TEXT_SIZE];
    struct coco_digest digest = {0};
    const cJSON *annotation = NULL;
    enum coco_compression compression;
    bool encrypted;

    coco_digest_format(&descriptor->digest, text);
    if (!descriptor->media_type || descriptor->size > INT64_MAX
        || coco_digest_parse(text, &digest, NULL) != COCO_OK
        || !coco_digest_equal(&digest, &descriptor->digest))
        abort();
    cJSON_ArrayForEach(annotation, descriptor->annotations)
        if (!annotation->valuestring)
            abort();
    if (coco_layer_media_type(descriptor->media_type, &compression, &encrypted, NULL) != COCO_OK)
        return;
    /* The name that is written for such a layer means the same. */
    enum coco_compression want = compression;
    bool sealed = encrypted;
    if (coco_layer_media_type(coco_layer_media_type_name(want, sealed), &compression, &encrypted,
                              NULL)
            != COCO_OK
        || compression != want || encrypted != sealed)
        abort();
}

/* It says one thing only: another reader, who looks for other members, finds none (T10). */
static void
check_kind(const struct coco_manifest *manifest)
{
    const char *other = manifest->is_index ? "layers" : "manifests";
    const char *said = NULL;

    if (cJSON_GetObjectItem(manifest->json, other)
        || cJSON_GetObjectItem(manifest->json, "fsLayers"))
        abort();
    if (coco_json_get_string_opt(manifest->json, "mediaType", &said, NULL) != COCO_OK)
        abort();
    if (said && strncasecmp(said, "application/vnd.", strlen("application/vnd.")) == 0
        && strcasecmp(said, manifest->media_type) != 0)
        abort();
    if (manifest->n_layers > (manifest->is_index ? ENTRIES_MAX : LAYERS_MAX))
        abort();
}

static void
check_choice(const struct coco_manifest *index)
{
    static const char *const machines[] = {"linux/amd64/v3", "linux/arm/v7", "linux/arm64",
                                           "plan9/386"};

    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        const struct coco_descriptor *chosen = NULL;
        struct coco_platform platform;
        coco_error *err = NULL;

        if (coco_platform_parse(machines[i], &platform, NULL) != COCO_OK)
            abort();
        coco_status status = coco_index_choose(index, &platform, &chosen, &err);
        coco_error_free(err);
        if ((status == COCO_OK) != (chosen != NULL))
            abort();
        if (chosen && (chosen < index->layers || chosen >= index->layers + index->n_layers))
            abort();
    }
}

/* Announced as what it was taken for, and written down anew, it is taken for the same. */
static void
check_round_trip(const struct coco_manifest *want)
{
    _cleanup_buf_ struct coco_buf text = {.limit = SIZE_MAX};
    _cleanup_manifest_ struct coco_manifest got = {0};

    if (coco_json_write(want->json, COCO_JSON_COMPACT, &text, NULL) != COCO_OK
        || coco_manifest_parse(text.data, text.len, want->media_type, LAYERS_MAX, &got, NULL)
               != COCO_OK
        || got.media_type != want->media_type || got.is_index != want->is_index
        || got.is_docker != want->is_docker || got.n_layers != want->n_layers)
        abort();
    for (size_t i = 0; i < got.n_layers; i++)
        if (got.layers[i].size != want->layers[i].size
            || !coco_digest_equal(&got.layers[i].digest, &want->layers[i].digest))
            abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_manifest_ struct coco_manifest manifest = {0};
    const uint8_t *line = len ? memchr(data, '\n', len) : NULL;
    coco_error *err = NULL;

    if (!line)
        return 0;
    size_t said_len = (size_t)(line - data);
    _cleanup_free_ char *said = strndup((const char *)data, said_len);
    if (!said)
        return 0;
    coco_status status =
        coco_manifest_parse(line + 1, len - said_len - 1, said, LAYERS_MAX, &manifest, &err);
    coco_error_free(err);
    if ((status == COCO_OK) != (manifest.json != NULL))
        abort();
    if (status != COCO_OK)
        return 0;
    check_kind(&manifest);
    if (!manifest.is_index)
        check_descriptor(&manifest.config);
    for (size_t i = 0; i < manifest.n_layers; i++)
        check_descriptor(&manifest.layers[i]);
    check_choice(&manifest);
    check_round_trip(&manifest);
    return 0;
}
