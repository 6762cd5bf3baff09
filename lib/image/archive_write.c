/*
 * image/archive_write.c - an image that is being written into a tar file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/archive_write.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/secret.h"
#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_BYTES 8
/* As many as an image may have layers, and then some. */
#define BLOBS_MAX ((size_t)4096)

const struct coco_archive_blob *
coco_archive_out_find(const struct coco_archive_out *out, const struct coco_digest *digest)
{
    for (size_t i = 0; i < out->n; i++)
        if (coco_digest_equal(&out->blobs[i].digest, digest))
            return &out->blobs[i];
    return NULL;
}

static coco_status
has_blob(void *self, coco_ctx *ctx, const struct coco_digest *digest, bool *ret, coco_error **err)
{
    coco_status status = coco_ctx_check(ctx, err);

    if (status == COCO_OK)
        *ret = coco_archive_out_find(self, digest) != NULL;
    return status;
}

static coco_status
write_blob(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct coco_archive_out *out = self;

    return coco_tarfile_write(&out->file, data, len, err);
}

/* What makes it complete is the commit. */
static coco_status
end_nothing(void *self, coco_error **err)
{
    (void)self;
    (void)err;
    return COCO_OK;
}

/* What could not be dropped is in the way of the next blob: then that fails, too. */
static void
abort_blob(void *self)
{
    struct coco_archive_out *out = self;

    if (out->writing && coco_tarfile_drop(&out->file, out->head, NULL) == COCO_OK)
        out->writing = false;
}

static coco_status
begin_blob(void *self, coco_ctx *ctx, struct coco_sink *ret, coco_error **err)
{
    struct coco_archive_out *out = self;

    abort_blob(out);
    coco_status status = coco_ctx_check(ctx, err);
    if (status == COCO_OK && out->writing)
        status = coco_fail(err, COCO_ERR_IO, "a blob that was given up is still there");
    if (status != COCO_OK)
        return status;
    coco_tarfile_begin(&out->file, &out->head);
    out->writing = true;
    *ret = (struct coco_sink){.write = write_blob, .end = end_nothing, .self = out};
    return COCO_OK;
}

static coco_status
add_blob(struct coco_archive_out *out, const struct coco_digest *digest, uint64_t size,
         coco_error **err)
{
    if (out->n == BLOBS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %zu blobs", BLOBS_MAX);
    struct coco_archive_blob *grown = realloc(out->blobs, (out->n + 1) * sizeof(*grown));
    if (!grown)
        return coco_fail_nomem(err);
    out->blobs = grown;
    out->blobs[out->n++] =
        (struct coco_archive_blob){.digest = *digest, .head = out->head, .size = size};
    return COCO_OK;
}

static coco_status
commit_blob(void *self, coco_ctx *ctx, const struct coco_digest *digest, uint64_t size,
            coco_error **err)
{
    struct coco_archive_out *out = self;

    coco_status status = coco_ctx_check(ctx, err);
    if (status != COCO_OK)
        return status;
    /* Once is enough: two members would have one name. */
    if (coco_archive_out_find(out, digest)) {
        abort_blob(out);
        return COCO_OK;
    }
    status = coco_tarfile_finish(&out->file, out->head, &size, err);
    if (status == COCO_OK)
        status = add_blob(out, digest, size, err);
    if (status == COCO_OK)
        out->writing = false;
    return status;
}

static void
free_out(void *self)
{
    struct coco_archive_out *out = self;

    if (!out)
        return;
    if (out->temp)
        (void)unlinkat(out->parent, out->temp, 0);
    coco_closep(&out->file.fd);
    coco_closep(&out->parent);
    free(out->target);
    free(out->temp);
    free(out->ref);
    free(out->blobs);
    free(out);
}

static void
free_outp(struct coco_archive_out **out)
{
    free_out(*out);
}

coco_status
coco_archive_out_commit(struct coco_archive_out *out, coco_error **err)
{
    if (!out->temp)
        return coco_fail(err, COCO_ERR_INVALID, "the archive is written already");
    coco_status status = coco_tarfile_end(&out->file, err);
    if (status != COCO_OK)
        return status;
    if (fsync(out->file.fd) < 0)
        return coco_fail_errno(err, errno, "sync the archive");
    if (renameat(out->parent, out->temp, out->parent, out->target) < 0)
        return coco_fail_errno(err, errno, "put the archive in its place");
    free(coco_steal(&out->temp));
    /* A rename is durable once the directory that holds the name is. */
    if (fsync(out->parent) < 0)
        return coco_fail_errno(err, errno, "sync the archive's directory");
    return COCO_OK;
}

/* The file that a link leads to is replaced, not the link; what is no file is nobody's to replace.
 */
static coco_status
resolve(const char *path, char **ret, coco_error **err)
{
    struct stat st;

    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return coco_fail(err, COCO_ERR_INVALID, "it is there and is no file");
    char *real = realpath(path, NULL);
    if (!real && errno != ENOENT)
        return coco_fail_errno(err, errno, "look at it");
    if (!real)
        real = strdup(path);
    if (!real)
        return coco_fail_nomem(err);
    *ret = real;
    return COCO_OK;
}

static coco_status
make_file(struct coco_archive_out *out, coco_error **err)
{
    uint8_t random[NAME_BYTES];
    char hex[2 * NAME_BYTES + 1];
    char *temp = NULL;

    coco_status status = coco_random(random, sizeof(random), err);
    if (status != COCO_OK)
        return status;
    coco_hex(random, sizeof(random), hex);
    if (asprintf(&temp, ".%.*s.%s", NAME_MAX / 2, out->target, hex) < 0)
        return coco_fail_nomem(err);
    out->file.fd = openat(out->parent, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (out->file.fd < 0) {
        status = coco_fail_errno(err, errno, "make it");
        free(temp);
        return status;
    }
    out->temp = temp;
    return COCO_OK;
}

static coco_status
prepare(struct coco_archive_out *out, const char *path, coco_error **err)
{
    _cleanup_free_ char *real = NULL;
    const char *name = NULL;

    coco_status status = resolve(path, &real, err);
    if (status == COCO_OK)
        status = coco_file_open_parent(real, &out->parent, &name, err);
    if (status != COCO_OK)
        return status;
    if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return coco_fail(err, COCO_ERR_INVALID, "it is no name of a file");
    out->target = strdup(name);
    if (!out->target)
        return coco_fail_nomem(err);
    return make_file(out, err);
}

coco_status
coco_archive_out_open(coco_ctx *ctx, const coco_image_ref *ref, struct coco_destination *ret,
                      coco_error **err)
{
    _cleanup_(free_outp) struct coco_archive_out *out = calloc(1, sizeof(*out));
    const char *path = coco_image_ref_repository(ref);
    const char *tag = coco_image_ref_tag(ref);

    if (!out)
        return coco_fail_nomem(err);
    out->parent = -1;
    out->file.fd = -1;
    out->ref = tag ? strdup(tag) : NULL;
    if (tag && !out->ref)
        return coco_fail_nomem(err);
    coco_status status = coco_ctx_check(ctx, err);
    if (status == COCO_OK)
        status = prepare(out, path, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "archive '%s'", path);
    *ret = (struct coco_destination){
        .has_blob = has_blob,
        .begin_blob = begin_blob,
        .commit_blob = commit_blob,
        .abort_blob = abort_blob,
        .free = free_out,
        .self = coco_steal(&out),
    };
    return COCO_OK;
}
