/*
 * image/oci_archive.c - an OCI layout in a tar file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/oci_archive.h"

#include "base/context.h"
#include "base/fail.h"
#include "image/archive.h"
#include "image/archive_write.h"
#include "image/layout.h"
#include "image/layout_dir.h"

#include <string.h>

#define INDEX_MAX ((size_t)64 << 10)

coco_status
coco_oci_archive_source(const coco_image_ref *ref, struct coco_source *ret, coco_error **err)
{
    struct coco_archive *archive = NULL;

    coco_status status = coco_archive_open(coco_image_ref_repository(ref), &archive, err);
    if (status != COCO_OK)
        return status;
    struct coco_files files = coco_archive_files(archive);
    return coco_layout_source_of(&files, ref, ret, err);
}

static coco_status
make_index(const struct coco_archive_out *out, const char *media_type,
           const struct coco_digest *digest, size_t size, struct coco_buf *text, coco_error **err)
{
    _cleanup_json_ cJSON *index = NULL;
    cJSON *list = NULL;

    coco_status status = coco_index_begin(&index, &list, err);
    if (status == COCO_OK)
        status = coco_layout_add_entry(list, out->ref, media_type, digest, size, err);
    if (status == COCO_OK)
        status = coco_json_write(index, COCO_JSON_COMPACT, text, err);
    return status;
}

static coco_status
name_blobs(struct coco_archive_out *out, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; status == COCO_OK && i < out->n; i++) {
        const struct coco_archive_blob *blob = &out->blobs[i];
        char path[COCO_LAYOUT_PATH_SIZE];

        coco_layout_blob_path(&blob->digest, path);
        status = coco_tarfile_name(&out->file, blob->head, path, blob->size, err);
    }
    return status;
}

static coco_status
put_manifest(void *self, coco_ctx *ctx, const char *media_type, const void *data, size_t len,
             const struct coco_digest *digest, coco_error **err)
{
    struct coco_archive_out *out = self;
    _cleanup_buf_ struct coco_buf index = {.limit = INDEX_MAX};
    char path[COCO_LAYOUT_PATH_SIZE];

    coco_layout_blob_path(digest, path);
    coco_status status = coco_ctx_check(ctx, err);
    if (status == COCO_OK)
        status = make_index(out, media_type, digest, len, &index, err);
    if (status == COCO_OK)
        status = name_blobs(out, err);
    if (status == COCO_OK)
        status = coco_tarfile_add(&out->file, path, data, len, err);
    if (status == COCO_OK)
        status = coco_tarfile_add(&out->file, "index.json", index.data, index.len, err);
    if (status == COCO_OK)
        status = coco_tarfile_add(&out->file, "oci-layout", COCO_LAYOUT_VERSION,
                                  strlen(COCO_LAYOUT_VERSION), err);
    if (status == COCO_OK)
        status = coco_archive_out_commit(out, err);
    return status;
}

coco_status
coco_oci_archive_destination(coco_ctx *ctx, const coco_image_ref *ref, struct coco_destination *ret,
                             coco_error **err)
{
    struct coco_destination destination = {0};

    coco_status status = coco_archive_out_open(ctx, ref, &destination, err);
    if (status != COCO_OK)
        return status;
    destination.put_manifest = put_manifest;
    *ret = destination;
    return COCO_OK;
}
