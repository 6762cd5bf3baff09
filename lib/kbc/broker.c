/*
 * kbc/broker.c - a KBS, seen over HTTP
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/broker.h"

#include "base/context.h"
#include "base/fail.h"
#include "net/attempt.h"
#include "net/field.h"

#include <pthread.h>
#include <string.h>

#define URL_MAX ((size_t)2048)
#define HEADER_MAX COCO_HTTP_HEADERS_MAX
#define SET_COOKIE "set-cookie: "
#define HTTP "http://"
/* How often a broker is asked again that says when: collateral may take it some seconds. */
#define BUSY_RETRIES 8
#define HTTPS "https://"
/* Connections that are kept; more may be in use. */
#define IDLE_MAX 16
#define CA_MAX ((size_t)4 << 20)

struct coco_broker {
    char *url;          /* without a slash at its end */
    const char *prefix; /* the path in url, "" mostly */
    bool secure;
    struct coco_buf ca; /* PEM; empty: the system's */
    bool has_proxies;
    struct coco_proxies proxies;
    struct coco_retry_policy policy;
    coco_status (*find_peer)(const void *self, const char *origin, struct coco_peer *ret,
                             coco_error **err);
    const void *peers;

    pthread_mutex_t lock; /* of what follows */
    struct coco_http *idle[IDLE_MAX];
    size_t n_idle;
};

/* Behind "http://" or "https://"; NULL for any other. */
static const char *
behind_scheme(const char *url, bool *secure)
{
    *secure = strncasecmp(url, HTTPS, strlen(HTTPS)) == 0;
    if (*secure)
        return url + strlen(HTTPS);
    return strncasecmp(url, HTTP, strlen(HTTP)) == 0 ? url + strlen(HTTP) : NULL;
}

/* Printable ASCII; no user, for passwords would end up in messages; no query and no fragment. */
static bool
is_plain(const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        if (*p <= ' ' || *p >= 0x7f || strchr("@?#\\\"<>", *p))
            return false;
    return true;
}

static coco_status
parse_url(const char *url, struct coco_broker *broker, coco_error **err)
{
    const char *host = behind_scheme(url, &broker->secure);

    if (!host || host[0] == '\0' || host[0] == '/' || host[0] == ':' || strlen(url) > URL_MAX
        || !is_plain(host))
        /* Which one is not said: it may hold a password. */
        return coco_fail(err, COCO_ERR_INVALID, "URL of the broker is not http[s]://host[:port]");

    size_t len = strlen(url);
    while (url[len - 1] == '/')
        len--;
    broker->url = strndup(url, len);
    if (!broker->url)
        return coco_fail_nomem(err);
    broker->prefix = strchrnul(broker->url + (host - url), '/');
    return COCO_OK;
}

coco_status
coco_broker_new(const char *url, struct coco_broker **ret, coco_error **err)
{
    struct coco_broker *made = calloc(1, sizeof(*made));

    if (!made)
        return coco_fail_nomem(err);
    (void)pthread_mutex_init(&made->lock, NULL);
    made->ca.limit = CA_MAX;
    _cleanup_(coco_broker_freep) struct coco_broker *broker = made;

    coco_status status = parse_url(url, broker, err);
    if (status == COCO_OK)
        *ret = coco_steal(&broker);
    return status;
}

/* What they were made with holds no more. */
static void
drop_idle(struct coco_broker *broker)
{
    while (broker->n_idle > 0)
        coco_http_free(broker->idle[--broker->n_idle]);
}

void
coco_broker_free(struct coco_broker *broker)
{
    if (!broker)
        return;
    drop_idle(broker);
    coco_buf_done(&broker->ca);
    coco_proxies_done(&broker->proxies);
    free(broker->url);
    (void)pthread_mutex_destroy(&broker->lock);
    free(broker);
}

static coco_status
make_connection(const struct coco_broker *broker, struct coco_http **ret, coco_error **err)
{
    _cleanup_(coco_http_freep) struct coco_http *http = NULL;
    const struct coco_http_options options = {
        .allow_plain = !broker->secure,
        .proxies = broker->has_proxies ? &broker->proxies : NULL,
        .find_peer = broker->find_peer,
        .peers = broker->peers,
    };

    coco_status status = coco_http_new(&options, &http, err);
    if (status == COCO_OK && broker->ca.len > 0)
        status = coco_http_set_ca(http, broker->ca.data, broker->ca.len, err);
    if (status == COCO_OK)
        *ret = coco_steal(&http);
    return status;
}

/* A connection of the caller's own until it is given back. */
static coco_status
take_connection(struct coco_broker *broker, struct coco_http **ret, coco_error **err)
{
    struct coco_http *http = NULL;

    (void)pthread_mutex_lock(&broker->lock);
    if (broker->n_idle > 0)
        http = broker->idle[--broker->n_idle];
    (void)pthread_mutex_unlock(&broker->lock);
    if (!http)
        return make_connection(broker, ret, err);
    *ret = http;
    return COCO_OK;
}

static void
give_connection(struct coco_broker *broker, struct coco_http *http)
{
    bool full = false;

    (void)pthread_mutex_lock(&broker->lock);
    full = broker->n_idle == IDLE_MAX;
    if (!full)
        broker->idle[broker->n_idle++] = http;
    (void)pthread_mutex_unlock(&broker->lock);
    if (full)
        coco_http_free(http);
}

/* Tried at once: what is no certificate is not found out in the middle of a request. */
coco_status
coco_broker_set_ca(struct coco_broker *broker, const void *pem, size_t len, coco_error **err)
{
    _cleanup_buf_ struct coco_buf ca = {.limit = CA_MAX};
    _cleanup_(coco_http_freep) struct coco_http *probe = NULL;

    coco_status status = coco_buf_append(&ca, pem, len, err);
    if (status == COCO_OK)
        status = make_connection(broker, &probe, err);
    if (status == COCO_OK)
        status = coco_http_set_ca(probe, pem, len, err);
    if (status != COCO_OK)
        return status;
    drop_idle(broker);
    coco_buf_done(&broker->ca);
    broker->ca = ca;
    ca = (struct coco_buf){0};
    return COCO_OK;
}

coco_status
coco_broker_set_proxy(struct coco_broker *broker, const char *url, const char *no_proxy,
                      coco_error **err)
{
    coco_status status = coco_proxies_choose(url, no_proxy, &broker->proxies, err);
    if (status != COCO_OK)
        return status;
    broker->has_proxies = true;
    drop_idle(broker);
    return COCO_OK;
}

void
coco_broker_set_peers(struct coco_broker *broker,
                      coco_status (*find)(const void *self, const char *origin,
                                          struct coco_peer *ret, coco_error **err),
                      const void *self)
{
    broker->find_peer = find;
    broker->peers = self;
    drop_idle(broker);
}

void
coco_broker_hang_up(struct coco_broker *broker)
{
    (void)pthread_mutex_lock(&broker->lock);
    drop_idle(broker);
    (void)pthread_mutex_unlock(&broker->lock);
}

void
coco_broker_set_retry(struct coco_broker *broker, const struct coco_retry_policy *policy)
{
    broker->policy = *policy;
}

void
coco_broker_answer_done(struct coco_broker_answer *answer)
{
    coco_buf_done(&answer->body);
    *answer = (struct coco_broker_answer){0};
}

/* Every Set-Cookie counts: a proxy's may stand before the server's. */
static coco_status
store_cookies(struct coco_cookies *jar, const struct coco_cookie_scope *scope,
              const struct coco_buf *headers, coco_error **err)
{
    const char *line = coco_buf_text(headers);
    coco_status status = COCO_OK;

    while (*line != '\0' && status == COCO_OK) {
        const char *end = strchrnul(line, '\n');

        if (strncmp(line, SET_COOKIE, strlen(SET_COOKIE)) == 0) {
            const char *text = line + strlen(SET_COOKIE);
            _cleanup_buf_ struct coco_buf value = {.limit = HEADER_MAX};

            status = coco_buf_append(&value, text, (size_t)(end - text), err);
            if (status == COCO_OK)
                status = coco_cookies_store(jar, scope, coco_buf_text(&value), err);
        }
        line = *end == '\0' ? end : end + 1;
    }
    return status;
}

/* The texts of one request's headers and URL. */
struct texts {
    struct coco_buf url;
    struct coco_buf path; /* of url */
    struct coco_buf cookie;
    struct coco_buf bearer;
};

static void
texts_done(struct texts *texts)
{
    coco_buf_done(&texts->url);
    coco_buf_done(&texts->path);
    coco_buf_done(&texts->cookie);
    coco_buf_done(&texts->bearer);
}

#define _cleanup_texts_ _cleanup_(texts_done)

static coco_status
write_texts(const struct coco_broker *broker, const struct coco_broker_request *request,
            struct texts *ret, coco_error **err)
{
    const char *root = request->root ? request->root : COCO_RCAR_PREFIX;

    coco_status status =
        coco_buf_printf(&ret->url, err, "%s%s%s", broker->url, root, request->path);
    if (status == COCO_OK)
        status = coco_buf_printf(&ret->path, err, "%s%s%s", broker->prefix, root, request->path);
    if (status == COCO_OK && request->cookies) {
        struct coco_cookie_scope scope = {coco_buf_text(&ret->path), broker->secure};
        status = coco_cookies_header(request->cookies, &scope, &ret->cookie, err);
    }
    if (status == COCO_OK && request->token)
        status = coco_buf_append_text(&ret->bearer, "Bearer ", err);
    if (status == COCO_OK && request->token)
        status = coco_buf_append_text(&ret->bearer, request->token, err);
    return status;
}

static coco_status
send_request(struct coco_http *http, coco_ctx *ctx, const struct coco_broker_request *request,
             const struct texts *texts, struct coco_http_response *ret, coco_error **err)
{
    struct coco_http_header headers[5 + COCO_BROKER_HEADERS_MAX];
    char traceparent[COCO_TRACEPARENT_SIZE];
    size_t n = 0;

    coco_status status = coco_ctx_next_traceparent(ctx, traceparent, err);
    if (status != COCO_OK)
        return status;
    if (traceparent[0])
        headers[n++] = (struct coco_http_header){"traceparent", traceparent};
    headers[n++] = (struct coco_http_header){"accept", "application/json"};
    for (size_t i = 0; i < request->n_headers && i < COCO_BROKER_HEADERS_MAX; i++)
        headers[n++] = request->headers[i];
    if (request->content_type)
        headers[n++] = (struct coco_http_header){"content-type", request->content_type};
    if (texts->cookie.len > 0)
        headers[n++] = (struct coco_http_header){"cookie", coco_buf_text(&texts->cookie)};
    if (texts->bearer.len > 0)
        headers[n++] = (struct coco_http_header){"authorization", coco_buf_text(&texts->bearer)};

    struct coco_http_request http_request = {
        .method = request->method,
        .url = coco_buf_text(&texts->url),
        .headers = headers,
        .n_headers = n,
        .body = request->body,
        .body_len = request->len,
        .max_body = request->max_body,
        .no_redirect = true,
        .once = request->once,
    };
    return coco_http_do(http, ctx, &http_request, ret, err);
}

/* What has been tried so far: a broker that is busy is waited for longer than one that is gone. */
struct patience {
    struct coco_retry busy;
    struct coco_retry failing;
};

/* A broker that says when it wants to be asked again has done nothing yet: RFC 9110, 15.6.4. */
static coco_status
says_when(const struct coco_attempt *attempt, bool *ret, coco_error **err)
{
    _cleanup_free_ char *after = NULL;

    *ret = false;
    if (attempt->status != COCO_OK
        || (attempt->response.status != 503 && attempt->response.status != 429))
        return COCO_OK;
    coco_status status = coco_http_header(&attempt->response, "retry-after", &after, err);
    *ret = after != NULL;
    return status;
}

static coco_status
wait_for_another(struct patience *patience, const struct coco_http *http, coco_ctx *ctx, bool once,
                 struct coco_attempt *attempt, bool *ret, coco_error **err)
{
    bool says = false;

    *ret = false;
    coco_status status = says_when(attempt, &says, err);
    if (status != COCO_OK || (once && !says))
        return status;
    return coco_attempt_again(attempt, http, says ? &patience->busy : &patience->failing, ctx, ret,
                              err);
}

static coco_status
send_patiently(struct coco_broker *broker, coco_ctx *ctx, const struct coco_broker_request *request,
               const struct texts *texts, struct coco_broker_answer *counted,
               struct coco_http_response *ret, coco_error **err)
{
    struct patience patience = {.busy.policy = broker->policy, .failing.policy = broker->policy};
    _cleanup_attempt_ struct coco_attempt attempt = {0};
    struct coco_http *http = NULL;
    bool again = true;

    if (broker->policy.retries == 0)
        patience.busy.policy.retries = BUSY_RETRIES;
    coco_status status = take_connection(broker, &http, err);
    if (status != COCO_OK)
        return status;
    while (status == COCO_OK && again) {
        attempt.away = request->away;
        attempt.status = send_request(http, ctx, request, texts, &attempt.response, &attempt.cause);
        counted->sent += coco_http_sent(http);
        status = wait_for_another(&patience, http, ctx, request->once, &attempt, &again, err);
    }
    give_connection(broker, http);
    return status == COCO_OK ? coco_attempt_give(&attempt, ret, err) : status;
}

/* Error pages of proxies are none: then the status alone must do. */
static struct coco_rcar_error
parse_error(const struct coco_http_response *response)
{
    struct coco_rcar_error error = {0};

    if (response->status < 300
        || coco_rcar_error_parse(response->body.data, response->body.len, &error, NULL) != COCO_OK)
        return (struct coco_rcar_error){0};
    return error;
}

/* One that is too long is none: it only spares work (RFC 9110 section 8.8.3). */
static coco_status
read_etag(const struct coco_http_response *response, char ret[COCO_BROKER_ETAG_SIZE],
          coco_error **err)
{
    _cleanup_free_ char *value = NULL;

    coco_status status = coco_http_header(response, "etag", &value, err);
    if (status == COCO_OK && value && strlen(value) < COCO_BROKER_ETAG_SIZE)
        memcpy(ret, value, strlen(value) + 1);
    return status;
}

static coco_status
read_lease(const struct coco_http_response *response, struct coco_broker_answer *ret,
           coco_error **err)
{
    _cleanup_buf_ struct coco_buf value = {.limit = HEADER_MAX};

    coco_status status = coco_http_header_all(response, "cache-control", &value, err);
    if (status == COCO_OK)
        ret->leased = coco_max_age_parse(coco_buf_text(&value), &ret->lease);
    return status;
}

coco_status
coco_broker_do(struct coco_broker *broker, coco_ctx *ctx, const struct coco_broker_request *request,
               struct coco_broker_answer *ret, coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_texts_ struct texts texts = {
        .url = {.limit = 2 * URL_MAX},
        .path = {.limit = 2 * URL_MAX},
        .cookie = {.limit = COCO_COOKIES_MAX * (COCO_COOKIE_SIZE_MAX + 3)},
        .bearer = {.limit = COCO_RCAR_TOKEN_MAX + sizeof("Bearer ")},
    };

    coco_status status = write_texts(broker, request, &texts, err);
    if (status == COCO_OK)
        status = send_patiently(broker, ctx, request, &texts, ret, &response, err);
    if (status == COCO_OK && request->jar) {
        struct coco_cookie_scope scope = {coco_buf_text(&texts.path), broker->secure};
        status = store_cookies(request->jar, &scope, &response.headers, err);
    }
    if (status == COCO_OK)
        status = read_etag(&response, ret->etag, err);
    if (status == COCO_OK)
        status = read_lease(&response, ret, err);
    if (status != COCO_OK)
        return status;

    ret->status = response.status;
    ret->error = parse_error(&response);
    ret->body = response.body;
    response.body = (struct coco_buf){0};
    return COCO_OK;
}

bool
coco_broker_said(const struct coco_broker_answer *answer, const char *name)
{
    return strcmp(answer->error.name, name) == 0;
}

coco_status
coco_broker_fail(const struct coco_broker_answer *answer, coco_status status, coco_error **err)
{
    const struct coco_rcar_error *error = &answer->error;

    if (error->detail[0] == '\0')
        return coco_fail(err, status, "the KBS answers with HTTP status %ld", answer->status);
    return coco_fail(err, status, "the KBS says: %s (%ld%s%s%s%s)", error->detail, answer->status,
                     error->name[0] != '\0' ? " " : "", error->name,
                     error->id[0] != '\0' ? ", id " : "", error->id);
}

coco_status
coco_broker_check(const struct coco_broker_answer *answer, coco_error **err)
{
    switch (answer->status) {
    case 200:
    case 204:
        return COCO_OK;
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return coco_fail(err, COCO_ERR_PROTO, "the KBS redirects elsewhere, which is not followed");
    case 401:
    case 403:
        return coco_broker_fail(answer, COCO_ERR_DENIED, err);
    case 404:
        return coco_broker_fail(answer, COCO_ERR_NOTFOUND, err);
    case 413:
        return coco_broker_fail(answer, COCO_ERR_LIMIT, err);
    default:
        break;
    }
    if (answer->status == 429 || answer->status >= 500)
        return coco_broker_fail(answer, COCO_ERR_NET, err);
    return coco_broker_fail(answer, COCO_ERR_PROTO, err);
}
