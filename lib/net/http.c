/*
 * net/http.c - bounded, cancellable HTTP(S)
 *
 * A request is one or more hops: coco_http_do() follows redirects itself, since
 * what may be sent where is decided here and not by libcurl.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/http.h"

#include "base/fail.h"
#include "net/header.h"
#include "net/hop.h"

#include <coco/version.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define CONNECTIONS_MAX 8
/* For CURLOPT_CONNECT_TO: any host and port are that of discarded bytes (RFC 863), and get none. */
#define NOWHERE "::127.0.0.1:9"

/* Where the answer sends a request that may follow; *ret is left alone if it does not. */
static coco_status
next_url(const struct coco_hop *hop, struct coco_url *ret, coco_error **err)
{
    _cleanup_url_ struct coco_url next = {0};
    _cleanup_free_ char *location = NULL;
    const char *method = hop->request->method;
    long code = hop->response->status;

    if (code != 301 && code != 302 && code != 303 && code != 307 && code != 308)
        return COCO_OK;
    /* What has a body is meant for one server, which may not pass it on. */
    if (hop->request->no_redirect || (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0))
        return COCO_OK;
    coco_status status = coco_http_header(hop->response, "location", &location, err);
    if (status != COCO_OK || !location)
        return status;
    status = coco_url_resolve(hop->url, location, &next, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "redirect");
    if (!next.https && (hop->url->https || !hop->http->opts.allow_plain))
        return coco_fail(err, COCO_ERR_PROTO, "redirect from https to http");
    if (next.https && hop->http->opts.dial)
        return coco_fail(err, COCO_ERR_PROTO, "redirect to https, where there is no TLS");

    *ret = coco_url_steal(&next);
    return COCO_OK;
}

/* One exchange at url; next is where it leads, or empty. */
static coco_status
visit(const struct coco_hop *plan, coco_ctx *ctx, struct coco_url *next, coco_error **err)
{
    _cleanup_hop_ struct coco_hop hop = *plan;

    coco_status status = coco_hop_begin(&hop, err);
    if (status == COCO_OK)
        status = coco_hop_run(&hop, ctx, err);
    if (status == COCO_OK)
        status = coco_hop_end(&hop, err);
    if (status == COCO_OK)
        status = next_url(&hop, next, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s %.300s", hop.request->method, hop.url->shown);
    return COCO_OK;
}

static coco_status
check_url(const struct coco_http *http, const char *text, struct coco_url *ret, coco_error **err)
{
    _cleanup_url_ struct coco_url url = {0};

    coco_status status = coco_url_parse(text, &url, err);
    if (status != COCO_OK)
        return status;
    if (!url.https && !http->opts.allow_plain)
        return coco_fail(err, COCO_ERR_INVALID, "%.300s: plain HTTP is not allowed", url.shown);
    /* TLS would begin before there is a connection that was dialed: net/hop.c. */
    if (url.https && http->opts.dial)
        return coco_fail(err, COCO_ERR_INVALID, "%.300s: there is no TLS", url.shown);
    *ret = coco_url_steal(&url);
    return COCO_OK;
}

/* Gives the response away, with the URL it came from. */
static void
give(struct coco_http_response *response, struct coco_url *url, struct coco_http_response *ret)
{
    response->url = coco_steal(&url->text);
    *ret = *response;
    *response = (struct coco_http_response){0};
}

coco_status
coco_http_do(struct coco_http *http, coco_ctx *ctx, const struct coco_http_request *request,
             struct coco_http_response *ret, coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_url_ struct coco_url url = {0};
    struct coco_hop plan = {
        .http = http, .request = request, .url = &url, .trusted = true, .response = &response};

    http->sent = 0;
    coco_status status = check_url(http, request->url, &url, err);
    for (unsigned hops = 0; status == COCO_OK; hops++) {
        _cleanup_url_ struct coco_url next = {0};

        status = visit(&plan, ctx, &next, err);
        if (status == COCO_OK && !next.text)
            break;
        if (status == COCO_OK && hops == COCO_HTTP_REDIRECTS_MAX)
            status = coco_fail(err, COCO_ERR_LIMIT, "%s %.300s: more than %d redirects",
                               request->method, url.shown, COCO_HTTP_REDIRECTS_MAX);
        if (status != COCO_OK)
            return status;
        plan.trusted = plan.trusted && strcmp(next.origin, url.origin) == 0;
        coco_url_done(&url);
        url = coco_url_steal(&next);
    }
    if (status == COCO_OK)
        give(&response, &url, ret);
    return status;
}

struct coco_http_upload {
    struct coco_hop hop;
    struct coco_http_request request;
    struct coco_http_response response;
    struct coco_url url;
    coco_ctx *ctx;
};

static coco_status
upload_fail(const struct coco_http_upload *upload, coco_status status, coco_error **err)
{
    return coco_wrap(err, status, "%s %.300s", upload->request.method, upload->url.shown);
}

coco_status
coco_http_upload_begin(struct coco_http *http, coco_ctx *ctx,
                       const struct coco_http_request *request, struct coco_http_upload **ret,
                       coco_error **err)
{
    _cleanup_(coco_http_upload_freep) struct coco_http_upload *upload = calloc(1, sizeof(*upload));

    if (!upload)
        return coco_fail_nomem(err);
    upload->request = *request;
    upload->ctx = ctx;
    upload->hop = (struct coco_hop){
        .http = http,
        .request = &upload->request,
        .url = &upload->url,
        .trusted = true,
        .response = &upload->response,
        .is_push = true,
    };
    coco_status status = check_url(http, request->url, &upload->url, err);
    if (status == COCO_OK)
        status = coco_hop_begin(&upload->hop, err);
    if (status == COCO_OK)
        *ret = coco_steal(&upload);
    return status;
}

static coco_status
upload_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct coco_http_upload *upload = self;

    upload->hop.pushed = data;
    upload->hop.pushed_len = len;
    coco_status status = coco_hop_run(&upload->hop, upload->ctx, err);
    upload->hop.pushed = NULL;
    upload->hop.pushed_len = 0;
    return status == COCO_OK ? COCO_OK : upload_fail(upload, status, err);
}

static coco_status
upload_sink_end(void *self, coco_error **err)
{
    (void)self;
    (void)err;
    return COCO_OK;
}

struct coco_sink
coco_http_upload_sink(struct coco_http_upload *upload)
{
    return (struct coco_sink){.write = upload_write, .end = upload_sink_end, .self = upload};
}

bool
coco_http_upload_answered(const struct coco_http_upload *upload)
{
    return upload->hop.done;
}

coco_status
coco_http_upload_end(struct coco_http_upload *upload, struct coco_http_response *ret,
                     coco_error **err)
{
    upload->hop.last = true;
    coco_status status = coco_hop_run(&upload->hop, upload->ctx, err);
    if (status == COCO_OK)
        status = coco_hop_end(&upload->hop, err);
    if (status != COCO_OK)
        return upload_fail(upload, status, err);
    give(&upload->response, &upload->url, ret);
    return COCO_OK;
}

void
coco_http_upload_free(struct coco_http_upload *upload)
{
    if (!upload)
        return;
    coco_hop_done(&upload->hop);
    coco_http_response_done(&upload->response);
    coco_url_done(&upload->url);
    free(upload);
}

coco_status
coco_http_header_all(const struct coco_http_response *response, const char *name,
                     struct coco_buf *buf, coco_error **err)
{
    const char *line = coco_buf_text(&response->headers);
    coco_status status = COCO_OK;
    const char *value = NULL;
    size_t len = 0;

    for (bool more = false; status == COCO_OK && (value = coco_header_next(&line, name, &len));) {
        if (more)
            status = coco_buf_append_text(buf, ", ", err);
        if (status == COCO_OK)
            status = coco_buf_append(buf, value, len, err);
        more = true;
    }
    return status;
}

coco_status
coco_http_header(const struct coco_http_response *response, const char *name, char **ret,
                 coco_error **err)
{
    const char *line = coco_buf_text(&response->headers);
    size_t len = 0;
    const char *value = coco_header_next(&line, name, &len);
    char *found = value ? strndup(value, len) : NULL;

    if (value && !found)
        return coco_fail_nomem(err);
    *ret = found;
    return COCO_OK;
}

void
coco_http_response_done(struct coco_http_response *response)
{
    coco_buf_done(&response->headers);
    coco_buf_done(&response->body);
    free(response->url);
    *response = (struct coco_http_response){0};
}

coco_status
coco_http_set_ca(struct coco_http *http, const void *pem, size_t len, coco_error **err)
{
    _cleanup_(coco_certificates_freep) STACK_OF(X509) *certs = NULL;
    struct coco_buf ca = {.limit = COCO_PEER_PEM_MAX};

    coco_status status = coco_certificates_parse(pem, len, &certs, err);
    if (status == COCO_OK)
        status = coco_buf_append(&ca, pem, len, err);
    if (status != COCO_OK)
        return status;
    coco_buf_done(&http->ca);
    http->ca = ca;
    return COCO_OK;
}

coco_status
coco_http_add_peer(struct coco_http *http, const char *origin, struct coco_peer *peer,
                   coco_error **err)
{
    return coco_peers_add(&http->peers, origin, peer, err);
}

void
coco_http_allow_plain(struct coco_http *http, bool allow)
{
    http->opts.allow_plain = allow;
}

unsigned
coco_http_sent(const struct coco_http *http)
{
    return http->sent;
}

bool
coco_http_transient(const struct coco_http *http)
{
    return http->transient;
}

void
coco_http_free(struct coco_http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->easy);
    (void)curl_multi_cleanup(http->multi);
    curl_slist_free_all(http->names);
    free(http->user_agent);
    coco_buf_done(&http->ca);
    coco_peers_done(&http->peers);
    coco_proxies_done(&http->env);
    free(http);
}

static int features;

static void
look_at_features(void)
{
    features = curl_version_info(CURLVERSION_NOW)->features;
}

/* Once: libcurl writes the same texts into the same places at every call, and threads do call. */
int
coco_http_features(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, look_at_features);
    return features;
}

/*
 * libcurl sets itself up in its first curl_easy_init(), under a lock of its own
 * since 7.84 where it has atomics; without them no lock of ours could help, for
 * it would not know of the program's other users of libcurl.
 */
coco_status
coco_http_new(const struct coco_http_options *opts, struct coco_http **ret, coco_error **err)
{
    if (!(coco_http_features() & CURL_VERSION_THREADSAFE))
        return coco_fail(err, COCO_ERR_NOTSUP, "this libcurl cannot be used by threads");

    _cleanup_(coco_http_freep) struct coco_http *http = calloc(1, sizeof(*http));
    if (!http)
        return coco_fail_nomem(err);
    if (opts)
        http->opts = *opts;
    http->peers = (struct coco_peers){.find = http->opts.find_peer, .self = http->opts.peers};
    if (http->opts.user_agent)
        http->user_agent = strdup(http->opts.user_agent);
    else if (asprintf(&http->user_agent, "libcoco/%s", coco_version()) < 0)
        http->user_agent = NULL;
    http->easy = curl_easy_init();
    http->multi = curl_multi_init();
    if (http->opts.dial)
        http->names = curl_slist_append(NULL, NOWHERE);
    if (!http->user_agent || !http->easy || !http->multi || (http->opts.dial && !http->names))
        return coco_fail_nomem(err);
    http->opts.user_agent = http->user_agent;
    coco_status status = COCO_OK;
    if (!http->opts.proxies) {
        status = coco_proxies_from_env(NULL, &http->env, err);
        http->opts.proxies = &http->env;
    }
    if (status != COCO_OK)
        return status;
    if (curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX) != CURLM_OK)
        return coco_fail_nomem(err);
    *ret = coco_steal(&http);
    return COCO_OK;
}
