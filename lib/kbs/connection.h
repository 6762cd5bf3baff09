/*
 * kbs/connection.h - one peer of a KBS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_CONNECTION_H
#define COCO_KBS_CONNECTION_H

#include "kbs/core.h"

#include <event2/event.h>
#include <openssl/ssl.h>

/* The connections of one loop. */
struct coco_kbs_loop {
    struct coco_kbs_core *core;
    struct event_base *base;
    SSL_CTX *tls; /* or NULL */
    struct coco_kbs_connection *first;
    size_t n;
    bool stopping;
};

/* Serves the peer on fd, which is then owned, until either has enough. */
void coco_kbs_connection_open(struct coco_kbs_loop *loop, evutil_socket_t fd);

/* Closes those that wait for a request; the others close after their reply. */
void coco_kbs_connections_stop(struct coco_kbs_loop *loop);

/* Closes all of them. */
void coco_kbs_connections_close(struct coco_kbs_loop *loop);

#endif
