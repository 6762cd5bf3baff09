/*
 * image/source.c - what a source delivers, checked
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/source.h"

#include "base/context.h"
#include "base/fail.h"

#include <inttypes.h>
#include <string.h>

#define MEDIA_TYPE_MAX ((size_t)1024)

/* A sink that counts and hashes on the way to next. */
struct check {
    const struct coco_descriptor *blob;
    const struct coco_sink *next;
    struct coco_hash hash;
    uint64_t done;
    bool wrong; /* what came is another blob */
    coco_ctx *ctx;
    char name[COCO_DIGEST_TEXT_SIZE];
};

void
coco_source_done(struct coco_source *source)
{
    if (source->free)
        source->free(source->self);
    *source = (struct coco_source){0};
}

void
coco_destination_done(struct coco_destination *destination)
{
    if (destination->free)
        destination->free(destination->self);
    *destination = (struct coco_destination){0};
}

void
coco_resolved_done(struct coco_resolved *resolved)
{
    coco_manifest_done(&resolved->manifest);
    coco_buf_done(&resolved->text);
    *resolved = (struct coco_resolved){0};
}

static coco_status
check_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct check *check = self;

    coco_status status = coco_ctx_check(check->ctx, err);
    if (status != COCO_OK)
        return status;
    check->wrong = len > check->blob->size - check->done;
    if (check->wrong)
        return coco_fail(err, COCO_ERR_VERIFY, "more than the %" PRIu64 " bytes that were promised",
                         check->blob->size);
    status = coco_hash_add(&check->hash, data, len, err);
    if (status == COCO_OK)
        status = coco_sink_write(check->next, data, len, err);
    if (status != COCO_OK)
        return status;
    check->done += len;
    coco_ctx_report(check->ctx, &(coco_progress){.what = check->name,
                                                 .phase = COCO_PHASE_FETCH,
                                                 .done = check->done,
                                                 .total = check->blob->size});
    return COCO_OK;
}

static coco_status
check_end(struct check *check, coco_error **err)
{
    struct coco_digest got = {0};

    check->wrong = check->done != check->blob->size;
    if (check->wrong)
        return coco_fail(err, COCO_ERR_VERIFY, "%" PRIu64 " bytes instead of %" PRIu64, check->done,
                         check->blob->size);
    coco_status status = coco_hash_end(&check->hash, &got, err);
    if (status == COCO_OK)
        status = coco_digest_check(&got, &check->blob->digest, err);
    check->wrong = status == COCO_ERR_VERIFY;
    return status;
}

static void
check_done(struct check *check)
{
    coco_hash_done(&check->hash);
}

coco_status
coco_source_blob(const struct coco_source *source, coco_ctx *ctx,
                 const struct coco_descriptor *blob, const struct coco_sink *sink, bool *elsewhere,
                 coco_error **err)
{
    _cleanup_(check_done) struct check check = {.blob = blob, .next = sink, .ctx = ctx};
    const struct coco_sink checked = {.write = check_write, .self = &check};

    coco_digest_format(&blob->digest, check.name);
    coco_status status = coco_hash_begin(&check.hash, blob->digest.alg, err);
    if (status == COCO_OK)
        status = source->blob(source->self, ctx, blob, &checked, err);
    if (status == COCO_OK)
        status = check_end(&check, err);
    if (elsewhere)
        *elsewhere = check.wrong && source->wrong && source->wrong(source->self, ctx, blob);
    if (status != COCO_OK)
        return coco_wrap(err, status, "blob %.20s", check.name);
    return coco_sink_end(sink, err);
}

coco_status
coco_source_small_blob(const struct coco_source *source, coco_ctx *ctx,
                       const struct coco_descriptor *blob, struct coco_buf *buf, coco_error **err)
{
    const struct coco_sink sink = coco_sink_to_buf(buf);

    if (blob->size > buf->limit - buf->len)
        return coco_fail(err, COCO_ERR_LIMIT,
                         "a blob of %" PRIu64 " bytes, of which %zu are allowed", blob->size,
                         buf->limit - buf->len);
    return coco_source_blob(source, ctx, blob, &sink, NULL, err);
}

coco_status
coco_source_config(const struct coco_source *source, coco_ctx *ctx,
                   const struct coco_manifest *manifest, const struct coco_platform *platform,
                   struct coco_image_config *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};

    coco_status status = coco_source_small_blob(source, ctx, &manifest->config, &text, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "image config");
    return coco_image_config_parse(coco_buf_text(&text), text.len, platform, ret, err);
}

/* One manifest or index, as wanted says if it is not NULL; its digest is in ret->digest. */
static coco_status
get_manifest(const struct coco_source *source, coco_ctx *ctx, const struct coco_descriptor *wanted,
             const struct coco_digest *pinned, struct coco_buf *media_type,
             struct coco_resolved *ret, coco_error **err)
{
    const struct coco_digest *digest = wanted ? &wanted->digest : pinned;
    struct coco_buf *text = &ret->text;

    coco_buf_reset(text);
    coco_buf_reset(media_type);
    coco_status status =
        source->manifest(source->self, ctx, wanted ? digest : NULL, text, media_type, err);
    if (status != COCO_OK)
        return status;
    status = coco_digest_of(digest ? digest->alg : COCO_SHA256, coco_buf_text(text), text->len,
                            &ret->digest, err);
    if (status == COCO_OK && digest)
        status = coco_digest_check(&ret->digest, digest, err);
    if (status == COCO_OK && wanted && wanted->size != text->len)
        status = coco_fail(err, COCO_ERR_VERIFY, "%zu bytes instead of %" PRIu64, text->len,
                           wanted->size);
    return status;
}

/* Signatures are of SHA-256, whatever the digest that was asked for. */
static coco_status
note_digests(struct coco_resolved *found, coco_error **err)
{
    struct coco_digest digest = {0};

    if (found->digest.alg != COCO_SHA256)
        found->digests[found->n_digests++] = found->digest;
    coco_status status =
        coco_digest_of(COCO_SHA256, coco_buf_text(&found->text), found->text.len, &digest, err);
    if (status == COCO_OK)
        found->digests[found->n_digests++] = digest;
    return status;
}

static void
add_digests(struct coco_resolved *to, const struct coco_resolved *from)
{
    for (size_t i = 0; i < from->n_digests; i++)
        to->digests[to->n_digests++] = from->digests[i];
}

coco_status
coco_source_manifest(const struct coco_source *source, coco_ctx *ctx, const coco_image_ref *ref,
                     const struct coco_descriptor *entry, size_t max_layers,
                     struct coco_resolved *ret, coco_error **err)
{
    _cleanup_resolved_ struct coco_resolved found = {.text.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_buf_ struct coco_buf media_type = {.limit = MEDIA_TYPE_MAX};
    const char *pin = coco_image_ref_digest(ref);
    struct coco_digest pinned = {0};

    coco_status status = pin ? coco_digest_parse(pin, &pinned, err) : COCO_OK;
    if (status != COCO_OK)
        return status;
    status = get_manifest(source, ctx, entry, pin ? &pinned : NULL, &media_type, &found, err);
    if (status == COCO_OK)
        status = note_digests(&found, err);
    if (status == COCO_OK)
        status = coco_manifest_parse(coco_buf_text(&found.text), found.text.len,
                                     entry ? entry->media_type : coco_buf_text(&media_type),
                                     max_layers, &found.manifest, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "manifest of %.300s", coco_image_ref_text(ref));
    *ret = found;
    found = (struct coco_resolved){0};
    return COCO_OK;
}

coco_status
coco_source_resolve(const struct coco_source *source, coco_ctx *ctx, const coco_image_ref *ref,
                    const struct coco_platform *platform, size_t max_layers,
                    struct coco_resolved *ret, coco_error **err)
{
    _cleanup_resolved_ struct coco_resolved found = {0};
    struct coco_resolved way = {0};                      /* its digests alone */
    _cleanup_manifest_ struct coco_manifest index = {0}; /* wanted points into it */
    const struct coco_descriptor *wanted = NULL;
    coco_status status = COCO_OK;

    for (int depth = 0; status == COCO_OK && depth <= COCO_INDEX_DEPTH_MAX; depth++) {
        coco_resolved_done(&found);
        status = coco_source_manifest(source, ctx, ref, wanted, max_layers, &found, err);
        if (status != COCO_OK)
            return status;
        add_digests(&way, &found);
        if (!found.manifest.is_index) {
            found.n_digests = 0;
            add_digests(&found, &way);
            *ret = found;
            found = (struct coco_resolved){0};
            return COCO_OK;
        }
        coco_manifest_done(&index);
        index = found.manifest;
        found.manifest = (struct coco_manifest){0};
        status = coco_index_choose(&index, platform, &wanted, err);
    }
    if (status == COCO_OK)
        status = coco_fail(err, COCO_ERR_LIMIT, "more than %d indexes within each other",
                           COCO_INDEX_DEPTH_MAX);
    return coco_wrap(err, status, "%.300s", coco_image_ref_text(ref));
}
