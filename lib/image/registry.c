/*
 * image/registry.c - speaking to one repository of a registry
 *
 *     request -> 401 with a challenge -> token, or user and password -> request
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/registry.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/json.h"
#include "image/token.h"
#include "net/url.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CHALLENGE_MAX ((size_t)8 << 10)
#define REQUEST_HEADERS_MAX 4
/* How often one blob's transfer may be cut and go on, each time further than before. */
#define RESUMES_MAX 5

#define ACCEPT_MANIFESTS                                                                           \
    COCO_MEDIA_OCI_MANIFEST                                                                        \
    ", " COCO_MEDIA_OCI_INDEX ", " COCO_MEDIA_DOCKER_MANIFEST ", " COCO_MEDIA_DOCKER_LIST

__attribute__((format(printf, 3, 4))) static coco_status
print(char **ret, coco_error **err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = vasprintf(ret, fmt, args);
    va_end(args);
    if (n >= 0)
        return COCO_OK;
    *ret = NULL;
    return coco_fail_nomem(err);
}

static coco_status
set_names(struct coco_registry *registry, const coco_image_ref *ref, bool plain_http,
          const char *actions, coco_error **err)
{
    _cleanup_url_ struct coco_url url = {0};
    const char *host = coco_image_ref_registry(ref);
    const char *name = coco_image_ref_repository(ref);
    const char *digest = coco_image_ref_digest(ref);
    const char *tag = coco_image_ref_tag(ref);
    bool push = strcmp(actions, "pull") != 0;
    /* What is pulled is pinned by its digest; what is pushed is found by its tag. */
    const char *reference = digest && !(push && tag) ? digest : tag;
    /* docker.io is the name of what is served elsewhere (guest-protocols 7.1). */
    const char *server = strcmp(host, "docker.io") == 0 ? "registry-1.docker.io" : host;

    coco_status status =
        print(&registry->base, err, "%s://%s/v2/%s/", plain_http ? "http" : "https", server, name);
    if (status == COCO_OK)
        status = print(&registry->name, err, "%s/%s", host, name);
    if (status == COCO_OK)
        status = print(&registry->scope, err, "repository:%s:%s", name, actions);
    if (status == COCO_OK)
        status = print(&registry->reference, err, "%s", reference);
    if (status == COCO_OK)
        status = coco_url_parse(registry->base, &url, err);
    if (status == COCO_OK)
        registry->origin = coco_steal(&url.origin);
    return status;
}

coco_status
coco_registry_open(const struct coco_registry_options *opts, const coco_image_ref *ref,
                   const char *actions, struct coco_registry *ret, coco_error **err)
{
    const struct coco_http_options http_opts = {.allow_plain = opts->plain_http};
    _cleanup_registry_ struct coco_registry registry = {.authorization.limit = 2 * COCO_TOKEN_MAX};

    coco_status status = set_names(&registry, ref, opts->plain_http, actions, err);
    if (status == COCO_OK)
        status = coco_http_new(&http_opts, &registry.http, err);
    if (status == COCO_OK && opts->tls_ca)
        status = coco_http_set_ca(registry.http, opts->tls_ca, opts->tls_ca_len, err);
    if (status != COCO_OK)
        return status;
    registry.auth = opts->auth;
    *ret = registry;
    registry = (struct coco_registry){0};
    return COCO_OK;
}

void
coco_registry_done(struct coco_registry *registry)
{
    coco_http_free(registry->http);
    free(registry->base);
    free(registry->origin);
    free(registry->name);
    free(registry->reference);
    free(registry->scope);
    coco_credentials_done(&registry->credentials);
    coco_buf_done(&registry->authorization);
    *registry = (struct coco_registry){0};
}

coco_status
coco_registry_url(const struct coco_registry *registry, const char *path, const char *last,
                  char **ret, coco_error **err)
{
    return print(ret, err, "%s%s%s", registry->base, path, last);
}

coco_status
coco_registry_credential(const struct coco_registry *registry, const char *url,
                         struct coco_http_header *ret, coco_error **err)
{
    _cleanup_url_ struct coco_url parsed = {0};

    coco_status status = coco_url_parse(url, &parsed, err);
    if (status != COCO_OK)
        return status;
    *ret = (struct coco_http_header){0};
    if (registry->authorization.len > 0 && strcmp(parsed.origin, registry->origin) == 0)
        *ret = (struct coco_http_header){
            .name = "Authorization",
            .value = coco_buf_text(&registry->authorization),
        };
    return COCO_OK;
}

static coco_status
attempt(struct coco_registry *registry, coco_ctx *ctx, const struct coco_http_request *request,
        struct coco_http_response *ret, coco_error **err)
{
    struct coco_http_header headers[REQUEST_HEADERS_MAX + 1] = {0};
    struct coco_http_request with = *request;
    struct coco_http_header credential = {0};

    if (request->n_headers > REQUEST_HEADERS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "more than %d headers", REQUEST_HEADERS_MAX);
    if (request->n_headers > 0)
        memcpy(headers, request->headers, request->n_headers * sizeof(headers[0]));
    coco_status status = coco_registry_credential(registry, request->url, &credential, err);
    if (status != COCO_OK)
        return status;
    with.headers = headers;
    if (credential.name)
        headers[with.n_headers++] = credential;
    return coco_http_do(registry->http, ctx, &with, ret, err);
}

/* The credentials go to the realm, which may be anybody; but no listener on the way gets them. */
static coco_status
check_realm(const struct coco_registry *registry, const char *realm, coco_error **err)
{
    _cleanup_url_ struct coco_url base = {0};
    _cleanup_url_ struct coco_url url = {0};

    coco_status status = coco_url_parse(registry->base, &base, err);
    if (status != COCO_OK)
        return status;
    status = coco_url_parse(realm, &url, NULL);
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (status != COCO_OK || (base.https && !url.https))
        return coco_fail(err, COCO_ERR_PROTO, "the token server '%.200s' is not at a URL of https",
                         realm);
    return COCO_OK;
}

/* Once: a credential helper may take its time, and need not be asked for public images at all. */
static coco_status
find_credentials(struct coco_registry *registry, coco_ctx *ctx, coco_error **err)
{
    const struct coco_auth *auth = registry->auth;

    if (!auth)
        return COCO_OK;
    coco_status status = coco_auth_find(auth, ctx, registry->name, &registry->credentials, err);
    if (status == COCO_OK)
        registry->auth = NULL;
    return status;
}

/* Takes the challenge up; *ret says whether there is anything new to try. */
static coco_status
take_challenge(struct coco_registry *registry, coco_ctx *ctx,
               const struct coco_challenge *challenge, bool *ret, coco_error **err)
{
    bool tried_basic = strncmp(coco_buf_text(&registry->authorization), "Basic ", 6) == 0;
    const struct coco_credentials *credentials = &registry->credentials;

    coco_buf_reset(&registry->authorization);
    *ret = true;
    if (challenge->scheme == COCO_CHALLENGE_BEARER) {
        coco_status status = check_realm(registry, challenge->realm, err);
        if (status != COCO_OK)
            return status;
        return coco_token_bearer(registry->http, ctx, challenge, registry->scope, credentials,
                                 &registry->authorization, err);
    }
    if (challenge->scheme == COCO_CHALLENGE_BASIC && credentials->identity_token.data)
        return coco_fail(err, COCO_ERR_DENIED,
                         "it asks for a password, and there is but an identity token");
    if (challenge->scheme == COCO_CHALLENGE_BASIC && credentials->user.data && !tried_basic)
        return coco_token_basic(credentials, &registry->authorization, err);
    *ret = false;
    return COCO_OK;
}

/* Prepares for the challenge in a 401; *ret says whether there is anything new to try. */
static coco_status
authorize(struct coco_registry *registry, coco_ctx *ctx, const struct coco_http_response *response,
          bool *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf value = {.limit = CHALLENGE_MAX};
    _cleanup_challenge_ struct coco_challenge challenge = {0};

    coco_status status = coco_http_header_all(response, "www-authenticate", &value, err);
    if (status == COCO_OK)
        status = coco_challenge_parse(coco_buf_text(&value), &challenge, err);
    if (status == COCO_OK && challenge.scheme != COCO_CHALLENGE_NONE)
        status = find_credentials(registry, ctx, err);
    if (status == COCO_OK)
        status = take_challenge(registry, ctx, &challenge, ret, err);
    return status;
}

/* Whether a 401 is the registry's own, not of a server it redirected to. */
static coco_status
is_own(const struct coco_registry *registry, const char *url, bool *ret, coco_error **err)
{
    _cleanup_url_ struct coco_url parsed = {0};

    coco_status status = coco_url_parse(url, &parsed, err);
    if (status == COCO_OK)
        *ret = strcmp(parsed.origin, registry->origin) == 0;
    return status;
}

coco_status
coco_registry_do(struct coco_registry *registry, coco_ctx *ctx,
                 const struct coco_http_request *request, struct coco_http_response *ret,
                 coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};
    bool again = false;

    coco_status status = attempt(registry, ctx, request, &response, err);
    if (status == COCO_OK && response.status == 401)
        status = is_own(registry, response.url, &again, err);
    if (status == COCO_OK && again) {
        status = authorize(registry, ctx, &response, &again, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "%.300s", registry->name);
    }
    if (status == COCO_OK && again) {
        coco_http_response_done(&response);
        status = attempt(registry, ctx, request, &response, err);
    }
    if (status != COCO_OK)
        return status;
    *ret = response;
    response = (struct coco_http_response){0};
    return COCO_OK;
}

/* "CODE: message" of a registry's error (distribution-spec, "Error Codes"); "" if it has none. */
static void
read_error(const struct coco_http_response *response, char *code, char *message, size_t size)
{
    _cleanup_json_ cJSON *json = NULL;
    const cJSON *errors = NULL;
    const char *text = NULL;

    if (coco_json_parse_object(coco_buf_text(&response->body), response->body.len, &json, NULL)
            != COCO_OK
        || coco_json_get_array(json, "errors", &errors, NULL) != COCO_OK)
        return;
    const cJSON *first = cJSON_GetArrayItem(errors, 0);
    if (!cJSON_IsObject(first))
        return;
    if (coco_json_get_string(first, "code", &text, NULL) == COCO_OK)
        (void)snprintf(code, size, ": %.100s", text);
    if (coco_json_get_string(first, "message", &text, NULL) == COCO_OK)
        (void)snprintf(message, size, ": %.200s", text);
}

static coco_status
status_of(long status, const char *code)
{
    if (status == 404 || strstr(code, "_UNKNOWN"))
        return COCO_ERR_NOTFOUND;
    if (status == 401 || status == 403 || strstr(code, "DENIED") || strstr(code, "UNAUTHORIZED"))
        return COCO_ERR_DENIED;
    return COCO_ERR_NET;
}

coco_status
coco_registry_fail(const struct coco_registry *registry, const char *what,
                   const struct coco_http_response *response, coco_error **err)
{
    char code[256] = "";
    char message[256] = "";

    read_error(response, code, message, sizeof(code));
    return coco_fail(err, status_of(response->status, code),
                     "%.300s: %s: the registry answers %ld%s%s", registry->name, what,
                     response->status, code, message);
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
    const struct coco_sink sink = coco_sink_to_buf(body);

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
        .sink = &sink,
        .only_status = 200,
        .max_body = body->limit - body->len,
    };
    status = coco_registry_do(registry, ctx, &request, &response, err);
    if (status == COCO_OK && response.status != 200)
        status = coco_registry_fail(registry, "manifest", &response, err);
    if (status == COCO_OK)
        status = coco_http_header(&response, "content-type", &type, err);
    if (status == COCO_OK && type)
        status = coco_buf_append_text(media_type, type, err);
    return status;
}

/* Where a blob goes, with the place to go on from if the connection is cut. */
struct progress {
    const struct coco_sink *sink;
    uint64_t done;
    bool refused; /* it was the sink that failed */
};

static coco_status
progress_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct progress *progress = self;

    coco_status status = coco_sink_write(progress->sink, data, len, err);
    progress->refused = status != COCO_OK;
    progress->done += len;
    return status;
}

/* One transfer, from where the last one stopped. */
static coco_status
get_blob_part(struct coco_registry *registry, coco_ctx *ctx, const char *url,
              struct progress *progress, coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};
    const struct coco_sink sink = {.write = progress_write, .self = progress};
    char range[64];
    struct coco_http_header header = {"Range", range};
    const struct coco_http_request request = {
        .method = "GET",
        .url = url,
        .headers = &header,
        .n_headers = progress->done > 0 ? 1 : 0,
        .sink = &sink,
        /* A registry that starts over has nothing for us: what came is gone already. */
        .only_status = progress->done > 0 ? 206 : 200,
        .max_body = UINT64_MAX, /* whoever gave the sink knows better */
    };

    (void)snprintf(range, sizeof(range), "bytes=%" PRIu64 "-", progress->done);
    coco_status status = coco_registry_do(registry, ctx, &request, &response, err);
    if (status == COCO_OK && response.status != request.only_status)
        status = coco_registry_fail(registry, "blob", &response, err);
    return status;
}

static coco_status
get_blob(void *self, coco_ctx *ctx, const struct coco_descriptor *blob,
         const struct coco_sink *sink, coco_error **err)
{
    struct coco_registry *registry = self;
    struct progress progress = {.sink = sink};
    _cleanup_free_ char *url = NULL;
    char text[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(&blob->digest, text);
    coco_status status = coco_registry_url(registry, "blobs/", text, &url, err);
    if (status != COCO_OK)
        return status;
    for (int resumes = 0;; resumes++) {
        coco_error *cause = NULL;
        uint64_t before = progress.done;

        status = get_blob_part(registry, ctx, url, &progress, &cause);
        if (status != COCO_ERR_NET || progress.refused || progress.done == before
            || resumes == RESUMES_MAX) {
            if (err)
                *err = cause;
            else
                coco_error_free(cause);
            return status;
        }
        coco_ctx_log(ctx, COCO_LOG_INFO, "%s: goes on at byte %" PRIu64, coco_error_message(cause),
                     progress.done);
        coco_error_free(cause);
    }
}

static void
free_source(void *self)
{
    coco_registry_done(self);
    free(self);
}

coco_status
coco_registry_source(const struct coco_registry_options *opts, const coco_image_ref *ref,
                     struct coco_source *ret, coco_error **err)
{
    _cleanup_free_ struct coco_registry *registry = calloc(1, sizeof(*registry));

    if (!registry)
        return coco_fail_nomem(err);
    coco_status status = coco_registry_open(opts, ref, "pull", registry, err);
    if (status != COCO_OK)
        return status;
    *ret = (struct coco_source){
        .manifest = get_manifest,
        .blob = get_blob,
        .free = free_source,
        .self = coco_steal(&registry),
    };
    return COCO_OK;
}
