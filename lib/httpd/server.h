/*
 * httpd/server.h - sockets, TLS and the loop of a server of HTTP
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_HTTPD_SERVER_H
#define COCO_HTTPD_SERVER_H

#include "base/cleanup.h"
#include "httpd/http.h"
#include "httpd/tls.h"

#include <coco/context.h>

#include <sys/types.h>

/* Who answers; all of it runs on the server's thread and may not wait. */
struct coco_httpd_handler {
    /* Answers request, come what may; reply is {0}. */
    void (*handle)(void *self, const struct coco_httpd_request *request,
                   struct coco_httpd_reply *reply);
    /* Fills in a reply, whose status is set, to what never became a request. */
    void (*refuse)(void *self, const char *detail, struct coco_httpd_reply *reply);
    /* Whether a connection is taken from source, before TLS; NULL: all are. */
    bool (*admit)(void *self, const struct coco_httpd_source *source);
    void *self;
};

struct coco_httpd_options {
    coco_ctx *ctx;             /* lent until the server stops */
    int64_t (*now)(void);      /* seconds since 1970 */
    char *const *sockets;      /* as base/address.h has them; lent for the start */
    size_t n_sockets;          /* at most COCO_HTTPD_SOCKETS_MAX */
    bool insecure_http;        /* plain HTTP where others than this machine reach it */
    struct coco_httpd_tls tls; /* lent for the start */
    uint64_t max_connections;  /* for more, those that wait longest are closed */
    uint64_t body_max;         /* bytes of a request's body */
    uint64_t bodies_max;       /* bytes of all the longer bodies together; httpd/limits.h */
    uint64_t head_timeout;     /* seconds, as those that follow; httpd/limits.h says of what */
    uint64_t body_timeout;
    uint64_t write_timeout;
    uint64_t idle_timeout;
    mode_t unix_mode; /* of sockets in the file system; 0: what umask leaves */
    const int *wake;  /* an eventfd, lent until the server stops, that makes it ask for what was
                         not there before; or NULL */
};

struct coco_httpd_server;

/*
 * Binds the sockets and serves on a thread of its own. COCO_ERR_INVALID for plain
 * HTTP on an address that others reach, unless insecure_http is set.
 */
coco_status coco_httpd_server_start(const struct coco_httpd_options *opts,
                                    const struct coco_httpd_handler *handler,
                                    struct coco_httpd_server **ret, coco_error **err);

/* Ends the replies under way, for a few seconds at most, and frees; NULL is fine. */
void coco_httpd_server_stop(struct coco_httpd_server *server);
COCO_DEFINE_CLEANUP(struct coco_httpd_server *, coco_httpd_server_stop);

/* "https://127.0.0.1:8080" of the first socket, or "unix:/path", or "vsock:any:1024". */
const char *coco_httpd_server_url(const struct coco_httpd_server *server);

#endif
