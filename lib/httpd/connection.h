/*
 * httpd/connection.h - one peer of a server
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_HTTPD_CONNECTION_H
#define COCO_HTTPD_CONNECTION_H

#include "httpd/server.h"

#include <event2/event.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

/* The connections of one loop. */
struct coco_httpd_loop {
    struct coco_httpd_options opts; /* without what only the start needs */
    struct coco_httpd_handler handler;
    struct event_base *base;
    SSL_CTX *tls; /* or NULL */
    struct coco_httpd_connection *first;
    size_t n;
    uint64_t turns;  /* what orders connections by how long they wait */
    uint64_t bodies; /* bytes that longer bodies and heads on their way take */
    bool stopping;
};

/*
 * Serves the peer on fd, which is then owned, until either has enough. Where there are
 * max_connections, the one that has waited longest for its peer is closed for it.
 */
void coco_httpd_connection_open(struct coco_httpd_loop *loop, evutil_socket_t fd,
                                const struct sockaddr *address);

/* Asks those who make replies whether there is more. */
void coco_httpd_connections_wake(struct coco_httpd_loop *loop);

/* Closes those that wait for a request; the others close after their reply. */
void coco_httpd_connections_stop(struct coco_httpd_loop *loop);

/* Closes all of them. */
void coco_httpd_connections_close(struct coco_httpd_loop *loop);

#endif
