/*
 * httpd/http.h - HTTP/1.1 as a server reads and writes it (RFC 9112)
 *
 * Sans-IO: server.c has the sockets. Stricter than the RFC where leniency makes
 * two readers disagree: no bare LF, no folded lines, no second Content-Length.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_HTTPD_HTTP_H
#define COCO_HTTPD_HTTP_H

#include "base/buf.h"
#include "httpd/limits.h"

/* One request. All texts are lent by the head that it was parsed from. */
struct coco_httpd_request {
    const char *method;
    const char *path;          /* as it came, percent-encoding and all */
    const char *query;         /* what follows the "?", or NULL */
    const char *cookie;        /* value of the Cookie header, or NULL */
    const char *authorization; /* value of the Authorization header, or NULL */
    const uint8_t *body;
    size_t body_len; /* Content-Length, before there is a body */
    bool keep_alive;
    bool expects_continue;
};

/* What is said to it. */
struct coco_httpd_reply {
    int status;
    const char *type; /* Content-Type, or NULL; static */
    struct coco_buf body;
    struct coco_buf cookie; /* value of Set-Cookie; empty for none */
};

void coco_httpd_reply_done(struct coco_httpd_reply *reply);
#define _cleanup_reply_ _cleanup_(coco_httpd_reply_done)

/*
 * Parses a head that ends with an empty line; head is cut into the texts of ret.
 * What is wrong is a status of HTTP: 400, 411, 417, 501 or 505; 0 is none.
 */
int coco_httpd_parse(char *head, size_t len, struct coco_httpd_request *ret);

/* Appends the head of reply; the body follows it. now is seconds since 1970. */
coco_status coco_httpd_format(const struct coco_httpd_reply *reply, bool keep_alive, int64_t now,
                              struct coco_buf *buf, coco_error **err);

/* Appends an IMF-fixdate (RFC 9110 section 5.6.7). */
coco_status coco_httpd_date(int64_t when, struct coco_buf *buf, coco_error **err);

#endif
