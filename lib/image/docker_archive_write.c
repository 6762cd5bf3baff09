/*
 * image/docker_archive_write.c - writing an image into a tar file of docker
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/docker_archive.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/text.h"
#include "image/archive_write.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_SIZE (2 * COCO_DIGEST_SIZE_MAX + sizeof(".tar.zst"))

static const char *
suffix_of(enum coco_compression compression)
{
    switch (compression) {
    case COCO_GZIP:
        return ".tar.gz";
    case COCO_ZSTD:
        return ".tar.zst";
    case COCO_UNCOMPRESSED:
        break;
    }
    return ".tar";
}

/* Gives the blob its name in the archive. */
static coco_status
name_blob(const struct coco_archive_out *out, const struct coco_digest *digest, const char *suffix,
          char name[NAME_SIZE], coco_error **err)
{
    const struct coco_archive_blob *blob = coco_archive_out_find(out, digest);
    char hex[2 * COCO_DIGEST_SIZE_MAX + 1];

    if (!blob)
        return coco_fail(err, COCO_ERR_INVALID, "a blob of the image was not written");
    coco_hex(digest->bytes, coco_hash_size(digest->alg), hex);
    (void)snprintf(name, NAME_SIZE, "%s%s", hex, suffix);
    return coco_tarfile_name(&out->file, blob->head, name, blob->size, err);
}

static coco_status
add_layers(const struct coco_archive_out *out, const struct coco_manifest *manifest, cJSON *layers,
           coco_error **err)
{
    for (size_t i = 0; i < manifest->n_layers; i++) {
        const struct coco_descriptor *layer = &manifest->layers[i];
        enum coco_compression compression = COCO_UNCOMPRESSED;
        bool encrypted = false;
        char name[NAME_SIZE];

        coco_status status =
            coco_layer_media_type(layer->media_type, &compression, &encrypted, err);
        if (status == COCO_OK && encrypted)
            status = coco_fail(err, COCO_ERR_INVALID, "it is encrypted, which cannot be said here");
        if (status == COCO_OK)
            status = name_blob(out, &layer->digest, suffix_of(compression), name, err);
        if (status == COCO_OK)
            status = coco_json_add_string(layers, NULL, name, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
    }
    return COCO_OK;
}

static coco_status
describe(const struct coco_archive_out *out, const struct coco_manifest *manifest,
         struct coco_buf *text, coco_error **err)
{
    _cleanup_json_ cJSON *holder = NULL; /* what is written is the list in it */
    char name[NAME_SIZE];
    cJSON *images = NULL;
    cJSON *image = NULL;
    cJSON *tags = NULL;
    cJSON *layers = NULL;

    coco_status status = name_blob(out, &manifest->config.digest, ".json", name, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&holder, err);
    if (status == COCO_OK)
        status = coco_json_add_array(holder, "images", &images, err);
    if (status == COCO_OK)
        status = coco_json_add_object(images, NULL, &image, err);
    if (status == COCO_OK)
        status = coco_json_add_string(image, "Config", name, err);
    if (status == COCO_OK)
        status = coco_json_add_array(image, "RepoTags", &tags, err);
    if (status == COCO_OK && out->ref)
        status = coco_json_add_string(tags, NULL, out->ref, err);
    if (status == COCO_OK)
        status = coco_json_add_array(image, "Layers", &layers, err);
    if (status == COCO_OK)
        status = add_layers(out, manifest, layers, err);
    if (status == COCO_OK)
        status = coco_json_write(images, COCO_JSON_COMPACT, text, err);
    return status;
}

static coco_status
put_manifest(void *self, coco_ctx *ctx, const char *media_type, const void *data, size_t len,
             const struct coco_digest *digest, coco_error **err)
{
    struct coco_archive_out *out = self;
    _cleanup_manifest_ struct coco_manifest manifest = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};

    (void)digest; /* of what is not kept */
    coco_status status = coco_ctx_check(ctx, err);
    if (status == COCO_OK)
        status = coco_manifest_parse(data, len, media_type, COCO_LAYERS_ANY, &manifest, err);
    if (status == COCO_OK && manifest.is_index)
        status = coco_fail(err, COCO_ERR_INVALID, "an index is no image");
    if (status == COCO_OK)
        status = describe(out, &manifest, &text, err);
    if (status == COCO_OK)
        status = coco_tarfile_add(&out->file, "manifest.json", text.data, text.len, err);
    if (status == COCO_OK)
        status = coco_archive_out_commit(out, err);
    return status;
}

coco_status
coco_docker_archive_destination(coco_ctx *ctx, const coco_image_ref *ref,
                                struct coco_destination *ret, coco_error **err)
{
    struct coco_destination destination = {0};
    const char *path = coco_image_ref_repository(ref);
    const char *tag = coco_image_ref_tag(ref);
    struct stat st;

    if (coco_image_ref_digest(ref))
        return coco_fail(err, COCO_ERR_INVALID, "archive '%s': manifests have no digest there",
                         path);
    if (tag && *tag == '@')
        return coco_fail(err, COCO_ERR_INVALID, "archive '%s': '%s' is no name to give", path, tag);
    if (stat(path, &st) == 0 && st.st_size > 0 && S_ISREG(st.st_mode))
        return coco_fail(err, COCO_ERR_INVALID, "archive '%s': it is there, and nothing is added",
                         path);
    coco_status status = coco_archive_out_open(ctx, ref, &destination, err);
    if (status != COCO_OK)
        return status;
    destination.put_manifest = put_manifest;
    destination.plain_only = true;
    *ret = destination;
    return COCO_OK;
}
