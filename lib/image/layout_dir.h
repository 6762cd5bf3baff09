/*
 * image/layout_dir.h - what reading and writing a layout have in common
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_LAYOUT_DIR_H
#define COCO_IMAGE_LAYOUT_DIR_H

#include "base/text.h"
#include "image/files.h"
#include "image/manifest.h"

#define COCO_LAYOUT_VERSION "{\"imageLayoutVersion\":\"1.0.0\"}"
#define COCO_LAYOUT_REF_NAME "org.opencontainers.image.ref.name"
#define COCO_LAYOUT_PATH_SIZE (sizeof("blobs/sha512/") + 2 * COCO_DIGEST_SIZE_MAX)

/* "blobs/sha256/<hex>"; made of bytes, so that no text from outside becomes a path (T8). */
void coco_layout_blob_path(const struct coco_digest *digest, char buf[COCO_LAYOUT_PATH_SIZE]);

/* COCO_ERR_NOTFOUND without an oci-layout file, COCO_ERR_NOTSUP for another version. */
coco_status coco_layout_check_version(const struct coco_files *files, coco_error **err);

coco_status coco_layout_read_index(const struct coco_files *files, struct coco_buf *text,
                                   struct coco_manifest *ret, coco_error **err);

/* Adds the entry of a manifest to an index; tag may be NULL. */
coco_status coco_layout_add_entry(cJSON *list, const char *tag, const char *media_type,
                                  const struct coco_digest *digest, size_t size, coco_error **err);

/*
 * Appends the index of what refers to digest; COCO_ERR_NOTFOUND if nothing does, COCO_ERR_LIMIT for
 * a layout with more manifests than are looked through (layout_listing.c).
 */
coco_status coco_layout_referrers(const struct coco_files *files, coco_ctx *ctx,
                                  const struct coco_digest *digest, struct coco_buf *ret,
                                  coco_error **err);

bool coco_layout_has_tag(const struct coco_descriptor *entry, const char *tag);

#endif
