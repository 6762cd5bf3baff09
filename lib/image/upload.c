/*
 * image/upload.c - pushing to a registry
 *
 *     POST uploads/ -> Location -> PATCH (streamed) -> Location -> PUT ?digest=
 *                                    | cut
 *                        GET Location -> Range: 0-n -> PATCH from n+1 on -> ...
 *
 * Source: distribution-spec 1.1, "Pushing blobs". A registry that does not know
 * yet what a blob's digest will be takes it in one PATCH of unknown length. What
 * was sent is not kept: whoever has the blob begins it again, and what the registry
 * has of it already is left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/registry.h"

#include "base/fail.h"
#include "net/field.h"
#include "net/url.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * Of a blob one part in so many must have come for earlier tries not to count any more:
 * each reads all of it again, and a registry that takes byte by byte would have us do
 * that for ever.
 */
#define GAIN_PARTS 16

/* What another try may do about a blob that was not taken. */
enum fault {
    LASTING, /* nothing */
    PASSING, /* go on, after a while */
    LOST,    /* begin with the first byte: of the upload nothing is left */
};

struct upload {
    struct coco_registry registry;
    struct coco_http_upload *patch; /* NULL when no blob is being sent */
    char *location;                 /* of the upload, as the registry last said */

    /* Of the blob that was begun last. */
    struct coco_retry retry;
    enum fault fault;                 /* what has become of it */
    struct coco_http_response answer; /* to it, or empty: it may say how long to wait */
    bool again;                       /* it will be begun again, */
    uint64_t size;                    /* with the same bytes, this many; 0: unknown */
    uint64_t had;                     /* bytes that counted as a gain when they had come */
    uint64_t skip;                    /* bytes to come that it has already */
    bool resumed;                     /* it has some of an earlier try */
    bool challenged;                  /* a PATCH was answered with 401 before */
};

static coco_status
has_blob(void *self, coco_ctx *ctx, const struct coco_digest *digest, bool *ret, coco_error **err)
{
    struct upload *upload = self;
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_free_ char *url = NULL;
    char text[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(digest, text);
    coco_status status = coco_registry_url(&upload->registry, "blobs/", text, &url, err);
    if (status != COCO_OK)
        return status;
    const struct coco_http_request request = {.method = "HEAD", .url = url};
    status = coco_registry_do(&upload->registry, ctx, &request, &response, err);
    if (status != COCO_OK)
        return status;
    if (response.status != 200 && response.status != 404)
        return coco_registry_fail(&upload->registry, "blob", &response, err);
    *ret = response.status == 200;
    return COCO_OK;
}

/* Keeps the Location, absolute or relative, of an answer. */
static coco_status
keep_location(struct upload *upload, const struct coco_http_response *response, const char *what,
              coco_error **err)
{
    _cleanup_url_ struct coco_url base = {0};
    _cleanup_url_ struct coco_url next = {0};
    _cleanup_free_ char *location = NULL;

    coco_status status = coco_http_header(response, "location", &location, err);
    if (status == COCO_OK && !location)
        status = coco_fail(err, COCO_ERR_PROTO, "no Location in the answer");
    if (status == COCO_OK)
        status = coco_url_parse(response->url, &base, err);
    if (status == COCO_OK)
        status = coco_url_resolve(&base, location, &next, err);
    if (status == COCO_OK && base.https && !next.https)
        status = coco_fail(err, COCO_ERR_PROTO, "the upload leads from https to http");
    if (status != COCO_OK)
        return coco_wrap(err, status, "%.300s: %s", upload->registry.name, what);
    free(upload->location);
    upload->location = coco_steal(&next.text);
    return COCO_OK;
}

/* The same of an answer with the status that is wanted. */
static coco_status
take_location(struct upload *upload, const struct coco_http_response *response, const char *what,
              coco_error **err)
{
    return response->status == 202 ? keep_location(upload, response, what, err)
                                   : coco_registry_fail(&upload->registry, what, response, err);
}

/* What an answer that is none to a PATCH means for the next try. */
static enum fault
judge(struct upload *upload, const struct coco_http_response *response)
{
    long code = response->status;

    /* An upload that the registry knows no more, or one with another end than ours. */
    if (code == 404 || code == 416)
        return LOST;
    /* A token that ended on the way: what comes before the next PATCH gets another one. */
    if (code == 401 && !upload->challenged) {
        upload->challenged = true;
        return PASSING;
    }
    return coco_retry_status(code) ? PASSING : LASTING;
}

static coco_status
end_patch(struct upload *upload, coco_error **err)
{
    _cleanup_(coco_http_upload_freep) struct coco_http_upload *patch = coco_steal(&upload->patch);
    struct coco_http_response *answer = &upload->answer;

    coco_http_response_done(answer);
    coco_status status = coco_http_upload_end(patch, answer, err);
    if (status == COCO_OK && answer->status != 202)
        upload->fault = judge(upload, answer);
    else if (status == COCO_ERR_NET && coco_http_transient(upload->registry.http))
        upload->fault = PASSING;
    return status == COCO_OK ? take_location(upload, answer, "upload", err) : status;
}

static coco_status
write_blob(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct upload *upload = self;
    size_t known = len < upload->skip ? len : (size_t)upload->skip;

    upload->skip -= known;
    if (len == known)
        return COCO_OK;
    const struct coco_sink sink = coco_http_upload_sink(upload->patch);
    coco_status status = coco_sink_write(&sink, data + known, len - known, err);
    if (status != COCO_OK || !coco_http_upload_answered(upload->patch))
        return status;
    /* An answer before the end is a refusal; if not, it is one that makes no sense. */
    status = end_patch(upload, err);
    if (status == COCO_OK)
        status = coco_fail(err, COCO_ERR_PROTO, "%.300s: an answer in the middle of an upload",
                           upload->registry.name);
    return status;
}

static coco_status
end_nothing(void *self, coco_error **err)
{
    (void)self;
    (void)err;
    return COCO_OK;
}

/* All of the blob, or what is missing. */
static coco_status
begin_patch(struct upload *upload, coco_ctx *ctx, coco_error **err)
{
    struct coco_http_header headers[3] = {{"Content-Type", "application/octet-stream"}};
    struct coco_http_request request = {
        .method = "PATCH", .url = upload->location, .headers = headers, .n_headers = 1};
    struct coco_http_header credential = {0};
    char range[64];

    coco_status status = coco_registry_credential(&upload->registry, request.url, &credential, err);
    if (status != COCO_OK)
        return status;
    if (upload->skip > 0) {
        (void)snprintf(range, sizeof(range), "%" PRIu64 "-%" PRIu64, upload->skip,
                       upload->size - 1);
        headers[request.n_headers++] = (struct coco_http_header){"Content-Range", range};
        request.body_len = (size_t)(upload->size - upload->skip);
    }
    if (credential.name)
        headers[request.n_headers++] = credential;
    return coco_http_upload_begin(upload->registry.http, ctx, &request, &upload->patch, err);
}

/* The registry drops an upload that is not finished by itself, in time. */
static void
abort_blob(void *self)
{
    struct upload *upload = self;

    coco_http_upload_free(upload->patch);
    upload->patch = NULL;
    free(upload->location);
    upload->location = NULL;
    coco_http_response_done(&upload->answer);
    upload->again = false;
}

static coco_status
post(struct upload *upload, coco_ctx *ctx, coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_free_ char *url = NULL;

    upload->skip = 0;
    upload->resumed = false;
    coco_status status = coco_registry_url(&upload->registry, "blobs/", "uploads/", &url, err);
    if (status != COCO_OK)
        return status;
    const struct coco_http_request request = {.method = "POST", .url = url};
    status = coco_registry_do(&upload->registry, ctx, &request, &response, err);
    return status == COCO_OK ? take_location(upload, &response, "upload", err) : status;
}

/* How much of the blob the answer to a GET says that there is; 0 if it cannot be gone on with. */
static coco_status
read_range(const struct upload *upload, const struct coco_http_response *response, uint64_t *ret,
           coco_error **err)
{
    _cleanup_free_ char *location = NULL;
    _cleanup_free_ char *range = NULL;
    uint64_t had = 0;

    *ret = 0;
    if (response->status != 204 && response->status != 202)
        return COCO_OK;
    coco_status status = coco_http_header(response, "range", &range, err);
    if (status == COCO_OK)
        status = coco_http_header(response, "location", &location, err);
    if (status == COCO_OK && range && location && coco_upload_range_parse(range, &had)
        && had <= upload->size)
        *ret = had;
    return status;
}

/* Goes on with the upload where it stopped; upload->skip stays 0 if there is nothing to go on with.
 */
static coco_status
resume(struct upload *upload, coco_ctx *ctx, coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};
    const struct coco_http_request request = {.method = "GET", .url = upload->location};

    upload->skip = 0;
    coco_status status = coco_registry_do(&upload->registry, ctx, &request, &response, err);
    if (status == COCO_OK)
        status = read_range(upload, &response, &upload->skip, err);
    if (status != COCO_OK || upload->skip == 0)
        return status;
    if (upload->skip > upload->had && upload->skip - upload->had >= upload->size / GAIN_PARTS) {
        coco_retry_gain(&upload->retry, upload->skip - upload->had);
        upload->had = upload->skip;
    }
    upload->resumed = true;
    return keep_location(upload, &response, "upload", err);
}

static coco_status
begin_blob(void *self, coco_ctx *ctx, struct coco_sink *ret, coco_error **err)
{
    struct upload *upload = self;
    bool go_on = upload->again && upload->fault == PASSING && upload->size > 0 && upload->location;
    coco_status status = COCO_OK;

    if (!upload->again) {
        abort_blob(upload);
        upload->retry = (struct coco_retry){.policy = upload->registry.opts.retry};
        upload->had = 0;
        upload->challenged = false;
    }
    upload->again = false;
    upload->fault = LASTING;
    upload->skip = 0;
    if (go_on)
        status = resume(upload, ctx, err);
    if (status == COCO_OK && upload->skip == 0)
        status = post(upload, ctx, err);
    if (status == COCO_OK && (upload->skip == 0 || upload->skip < upload->size))
        status = begin_patch(upload, ctx, err);
    if (status != COCO_OK)
        return status;
    *ret = (struct coco_sink){.write = write_blob, .end = end_nothing, .self = upload};
    return COCO_OK;
}

static coco_status
retry_blob(void *self, coco_ctx *ctx, const struct coco_descriptor *known, bool *ret,
           coco_error **err)
{
    struct upload *upload = self;
    const struct coco_http_response *answer = upload->answer.headers.data ? &upload->answer : NULL;

    coco_http_upload_free(upload->patch);
    upload->patch = NULL;
    *ret = false;
    if (upload->fault == LASTING)
        return COCO_OK;
    coco_status status =
        coco_retry_wait(&upload->retry, ctx, answer,
                        upload->fault == LOST ? "the registry lost an upload" : "an upload was cut",
                        &upload->again, err);
    coco_http_response_done(&upload->answer);
    upload->size = known ? known->size : 0;
    *ret = upload->again;
    return status;
}

/*
 * An upload that is not there any more may have become the blob: an answer to an earlier
 * PUT was lost then. If not, it is lost.
 */
static coco_status
look_for_blob(struct upload *upload, coco_ctx *ctx, const struct coco_digest *digest,
              const struct coco_http_response *response, coco_error **err)
{
    bool there = false;

    coco_status status = has_blob(upload, ctx, digest, &there, err);
    if (status != COCO_OK || there)
        return status;
    upload->fault = LOST;
    return coco_registry_fail(&upload->registry, "blob", response, err);
}

static coco_status
put_blob(struct upload *upload, coco_ctx *ctx, const struct coco_digest *digest, coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_free_ char *url = NULL;
    char text[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(digest, text);
    if (asprintf(&url, "%s%cdigest=%s", upload->location, strchr(upload->location, '?') ? '&' : '?',
                 text)
        < 0) {
        url = NULL;
        return coco_fail_nomem(err);
    }
    const struct coco_http_request request = {.method = "PUT", .url = url};
    coco_status status = coco_registry_do(&upload->registry, ctx, &request, &response, err);
    if (status != COCO_OK || response.status == 201)
        return status;
    if (response.status == 404)
        return look_for_blob(upload, ctx, digest, &response, err);
    /* What was there of an earlier try was something else. */
    if (upload->resumed && (response.status == 400 || response.status == 416))
        upload->fault = LOST;
    return coco_registry_fail(&upload->registry, "blob", &response, err);
}

static coco_status
commit_blob(void *self, coco_ctx *ctx, const struct coco_digest *digest, uint64_t size,
            coco_error **err)
{
    struct upload *upload = self;

    (void)size; /* the registry has counted */
    coco_status status = upload->patch ? end_patch(upload, err) : COCO_OK;
    if (status == COCO_OK)
        status = put_blob(upload, ctx, digest, err);
    if (status == COCO_OK) {
        free(upload->location);
        upload->location = NULL;
    }
    return status;
}

/* Puts a manifest under a name: a tag, or its digest. */
static coco_status
put_as(struct upload *upload, coco_ctx *ctx, const char *name, const char *media_type,
       const void *data, size_t len, coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_free_ char *url = NULL;
    const struct coco_http_header type = {"Content-Type", media_type};

    coco_status status = coco_registry_url(&upload->registry, "manifests/", name, &url, err);
    if (status != COCO_OK)
        return status;
    const struct coco_http_request request = {
        .method = "PUT",
        .url = url,
        .headers = &type,
        .n_headers = 1,
        .body = data,
        .body_len = len,
    };
    status = coco_registry_do(&upload->registry, ctx, &request, &response, err);
    if (status == COCO_OK && response.status != 201)
        status = coco_registry_fail(&upload->registry, "manifest", &response, err);
    return status;
}

static coco_status
put_manifest(void *self, coco_ctx *ctx, const char *media_type, const void *data, size_t len,
             const struct coco_digest *digest, coco_error **err)
{
    struct upload *upload = self;

    (void)digest; /* whoever pushes to a digest has compared it */
    return put_as(upload, ctx, upload->registry.reference, media_type, data, len, err);
}

static coco_status
put_child(void *self, coco_ctx *ctx, const char *media_type, const void *data, size_t len,
          const struct coco_digest *digest, coco_error **err)
{
    char name[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(digest, name);
    return put_as(self, ctx, name, media_type, data, len, err);
}

static void
free_destination(void *self)
{
    struct upload *upload = self;

    abort_blob(upload);
    coco_registry_done(&upload->registry);
    free(upload);
}

coco_status
coco_registry_destination(const struct coco_registry_options *opts, const coco_image_ref *ref,
                          struct coco_destination *ret, coco_error **err)
{
    _cleanup_free_ struct upload *upload = calloc(1, sizeof(*upload));

    if (!upload)
        return coco_fail_nomem(err);
    coco_status status = coco_registry_open(opts, ref, "pull,push", &upload->registry, err);
    if (status != COCO_OK)
        return status;
    *ret = (struct coco_destination){
        .has_blob = has_blob,
        .begin_blob = begin_blob,
        .commit_blob = commit_blob,
        .retry_blob = retry_blob,
        .abort_blob = abort_blob,
        .put_manifest = put_manifest,
        .put_child = put_child,
        .free = free_destination,
        .self = coco_steal(&upload),
    };
    return COCO_OK;
}
