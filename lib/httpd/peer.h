/*
 * httpd/peer.h - what reading from a peer, sending to it and serving it share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_HTTPD_PEER_H
#define COCO_HTTPD_PEER_H

#include "httpd/chunked.h"
#include "httpd/connection.h"

#include <event2/bufferevent.h>

enum coco_httpd_state {
    COCO_HTTPD_HEAD,      /* a request may begin, or has */
    COCO_HTTPD_BODY,      /* its head is there */
    COCO_HTTPD_WAITING,   /* its reply is not known yet */
    COCO_HTTPD_WRITING,   /* its reply is on the way */
    COCO_HTTPD_CLOSING,   /* that, and it is the last */
    COCO_HTTPD_LINGERING, /* that is out, and what still comes is dropped */
};

struct coco_httpd_connection {
    struct coco_httpd_loop *loop;
    struct coco_httpd_connection *next, *previous;
    struct bufferevent *bev;
    struct event *deadline;
    enum coco_httpd_state state;
    bool idle;            /* waits for the first byte of a request that is not its first */
    uint64_t turn;        /* of the loop, when it began to wait for its peer */
    size_t searched;      /* bytes where no head ends, so that none is looked at again */
    struct coco_buf head; /* of the request, cut into texts */
    struct coco_httpd_request request;
    struct coco_buf body;              /* of the request, as far as it was taken */
    struct coco_httpd_chunked chunked; /* while it comes so */
    struct coco_httpd_source source;
    uint64_t reserved;               /* of what the loop has for bodies and long heads */
    uint64_t announced;              /* of that for chunks */
    struct coco_httpd_later later;   /* while WAITING */
    struct coco_httpd_stream stream; /* while it has more */
    uint64_t left;                   /* bytes of a stream whose size is known */
    bool starved;                    /* it had nothing when it was asked */
    size_t dropped;                  /* bytes while LINGERING */
};

/* Takes it out of its loop and frees it. */
void coco_httpd_peer_close(struct coco_httpd_connection *c);

/* It is closed then, unless another deadline takes the place of this one. */
void coco_httpd_peer_set_deadline(struct coco_httpd_connection *c, uint64_t seconds);

/* What of a reply is not sent or known yet. */
void coco_httpd_peer_drop_stream(struct coco_httpd_connection *c);
void coco_httpd_peer_drop_later(struct coco_httpd_connection *c);

/* The body of the request, and what the loop had reserved for it. */
void coco_httpd_peer_release_body(struct coco_httpd_connection *c);

/* Drains input. What a peer began to send may be a secret, or the token of who may send it. */
void coco_httpd_wipe(struct evbuffer *input);

#endif
