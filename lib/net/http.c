/*
 * net/http.c - bounded, cancellable HTTP(S)
 *
 * A request is one or more hops: coco_http_do() follows redirects itself, since
 * what may be sent where is decided here and not by libcurl. A hop is one easy
 * handle run by the multi handle, which keeps the connections.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/http.h"

#include "base/context.h"
#include "base/fail.h"
#include "net/url.h"

#include <coco/version.h>

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BODY_MAX_DEFAULT ((uint64_t)4 << 20)
#define ERROR_BODY_MAX ((size_t)1 << 20)
#define CA_MAX ((size_t)4 << 20)
#define CONNECT_TIMEOUT_S 30
#define STALL_TIMEOUT_S 60
#define CONNECTIONS_MAX 8
#define BUFFER_SIZE (128 << 10)
/* How long one wait lasts at most: libcurl has timers of its own, and a cancel ends any wait. */
#define POLL_MS 60000

/* RFC 9110 section 5.6.2 */
#define TOKEN_CHARS "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* All that another host than the one asked may see: everything else may be a credential (T13). */
static const char *const harmless_headers[] = {"Accept", "Range"};

struct coco_http {
    CURLM *multi;
    CURL *easy;
    struct coco_http_options opts;
    char *user_agent;
    struct coco_buf ca;
};

/* One exchange with one server. The callbacks of libcurl leave their failure in status and *err. */
struct hop {
    struct coco_http *http;
    const struct coco_http_request *request;
    const struct coco_url *url;
    bool trusted; /* the origin that the request was made for: it sees all headers */
    struct coco_http_response *response;
    uint64_t max_body;
    uint64_t received;
    size_t header_bytes; /* of all heads, interim ones too */
    bool in_head;
    bool head_done;
    bool enough;  /* the rest of an error's body does not matter */
    int distrust; /* what is wrong with the peer's certificate, an X509_V_ERR */
    coco_status status;
    coco_error **err;
    char reason[CURL_ERROR_SIZE];
};

COCO_DEFINE_CLEANUP(BIO *, BIO_free_all);

/* Headers hold credentials. */
static void
slist_freep(struct curl_slist **list)
{
    for (struct curl_slist *item = *list; item; item = item->next)
        OPENSSL_cleanse(item->data, strlen(item->data));
    curl_slist_free_all(*list);
}

#define _cleanup_slist_ _cleanup_(slist_freep)

/* Keeps the first failure of a row of calls. */
static void
keep(CURLcode *first, CURLcode code)
{
    if (*first == CURLE_OK)
        *first = code;
}

static coco_status
status_of(CURLcode code)
{
    switch (code) {
    case CURLE_OUT_OF_MEMORY:
        return COCO_ERR_NOMEM;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return COCO_ERR_VERIFY;
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9: the schemes were checked before */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return COCO_ERR_PROTO;
    case CURLE_UNKNOWN_OPTION:
    case CURLE_NOT_BUILT_IN:
        return COCO_ERR_NOTSUP;
    default:
        return COCO_ERR_NET;
    }
}

static coco_status
fail_code(CURLcode code, const char *reason, coco_error **err)
{
    if (code == CURLE_OUT_OF_MEMORY)
        return coco_fail_nomem(err);
    return coco_fail(err, status_of(code), "%s", *reason ? reason : curl_easy_strerror(code));
}

static coco_status
fail_multi(CURLMcode code, coco_error **err)
{
    if (code == CURLM_OUT_OF_MEMORY)
        return coco_fail_nomem(err);
    return coco_fail(err, COCO_ERR_IO, "%s", curl_multi_strerror(code));
}

static bool
is_token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\0' || !strchr(TOKEN_CHARS, text[i]))
            return false;
    return len > 0;
}

/* RFC 9110 section 5.5; a CR or NUL in a value is how one header becomes two. */
static bool
is_field_value(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((uint8_t)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
            return false;
    return true;
}

/* libcurl tells some certificates that do not verify from other failures of TLS, not all. */
static int
on_verify(int ok, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct hop *hop = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (!ok)
        hop->distrust = X509_STORE_CTX_get_error(store);
    return ok;
}

static CURLcode
on_tls(CURL *easy, void *tls, void *user)
{
    (void)easy;
    SSL_CTX_set_app_data(tls, user);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, on_verify);
    return CURLE_OK;
}

static long
answer_code(const struct hop *hop)
{
    long code = 0;

    (void)curl_easy_getinfo(hop->http->easy, CURLINFO_RESPONSE_CODE, &code);
    return code;
}

/* "name: value" as "name: value\n" with the name in lower case. */
static coco_status
store_field(struct hop *hop, const char *line, size_t len)
{
    struct coco_buf *headers = &hop->response->headers;
    const char *colon = memchr(line, ':', len);
    size_t name_len = colon ? (size_t)(colon - line) : 0;

    if (!is_field_value(line, len))
        return coco_fail(hop->err, COCO_ERR_PROTO, "control bytes in a header");
    if (!colon || !is_token(line, name_len))
        return coco_fail(hop->err, COCO_ERR_PROTO, "a header line that is none");

    const char *value = colon + 1;
    const char *end = line + len;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;

    size_t start = headers->len;
    coco_status status = coco_buf_append(headers, line, name_len, hop->err);
    if (status == COCO_OK)
        status = coco_buf_append_text(headers, ": ", hop->err);
    if (status == COCO_OK)
        status = coco_buf_append(headers, value, (size_t)(end - value), hop->err);
    if (status == COCO_OK)
        status = coco_buf_append_text(headers, "\n", hop->err);
    if (status != COCO_OK)
        return status;
    for (uint8_t *p = headers->data + start; *p != ':'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (uint8_t)(*p - 'A' + 'a');
    return COCO_OK;
}

/*
 * One line of a head: the status line, a field, or the empty one at its end.
 * There are several heads when interim answers (1xx) come first, and fields
 * without a head behind a chunked body (trailers), which nobody asked for.
 */
static coco_status
take_header(struct hop *hop, const char *line, size_t len)
{
    if (len > COCO_HTTP_HEADERS_MAX - hop->header_bytes)
        return coco_fail(hop->err, COCO_ERR_LIMIT, "headers of more than %zu bytes",
                         COCO_HTTP_HEADERS_MAX);
    hop->header_bytes += len;
    if (hop->head_done)
        return COCO_OK;

    if (len > 0 && line[len - 1] == '\n')
        len--;
    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (!hop->in_head) {
        coco_buf_reset(&hop->response->headers);
        hop->in_head = true;
        return COCO_OK;
    }
    if (len > 0)
        return store_field(hop, line, len);

    hop->in_head = false;
    hop->head_done = answer_code(hop) >= 200;
    return COCO_OK;
}

static size_t
on_header(char *data, size_t size, size_t n, void *user)
{
    struct hop *hop = user;

    hop->status = take_header(hop, data, size * n);
    return hop->status == COCO_OK ? size * n : CURL_WRITEFUNC_ERROR;
}

/* The beginning of an error's body: it is for a message. */
static coco_status
take_error_body(struct hop *hop, const char *data, size_t len)
{
    struct coco_buf *body = &hop->response->body;

    if (len > ERROR_BODY_MAX - body->len) {
        len = ERROR_BODY_MAX - body->len;
        hop->enough = true;
    }
    return coco_buf_append(body, data, len, hop->err);
}

static coco_status
take_body(struct hop *hop, const char *data, size_t len)
{
    const struct coco_sink *sink = hop->request->sink;
    curl_off_t announced = 0;
    long code = answer_code(hop);

    if (code < 200 || code > 299)
        return take_error_body(hop, data, len);

    /* -1 when the server did not say; a chunked body says nothing and is counted only. */
    (void)curl_easy_getinfo(hop->http->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    if (len > hop->max_body - hop->received
        || (announced > 0 && (uint64_t)announced > hop->max_body))
        return coco_fail(hop->err, COCO_ERR_LIMIT, "a body of more than %llu bytes",
                         (unsigned long long)hop->max_body);
    hop->received += len;
    if (sink)
        return coco_sink_write(sink, data, len, hop->err);
    return coco_buf_append(&hop->response->body, data, len, hop->err);
}

static size_t
on_body(char *data, size_t size, size_t n, void *user)
{
    struct hop *hop = user;

    hop->status = take_body(hop, data, size * n);
    return hop->status == COCO_OK && !hop->enough ? size * n : CURL_WRITEFUNC_ERROR;
}

static size_t
on_read(char *data, size_t size, size_t n, void *user)
{
    struct hop *hop = user;
    size_t got = 0;

    hop->status = coco_reader_read(hop->request->reader, (uint8_t *)data, size * n, &got, hop->err);
    return hop->status == COCO_OK ? got : CURL_READFUNC_ABORT;
}

static coco_status
add_header(struct curl_slist **list, const char *name, const char *value, coco_error **err)
{
    _cleanup_buf_ struct coco_buf line = {.limit = COCO_HTTP_HEADERS_MAX};

    if (!is_token(name, strlen(name)) || !is_field_value(value, strlen(value)))
        return coco_fail(err, COCO_ERR_INVALID, "header '%s' cannot be sent", name);

    /* To libcurl "Name:" means no such header, and "Name;" one without a value. */
    coco_status status = coco_buf_printf(&line, err, "%s%s", name, *value ? ": " : ";");
    if (status == COCO_OK)
        status = coco_buf_append_text(&line, value, err);
    if (status != COCO_OK)
        return status;
    struct curl_slist *grown = curl_slist_append(*list, coco_buf_text(&line));
    if (!grown)
        return coco_fail_nomem(err);
    *list = grown;
    return COCO_OK;
}

static bool
is_harmless(const char *name)
{
    for (size_t i = 0; i < sizeof(harmless_headers) / sizeof(harmless_headers[0]); i++)
        if (strcasecmp(name, harmless_headers[i]) == 0)
            return true;
    return false;
}

/* Takes away what libcurl would add by itself. */
static coco_status
mute_header(struct curl_slist **list, const char *muted, coco_error **err)
{
    struct curl_slist *grown = curl_slist_append(*list, muted);

    if (!grown)
        return coco_fail_nomem(err);
    *list = grown;
    return COCO_OK;
}

static coco_status
make_headers(const struct hop *hop, struct curl_slist **ret, coco_error **err)
{
    const struct coco_http_request *request = hop->request;
    _cleanup_slist_ struct curl_slist *list = NULL;
    bool typed = false;

    /* No wait for 100-continue: it costs a round trip and is one more thing to stall on. */
    coco_status status = mute_header(&list, "Expect:", err);
    for (size_t i = 0; status == COCO_OK && i < request->n_headers; i++) {
        const struct coco_http_header *header = &request->headers[i];

        typed = typed || strcasecmp(header->name, "Content-Type") == 0;
        if (hop->trusted || is_harmless(header->name))
            status = add_header(&list, header->name, header->value, err);
    }
    if (status == COCO_OK && !typed)
        status = mute_header(&list, "Content-Type:", err);
    if (status == COCO_OK)
        *ret = coco_steal(&list);
    return status;
}

static void
set_peer(const struct coco_http *http, CURLcode *rc)
{
    const struct coco_http_options *opts = &http->opts;
    CURL *easy = http->easy;
    const char *protocols = opts->allow_plain ? "https,http" : "https";
    long stall = opts->stall_timeout ? (long)opts->stall_timeout : STALL_TIMEOUT_S;
    long connect = opts->connect_timeout ? (long)opts->connect_timeout : CONNECT_TIMEOUT_S;

    keep(rc, curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols));
    keep(rc, curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, protocols));
    keep(rc, curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L));
    keep(rc, curl_easy_setopt(easy, CURLOPT_UNRESTRICTED_AUTH, 0L));
    keep(rc, curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L));
    keep(rc, curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
    keep(rc, curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, connect));
    keep(rc, curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L));
    keep(rc, curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, stall));
    /* A canceled call must not wait for the resolver's thread. */
    keep(rc, curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L));
    if (opts->no_proxy_from_env)
        keep(rc, curl_easy_setopt(easy, CURLOPT_PROXY, ""));
    /* The head of a proxy's answer to CONNECT is not the peer's. */
    keep(rc, curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L));
}

static void
set_tls(struct hop *hop, CURLcode *rc)
{
    const struct coco_http *http = hop->http;
    struct curl_blob ca = {.data = http->ca.data, .len = http->ca.len};
    CURL *easy = http->easy;

    keep(rc, curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2));
    keep(rc, curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L));
    keep(rc, curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L));
    keep(rc, curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls));
    keep(rc, curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, hop));
    if (ca.len == 0)
        return;
    keep(rc, curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca));
    /* The blob takes the place of the system's file only, not of its directory. */
    keep(rc, curl_easy_setopt(easy, CURLOPT_CAPATH, NULL));
}

static void
set_body(struct hop *hop, CURLcode *rc)
{
    const struct coco_http_request *request = hop->request;
    const char *method = request->method;
    CURL *easy = hop->http->easy;

    if (strcmp(method, "HEAD") == 0) {
        keep(rc, curl_easy_setopt(easy, CURLOPT_NOBODY, 1L));
        return;
    }
    if (request->reader) {
        keep(rc, curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L));
        keep(rc, curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read));
        keep(rc, curl_easy_setopt(easy, CURLOPT_READDATA, hop));
    } else if (request->body_len > 0 || method[0] == 'P') {
        /* POST, PUT and PATCH have a body, even an empty one. */
        const void *body = request->body ? request->body : "";

        keep(rc,
             curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len));
        keep(rc, curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body));
    }
    keep(rc, curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method));
}

static void
set_exchange(struct hop *hop, struct curl_slist *headers, CURLcode *rc)
{
    struct coco_http *http = hop->http;
    CURL *easy = http->easy;

    keep(rc, curl_easy_setopt(easy, CURLOPT_URL, hop->url->text));
    keep(rc, curl_easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent));
    keep(rc, curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers));
    keep(rc, curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_SIZE));
    keep(rc, curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, hop->reason));
    keep(rc, curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header));
    keep(rc, curl_easy_setopt(easy, CURLOPT_HEADERDATA, hop));
    keep(rc, curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body));
    keep(rc, curl_easy_setopt(easy, CURLOPT_WRITEDATA, hop));
}

/* Drives the transfer until libcurl has a result for it, or ctx is canceled. */
static coco_status
drive(const struct hop *hop, coco_ctx *ctx, CURLcode *ret, coco_error **err)
{
    const struct coco_http *http = hop->http;
    struct curl_waitfd cancel = {.fd = coco_ctx_cancel_fd(ctx), .events = CURL_WAIT_POLLIN};
    int running = 1;
    int left = 0;

    for (;;) {
        coco_status status = coco_ctx_check(ctx, err);
        if (status != COCO_OK)
            return status;
        CURLMcode code = curl_multi_perform(http->multi, &running);
        if (hop->status != COCO_OK)
            return hop->status; /* *err is the callback's */
        if (code != CURLM_OK)
            return fail_multi(code, err);
        if (!running)
            break;
        code = curl_multi_poll(http->multi, &cancel, 1, POLL_MS, NULL);
        if (code != CURLM_OK)
            return fail_multi(code, err);
    }
    const CURLMsg *message = curl_multi_info_read(http->multi, &left);
    *ret = message ? message->data.result : CURLE_GOT_NOTHING;
    return COCO_OK;
}

static coco_status
run(struct hop *hop, coco_ctx *ctx, coco_error **err)
{
    struct coco_http *http = hop->http;
    CURLcode result = CURLE_OK;

    CURLMcode code = curl_multi_add_handle(http->multi, http->easy);
    if (code != CURLM_OK)
        return fail_multi(code, err);
    coco_status status = drive(hop, ctx, &result, err);
    (void)curl_multi_remove_handle(http->multi, http->easy);

    if (status != COCO_OK)
        return status;
    if (result != CURLE_OK && hop->distrust != X509_V_OK)
        return coco_fail(err, COCO_ERR_VERIFY, "certificate: %s",
                         X509_verify_cert_error_string(hop->distrust));
    if (result != CURLE_OK && !hop->enough)
        return fail_code(result, hop->reason, err);
    hop->response->status = answer_code(hop);
    return COCO_OK;
}

static coco_status
exchange(struct hop *hop, coco_ctx *ctx, coco_error **err)
{
    struct coco_http_response *response = hop->response;
    _cleanup_slist_ struct curl_slist *headers = NULL;
    CURLcode rc = CURLE_OK;

    coco_http_response_done(response);
    /* A line grows by at most one byte on its way into the buffer. */
    response->headers.limit = 2 * COCO_HTTP_HEADERS_MAX;
    response->body.limit = hop->max_body > ERROR_BODY_MAX ? (size_t)hop->max_body : ERROR_BODY_MAX;

    coco_status status = make_headers(hop, &headers, err);
    if (status != COCO_OK)
        return status;
    curl_easy_reset(hop->http->easy);
    set_peer(hop->http, &rc);
    set_tls(hop, &rc);
    set_body(hop, &rc);
    set_exchange(hop, headers, &rc);
    status = rc == CURLE_OK ? run(hop, ctx, err) : fail_code(rc, "", err);
    curl_easy_reset(hop->http->easy); /* it pointed to what is on this stack */
    return status;
}

/* Where the answer sends a request that may follow; *ret is left alone if it does not. */
static coco_status
next_url(const struct hop *hop, struct coco_url *ret, coco_error **err)
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

    *ret = next;
    next = (struct coco_url){0};
    return COCO_OK;
}

/* One exchange at *url; next is where it leads, or empty. */
static coco_status
visit(struct hop hop, coco_ctx *ctx, struct coco_url *next, coco_error **err)
{
    hop.err = err;
    coco_status status = exchange(&hop, ctx, err);
    if (status == COCO_OK)
        status = next_url(&hop, next, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s %.300s", hop.request->method, hop.url->shown);
    return COCO_OK;
}

coco_status
coco_http_do(struct coco_http *http, coco_ctx *ctx, const struct coco_http_request *request,
             struct coco_http_response *ret, coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_url_ struct coco_url url = {0};
    struct hop hop = {
        .http = http,
        .request = request,
        .url = &url,
        .trusted = true,
        .response = &response,
        .max_body = request->max_body ? request->max_body : BODY_MAX_DEFAULT,
    };

    coco_status status = coco_url_parse(request->url, &url, err);
    if (status != COCO_OK)
        return status;
    if (!url.https && !http->opts.allow_plain)
        return coco_fail(err, COCO_ERR_INVALID, "%.300s: plain HTTP is not allowed", url.shown);

    for (unsigned hops = 0;; hops++) {
        _cleanup_url_ struct coco_url next = {0};

        status = visit(hop, ctx, &next, err);
        if (status != COCO_OK)
            return status;
        if (!next.text)
            break;
        if (hops == COCO_HTTP_REDIRECTS_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "%s %.300s: more than %d redirects",
                             request->method, url.shown, COCO_HTTP_REDIRECTS_MAX);
        hop.trusted = hop.trusted && strcmp(next.origin, url.origin) == 0;
        coco_url_done(&url);
        url = next;
        next = (struct coco_url){0};
    }
    response.url = coco_steal(&url.text);
    *ret = response;
    response = (struct coco_http_response){0};
    return COCO_OK;
}

coco_status
coco_http_header(const struct coco_http_response *response, const char *name, char **ret,
                 coco_error **err)
{
    size_t name_len = strlen(name);
    char *found = NULL;

    for (const char *line = coco_buf_text(&response->headers); *line;) {
        size_t len = strcspn(line, "\n");

        if (len > name_len && strncmp(line, name, name_len) == 0 && line[name_len] == ':') {
            const char *value = line + name_len + strlen(": ");

            found = strndup(value, (size_t)(line + len - value));
            if (!found)
                return coco_fail_nomem(err);
            break;
        }
        line += line[len] ? len + 1 : len;
    }
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

/* Certificates up to the end of the text; one that is broken would go missing unnoticed. */
static coco_status
check_certificates(const void *pem, size_t len, coco_error **err)
{
    _cleanup_(BIO_free_allp) BIO *bio = BIO_new_mem_buf(pem, (int)len);
    size_t n = 0;

    if (!bio)
        return coco_fail_nomem(err);
    for (X509 *cert; (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)); n++)
        X509_free(cert);

    unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    if (n == 0 || ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
        return coco_fail(err, COCO_ERR_PROTO, "not a list of certificates in PEM");
    return COCO_OK;
}

coco_status
coco_http_set_ca(struct coco_http *http, const void *pem, size_t len, coco_error **err)
{
    struct coco_buf ca = {.limit = CA_MAX};

    if (len > CA_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "certificates of more than %zu bytes", CA_MAX);
    coco_status status = check_certificates(pem, len, err);
    if (status == COCO_OK)
        status = coco_buf_append(&ca, pem, len, err);
    if (status != COCO_OK)
        return status;
    coco_buf_done(&http->ca);
    http->ca = ca;
    return COCO_OK;
}

void
coco_http_allow_plain(struct coco_http *http, bool allow)
{
    http->opts.allow_plain = allow;
}

void
coco_http_free(struct coco_http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->easy);
    (void)curl_multi_cleanup(http->multi);
    free(http->user_agent);
    coco_buf_done(&http->ca);
    free(http);
}

/*
 * libcurl sets itself up in its first curl_easy_init(), under a lock of its own
 * since 7.84 where it has atomics; without them no lock of ours could help, for
 * it would not know of the program's other users of libcurl.
 */
coco_status
coco_http_new(const struct coco_http_options *opts, struct coco_http **ret, coco_error **err)
{
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_THREADSAFE))
        return coco_fail(err, COCO_ERR_NOTSUP, "this libcurl cannot be used by threads");

    _cleanup_(coco_http_freep) struct coco_http *http = calloc(1, sizeof(*http));
    if (!http)
        return coco_fail_nomem(err);
    if (opts)
        http->opts = *opts;
    if (http->opts.user_agent)
        http->user_agent = strdup(http->opts.user_agent);
    else if (asprintf(&http->user_agent, "libcoco/%s", coco_version()) < 0)
        http->user_agent = NULL;
    http->easy = curl_easy_init();
    http->multi = curl_multi_init();
    if (!http->user_agent || !http->easy || !http->multi)
        return coco_fail_nomem(err);
    http->opts.user_agent = http->user_agent;
    if (curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX) != CURLM_OK)
        return coco_fail_nomem(err);
    *ret = coco_steal(&http);
    return COCO_OK;
}
