/*
 * net/hop.c - one exchange with one server, inside of net/http.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/hop.h"

#include "base/context.h"
#include "base/dial.h"
#include "base/fail.h"
#include "net/header.h"
#include "net/hop_tls.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define BODY_MAX_DEFAULT ((uint64_t)4 << 20)
#define ERROR_BODY_MAX ((size_t)1 << 20)
#define CONNECT_TIMEOUT_S 30
#define STALL_TIMEOUT_S 60
/* Bytes per second below which nothing is moving: a byte now and then is a stall, too. */
#define STALL_SPEED 128
#define BUFFER_SIZE (128 << 10)
/* How long one wait lasts at most: libcurl has timers of its own, and a cancel ends any wait. */
#define POLL_MS 60000

/* All that another host than the one asked may see: everything else may be a credential (T13). */
static const char *const harmless_headers[] = {"Accept", "Range", "If-Range"};

/* Headers hold credentials. */
static void
slist_freep(struct curl_slist **list)
{
    for (struct curl_slist *item = *list; item; item = item->next)
        OPENSSL_cleanse(item->data, strlen(item->data));
    curl_slist_free_all(*list);
}

#define _cleanup_slist_ _cleanup_(slist_freep)

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
        return COCO_ERR_PROTO;
    case CURLE_UNKNOWN_OPTION:
    case CURLE_NOT_BUILT_IN:
        return COCO_ERR_NOTSUP;
    default:
        return COCO_ERR_NET;
    }
}

/* What the peer says of our certificate, it will say again. */
static coco_status
fail_refusal(int alert, coco_error **err)
{
    if (alert == SSL_AD_CERTIFICATE_REQUIRED)
        return coco_fail(err, COCO_ERR_DENIED, "the server wants a client certificate");
    return coco_fail(err, COCO_ERR_DENIED, "the server refuses the client certificate: %s",
                     SSL_alert_desc_string_long(alert));
}

/* What the proxy answered to CONNECT; 0 if it was not asked. */
static long
connect_code(const struct coco_hop *hop)
{
    long code = 0;

    (void)curl_easy_getinfo(hop->http->easy, CURLINFO_HTTP_CONNECTCODE, &code);
    return code;
}

/*
 * Whether the next try may do better. A handshake that failed before the server
 * said a word is a lost connection; what it said will be the same next time.
 */
static bool
is_transient(const struct coco_hop *hop)
{
    long code = connect_code(hop);

    if (code >= 300)
        return coco_retry_status(code);
    switch (hop->result) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND: /* a kept connection was closed, and some of the body is gone */
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return true;
    case CURLE_SSL_CONNECT_ERROR:
        return !hop->http->heard;
    default:
        return false;
    }
}

static coco_status
fail_code(CURLcode code, const char *reason, coco_error **err)
{
    if (code == CURLE_OUT_OF_MEMORY)
        return coco_fail_nomem(err);
    return coco_fail(err, status_of(code), "%s", *reason ? reason : curl_easy_strerror(code));
}

/* A proxy that does not let us through will not, unless it is for now (RFC 9110 section 9.3.6). */
static coco_status
fail_connect(long code, coco_error **err)
{
    return coco_fail(err,
                     code == 401 || code == 403 || code == 407 ? COCO_ERR_DENIED : COCO_ERR_NET,
                     "the proxy answers %ld", code);
}

/* A server that does not like whom we are may have hung up before its word for it came. */
static coco_status
fail_result(const struct coco_hop *hop, coco_error **err)
{
    long code = connect_code(hop);
    coco_status status =
        code >= 300 ? fail_connect(code, err) : fail_code(hop->result, hop->reason, err);

    if (hop->http->asked && status == COCO_ERR_NET)
        return coco_wrap(err, status, "after it asked for a client certificate");
    return status;
}

/*
 * Whether a line of the head was more than libcurl keeps of one, 100 KiB: it says that it is out of
 * memory then, before there was a line for us to count.
 */
static bool
is_endless_line(const struct coco_hop *hop)
{
    curl_off_t first_byte = 0;

    (void)curl_easy_getinfo(hop->http->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
    return hop->result == CURLE_OUT_OF_MEMORY && first_byte > 0 && !hop->head_done;
}

static coco_status
fail_multi(CURLMcode code, coco_error **err)
{
    if (code == CURLM_OUT_OF_MEMORY)
        return coco_fail_nomem(err);
    return coco_fail(err, COCO_ERR_IO, "%s", curl_multi_strerror(code));
}

static long
answer_code(const struct coco_hop *hop)
{
    long code = 0;

    (void)curl_easy_getinfo(hop->http->easy, CURLINFO_RESPONSE_CODE, &code);
    return code;
}

/*
 * One line of a head: the status line, a field, or the empty one at its end.
 * There are several heads when interim answers (1xx) come first, and fields
 * without a head behind a chunked body (trailers), which nobody asked for.
 */
static coco_status
take_header(struct coco_hop *hop, const char *line, size_t len)
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
        return coco_header_append(&hop->response->headers, line, len, hop->err);

    long code = answer_code(hop);
    hop->in_head = false;
    hop->head_done = code >= 200;
    if (!hop->request->look || code < 200 || code > 299)
        return COCO_OK;
    hop->response->status = code;
    return hop->request->look->fn(hop->request->look->self, hop->response, hop->err);
}

static size_t
on_header(char *data, size_t size, size_t n, void *user)
{
    struct coco_hop *hop = user;

    hop->status = take_header(hop, data, size * n);
    return hop->status == COCO_OK ? size * n : CURL_WRITEFUNC_ERROR;
}

/* The beginning of an error's body: it is for a message. */
static coco_status
take_error_body(struct coco_hop *hop, const char *data, size_t len)
{
    struct coco_buf *body = &hop->response->body;

    if (len > ERROR_BODY_MAX - body->len) {
        len = ERROR_BODY_MAX - body->len;
        hop->enough = true;
    }
    return coco_buf_append(body, data, len, hop->err);
}

static coco_status
take_body(struct coco_hop *hop, const char *data, size_t len)
{
    const struct coco_sink *sink = hop->request->sink;
    curl_off_t announced = 0;
    long code = answer_code(hop);

    if (code < 200 || code > 299
        || (hop->request->only_status && code != hop->request->only_status))
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
    struct coco_hop *hop = user;

    hop->status = take_body(hop, data, size * n);
    return hop->status == COCO_OK && !hop->enough ? size * n : CURL_WRITEFUNC_ERROR;
}

static size_t
take_pushed(struct coco_hop *hop, char *data, size_t room)
{
    size_t n = hop->pushed_len < room ? hop->pushed_len : room;

    hop->paused = n == 0 && !hop->last;
    if (hop->paused)
        return CURL_READFUNC_PAUSE;
    if (n > 0) {
        memcpy(data, hop->pushed, n);
        hop->pushed += n;
        hop->pushed_len -= n;
    }
    return n;
}

static size_t
on_read(char *data, size_t size, size_t n, void *user)
{
    struct coco_hop *hop = user;
    size_t got = 0;

    if (hop->is_push)
        return take_pushed(hop, data, size * n);
    hop->status = coco_stream_read(hop->request->reader, (uint8_t *)data, size * n, &got, hop->err);
    return hop->status == COCO_OK ? got : CURL_READFUNC_ABORT;
}

static coco_status
add_header(struct curl_slist **list, const char *name, const char *value, coco_error **err)
{
    _cleanup_buf_ struct coco_buf line = {.limit = COCO_HTTP_HEADERS_MAX};

    if (!coco_header_is_name(name, strlen(name)) || !coco_header_is_value(value, strlen(value)))
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
make_headers(const struct coco_hop *hop, struct curl_slist **ret, coco_error **err)
{
    const struct coco_http_request *request = hop->request;
    _cleanup_slist_ struct curl_slist *list = NULL;
    bool typed = false;

    /* No wait for 100-continue: it costs a round trip and is one more thing to stall on. */
    coco_status status = mute_header(&list, "Expect:", err);
    /* Who says nothing takes any coding (RFC 9110 section 12.5.3), and nothing is decoded here. */
    if (status == COCO_OK)
        status = add_header(&list, "Accept-Encoding", "identity", err);
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

static uint32_t
connect_timeout(const struct coco_http_options *opts)
{
    return opts->connect_timeout ? opts->connect_timeout : CONNECT_TIMEOUT_S;
}

/* libcurl's own would be left to each program that is run meanwhile, with what is said on it. */
static curl_socket_t
open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)user;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void
set_peer(const struct coco_http *http, CURLcode *rc)
{
    const struct coco_http_options *opts = &http->opts;
    CURL *easy = http->easy;
    const char *protocols = opts->allow_plain ? "https,http" : "https";
    long stall = opts->stall_timeout ? (long)opts->stall_timeout : STALL_TIMEOUT_S;
    long connect = (long)connect_timeout(opts);

    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, protocols));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_UNRESTRICTED_AUTH, 0L));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, connect));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_SPEED));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, stall));
    /* A canceled call must not wait for the resolver's thread. */
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L));
}

static const char *
text_of(const struct coco_secret *secret)
{
    return (const char *)secret->data;
}

/* libcurl would read the environment where it is told nothing, and is told all. */
static void
set_proxy(const struct coco_hop *hop, CURLcode *rc)
{
    const struct coco_proxies *proxies = hop->http->opts.proxies;
    const struct coco_proxy *proxy = hop->url->https ? &proxies->secure : &proxies->plain;
    CURL *easy = hop->http->easy;

    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_PROXY, proxy->url ? proxy->url : ""));
    if (!proxy->url)
        return;
    coco_hop_keep(rc,
                  curl_easy_setopt(easy, CURLOPT_NOPROXY, proxies->except ? proxies->except : ""));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC));
    if (proxy->user.data)
        coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, text_of(&proxy->user)));
    if (proxy->password.data)
        coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, text_of(&proxy->password)));
    if (strncmp(proxy->url, "https:", strlen("https:")) == 0)
        coco_hop_set_proxy_tls(hop, rc);
    /* What the peer is told is not for the proxy, nor is its answer to CONNECT the peer's. */
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L));
}

/*
 * libcurl connects to IP addresses by itself, and to little else, and its 7.88 to those,
 * too, that it is told to be connected. So it gets a socket to nowhere, which is connected
 * at once, for nothing is sent; before the first request that becomes a name for the
 * connection that was dialed.
 */
static curl_socket_t
on_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct coco_hop *hop = user;

    (void)purpose;
    hop->http->nowhere = socket(address->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return hop->http->nowhere;
}

static int /* NOLINTNEXTLINE(readability-non-const-parameter): a curl_prereq_callback */
on_request(void *user, char *ip, char *own_ip, int port, int own_port)
{
    struct coco_hop *hop = user;
    const uint32_t timeout = connect_timeout(&hop->http->opts);
    _cleanup_close_ int fd = -1;

    (void)ip, (void)own_ip, (void)port, (void)own_port;
    /* libcurl sends it again when a connection that was kept turns out to be gone. */
    if (hop->http->sent++ > 0 && hop->request->once) {
        hop->http->transient = true;
        hop->status = coco_fail(hop->err, COCO_ERR_NET, "the connection was lost");
        return CURL_PREREQFUNC_ABORT;
    }
    /* A connection that is kept was dialed before. */
    if (hop->http->nowhere < 0)
        return CURL_PREREQFUNC_OK;
    hop->status = coco_dial(hop->http->opts.dial, hop->ctx, timeout, &fd, hop->err);
    hop->http->transient = hop->status == COCO_ERR_NET;
    if (hop->status == COCO_OK && dup3(fd, hop->http->nowhere, O_CLOEXEC) < 0)
        hop->status = coco_fail_errno(hop->err, errno, "connect");
    hop->http->nowhere = -1;
    return hop->status == COCO_OK ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static void
set_dial(struct coco_hop *hop, CURLcode *rc)
{
    CURL *easy = hop->http->easy;

    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_PROXY, ""));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_CONNECT_TO, hop->http->names));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, hop));
}

static void
set_body(struct coco_hop *hop, CURLcode *rc)
{
    const struct coco_http_request *request = hop->request;
    const char *method = request->method;
    CURL *easy = hop->http->easy;

    if (strcmp(method, "HEAD") == 0) {
        coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_NOBODY, 1L));
        return;
    }
    if (request->reader || hop->is_push) {
        coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L));
        coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read));
        coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_READDATA, hop));
        if (hop->is_push && request->body_len > 0)
            coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
                                               (curl_off_t)request->body_len));
    } else if (request->body_len > 0 || method[0] == 'P') {
        /* POST, PUT and PATCH have a body, even an empty one. */
        const void *body = request->body ? request->body : "";

        coco_hop_keep(
            rc, curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len));
        coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body));
    }
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method));
}

static void
set_exchange(struct coco_hop *hop, CURLcode *rc)
{
    struct coco_http *http = hop->http;
    CURL *easy = http->easy;

    /* Where TLS says that the server can; this is libcurl's default, too, of late. */
    if (coco_http_features() & CURL_VERSION_HTTP2)
        coco_hop_keep(rc,
                      curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_URL, hop->url->text));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_HTTPHEADER, hop->headers));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_SIZE));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, hop->reason));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_PREREQDATA, hop));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_HEADERDATA, hop));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body));
    coco_hop_keep(rc, curl_easy_setopt(easy, CURLOPT_WRITEDATA, hop));
}

/*
 * Not once per byte that arrives: libcurl is asked to go on when it can, when a
 * timer of its own is due, and when ctx is canceled.
 */
coco_status
coco_hop_run(struct coco_hop *hop, coco_ctx *ctx, coco_error **err)
{
    const struct coco_http *http = hop->http;
    struct curl_waitfd cancel = {.fd = coco_ctx_cancel_fd(ctx), .events = CURL_WAIT_POLLIN};
    int running = 1;
    int left = 0;

    hop->err = err;
    hop->ctx = ctx;
    if (hop->paused)
        (void)curl_easy_pause(http->easy, CURLPAUSE_CONT);
    while (!hop->done) {
        coco_status status = coco_ctx_check(ctx, err);
        if (status != COCO_OK)
            return status;
        CURLMcode code = curl_multi_perform(http->multi, &running);
        if (hop->status != COCO_OK)
            return hop->status; /* *err is the callback's */
        if (code != CURLM_OK)
            return fail_multi(code, err);
        const CURLMsg *message = curl_multi_info_read(http->multi, &left);
        hop->done = message || !running;
        hop->result = message ? message->data.result : CURLE_GOT_NOTHING;
        if (hop->done || (hop->is_push && !hop->last && hop->pushed_len == 0))
            break;
        code = curl_multi_poll(http->multi, &cancel, 1, POLL_MS, NULL);
        if (code != CURLM_OK)
            return fail_multi(code, err);
    }
    return COCO_OK;
}

coco_status
coco_hop_end(struct coco_hop *hop, coco_error **err)
{
    hop->http->transient = hop->http->distrust == X509_V_OK && !hop->http->refusal && !hop->enough
                           && is_transient(hop);
    if (hop->result != CURLE_OK && hop->http->distrust != X509_V_OK)
        return coco_fail(err, COCO_ERR_VERIFY, "certificate%s: %s",
                         hop->http->of_proxy ? " of the proxy" : "",
                         X509_verify_cert_error_string(hop->http->distrust));
    if (hop->result != CURLE_OK && hop->http->refusal)
        return fail_refusal(hop->http->refusal, err);
    if (is_endless_line(hop))
        return coco_fail(err, COCO_ERR_LIMIT, "headers of more than %zu bytes",
                         COCO_HTTP_HEADERS_MAX);
    if (hop->result != CURLE_OK && !hop->enough)
        return fail_result(hop, err);
    /* libcurl takes what there is of a head that was cut for all of it. */
    if (!hop->head_done) {
        hop->http->transient = true;
        return coco_fail(err, COCO_ERR_NET, "the connection was closed in an answer's head");
    }
    hop->response->status = answer_code(hop);
    return COCO_OK;
}

coco_status
coco_hop_begin(struct coco_hop *hop, coco_error **err)
{
    struct coco_http_response *response = hop->response;
    CURLcode rc = CURLE_OK;

    hop->http->transient = false;
    hop->http->asked = false;
    hop->http->heard = false;
    hop->http->distrust = X509_V_OK;
    hop->http->of_proxy = false;
    hop->http->refusal = 0;
    hop->http->nowhere = -1;
    hop->max_body = hop->request->max_body ? hop->request->max_body : BODY_MAX_DEFAULT;
    coco_http_response_done(response);
    /* A line grows by at most one byte on its way into the buffer. */
    response->headers.limit = 2 * COCO_HTTP_HEADERS_MAX;
    response->body.limit = hop->max_body > ERROR_BODY_MAX ? (size_t)hop->max_body : ERROR_BODY_MAX;

    coco_status status = make_headers(hop, &hop->headers, err);
    if (status != COCO_OK)
        return status;
    set_peer(hop->http, &rc);
    if (hop->http->opts.dial)
        set_dial(hop, &rc);
    else
        set_proxy(hop, &rc);
    coco_hop_set_tls(hop, &rc);
    set_body(hop, &rc);
    set_exchange(hop, &rc);
    if (rc != CURLE_OK)
        return fail_code(rc, "", err);
    CURLMcode code = curl_multi_add_handle(hop->http->multi, hop->http->easy);
    return code == CURLM_OK ? COCO_OK : fail_multi(code, err);
}

/* A handle that was not added may be removed all the same. */
void
coco_hop_done(struct coco_hop *hop)
{
    (void)curl_multi_remove_handle(hop->http->multi, hop->http->easy);
    curl_easy_reset(hop->http->easy); /* it points to this hop */
    slist_freep(&hop->headers);
    hop->headers = NULL;
}
