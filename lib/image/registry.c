/*
 * image/registry.c - speaking to one repository of a registry
 *
 *     request -> 401 with a challenge -> token, or user and password -> request
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/registry.h"

#include "base/fail.h"
#include "base/json.h"
#include "image/token.h"
#include "net/attempt.h"
#include "net/url.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CHALLENGE_MAX ((size_t)8 << 10)
#define REQUEST_HEADERS_MAX 4
/* What the client's own default is. */
#define CONNECT_TIMEOUT_S 30

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

/* Where it is, as far as a URL goes: to a cache there is a connection before anybody looks at that.
 */
static coco_status
set_base(struct coco_registry *registry, const coco_image_ref *ref,
         const struct coco_registry_options *opts, coco_error **err)
{
    const char *host = coco_image_ref_registry(ref);
    const char *name = coco_image_ref_repository(ref);
    /* docker.io is the name of what is served elsewhere (guest-protocols 7.1). */
    const char *server = strcmp(host, "docker.io") == 0 ? "registry-1.docker.io" : host;

    if (!opts->cache) {
        coco_status status = print(&registry->query, err, "%s", "");
        return status == COCO_OK ? print(&registry->base, err, "%s://%s/v2/%s/",
                                         opts->plain_http ? "http" : "https", server, name)
                                 : status;
    }
    /* As containerd asks its mirrors. A registry's name needs no escapes. */
    coco_status status = print(&registry->query, err, "?ns=%s", host);
    return status == COCO_OK ? print(&registry->base, err, "http://127.0.0.1/v2/%s/", name)
                             : status;
}

static coco_status
set_names(struct coco_registry *registry, const coco_image_ref *ref,
          const struct coco_registry_options *opts, const char *actions, coco_error **err)
{
    _cleanup_url_ struct coco_url url = {0};
    const char *host = coco_image_ref_registry(ref);
    const char *name = coco_image_ref_repository(ref);
    const char *digest = coco_image_ref_digest(ref);
    const char *tag = coco_image_ref_tag(ref);
    bool push = strcmp(actions, "pull") != 0;
    /* What is pulled is pinned by its digest; what is pushed is found by its tag. */
    const char *reference = digest && !(push && tag) ? digest : tag;

    coco_status status = set_base(registry, ref, opts, err);
    if (status == COCO_OK)
        status =
            print(&registry->name, err, "%s/%s%s", host, name, opts->cache ? " in the cache" : "");
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

/* One directory for all registries is for them alone, not for whom they send us to. */
static coco_status
set_certs(struct coco_registry *registry, const struct coco_certs *certs, coco_error **err)
{
    _cleanup_peer_ struct coco_peer peer = {0};

    if (!certs || !certs->dir)
        return COCO_OK;
    coco_status status = coco_certs_read(certs->dir, &peer, err);
    if (status == COCO_OK)
        status = coco_http_add_peer(registry->http, registry->origin, &peer, err);
    return status;
}

coco_status
coco_registry_open(const struct coco_registry_options *opts, const coco_image_ref *ref,
                   const char *actions, struct coco_registry *ret, coco_error **err)
{
    /* Whoever does not wait long for bytes does not wait long for a connection. */
    const struct coco_http_options http_opts = {
        .allow_plain = opts->plain_http || opts->cache,
        .stall_timeout = opts->stall_timeout,
        .connect_timeout = opts->stall_timeout < CONNECT_TIMEOUT_S ? opts->stall_timeout : 0,
        .retry = opts->retry,
        .find_peer = opts->certs && !opts->certs->dir ? coco_certs_find : NULL,
        .peers = opts->certs,
        .proxies = opts->proxies,
        .dial = opts->cache,
    };
    _cleanup_registry_ struct coco_registry registry = {.authorization.limit = 2 * COCO_TOKEN_MAX};

    coco_status status = coco_image_ref_parse(coco_image_ref_text(ref), &registry.ref, err);
    if (status == COCO_OK)
        status = set_names(&registry, ref, opts, actions, err);
    if (status == COCO_OK)
        status = coco_http_new(&http_opts, &registry.http, err);
    if (status == COCO_OK && opts->tls_ca)
        status = coco_http_set_ca(registry.http, opts->tls_ca, opts->tls_ca_len, err);
    if (status == COCO_OK)
        status = set_certs(&registry, opts->certs, err);
    if (status != COCO_OK)
        return status;
    registry.opts = *opts;
    registry.auth = opts->auth;
    registry.resource = opts->auth ? opts->auth->resource : NULL;
    *ret = registry;
    registry = (struct coco_registry){0};
    return COCO_OK;
}

coco_status
coco_registry_clone(const struct coco_registry *registry, struct coco_registry *ret,
                    coco_error **err)
{
    _cleanup_registry_ struct coco_registry clone = {0};

    coco_status status = coco_registry_open(&registry->opts, registry->ref, "pull", &clone, err);
    if (status == COCO_OK && registry->authorization.len > 0)
        status = coco_buf_append(&clone.authorization, registry->authorization.data,
                                 registry->authorization.len, err);
    if (status == COCO_OK)
        status = coco_credentials_copy(&registry->credentials, &clone.credentials, err);
    if (status != COCO_OK)
        return status;
    clone.auth = registry->auth;
    *ret = clone;
    clone = (struct coco_registry){0};
    return COCO_OK;
}

void
coco_registry_done(struct coco_registry *registry)
{
    coco_image_ref_free(registry->ref);
    coco_http_free(registry->http);
    free(registry->base);
    free(registry->query);
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
    return print(ret, err, "%s%s%s%s", registry->base, path, last, registry->query);
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
send_with_credential(struct coco_registry *registry, coco_ctx *ctx,
                     const struct coco_http_request *request, bool insist,
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
    return insist ? coco_http_insist(registry->http, ctx, &with, ret, err)
                  : coco_http_do(registry->http, ctx, &with, ret, err);
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

/* Credentials that a key broker keeps may have been changed there since they were got. */
static void
doubt_credentials(const struct coco_registry *registry, coco_status status, long code)
{
    if (registry->resource && (status == COCO_ERR_DENIED || (status == COCO_OK && code == 401)))
        coco_auth_resource_forget(registry->resource);
}

static coco_status
exchange(struct coco_registry *registry, coco_ctx *ctx, const struct coco_http_request *request,
         bool insist, struct coco_http_response *ret, coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};
    bool again = false;

    coco_status status = send_with_credential(registry, ctx, request, insist, &response, err);
    if (status == COCO_OK && response.status == 401)
        status = is_own(registry, response.url, &again, err);
    if (status == COCO_OK && again) {
        status = authorize(registry, ctx, &response, &again, err);
        doubt_credentials(registry, status, 0);
        if (status != COCO_OK)
            return coco_wrap(err, status, "%.300s", registry->name);
    }
    if (status == COCO_OK && again) {
        coco_http_response_done(&response);
        status = send_with_credential(registry, ctx, request, insist, &response, err);
        doubt_credentials(registry, status, response.status);
    }
    if (status != COCO_OK)
        return status;
    *ret = response;
    response = (struct coco_http_response){0};
    return COCO_OK;
}

coco_status
coco_registry_try(struct coco_registry *registry, coco_ctx *ctx,
                  const struct coco_http_request *request, struct coco_http_response *ret,
                  coco_error **err)
{
    return exchange(registry, ctx, request, false, ret, err);
}

coco_status
coco_registry_do(struct coco_registry *registry, coco_ctx *ctx,
                 const struct coco_http_request *request, struct coco_http_response *ret,
                 coco_error **err)
{
    return exchange(registry, ctx, request, !request->sink, ret, err);
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
