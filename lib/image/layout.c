/*
 * image/layout.c - reading images from an OCI layout
 *
 *     oci-layout, index.json -> manifest -> blobs/<alg>/<hex>
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/layout.h"

#include "base/context.h"
#include "base/fail.h"
#include "image/layout_dir.h"
#include "image/referrers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define VERSION_FILE_MAX ((size_t)4 << 10)

struct layout {
    struct coco_files files;
    char *tag;                 /* or NULL */
    struct coco_digest pinned; /* alg 0 if not */
};

void
coco_layout_blob_path(const struct coco_digest *digest, char buf[COCO_LAYOUT_PATH_SIZE])
{
    char hex[2 * COCO_DIGEST_SIZE_MAX + 1];

    coco_hex(digest->bytes, coco_hash_size(digest->alg), hex);
    (void)snprintf(buf, COCO_LAYOUT_PATH_SIZE, "blobs/%s/%s", coco_hash_name(digest->alg), hex);
}

coco_status
coco_layout_check_version(const struct coco_files *files, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = VERSION_FILE_MAX};
    _cleanup_json_ cJSON *json = NULL;
    const char *version = NULL;

    coco_status status = files->read(files->self, "oci-layout", &text, err);
    if (status == COCO_OK)
        status = coco_json_parse_object(coco_buf_text(&text), text.len, &json, err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "imageLayoutVersion", &version, err);
    if (status == COCO_OK && strcmp(version, "1.0.0") != 0)
        status = coco_fail(err, COCO_ERR_NOTSUP, "an OCI layout of version '%.40s'", version);
    return status;
}

coco_status
coco_layout_read_index(const struct coco_files *files, struct coco_buf *text,
                       struct coco_manifest *ret, coco_error **err)
{
    coco_status status = files->read(files->self, "index.json", text, err);
    if (status == COCO_OK)
        status =
            coco_manifest_parse(coco_buf_text(text), text->len, COCO_MEDIA_OCI_INDEX, 0, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "index.json");
}

bool
coco_layout_has_tag(const struct coco_descriptor *entry, const char *tag)
{
    const char *name = NULL;

    if (!entry->annotations
        || coco_json_get_string_opt(entry->annotations, COCO_LAYOUT_REF_NAME, &name, NULL)
               != COCO_OK)
        return false;
    return name && strcmp(name, tag) == 0;
}

/* Whether an entry has no name and is no image: what refers to one stands beside it. */
static bool
is_beside(const struct coco_manifest *index, size_t i)
{
    return coco_referrers_type(index, i)[0] != '\0'
           && !cJSON_GetObjectItemCaseSensitive(index->layers[i].annotations, COCO_LAYOUT_REF_NAME);
}

/* The entry of the index that the reference means. buildx and others enter one image twice. */
static coco_status
choose(const struct layout *layout, const struct coco_manifest *index,
       const struct coco_descriptor **ret, coco_error **err)
{
    size_t n = 0;

    for (size_t i = 0; i < index->n_layers; i++) {
        if (layout->tag ? !coco_layout_has_tag(&index->layers[i], layout->tag)
                        : is_beside(index, i))
            continue;
        if (n > 0 && coco_digest_equal(&(*ret)->digest, &index->layers[i].digest))
            continue;
        *ret = &index->layers[i];
        n++;
    }
    if (!layout->tag && n > 1)
        return coco_fail(err, COCO_ERR_INVALID,
                         "the OCI layout has %zu images: name one by its tag", n);
    if (n > 1)
        return coco_fail(err, COCO_ERR_PROTO, "the OCI layout has tag '%s' twice", layout->tag);
    if (n == 0)
        return coco_fail(err, COCO_ERR_NOTFOUND, "the OCI layout has no image%s%s",
                         layout->tag ? " of tag " : "", layout->tag ? layout->tag : "");
    return COCO_OK;
}

static coco_status
read_blob(const struct layout *layout, const struct coco_digest *digest, struct coco_buf *body,
          coco_error **err)
{
    char path[COCO_LAYOUT_PATH_SIZE];

    coco_layout_blob_path(digest, path);
    return layout->files.read(layout->files.self, path, body, err);
}

/* The manifest that index.json names, which is checked here: nobody else knows digest and size. */
static coco_status
top_manifest(const struct layout *layout, struct coco_buf *body, struct coco_buf *media_type,
             coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_manifest_ struct coco_manifest index = {0};
    const struct coco_descriptor *entry = NULL;
    struct coco_digest got = {0};

    coco_status status = coco_layout_read_index(&layout->files, &text, &index, err);
    if (status == COCO_OK)
        status = choose(layout, &index, &entry, err);
    if (status == COCO_OK)
        status = read_blob(layout, &entry->digest, body, err);
    if (status == COCO_OK)
        status = coco_digest_of(entry->digest.alg, coco_buf_text(body), body->len, &got, err);
    if (status == COCO_OK)
        status = coco_digest_check(&got, &entry->digest, err);
    if (status == COCO_OK && body->len != entry->size)
        status = coco_fail(err, COCO_ERR_VERIFY, "%zu bytes instead of %" PRIu64, body->len,
                           entry->size);
    if (status == COCO_OK)
        status = coco_buf_append_text(media_type, entry->media_type, err);
    return status;
}

static coco_status
get_manifest(void *self, coco_ctx *ctx, const struct coco_digest *digest, struct coco_buf *body,
             struct coco_buf *media_type, coco_error **err)
{
    const struct layout *layout = self;

    coco_status status = coco_ctx_check(ctx, err);
    if (status != COCO_OK)
        return status;
    if (!digest && layout->pinned.alg)
        digest = &layout->pinned;
    return digest ? read_blob(layout, digest, body, err)
                  : top_manifest(layout, body, media_type, err);
}

static coco_status
get_blob(void *self, coco_ctx *ctx, const struct coco_descriptor *blob,
         const struct coco_sink *sink, coco_error **err)
{
    const struct layout *layout = self;
    char path[COCO_LAYOUT_PATH_SIZE];

    coco_layout_blob_path(&blob->digest, path);
    return layout->files.send(layout->files.self, ctx, path, sink, err);
}

static coco_status
get_part(void *self, coco_ctx *ctx, const struct coco_descriptor *blob, uint64_t offset, size_t len,
         struct coco_buf *ret, coco_error **err)
{
    const struct layout *layout = self;
    char path[COCO_LAYOUT_PATH_SIZE];

    (void)ctx; /* a few bytes are read at once */
    coco_layout_blob_path(&blob->digest, path);
    return layout->files.part(layout->files.self, path, offset, len, ret, err);
}

static coco_status
get_referrers(void *self, coco_ctx *ctx, const struct coco_digest *digest, struct coco_buf *ret,
              coco_error **err)
{
    const struct layout *layout = self;

    return coco_layout_referrers(&layout->files, ctx, digest, ret, err);
}

static void
free_layout(void *self)
{
    struct layout *layout = self;

    if (!layout)
        return;
    coco_files_done(&layout->files);
    free(layout->tag);
    free(layout);
}

static void
free_layoutp(struct layout **layout)
{
    free_layout(*layout);
}

coco_status
coco_layout_source_of(struct coco_files *files, const coco_image_ref *ref, struct coco_source *ret,
                      coco_error **err)
{
    _cleanup_files_ struct coco_files taken = *files;
    _cleanup_(free_layoutp) struct layout *layout = calloc(1, sizeof(*layout));
    const char *tag = coco_image_ref_tag(ref);
    const char *digest = coco_image_ref_digest(ref);

    *files = (struct coco_files){0};
    if (!layout)
        return coco_fail_nomem(err);
    layout->files = taken;
    taken = (struct coco_files){0};
    layout->tag = tag ? strdup(tag) : NULL;
    if (tag && !layout->tag)
        return coco_fail_nomem(err);
    coco_status status = digest ? coco_digest_parse(digest, &layout->pinned, err) : COCO_OK;
    if (status == COCO_OK)
        status = coco_layout_check_version(&layout->files, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "'%s'", coco_image_ref_repository(ref));
    *ret = (struct coco_source){
        .manifest = get_manifest,
        .blob = get_blob,
        .part = get_part,
        .free = free_layout,
        .self = coco_steal(&layout),
        .referrers = get_referrers,
    };
    return COCO_OK;
}

coco_status
coco_layout_source(const coco_image_ref *ref, struct coco_source *ret, coco_error **err)
{
    struct coco_files files = {0};

    coco_status status =
        coco_folder_open(coco_image_ref_repository(ref), "OCI layout", 0, &files, err);
    if (status == COCO_OK)
        status = coco_layout_source_of(&files, ref, ret, err);
    return status;
}
