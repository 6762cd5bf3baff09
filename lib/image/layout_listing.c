/*
 * image/layout_listing.c - what refers to an image of an OCI layout
 *
 * Nobody keeps a list: of the manifests that index.json names those are meant whose subject is the
 * image. What cannot be read among them is none; how much is read is bounded.
 *
 * Source: image-spec 1.1, image-layout.md and manifest.md ("subject"); what a list has to say of a
 * manifest is distribution-spec 1.1, "Listing Referrers".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/layout_dir.h"

#include "base/context.h"
#include "base/fail.h"

#include <inttypes.h>
#include <string.h>

#define ONE_MAX ((size_t)1 << 20)
#define TOTAL_MAX ((uint64_t)32 << 20)

struct listing {
    const struct coco_files *files;
    struct coco_digest subject;
    cJSON *list;    /* of the index that is made */
    uint64_t total; /* bytes of the manifests that were read */
};

/* The manifest that an entry names, if it is what its digest says. */
static coco_status
read_manifest(const struct listing *l, const struct coco_descriptor *entry, cJSON **ret,
              coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = ONE_MAX};
    _cleanup_json_ cJSON *manifest = NULL;
    struct coco_digest got = {0};
    char path[COCO_LAYOUT_PATH_SIZE];

    coco_layout_blob_path(&entry->digest, path);
    coco_status status = l->files->read(l->files->self, path, &text, err);
    if (status == COCO_OK)
        status = coco_digest_of(entry->digest.alg, coco_buf_text(&text), text.len, &got, err);
    if (status == COCO_OK)
        status = coco_digest_check(&got, &entry->digest, err);
    if (status == COCO_OK && text.len != entry->size)
        status =
            coco_fail(err, COCO_ERR_VERIFY, "%zu bytes instead of %" PRIu64, text.len, entry->size);
    if (status == COCO_OK)
        status = coco_json_parse_object(coco_buf_text(&text), text.len, &manifest, err);
    /* They go into the list, of which nothing could be read then. */
    if (status == COCO_OK)
        status = coco_manifest_check_annotations(
            cJSON_GetObjectItemCaseSensitive(manifest, "annotations"), err);
    if (status == COCO_OK)
        *ret = coco_steal(&manifest);
    return status;
}

static bool
refers(const struct listing *l, const cJSON *manifest)
{
    const cJSON *subject = cJSON_GetObjectItemCaseSensitive(manifest, "subject");
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(subject, "digest"));
    struct coco_digest digest = {0};

    return text && coco_digest_parse(text, &digest, NULL) == COCO_OK
           && coco_digest_equal(&digest, &l->subject);
}

/* What a registry's list would say of it. */
static coco_status
add(struct listing *l, const struct coco_descriptor *entry, const cJSON *manifest, coco_error **err)
{
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(manifest, "config");
    const cJSON *annotations = cJSON_GetObjectItemCaseSensitive(manifest, "annotations");
    const char *type =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(manifest, "artifactType"));
    cJSON *json = NULL;

    if (!type)
        type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, "mediaType"));
    coco_status status = coco_descriptor_add(l->list, NULL, entry->media_type, &entry->digest,
                                             entry->size, &json, err);
    if (status == COCO_OK && type)
        status = coco_json_add_string(json, "artifactType", type, err);
    if (status == COCO_OK && cJSON_IsObject(annotations))
        status = coco_json_add_copy(json, "annotations", annotations, err);
    return status;
}

/* Goes on after what is wrong with one that somebody has put there. */
static coco_status
pass_over(coco_error *cause, coco_error **err)
{
    static const coco_status passed[] = {COCO_ERR_NOTFOUND, COCO_ERR_PROTO, COCO_ERR_VERIFY,
                                         COCO_ERR_LIMIT};
    coco_status got = coco_error_status(cause);
    bool forgiven = false;

    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
        if (got == passed[i])
            return coco_forgive(cause, got, &forgiven, err);
    coco_error_give(err, cause);
    return got;
}

static coco_status
look_at(struct listing *l, const struct coco_descriptor *entry, coco_error **err)
{
    _cleanup_json_ cJSON *manifest = NULL;
    coco_error *cause = NULL;

    if (strcmp(entry->media_type, COCO_MEDIA_OCI_MANIFEST) != 0 || entry->size > ONE_MAX)
        return COCO_OK;
    if (entry->size > TOTAL_MAX - l->total)
        return coco_fail(err, COCO_ERR_LIMIT,
                         "the OCI layout has more manifests than are looked "
                         "through for what refers to an image");
    l->total += entry->size;
    if (read_manifest(l, entry, &manifest, &cause) != COCO_OK)
        return pass_over(cause, err);
    return refers(l, manifest) ? add(l, entry, manifest, err) : COCO_OK;
}

coco_status
coco_layout_referrers(const struct coco_files *files, coco_ctx *ctx,
                      const struct coco_digest *digest, struct coco_buf *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_manifest_ struct coco_manifest index = {0};
    _cleanup_json_ cJSON *json = NULL;
    struct listing listing = {.files = files, .subject = *digest};

    coco_status status = coco_layout_read_index(files, &text, &index, err);
    if (status == COCO_OK)
        status = coco_index_begin(&json, &listing.list, err);
    for (size_t i = 0; status == COCO_OK && i < index.n_layers; i++) {
        status = coco_ctx_check(ctx, err);
        if (status == COCO_OK)
            status = look_at(&listing, &index.layers[i], err);
    }
    if (status == COCO_OK && cJSON_GetArraySize(listing.list) == 0)
        status = coco_fail(err, COCO_ERR_NOTFOUND, "nothing refers to it");
    return status == COCO_OK ? coco_json_write(json, COCO_JSON_COMPACT, ret, err) : status;
}
