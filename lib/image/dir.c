/*
 * image/dir.c - reading one image from a directory
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/dir.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define VERSION_FILE_MAX ((size_t)4 << 10)

void
coco_dir_name(const struct coco_digest *digest, const char *suffix, char buf[COCO_DIR_NAME_SIZE])
{
    char hex[2 * COCO_DIGEST_SIZE_MAX + 1];

    coco_hex(digest->bytes, coco_hash_size(digest->alg), hex);
    (void)snprintf(buf, COCO_DIR_NAME_SIZE, "%s%s", hex, suffix);
}

coco_status
coco_dir_check_version(const struct coco_files *files, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = VERSION_FILE_MAX};

    coco_status status = files->read(files->self, "version", &text, err);
    if (status != COCO_OK)
        return status;
    if (text.len != strlen(COCO_DIR_VERSION) || strcmp(coco_buf_text(&text), COCO_DIR_VERSION) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "an image directory of version '%.60s'",
                         coco_buf_text(&text));
    return COCO_OK;
}

#define MANIFEST "manifest.json"

/* What was not found by its name may be the directory's own, which has none of that form. */
static coco_status
get_own(const struct coco_files *files, const struct coco_digest *digest, struct coco_buf *body,
        coco_error *missing, coco_error **err)
{
    struct coco_digest found = {0};

    coco_status status = files->read(files->self, MANIFEST, body, err);
    if (status == COCO_OK)
        status = coco_digest_of(digest->alg, coco_buf_text(body), body->len, &found, err);
    if (status == COCO_OK && !coco_digest_equal(&found, digest)) {
        coco_buf_reset(body);
        status = coco_error_status(missing);
        coco_error_give(err, missing);
        return status;
    }
    coco_error_free(missing);
    return status;
}

static coco_status
get_manifest(void *self, coco_ctx *ctx, const struct coco_digest *digest, struct coco_buf *body,
             struct coco_buf *media_type, coco_error **err)
{
    const struct coco_files *files = self;
    char name[COCO_DIR_NAME_SIZE] = MANIFEST;
    coco_error *why = NULL;

    (void)media_type; /* nothing beside the manifest tells it */
    coco_status status = coco_ctx_check(ctx, err);
    if (status != COCO_OK)
        return status;
    if (digest)
        coco_dir_name(digest, "." MANIFEST, name);
    status = files->read(files->self, name, body, &why);
    if (status == COCO_OK)
        return status;
    if (digest && status == COCO_ERR_NOTFOUND)
        return get_own(files, digest, body, why, err);
    coco_error_give(err, why);
    return status;
}

static coco_status
get_blob(void *self, coco_ctx *ctx, const struct coco_descriptor *blob,
         const struct coco_sink *sink, coco_error **err)
{
    const struct coco_files *files = self;
    char name[COCO_DIR_NAME_SIZE];

    coco_dir_name(&blob->digest, "", name);
    return files->send(files->self, ctx, name, sink, err);
}

static coco_status
get_part(void *self, coco_ctx *ctx, const struct coco_descriptor *blob, uint64_t offset, size_t len,
         struct coco_buf *ret, coco_error **err)
{
    const struct coco_files *files = self;
    char name[COCO_DIR_NAME_SIZE];

    (void)ctx; /* a few bytes are read at once */
    coco_dir_name(&blob->digest, "", name);
    return files->part(files->self, name, offset, len, ret, err);
}

static void
free_dir(void *self)
{
    struct coco_files *files = self;

    if (!files)
        return;
    coco_files_done(files);
    free(files);
}

static void
free_dirp(struct coco_files **files)
{
    free_dir(*files);
}

coco_status
coco_dir_source(const coco_image_ref *ref, struct coco_source *ret, coco_error **err)
{
    _cleanup_(free_dirp) struct coco_files *files = calloc(1, sizeof(*files));
    const char *path = coco_image_ref_repository(ref);

    if (!files)
        return coco_fail_nomem(err);
    coco_status status = coco_folder_open(path, "image directory", O_NOFOLLOW, files, err);
    if (status != COCO_OK)
        return status;
    status = coco_dir_check_version(files, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "'%s'", path);
    *ret = (struct coco_source){
        .manifest = get_manifest,
        .blob = get_blob,
        .part = get_part,
        .free = free_dir,
        .self = coco_steal(&files),
    };
    return COCO_OK;
}
