/*
 * net/http.h - bounded, cancellable HTTP(S)
 *
 * The peer is hostile until TLS says who it is, and its answers always are:
 * https only unless plain HTTP was asked for, TLS 1.2 and up, redirects counted
 * and without credentials for another host, sizes bounded before they are
 * stored, stalls timed out (T12 to T14 in doc/threats.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_NET_HTTP_H
#define COCO_NET_HTTP_H

#include "base/address.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/sink.h"
#include "net/peer.h"
#include "net/proxy.h"
#include "net/retry.h"

#include <coco/context.h>

#define COCO_HTTP_REDIRECTS_MAX 5
#define COCO_HTTP_HEADERS_MAX ((size_t)128 << 10)

/* Settings of a client; zero is the default of each. */
struct coco_http_options {
    bool allow_plain;               /* http:// URLs, and redirects to them from http:// */
    const char *user_agent;         /* NULL: "libcoco/<version>" */
    uint32_t connect_timeout;       /* seconds; 0: 30 */
    uint32_t stall_timeout;         /* seconds below 128 bytes/s; 0: 60. There is no total one. */
    struct coco_retry_policy retry; /* for coco_http_insist() in net/attempt.h */
    const struct coco_proxies *proxies; /* lent; NULL: what the environment says */
    /* Lent: where each connection goes, whatever host an http:// URL has, and no proxy; or NULL. */
    const struct coco_address *dial;
    /* As find and self in net/peer.h: what TLS goes by with an origin that is met; or NULL. */
    coco_status (*find_peer)(const void *peers, const char *origin, struct coco_peer *ret,
                             coco_error **err);
    const void *peers;
};

/* Connections to any number of hosts, kept alive between requests. One thread at a time. */
struct coco_http;

coco_status coco_http_new(const struct coco_http_options *opts, struct coco_http **ret,
                          coco_error **err);
void coco_http_free(struct coco_http *http);
COCO_DEFINE_CLEANUP(struct coco_http *, coco_http_free);

/* Certificates (PEM) that are trusted instead of the system's. COCO_ERR_PROTO if there is none. */
coco_status coco_http_set_ca(struct coco_http *http, const void *pem, size_t len, coco_error **err);

/* What TLS with origin goes by besides; peer is taken over. */
coco_status coco_http_add_peer(struct coco_http *http, const char *origin, struct coco_peer *peer,
                               coco_error **err);

/* Changes allow_plain of the options, for later requests. */
void coco_http_allow_plain(struct coco_http *http, bool allow);

struct coco_http_header {
    const char *name;
    const char *value; /* refused with COCO_ERR_INVALID if it holds CR, LF or NUL */
};

struct coco_http_response;

/* Looks at the head of a 2xx answer, before its body goes anywhere; its failure is the request's.
 */
struct coco_http_look {
    coco_status (*fn)(void *self, const struct coco_http_response *response, coco_error **err);
    void *self;
};

struct coco_http_request {
    const char *method; /* "GET" */
    const char *url;    /* absolute; user:password@ in it is refused */
    const struct coco_http_header *headers;
    size_t n_headers;

    /* The body: bytes, or a stream of unknown length when reader is not NULL, or none. */
    const void *body;
    size_t body_len;
    const struct coco_stream *reader;

    /*
     * Where the body of a 2xx answer goes: into sink as it comes, or into the
     * response when sink is NULL. sink->end is left to the caller, who knows
     * what else must hold. Bodies of other answers always go into the response.
     * only_status, when it is not 0, makes all other answers such others.
     */
    const struct coco_sink *sink;
    long only_status;
    const struct coco_http_look *look; /* or NULL */
    uint64_t max_body;                 /* COCO_ERR_LIMIT beyond; 0: 4 MiB */

    bool no_redirect; /* 3xx answers are given to the caller */
    bool once;        /* and never sent a second time: COCO_ERR_NET if that would be needed */
};

struct coco_http_response {
    long status;             /* 200 */
    struct coco_buf headers; /* of the last hop, "name: value\n" each, names in lower case */
    struct coco_buf body;    /* at most 1 MiB of it for answers other than 2xx */
    char *url;               /* where the answer came from, after redirects */
};

void coco_http_response_done(struct coco_http_response *response);
#define _cleanup_response_ _cleanup_(coco_http_response_done)

/*
 * Value of header name (lower case) in a buffer that the caller frees, without
 * white space around it; NULL in *ret if there is none. Of several the first.
 */
coco_status coco_http_header(const struct coco_http_response *response, const char *name,
                             char **ret, coco_error **err);

/* Appends all values of a header that may be there several times, ", " between them. */
coco_status coco_http_header_all(const struct coco_http_response *response, const char *name,
                                 struct coco_buf *buf, coco_error **err);

/*
 * Makes one request and waits for the whole answer, progress reported to ctx by
 * nobody here: the sink knows better.
 *
 * Any status the server gives is COCO_OK. COCO_ERR_NET when there is no answer,
 * with the reason (could not resolve, refused, certificate, timed out),
 * COCO_ERR_VERIFY when the peer's certificate is not trusted, COCO_ERR_LIMIT,
 * COCO_ERR_CANCELED at once when ctx is canceled, and whatever sink or reader
 * failed with.
 */
coco_status coco_http_do(struct coco_http *http, coco_ctx *ctx,
                         const struct coco_http_request *request, struct coco_http_response *ret,
                         coco_error **err);

/* How often the last request was sent, of which all but the last may have come to nothing. */
unsigned coco_http_sent(const struct coco_http *http);

/* Whether the last exchange failed, and in a way that the next may not: see net/attempt.h. */
bool coco_http_transient(const struct coco_http *http);

/*
 * A request whose body is pushed bit by bit, by whoever has it, rather than asked
 * for: what is written to the sink is sent before the write returns, and nothing
 * is kept. It is not redirected. Until it is freed http can do nothing else, and
 * what request points to must stay; its body and reader are not looked at. A body_len
 * other than 0 is how much will be pushed.
 */
struct coco_http_upload;
coco_status coco_http_upload_begin(struct coco_http *http, coco_ctx *ctx,
                                   const struct coco_http_request *request,
                                   struct coco_http_upload **ret, coco_error **err);
/* Its end does nothing: coco_http_upload_end() ends the body. */
struct coco_sink coco_http_upload_sink(struct coco_http_upload *upload);
/* Whether the server has answered already; what is written then is dropped. */
bool coco_http_upload_answered(const struct coco_http_upload *upload);
/* Ends the body and waits for the answer; once. Errors as coco_http_do(). */
coco_status coco_http_upload_end(struct coco_http_upload *upload, struct coco_http_response *ret,
                                 coco_error **err);
void coco_http_upload_free(struct coco_http_upload *upload);
COCO_DEFINE_CLEANUP(struct coco_http_upload *, coco_http_upload_free);

#endif
