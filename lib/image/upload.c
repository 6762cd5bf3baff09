/*
 * image/upload.c - pushing to a registry
 *
 *     POST uploads/ -> Location -> PATCH (streamed) -> Location -> PUT ?digest=
 *
 * Source: distribution-spec 1.1, "Pushing blobs". A registry that does not know
 * yet what a blob's digest will be takes it in one PATCH of unknown length.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/registry.h"

#include "base/fail.h"
#include "net/url.h"

#include <stdio.h>
#include <string.h>

struct upload {
    struct coco_registry registry;
    struct coco_http_upload *patch; /* NULL when no blob is being sent */
    char *location;                 /* of the upload, as the registry last said */
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

/* Keeps the Location, absolute or relative, of an answer with the status that is wanted. */
static coco_status
take_location(struct upload *upload, const struct coco_http_response *response, const char *what,
              coco_error **err)
{
    _cleanup_url_ struct coco_url base = {0};
    _cleanup_url_ struct coco_url next = {0};
    _cleanup_free_ char *location = NULL;

    if (response->status != 202)
        return coco_registry_fail(&upload->registry, what, response, err);
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

static coco_status
end_patch(struct upload *upload, coco_error **err)
{
    _cleanup_(coco_http_upload_freep) struct coco_http_upload *patch = coco_steal(&upload->patch);
    _cleanup_response_ struct coco_http_response response = {0};

    coco_status status = coco_http_upload_end(patch, &response, err);
    if (status == COCO_OK)
        status = take_location(upload, &response, "upload", err);
    return status;
}

static coco_status
write_blob(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct upload *upload = self;
    const struct coco_sink sink = coco_http_upload_sink(upload->patch);

    coco_status status = coco_sink_write(&sink, data, len, err);
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

static coco_status
begin_patch(struct upload *upload, coco_ctx *ctx, coco_error **err)
{
    struct coco_http_header headers[2] = {{"Content-Type", "application/octet-stream"}};
    const char *url = upload->location;

    coco_status status = coco_registry_credential(&upload->registry, url, &headers[1], err);
    if (status != COCO_OK)
        return status;
    const struct coco_http_request request = {
        .method = "PATCH",
        .url = url,
        .headers = headers,
        .n_headers = headers[1].name ? 2 : 1,
    };
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
}

static coco_status
begin_blob(void *self, coco_ctx *ctx, struct coco_sink *ret, coco_error **err)
{
    struct upload *upload = self;
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_free_ char *url = NULL;

    abort_blob(upload);
    coco_status status = coco_registry_url(&upload->registry, "blobs/", "uploads/", &url, err);
    if (status != COCO_OK)
        return status;
    const struct coco_http_request request = {.method = "POST", .url = url};
    status = coco_registry_do(&upload->registry, ctx, &request, &response, err);
    if (status == COCO_OK)
        status = take_location(upload, &response, "upload", err);
    if (status == COCO_OK)
        status = begin_patch(upload, ctx, err);
    if (status != COCO_OK)
        return status;
    *ret = (struct coco_sink){.write = write_blob, .end = end_nothing, .self = upload};
    return COCO_OK;
}

static coco_status
commit_blob(void *self, coco_ctx *ctx, const struct coco_digest *digest, uint64_t size,
            coco_error **err)
{
    struct upload *upload = self;
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_free_ char *url = NULL;
    char text[COCO_DIGEST_TEXT_SIZE];

    (void)size; /* the registry has counted */
    coco_status status = end_patch(upload, err);
    if (status != COCO_OK)
        return status;
    coco_digest_format(digest, text);
    if (asprintf(&url, "%s%cdigest=%s", upload->location, strchr(upload->location, '?') ? '&' : '?',
                 text)
        < 0) {
        url = NULL;
        return coco_fail_nomem(err);
    }
    const struct coco_http_request request = {.method = "PUT", .url = url};
    status = coco_registry_do(&upload->registry, ctx, &request, &response, err);
    if (status == COCO_OK && response.status != 201)
        status = coco_registry_fail(&upload->registry, "blob", &response, err);
    if (status == COCO_OK) {
        free(upload->location);
        upload->location = NULL;
    }
    return status;
}

static coco_status
put_manifest(void *self, coco_ctx *ctx, const char *media_type, const void *data, size_t len,
             const struct coco_digest *digest, coco_error **err)
{
    struct upload *upload = self;
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_free_ char *url = NULL;
    const struct coco_http_header type = {"Content-Type", media_type};

    (void)digest; /* whoever pushes to a digest has compared it */
    coco_status status =
        coco_registry_url(&upload->registry, "manifests/", upload->registry.reference, &url, err);
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
        .abort_blob = abort_blob,
        .put_manifest = put_manifest,
        .free = free_destination,
        .self = coco_steal(&upload),
    };
    return COCO_OK;
}
