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
    /*
     * Appends len bytes of the blob from offset on to ret, unchecked: for a look at it
     * beforehand. COCO_ERR_NOTSUP where parts cannot be had. May be NULL.
     */
    coco_status (*part)(void *self, coco_ctx *ctx, const struct coco_descriptor *blob,
                        uint64_t offset, size_t len, struct coco_buf *ret, coco_error **err);
    /*
     * The blob that was delivered last was not the one that was asked for. Whether
     * there is somewhere else to get it from, from where it then comes. May be NULL.
     */
    bool (*wrong)(void *self, coco_ctx *ctx, const struct coco_descriptor *blob);
    /*
     * Another source of the same image, which knows what this one has found out and
     * is used by another thread. NULL: this one is enough.
     */
    coco_status (*clone)(const void *self, struct coco_source *ret, coco_error **err);
    void (*free)(void *self);
    void *self;
    /*
     * Appends the index of what refers to digest: COCO_ERR_NOTFOUND where nobody keeps one. May be
     * NULL.
     */
    coco_status (*referrers)(void *self, coco_ctx *ctx, const struct coco_digest *digest,
                             struct coco_buf *ret, coco_error **err);
};

/*
 * A destination takes the bytes of a blob rather than asking for them, so that
 * the whole way of a layer is pushed by one thread: source -> cipher ->
 * destination, with no pipe and no second thread between them. A registry's
 * upload is driven from inside the sink (net/http.h, coco_http_begin()).
 */
struct coco_destination {
    coco_status (*has_blob)(void *self, coco_ctx *ctx, const struct coco_digest *digest, bool *ret,
                            coco_error **err);
    /* Begins a blob, one at a time, of which nothing is known yet; *ret takes its bytes. */
    coco_status (*begin_blob)(void *self, coco_ctx *ctx, struct coco_sink *ret, coco_error **err);
    /* What was written is this blob (whoever wrote it has checked that): makes it visible. */
    coco_status (*commit_blob)(void *self, coco_ctx *ctx, const struct coco_digest *digest,
                               uint64_t size, coco_error **err);
    /*
     * After one of the two, or of the writes between them, failed: whether it may help
     * to do all of it again, and if so it has waited as long as that takes. known is
     * what will be written then if that is what was written before, or NULL: of the
     * former not all is sent again. NULL where nothing passes by waiting.
     */
    coco_status (*retry_blob)(void *self, coco_ctx *ctx, const struct coco_descriptor *known,
                              bool *ret, coco_error **err);
    /* Drops the blob that was begun and not committed, if there is one. */
    void (*abort_blob)(void *self);
    /* Last: makes the image visible under the reference's tag (or digest). */
    coco_status (*put_manifest)(void *self, coco_ctx *ctx, const char *media_type, const void *data,
                                size_t len, const struct coco_digest *digest, coco_error **err);
    /*
     * The same for an image that an index names, which comes after it; known by its digest alone.
     * NULL where there is no place for an index.
     */
    coco_status (*put_child)(void *self, coco_ctx *ctx, const char *media_type, const void *data,
                             size_t len, const struct coco_digest *digest, coco_error **err);
    /*
     * The same for what refers to an image: entry, a descriptor, is what a list has of it. NULL
     * where whoever puts it there has to see to such a list.
     */
    coco_status (*put_referrer)(void *self, coco_ctx *ctx, const cJSON *entry, const void *data,
                                size_t len, const struct coco_digest *digest, coco_error **err);
    bool plain_only; /* there is no way to say that a layer is encrypted */
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
 *
 * *elsewhere, if it is not NULL, says whether another try, with a sink that has seen
 * nothing, may get the right bytes instead of those that came.
 */
coco_status coco_source_blob(const struct coco_source *source, coco_ctx *ctx,
                             const struct coco_descriptor *blob, const struct coco_sink *sink,
                             bool *elsewhere, coco_error **err);

/* The same for a small blob (a config), into buf, whose limit bounds it. */
coco_status coco_source_small_blob(const struct coco_source *source, coco_ctx *ctx,
                                   const struct coco_descriptor *blob, struct coco_buf *buf,
                                   coco_error **err);

/* The config that the manifest names, for that platform. */
coco_status coco_source_config(const struct coco_source *source, coco_ctx *ctx,
                               const struct coco_manifest *manifest,
                               const struct coco_platform *platform, struct coco_image_config *ret,
                               coco_error **err);

/* The manifest of one image as it was found. */
struct coco_resolved {
    struct coco_manifest manifest;
    struct coco_buf text;      /* the manifest's own bytes */
    struct coco_digest digest; /* of text */
    /* Of text and of the indexes on the way to it, outermost first: what a signature may be of. */
    struct coco_digest digests[2 * (COCO_INDEX_DEPTH_MAX + 1)];
    size_t n_digests;
};

void coco_resolved_done(struct coco_resolved *resolved);
#define _cleanup_resolved_ _cleanup_(coco_resolved_done)

/*
 * One manifest as it is, of an image or of an index: what entry of an index names, or the
 * reference itself where that is NULL. Its digest is checked, and so is the entry's size.
 */
coco_status coco_source_manifest(const struct coco_source *source, coco_ctx *ctx,
                                 const coco_image_ref *ref, const struct coco_descriptor *entry,
                                 size_t max_layers, struct coco_resolved *ret, coco_error **err);

/*
 * Resolves the source's reference to the manifest of one platform: follows
 * indexes, checking every digest on the way, and the reference's own digest.
 */
coco_status coco_source_resolve(const struct coco_source *source, coco_ctx *ctx,
                                const coco_image_ref *ref, const struct coco_platform *platform,
                                size_t max_layers, struct coco_resolved *ret, coco_error **err);

#endif
