/*
 * image/manifest.c - OCI and Docker manifests, indexes and layer types
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/manifest.h"

#include "base/fail.h"

#include <string.h>
#include <strings.h>

#define INDEX_ENTRIES_MAX 1024
#define SCHEMA1_PREFIX "application/vnd.docker.distribution.manifest.v1+"
#define ENCRYPTED "+encrypted"

static const struct manifest_kind {
    const char *media_type;
    bool is_index, is_docker;
} kinds[] = {
    {COCO_MEDIA_OCI_MANIFEST, false, false},
    {COCO_MEDIA_OCI_INDEX, true, false},
    {COCO_MEDIA_DOCKER_MANIFEST, false, true},
    {COCO_MEDIA_DOCKER_LIST, true, true},
};

/* What servers say that do not know better: no media type at all. */
static const char *const vague_types[] = {
    "", "application/json", "application/octet-stream", "binary/octet-stream", "text/plain",
};

#define OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define OCI_FOREIGN_LAYER "application/vnd.oci.image.layer.nondistributable.v1.tar"
#define DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"
#define DOCKER_FOREIGN_LAYER "application/vnd.docker.image.rootfs.foreign.diff.tar"

static const struct {
    const char *media_type;
    enum coco_compression compression;
} layer_types[] = {
    {OCI_LAYER, COCO_UNCOMPRESSED},
    {OCI_LAYER "+gzip", COCO_GZIP},
    {OCI_LAYER "+zstd", COCO_ZSTD},
    {OCI_FOREIGN_LAYER, COCO_UNCOMPRESSED},
    {OCI_FOREIGN_LAYER "+gzip", COCO_GZIP},
    {OCI_FOREIGN_LAYER "+zstd", COCO_ZSTD},
    {DOCKER_LAYER, COCO_UNCOMPRESSED},
    {DOCKER_LAYER ".gzip", COCO_GZIP},
    {DOCKER_LAYER ".zstd", COCO_ZSTD},
    {DOCKER_FOREIGN_LAYER, COCO_UNCOMPRESSED},
    {DOCKER_FOREIGN_LAYER ".gzip", COCO_GZIP},
};

/* The kind of a media type, of which len bytes count; NULL in *ret if it says nothing. */
static coco_status
kind_of(const char *media_type, size_t len, const struct manifest_kind **ret, coco_error **err)
{
    for (size_t i = 0; i < sizeof(vague_types) / sizeof(vague_types[0]); i++) {
        if (len == strlen(vague_types[i]) && strncasecmp(media_type, vague_types[i], len) == 0) {
            *ret = NULL;
            return COCO_OK;
        }
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (len == strlen(kinds[i].media_type)
            && strncasecmp(media_type, kinds[i].media_type, len) == 0) {
            *ret = &kinds[i];
            return COCO_OK;
        }
    }
    if (strncasecmp(media_type, SCHEMA1_PREFIX, strlen(SCHEMA1_PREFIX)) == 0)
        return coco_fail(err, COCO_ERR_PROTO, "a manifest of schema 1, which cannot be verified");
    return coco_fail(err, COCO_ERR_NOTSUP, "'%.200s' is not the media type of an image",
                     media_type);
}

/* The kind by what a document has, for OCI lets it leave out its mediaType. */
static const struct manifest_kind *
kind_by_members(const cJSON *json)
{
    return &kinds[cJSON_GetObjectItemCaseSensitive(json, "manifests") ? 1 : 0];
}

/* Go's reader, and so that of many others, takes members whatever their case. */
static bool
says(const cJSON *json, const char *name)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, json)
        if (strcasecmp(member->string, name) == 0)
            return true;
    return false;
}

/* image-spec, manifest.md: what is both can be read as either (CVE-2021-41190). */
static coco_status
check_unambiguous(const cJSON *json, bool is_index, coco_error **err)
{
    static const char *const of_manifest[] = {"config", "layers", "fsLayers", "history"};

    if (!is_index && says(json, "manifests"))
        return coco_fail(err, COCO_ERR_PROTO, "a manifest with the member 'manifests'");
    for (size_t i = 0; is_index && i < sizeof(of_manifest) / sizeof(of_manifest[0]); i++)
        if (says(json, of_manifest[i]))
            return coco_fail(err, COCO_ERR_PROTO, "an index with the member '%s'", of_manifest[i]);
    return COCO_OK;
}

static coco_status
find_kind(const cJSON *json, const char *said, const struct manifest_kind **ret, coco_error **err)
{
    const struct manifest_kind *outside = NULL;
    const struct manifest_kind *inside = NULL;
    const char *media_type = NULL;
    uint64_t version = 0;
    size_t said_len = strcspn(said, "; \t"); /* "; charset=…" may follow */

    coco_status status = coco_json_get_u64(json, "schemaVersion", &version, err);
    if (status != COCO_OK)
        return status;
    if (version != 2)
        return coco_fail(err, COCO_ERR_PROTO, "a manifest of schema %llu, not 2",
                         (unsigned long long)version);
    status = kind_of(said, said_len, &outside, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(json, "mediaType", &media_type, err);
    if (status == COCO_OK && media_type)
        status = kind_of(media_type, strlen(media_type), &inside, err);
    if (status != COCO_OK)
        return status;
    if (inside && outside && inside != outside)
        return coco_fail(err, COCO_ERR_PROTO, "mediaType is '%s', but '%s' was announced",
                         inside->media_type, outside->media_type);
    if (!inside)
        inside = outside ? outside : kind_by_members(json);
    *ret = inside;
    return check_unambiguous(json, inside->is_index, err);
}

coco_status
coco_manifest_check_annotations(const cJSON *annotations, coco_error **err)
{
    const cJSON *item = NULL;

    if (annotations && !cJSON_IsObject(annotations) && !cJSON_IsNull(annotations))
        return coco_fail(err, COCO_ERR_PROTO, "annotations are no object");
    cJSON_ArrayForEach(item, annotations)
        if (!cJSON_IsString(item))
            return coco_fail(err, COCO_ERR_PROTO, "annotation '%.200s' is not a string",
                             item->string);
    return COCO_OK;
}

static coco_status
parse_descriptor(const cJSON *json, struct coco_descriptor *ret, coco_error **err)
{
    struct coco_descriptor descriptor = {0};
    const char *digest = NULL;

    if (!cJSON_IsObject(json))
        return coco_fail(err, COCO_ERR_PROTO, "a descriptor that is no object");
    coco_status status = coco_json_get_string(json, "mediaType", &descriptor.media_type, err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "digest", &digest, err);
    if (status == COCO_OK)
        status = coco_digest_parse(digest, &descriptor.digest, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(json, "size", &descriptor.size, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(json, "annotations", &descriptor.annotations, err);
    if (status == COCO_OK)
        status = coco_manifest_check_annotations(descriptor.annotations, err);
    if (status != COCO_OK)
        return status;
    if (descriptor.size > INT64_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "a size past 2^63");
    *ret = descriptor;
    return COCO_OK;
}

coco_status
coco_descriptor_add(cJSON *to, const char *name, const char *media_type,
                    const struct coco_digest *digest, uint64_t size, cJSON **ret, coco_error **err)
{
    char text[COCO_DIGEST_TEXT_SIZE];
    cJSON *json = NULL;

    coco_digest_format(digest, text);
    coco_status status = coco_json_add_object(to, name, &json, err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "mediaType", media_type, err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "digest", text, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "size", size, err);
    if (status == COCO_OK)
        *ret = json;
    return status;
}

static coco_status
parse_list(const cJSON *list, const char *what, size_t max, struct coco_manifest *ret,
           coco_error **err)
{
    size_t n = (size_t)cJSON_GetArraySize(list);
    const cJSON *item = NULL;

    if (n > max)
        return coco_fail(err, COCO_ERR_LIMIT, "%zu %ss, of which %zu are allowed", n, what, max);
    ret->layers = calloc(n + 1, sizeof(*ret->layers));
    if (!ret->layers)
        return coco_fail_nomem(err);
    cJSON_ArrayForEach(item, list) {
        coco_status status = parse_descriptor(item, &ret->layers[ret->n_layers], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "%s %zu", what, ret->n_layers);
        ret->n_layers++;
    }
    return COCO_OK;
}

static coco_status
parse_index(struct coco_manifest *index, coco_error **err)
{
    const cJSON *entries = NULL;

    coco_status status = coco_json_get_list(index->json, "manifests", &entries, err);
    if (status == COCO_OK)
        status = parse_list(entries, "manifest", INDEX_ENTRIES_MAX, index, err);
    return status;
}

static coco_status
parse_image(struct coco_manifest *manifest, size_t max_layers, bool any_config, coco_error **err)
{
    const cJSON *config = NULL;
    const cJSON *layers = NULL;

    coco_status status = coco_json_get_object(manifest->json, "config", &config, err);
    if (status != COCO_OK)
        return status;
    status = parse_descriptor(config, &manifest->config, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "config");
    if (!any_config && strcmp(manifest->config.media_type, COCO_MEDIA_OCI_CONFIG) != 0
        && strcmp(manifest->config.media_type, COCO_MEDIA_DOCKER_CONFIG) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "an artifact with a config of type '%.200s'",
                         manifest->config.media_type);
    status = coco_json_get_list(manifest->json, "layers", &layers, err);
    if (status == COCO_OK)
        status = parse_list(layers, "layer", max_layers, manifest, err);
    return status;
}

static coco_status
parse_manifest(const void *data, size_t len, const char *media_type, size_t max_layers,
               bool any_config, struct coco_manifest *ret, coco_error **err)
{
    _cleanup_manifest_ struct coco_manifest manifest = {0};
    const struct manifest_kind *kind = NULL;

    if (len > COCO_MANIFEST_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "a manifest of more than %zu bytes",
                         COCO_MANIFEST_SIZE_MAX);
    coco_status status = coco_json_parse_object(data, len, &manifest.json, err);
    if (status == COCO_OK)
        status = find_kind(manifest.json, media_type, &kind, err);
    if (status != COCO_OK)
        return status;
    manifest.media_type = kind->media_type;
    manifest.is_index = kind->is_index;
    manifest.is_docker = kind->is_docker;
    status = kind->is_index ? parse_index(&manifest, err)
                            : parse_image(&manifest, max_layers, any_config, err);
    if (status != COCO_OK)
        return status;
    *ret = manifest;
    manifest = (struct coco_manifest){0};
    return COCO_OK;
}

coco_status
coco_manifest_parse(const void *data, size_t len, const char *media_type, size_t max_layers,
                    struct coco_manifest *ret, coco_error **err)
{
    return parse_manifest(data, len, media_type, max_layers, false, ret, err);
}

coco_status
coco_artifact_parse(const void *data, size_t len, const char *media_type, size_t max_layers,
                    struct coco_manifest *ret, coco_error **err)
{
    _cleanup_manifest_ struct coco_manifest manifest = {0};

    coco_status status = parse_manifest(data, len, media_type, max_layers, true, &manifest, err);
    if (status == COCO_OK && (manifest.is_index || manifest.is_docker))
        status = coco_fail(err, COCO_ERR_PROTO, "what is attached is no OCI manifest");
    if (status != COCO_OK)
        return status;
    *ret = manifest;
    manifest = (struct coco_manifest){0};
    return COCO_OK;
}

coco_status
coco_manifest_begin(const struct coco_digest *config, uint64_t size, cJSON **ret, cJSON **layers,
                    coco_error **err)
{
    _cleanup_json_ cJSON *manifest = NULL;
    cJSON *json = NULL;

    coco_status status = coco_json_new_object(&manifest, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(manifest, "schemaVersion", 2, err);
    if (status == COCO_OK)
        status = coco_json_add_string(manifest, "mediaType", COCO_MEDIA_OCI_MANIFEST, err);
    if (status == COCO_OK)
        status = coco_descriptor_add(manifest, "config", COCO_MEDIA_OCI_CONFIG, config, size, &json,
                                     err);
    if (status == COCO_OK)
        status = coco_json_add_array(manifest, "layers", layers, err);
    if (status != COCO_OK)
        return status;
    *ret = coco_steal(&manifest);
    return COCO_OK;
}

coco_status
coco_index_begin(cJSON **ret, cJSON **entries, coco_error **err)
{
    _cleanup_json_ cJSON *index = NULL;

    coco_status status = coco_json_new_object(&index, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(index, "schemaVersion", 2, err);
    if (status == COCO_OK)
        status = coco_json_add_string(index, "mediaType", COCO_MEDIA_OCI_INDEX, err);
    if (status == COCO_OK)
        status = coco_json_add_array(index, "manifests", entries, err);
    if (status == COCO_OK)
        *ret = coco_steal(&index);
    return status;
}

void
coco_manifest_done(struct coco_manifest *manifest)
{
    coco_json_free(manifest->json);
    free(manifest->layers);
    *manifest = (struct coco_manifest){0};
}

coco_status
coco_layer_media_type(const char *media_type, enum coco_compression *compression, bool *encrypted,
                      coco_error **err)
{
    size_t len = strlen(media_type);
    size_t suffix = strlen(ENCRYPTED);
    bool sealed = len > suffix && strcmp(media_type + len - suffix, ENCRYPTED) == 0;

    if (sealed)
        len -= suffix;
    for (size_t i = 0; i < sizeof(layer_types) / sizeof(layer_types[0]); i++) {
        if (len == strlen(layer_types[i].media_type)
            && strncmp(media_type, layer_types[i].media_type, len) == 0) {
            *compression = layer_types[i].compression;
            *encrypted = sealed;
            return COCO_OK;
        }
    }
    return coco_fail(err, COCO_ERR_NOTSUP, "'%.200s' is not the media type of a layer", media_type);
}

const char *
coco_layer_media_type_name(enum coco_compression compression, bool encrypted)
{
    switch (compression) {
    case COCO_GZIP:
        return encrypted ? OCI_LAYER "+gzip" ENCRYPTED : OCI_LAYER "+gzip";
    case COCO_ZSTD:
        return encrypted ? OCI_LAYER "+zstd" ENCRYPTED : OCI_LAYER "+zstd";
    case COCO_UNCOMPRESSED:
        break;
    }
    return encrypted ? OCI_LAYER ENCRYPTED : OCI_LAYER;
}
