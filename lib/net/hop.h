/*
 * net/hop.h - one exchange with one server, inside of net/http.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_NET_HOP_H
#define COCO_NET_HOP_H

#include "net/http.h"
#include "net/url.h"

#include <curl/curl.h>

struct coco_http {
    CURLM *multi; /* keeps the connections */
    CURL *easy;   /* makes one exchange at a time */
    struct coco_http_options opts;
    char *user_agent;
    struct curl_slist *names; /* with opts.dial: what they all mean, so that none is looked up */
    struct coco_proxies env;  /* of the environment, unless the options have others */
    struct coco_buf ca;
    struct coco_peers peers; /* connections point to them: they outlive multi */

    /* Of the last exchange. */
    int nowhere;    /* lent: with opts.dial, the socket of a new connection; -1 for none */
    bool transient; /* it failed, and the next may not */
    unsigned sent;  /* how often the last request went out, by all exchanges that it took */
    bool asked;     /* the server asked for a certificate */
    bool heard;     /* the server said something in TLS */
    int distrust;   /* what is wrong with the peer's certificate, an X509_V_ERR, */
    bool of_proxy;  /* or with the proxy's */
    int refusal;    /* what the peer says is wrong with ours, an SSL_AD; 0 for nothing */
};

/* What this libcurl has, CURL_VERSION_… */
int coco_http_features(void);

/*
 * One exchange. It must stay where it is while it runs, for libcurl's callbacks
 * point to it; they leave their failure in status and *err.
 */
struct coco_hop {
    struct coco_http *http;
    const struct coco_http_request *request;
    const struct coco_url *url;
    coco_ctx *ctx; /* while it runs */
    bool trusted;  /* the origin that the request was made for: it sees all headers */
    struct coco_http_response *response;
    uint64_t max_body;

    /* Bytes of a pushed body that libcurl has not taken yet. */
    bool is_push;
    const uint8_t *pushed;
    size_t pushed_len;
    bool last;   /* no more will come */
    bool paused; /* libcurl waits for more */

    bool done; /* libcurl has a result: this one */
    CURLcode result;
    struct curl_slist *headers;
    uint64_t received;
    size_t header_bytes; /* of all heads, interim ones too */
    bool in_head;
    bool head_done;
    bool enough; /* the rest of an error's body does not matter */
    coco_status status;
    coco_error **err;
    char reason[CURL_ERROR_SIZE];
};

/* Keeps the first failure of a row of calls. */
static inline void
coco_hop_keep(CURLcode *first, CURLcode code)
{
    if (*first == CURLE_OK)
        *first = code;
}

/* Prepares; afterwards coco_hop_done() must be called before the hop goes away. */
coco_status coco_hop_begin(struct coco_hop *hop, coco_error **err);
/* Goes on until the answer is there, or all of a pushed body so far was taken. */
coco_status coco_hop_run(struct coco_hop *hop, coco_ctx *ctx, coco_error **err);
/* What the exchange came to: the response, or why there is none. */
coco_status coco_hop_end(struct coco_hop *hop, coco_error **err);
void coco_hop_done(struct coco_hop *hop);
#define _cleanup_hop_ _cleanup_(coco_hop_done)

#endif
