/*
 * image/source.h - where images come from and go to
 *
 * A registry, an OCI layout on disk, or a table in a test: each is a vtable. What
 * a source delivers is not trusted; whoever asks gives the bounds, and the digest
 * and size of every blob are checked here, once, in coco_source_blob().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_SOURCE_H
#define COCO_IMAGE_SOURCE_H

#include <coco/context.h>
#include <coco/image.h>

#include "base/buf.h"
#include "base/sink.h"
#include "image/manifest.h"

struct coco_source {
    /*
     * The manifest named by digest, or by the reference's own tag or digest when
     * digest is NULL, into body (its limit bounds it); media_type gets what the
     * source says of its type, "" if nothing.
     */
    coco_status (*manifest)(void *self, coco_ctx *ctx, const struct coco_digest *digest,
                            struct coco_buf *body, struct coco_buf *media_type, coco_error **err);
    /* Writes the blob to sink, not calling its end. */
    coco_status (*blob)(void *self, coco_ctx *ctx, const struct coco_descriptor *blob,
                        const struct coco_sink *sink, coco_error **err);
    void (*free)(void *self);
    void *self;
};

struct coco_destination {
    coco_status (*has_blob)(void *self, coco_ctx *ctx, const struct coco_digest *digest, bool *ret,
                            coco_error **err);
    /*
     * Stores what reader gives; digest and size are known only when it has ended,
     * so they are asked for then. known gives both.
     */
    coco_status (*put_blob)(void *self, coco_ctx *ctx, const struct coco_reader *reader,
                            const struct coco_descriptor *(*known)(void *user), void *user,
                            coco_error **err);
    /* Last: makes the image visible under the reference's tag (or digest). */
    coco_status (*put_manifest)(void *self, coco_ctx *ctx, const char *media_type, const void *data,
                                size_t len, const struct coco_digest *digest, coco_error **err);
    void (*free)(void *self);
    void *self;
};

void coco_source_done(struct coco_source *source);
void coco_destination_done(struct coco_destination *destination);
#define _cleanup_source_ _cleanup_(coco_source_done)
#define _cleanup_destination_ _cleanup_(coco_destination_done)

/*
 * Writes the blob to sink and its end, once exactly blob->size bytes with
 * blob->digest went through; COCO_ERR_VERIFY otherwise, and then end is not called.
 * Progress is reported to ctx as bytes of this blob.
 */
coco_status coco_source_blob(const struct coco_source *source, coco_ctx *ctx,
                             const struct coco_descriptor *blob, const struct coco_sink *sink,
                             coco_error **err);

/* The same for a small blob (a config), into buf, whose limit bounds it. */
coco_status coco_source_small_blob(const struct coco_source *source, coco_ctx *ctx,
                                   const struct coco_descriptor *blob, struct coco_buf *buf,
                                   coco_error **err);

/*
 * Resolves the source's reference to the manifest of one platform: follows
 * indexes, checking every digest on the way, and the reference's own digest.
 * digest gets that of the manifest found.
 */
coco_status coco_source_resolve(const struct coco_source *source, coco_ctx *ctx,
                                const coco_image_ref *ref, const struct coco_platform *platform,
                                size_t max_layers, struct coco_manifest *ret,
                                struct coco_digest *digest, coco_error **err);

#endif
