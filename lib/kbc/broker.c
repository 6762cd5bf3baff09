/*
 * kbc/broker.c - a KBS, seen over HTTP
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/broker.h"

#include "base/fail.h"
#include "kbc/cookies.h"

#include <string.h>

#define URL_MAX ((size_t)2048)
#define HEADER_MAX ((size_t)64 << 10)
#define SET_COOKIE "set-cookie: "
#define HTTP "http://"
/* How often a broker is asked again that says when: collateral may take it some seconds. */
#define BUSY_RETRIES 8
#define HTTPS "https://"

struct coco_broker {
    char *url;          /* without a slash at its end */
    const char *prefix; /* the path in url, "" mostly */
    bool secure;
    struct coco_http *http;
    struct coco_cookies cookies;
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
        return coco_fail(err, COCO_ERR_INVALID, "URL of the KBS is not http[s]://host[:port]");

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
    _cleanup_(coco_broker_freep) struct coco_broker *broker = calloc(1, sizeof(*broker));

    if (!broker)
        return coco_fail_nomem(err);
    coco_status status = parse_url(url, broker, err);
    if (status == COCO_OK)
        status = coco_http_new(&(struct coco_http_options){.allow_plain = !broker->secure},
                               &broker->http, err);
    if (status != COCO_OK)
        return status;

    *ret = coco_steal(&broker);
    return COCO_OK;
}

void
coco_broker_free(struct coco_broker *broker)
{
    if (!broker)
        return;
    coco_http_free(broker->http);
    coco_cookies_done(&broker->cookies);
    free(broker->url);
    free(broker);
}

coco_status
coco_broker_set_ca(struct coco_broker *broker, const void *pem, size_t len, coco_error **err)
{
    return coco_http_set_ca(broker->http, pem, len, err);
}

void
coco_broker_forget(struct coco_broker *broker)
{
    coco_cookies_done(&broker->cookies);
}

void
coco_broker_answer_done(struct coco_broker_answer *answer)
{
    coco_buf_done(&answer->body);
    *answer = (struct coco_broker_answer){0};
}

/* Every Set-Cookie counts: a proxy's may stand before the server's. */
static coco_status
store_cookies(struct coco_broker *broker, const struct coco_cookie_scope *scope,
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
                status = coco_cookies_store(&broker->cookies, scope, coco_buf_text(&value), err);
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
    coco_status status =
        coco_buf_printf(&ret->url, err, "%s" COCO_RCAR_PREFIX "%s", broker->url, request->path);
    if (status == COCO_OK)
        status = coco_buf_printf(&ret->path, err, "%s" COCO_RCAR_PREFIX "%s", broker->prefix,
                                 request->path);
    if (status == COCO_OK) {
        struct coco_cookie_scope scope = {coco_buf_text(&ret->path), broker->secure};
        status = coco_cookies_header(&broker->cookies, &scope, &ret->cookie, err);
    }
    if (status == COCO_OK && request->token)
        status = coco_buf_append_text(&ret->bearer, "Bearer ", err);
    if (status == COCO_OK && request->token)
        status = coco_buf_append_text(&ret->bearer, request->token, err);
    return status;
}

static coco_status
send_request(struct coco_broker *broker, coco_ctx *ctx, const struct coco_broker_request *request,
             const struct texts *texts, struct coco_http_response *ret, coco_error **err)
{
    struct coco_http_header headers[4];
    size_t n = 0;

    headers[n++] = (struct coco_http_header){"accept", "application/json"};
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
        .no_redirect = true,
    };
    return coco_http_do(broker->http, ctx, &http_request, ret, err);
}

/* A broker that says when it wants to be asked again has done nothing yet: RFC 9110, 15.6.4. */
static coco_status
send_patiently(struct coco_broker *broker, coco_ctx *ctx, const struct coco_broker_request *request,
               const struct texts *texts, struct coco_http_response *ret, coco_error **err)
{
    struct coco_retry retry = {.policy.retries = BUSY_RETRIES};
    bool again = true;
    coco_status status = COCO_OK;

    while (status == COCO_OK && again) {
        _cleanup_free_ char *after = NULL;

        coco_http_response_done(ret);
        again = false;
        status = send_request(broker, ctx, request, texts, ret, err);
        if (status == COCO_OK && ret->status == 503)
            status = coco_http_header(ret, "retry-after", &after, err);
        if (status == COCO_OK && after)
            status = coco_retry_wait(&retry, ctx, ret, "the broker is busy", &again, err);
    }
    return status;
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
        status = send_patiently(broker, ctx, request, &texts, &response, err);
    if (status == COCO_OK) {
        struct coco_cookie_scope scope = {coco_buf_text(&texts.path), broker->secure};
        status = store_cookies(broker, &scope, &response.headers, err);
    }
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
