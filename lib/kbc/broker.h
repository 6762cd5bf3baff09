/*
 * kbc/broker.h - a KBS, seen over HTTP
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_BROKER_H
#define COCO_KBC_BROKER_H

#include "base/cleanup.h"
#include "kbc/cookies.h"
#include "net/http.h"
#include "rcar/messages.h"

#include <coco/context.h>

/*
 * One KBS: its address, and connections to it. It is set up by one thread; requests
 * may then be made by any number of them, each of which has a connection.
 */
struct coco_broker;

/* COCO_ERR_INVALID unless url is http[s]://host[:port][/prefix] and nothing more. */
coco_status coco_broker_new(const char *url, struct coco_broker **ret, coco_error **err);
void coco_broker_free(struct coco_broker *broker);
COCO_DEFINE_CLEANUP(struct coco_broker *, coco_broker_free);

/* As coco_http_set_ca(). */
coco_status coco_broker_set_ca(struct coco_broker *broker, const void *pem, size_t len,
                               coco_error **err);

/* As coco_proxies_choose(). */
coco_status coco_broker_set_proxy(struct coco_broker *broker, const char *url, const char *no_proxy,
                                  coco_error **err);

/*
 * Whom we are to it: find, with self, is asked whenever a connection is made, as in net/peer.h.
 * Both are lent.
 */
void coco_broker_set_peers(struct coco_broker *broker,
                           coco_status (*find)(const void *self, const char *origin,
                                               struct coco_peer *ret, coco_error **err),
                           const void *self);

/* Ends the connections that nobody is using. */
void coco_broker_hang_up(struct coco_broker *broker);

/* When a request is made again; with its retries 0 more often for a broker that is busy. */
void coco_broker_set_retry(struct coco_broker *broker, const struct coco_retry_policy *policy);

#define COCO_BROKER_HEADERS_MAX 3
#define COCO_BROKER_ETAG_SIZE 128

struct coco_broker_request {
    const char *method;
    const char *root;         /* of the API; NULL: COCO_RCAR_PREFIX */
    const char *path;         /* behind it: "/auth" */
    const char *content_type; /* of body; NULL without one */
    const char *token;        /* for Authorization: Bearer, or NULL */
    const void *body;
    size_t len;
    const struct coco_cookies *cookies;     /* that go along; or NULL */
    struct coco_cookies *jar;               /* where those of the answer go; NULL: nowhere */
    const struct coco_http_header *headers; /* that go along, COCO_BROKER_HEADERS_MAX at most */
    size_t n_headers;
    uint64_t max_body; /* of the answer: COCO_ERR_LIMIT beyond; 0: 4 MiB */
    bool away; /* 307 passes: it is of a server that stands by, and sends us to who is down */
    /* Made twice it does something else: once only, unless the server says that it did nothing. */
    bool once;
};

struct coco_broker_answer {
    long status;
    char etag[COCO_BROKER_ETAG_SIZE]; /* value of its ETag; "" if there is none that we can show */
    bool leased;
    uint64_t lease; /* s that it may be used for, if so: its Cache-Control's max-age */
    uint64_t sent;  /* how often the request was: what came of all but the last, nobody knows */
    struct coco_buf body;
    struct coco_rcar_error error; /* all "" unless it is an ErrorInformation */
};

void coco_broker_answer_done(struct coco_broker_answer *answer);
#define _cleanup_answer_ _cleanup_(coco_broker_answer_done)

/*
 * Makes one request, again where the network fails or the server is busy. Any status
 * is COCO_OK, but redirects are not followed: a broker that was pinned is not left
 * for another.
 */
coco_status coco_broker_do(struct coco_broker *broker, coco_ctx *ctx,
                           const struct coco_broker_request *request,
                           struct coco_broker_answer *ret, coco_error **err);

/*
 * COCO_OK for 200 and 204. Otherwise what the answer means to whoever asked, in
 * the server's own words: 401 and 403 are COCO_ERR_DENIED, 404 is NOTFOUND, 413
 * LIMIT, 429 and 5xx NET, all else PROTO.
 */
coco_status coco_broker_check(const struct coco_broker_answer *answer, coco_error **err);

/* Fails with status and the server's words. */
coco_status coco_broker_fail(const struct coco_broker_answer *answer, coco_status status,
                             coco_error **err);

/* Whether the answer is an ErrorInformation of this name. */
bool coco_broker_said(const struct coco_broker_answer *answer, const char *name);

#endif
