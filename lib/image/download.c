/*
 * image/download.c - pulling from a registry
 *
 *     GET blob -> cut after n bytes -> GET with Range: bytes=n- -> ... -> all of it
 *
 * Source: distribution-spec 1.1, "Pulling blobs"; RFC 9110 section 14. What came
 * before a cut went to the sink and cannot be taken back, so the sink sees one
 * stream whatever the registry does, and the digest of that stream decides.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/registry.h"

#include "base/fail.h"
#include "net/attempt.h"
#include "net/field.h"

#include <inttypes.h>
#include <stdio.h>

#define ACCEPT_MANIFESTS                                                                           \
    COCO_MEDIA_OCI_MANIFEST                                                                        \
    ", " COCO_MEDIA_OCI_INDEX ", " COCO_MEDIA_DOCKER_MANIFEST ", " COCO_MEDIA_DOCKER_LIST

/*
 * Whoever asks for a digest checks it; whoever asks for a tag has but what the
 * registry says. That is no promise, but what it does not fit was changed on the
 * way (distribution-spec, "Pulling manifests").
 */
static coco_status
check_announced(const struct coco_http_response *response, coco_error **err)
{
    _cleanup_free_ char *text = NULL;
    struct coco_digest announced = {0};
    struct coco_digest got = {0};

    coco_status status = coco_http_header(response, "docker-content-digest", &text, err);
    if (status != COCO_OK || !text || coco_digest_parse(text, &announced, NULL) != COCO_OK)
        return status;
    status = coco_digest_of(announced.alg, response->body.data, response->body.len, &got, err);
    if (status == COCO_OK)
        status = coco_digest_check(&got, &announced, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "Docker-Content-Digest");
}

static coco_status
get_manifest(void *self, coco_ctx *ctx, const struct coco_digest *digest, struct coco_buf *body,
             struct coco_buf *media_type, coco_error **err)
{
    static const struct coco_http_header accept = {"Accept", ACCEPT_MANIFESTS};
    struct coco_registry *registry = self;
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_free_ char *url = NULL;
    _cleanup_free_ char *type = NULL;
    char text[COCO_DIGEST_TEXT_SIZE];

    if (digest)
        coco_digest_format(digest, text);
    coco_status status =
        coco_registry_url(registry, "manifests/", digest ? text : registry->reference, &url, err);
    if (status != COCO_OK)
        return status;
    const struct coco_http_request request = {
        .method = "GET",
        .url = url,
        .headers = &accept,
        .n_headers = 1,
        .only_status = 200,
        .max_body = body->limit - body->len,
    };
    status = coco_registry_do(registry, ctx, &request, &response, err);
    if (status == COCO_OK && response.status != 200)
        status = coco_registry_fail(registry, "manifest", &response, err);
    if (status == COCO_OK)
        status = check_announced(&response, err);
    if (status == COCO_OK)
        status = coco_http_header(&response, "content-type", &type, err);
    if (status == COCO_OK && type)
        status = coco_buf_append_text(media_type, type, err);
    if (status == COCO_OK)
        status = coco_buf_append(body, response.body.data, response.body.len, err);
    return status;
}

/* One blob on its way to the sink. */
struct transfer {
    struct coco_registry *registry;
    const struct coco_descriptor *blob;
    const struct coco_sink *sink;
    char *url;
    char *etag;    /* a strong one, or NULL */
    uint64_t done; /* bytes that the sink has */
    uint64_t skip; /* bytes to come that it has already */
    bool whole;    /* the registry cannot do parts */
};

static void
transfer_done(struct transfer *transfer)
{
    free(transfer->url);
    free(transfer->etag);
}

static coco_status
transfer_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct transfer *transfer = self;
    size_t known = len < transfer->skip ? len : (size_t)transfer->skip;

    transfer->skip -= known;
    if (len == known)
        return COCO_OK;
    coco_status status = coco_sink_write(transfer->sink, data + known, len - known, err);
    if (status == COCO_OK)
        transfer->done += len - known;
    return status;
}

/* What an answer says of its length must be right before the first byte is taken; it may say
 * nothing. */
static coco_status
check_length(const struct coco_http_response *response, uint64_t want, coco_error **err)
{
    _cleanup_free_ char *text = NULL;
    uint64_t length = 0;

    coco_status status = coco_http_header(response, "content-length", &text, err);
    if (status != COCO_OK || !text)
        return status;
    if (!coco_content_length_parse(text, &length))
        return coco_fail(err, COCO_ERR_PROTO, "a Content-Length that is none");
    if (length != want)
        return coco_fail(err, COCO_ERR_VERIFY,
                         "the registry has %" PRIu64 " bytes instead of %" PRIu64, length, want);
    return COCO_OK;
}

/* A part that begins before what is missing will do; one that begins behind it leaves a hole. */
static coco_status
check_part(struct transfer *transfer, const struct coco_http_response *response, coco_error **err)
{
    _cleanup_free_ char *text = NULL;
    struct coco_content_range range = {0};
    uint64_t size = transfer->blob->size;

    if (transfer->done == 0 || transfer->whole)
        return coco_fail(err, COCO_ERR_PROTO, "the registry sends a part, asked for all of it");
    coco_status status = coco_http_header(response, "content-range", &text, err);
    if (status != COCO_OK)
        return status;
    if (!text || !coco_content_range_parse(text, &range) || !range.satisfied)
        return coco_fail(err, COCO_ERR_PROTO, "the registry sends a part and not which one");
    if (range.complete && range.total != size)
        return coco_fail(err, COCO_ERR_VERIFY,
                         "the registry has %" PRIu64 " bytes instead of %" PRIu64, range.total,
                         size);
    if (range.first > transfer->done || range.last >= size)
        return coco_fail(err, COCO_ERR_PROTO,
                         "the registry sends bytes %" PRIu64 " to %" PRIu64
                         ", asked for all from %" PRIu64 " on",
                         range.first, range.last, transfer->done);
    transfer->skip = transfer->done - range.first;
    return check_length(response, range.last - range.first + 1, err);
}

static coco_status
look_at_head(void *self, const struct coco_http_response *response, coco_error **err)
{
    struct transfer *transfer = self;
    _cleanup_free_ char *etag = NULL;
    coco_status status = COCO_OK;

    switch (response->status) {
    case 200:
        /* All of it once more, perhaps because it is another blob now: the digest tells. */
        transfer->skip = transfer->done;
        status = check_length(response, transfer->blob->size, err);
        break;
    case 206:
        status = check_part(transfer, response, err);
        break;
    default:
        status = coco_registry_fail(transfer->registry, "blob", response, err);
    }
    if (status == COCO_OK && !transfer->etag)
        status = coco_http_header(response, "etag", &etag, err);
    if (status == COCO_OK && etag && coco_etag_is_strong(etag))
        transfer->etag = coco_steal(&etag);
    return status;
}

/* One exchange, from where the last one stopped. */
static void
get_part(struct transfer *transfer, coco_ctx *ctx, struct coco_attempt *ret)
{
    char range[64];
    const struct coco_sink sink = {.write = transfer_write, .self = transfer};
    const struct coco_http_look look = {look_at_head, transfer};
    const struct coco_http_header headers[] = {{"Range", range}, {"If-Range", transfer->etag}};
    struct coco_http_request request = {
        .method = "GET",
        .url = transfer->url,
        .headers = headers,
        .sink = &sink,
        .look = &look,
        .max_body = UINT64_MAX, /* whoever gave the sink knows better */
    };

    (void)snprintf(range, sizeof(range), "bytes=%" PRIu64 "-", transfer->done);
    if (transfer->done > 0 && !transfer->whole)
        request.n_headers = transfer->etag ? 2 : 1;
    ret->status = coco_registry_try(transfer->registry, ctx, &request, &ret->response, &ret->cause);
}

/* How a connection ends does not matter when all that was wanted had come. */
static bool
is_complete(const struct transfer *transfer, uint64_t before, const struct coco_attempt *attempt)
{
    if (transfer->done != transfer->blob->size)
        return false;
    if (attempt->status == COCO_OK)
        return attempt->response.status == 200 || attempt->response.status == 206;
    return attempt->status == COCO_ERR_NET && transfer->done > before
           && coco_http_transient(transfer->registry->http);
}

/* Whether the registry has no part for us that we know must be there. */
static bool
must_be_whole(const struct transfer *transfer, const struct coco_attempt *attempt)
{
    return attempt->status == COCO_OK && attempt->response.status == 416 && transfer->done > 0
           && !transfer->whole;
}

static coco_status
fail_blob(const struct transfer *transfer, struct coco_attempt *attempt, coco_error **err)
{
    if (attempt->status != COCO_OK)
        return coco_attempt_give(attempt, NULL, err);
    if (!attempt->cut)
        return coco_registry_fail(transfer->registry, "blob", &attempt->response, err);
    return coco_fail(err, COCO_ERR_NET,
                     "%.300s: blob: it ends after %" PRIu64 " of %" PRIu64 " bytes",
                     transfer->registry->name, transfer->done, transfer->blob->size);
}

coco_status
coco_registry_get_blob(struct coco_registry *registry, coco_ctx *ctx,
                       const struct coco_descriptor *blob, const struct coco_sink *sink,
                       coco_error **err)
{
    struct coco_retry retry = {.policy = registry->opts.retry};
    _cleanup_(transfer_done) struct transfer transfer = {
        .registry = registry, .blob = blob, .sink = sink};
    char text[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(&blob->digest, text);
    coco_status status = coco_registry_url(registry, "blobs/", text, &transfer.url, err);
    while (status == COCO_OK) {
        _cleanup_attempt_ struct coco_attempt attempt = {0};
        uint64_t before = transfer.done;
        bool again = false;

        get_part(&transfer, ctx, &attempt);
        if (is_complete(&transfer, before, &attempt))
            break;
        if (must_be_whole(&transfer, &attempt)) {
            transfer.whole = true;
            continue;
        }
        attempt.cut = attempt.status == COCO_OK
                      && (attempt.response.status == 200 || attempt.response.status == 206);
        coco_retry_gain(&retry, transfer.done - before);
        status = coco_attempt_again(&attempt, registry->http, &retry, ctx, &again, err);
        if (status == COCO_OK && !again)
            status = fail_blob(&transfer, &attempt, err);
    }
    return status;
}

static coco_status
get_blob(void *self, coco_ctx *ctx, const struct coco_descriptor *blob,
         const struct coco_sink *sink, coco_error **err)
{
    return coco_registry_get_blob(self, ctx, blob, sink, err);
}

static coco_status
get_piece(void *self, coco_ctx *ctx, const struct coco_descriptor *blob, uint64_t offset,
          size_t len, struct coco_buf *ret, coco_error **err)
{
    struct coco_registry *registry = self;
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_free_ char *url = NULL;
    char text[COCO_DIGEST_TEXT_SIZE];
    char range[64];
    const struct coco_http_header header = {"Range", range};

    (void)snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, offset, offset + len - 1);
    coco_digest_format(&blob->digest, text);
    coco_status status = coco_registry_url(registry, "blobs/", text, &url, err);
    if (status != COCO_OK)
        return status;
    const struct coco_http_request request = {
        .method = "GET",
        .url = url,
        .headers = &header,
        .n_headers = 1,
        .only_status = 206,
        .max_body = len,
    };
    status = coco_registry_do(registry, ctx, &request, &response, err);
    if (status == COCO_OK && response.status != 206 && response.status != 200)
        status = coco_registry_fail(registry, "blob", &response, err);
    if (status == COCO_OK && (response.status != 206 || response.body.len != len))
        status = coco_fail(err, COCO_ERR_NOTSUP, "%.300s gives no parts of blobs", registry->name);
    return status == COCO_OK ? coco_buf_append(ret, response.body.data, len, err) : status;
}

static coco_status
get_referrers(void *self, coco_ctx *ctx, const struct coco_digest *digest, struct coco_buf *ret,
              coco_error **err)
{
    return coco_registry_referrers(self, ctx, digest, ret, err);
}

static void
free_source(void *self)
{
    coco_registry_done(self);
    free(self);
}

static coco_status clone_source(const void *self, struct coco_source *ret, coco_error **err);

/* A registry that becomes a source; it is taken. */
static coco_status
make_source(struct coco_registry *opened, struct coco_source *ret, coco_error **err)
{
    struct coco_registry *registry = malloc(sizeof(*registry));

    if (!registry) {
        coco_registry_done(opened);
        return coco_fail_nomem(err);
    }
    *registry = *opened;
    *ret = (struct coco_source){
        .manifest = get_manifest,
        .blob = get_blob,
        .part = get_piece,
        .clone = clone_source,
        .free = free_source,
        .self = registry,
        .referrers = get_referrers,
    };
    return COCO_OK;
}

static coco_status
clone_source(const void *self, struct coco_source *ret, coco_error **err)
{
    struct coco_registry registry;

    coco_status status = coco_registry_clone(self, &registry, err);
    return status == COCO_OK ? make_source(&registry, ret, err) : status;
}

coco_status
coco_registry_source(const struct coco_registry_options *opts, const coco_image_ref *ref,
                     struct coco_source *ret, coco_error **err)
{
    struct coco_registry registry;

    coco_status status = coco_registry_open(opts, ref, "pull", &registry, err);
    return status == COCO_OK ? make_source(&registry, ret, err) : status;
}
