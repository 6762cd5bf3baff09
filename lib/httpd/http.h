/*
 * httpd/http.h - HTTP/1.1 as a server reads and writes it (RFC 9112)
 *
 * Sans-IO: connection.c has the sockets. Stricter than the RFC where leniency makes
 * two readers disagree: no bare LF, no folded lines, no second Content-Length.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_HTTPD_HTTP_H
#define COCO_HTTPD_HTTP_H

#include "base/buf.h"
#include "httpd/limits.h"

/*
 * From where a peer asks, as far as one can be told from another: all addresses of a
 * network of IPv6 are one, for whoever has one of them has 2^64. Sockets without
 * addresses, of this machine, are all 0.
 */
struct coco_httpd_source {
    uint8_t bytes[8];
};

struct x509_st;

/* One request. All texts are lent by the head that it was parsed from. */
struct coco_httpd_request {
    const char *method;
    const char *path;                           /* as it came, percent-encoding and all */
    const char *query;                          /* what follows the "?", or NULL */
    const char *cookie;                         /* value of the Cookie header, or NULL */
    const char *authorization;                  /* value of the Authorization header, or NULL */
    const char *traceparent;                    /* value of the traceparent header, or NULL */
    const char *range;                          /* value of the Range header, or NULL */
    const char *if_range;                       /* value of the If-Range header, or NULL */
    const char *if_none_match;                  /* value of the If-None-Match header, or NULL */
    const char *accept[COCO_HTTPD_ACCEPTS_MAX]; /* values of the Accept headers */
    size_t n_accept;
    const uint8_t *body;
    size_t body_len; /* Content-Length, before there is a body */
    bool chunked;    /* it has none, and comes in chunks: httpd/chunked.h */
    struct coco_httpd_source source;
    struct x509_st *certificate; /* that the peer has shown, verified by its CA; or NULL. Lent */
    bool keep_alive;
    bool expects_continue;
    bool http_1_0;
};

/* What there is of a body that is made bit by bit. */
enum coco_httpd_more {
    COCO_HTTPD_DATA, /* at least one byte */
    COCO_HTTPD_WAIT, /* nothing yet: it is asked again when the server is woken */
    COCO_HTTPD_END,  /* that was all */
    COCO_HTTPD_CUT,  /* it went wrong: the connection ends, so that the peer sees it too */
};

/*
 * A body that is nowhere whole, whatever its length. What is public alone may go
 * this way: it is not wiped when it is sent.
 */
struct coco_httpd_stream {
    /* Puts up to room bytes to data, their number to *len, and never waits for any. */
    enum coco_httpd_more (*read)(void *self, uint8_t *data, size_t room, size_t *len);
    void (*free)(void *self);
    void *self; /* NULL: there is none */
    bool sized; /* size is known; else it goes in chunks, or until the connection ends */
    uint64_t size;
    bool chunked; /* RFC 9112 section 7.1; the connection decides that */
};

struct coco_httpd_reply;

/* A reply that is not known yet. */
struct coco_httpd_later {
    /* Fills reply, which is {0}, in and says true, or is asked again when the server is woken. */
    bool (*ready)(void *self, struct coco_httpd_reply *reply);
    void (*free)(void *self); /* also of what nobody waits for any more */
    void *self;               /* NULL: it is known */
};

/* What is said to it. */
struct coco_httpd_reply {
    int status;
    const char *type; /* Content-Type, or NULL; static */
    struct coco_buf body;
    struct coco_buf cookie;          /* value of Set-Cookie; empty for none */
    struct coco_buf fields;          /* further ones, see coco_httpd_reply_add() */
    struct coco_httpd_stream stream; /* instead of body */
    struct coco_httpd_later later;   /* instead of all else */
};

/* Adds a field to the head; COCO_ERR_INVALID for a value that is not of visible ASCII and blanks.
 */
coco_status coco_httpd_reply_add(struct coco_httpd_reply *reply, const char *name,
                                 const char *value, coco_error **err);

void coco_httpd_reply_done(struct coco_httpd_reply *reply);
#define _cleanup_reply_ _cleanup_(coco_httpd_reply_done)

/*
 * Parses a head that ends with an empty line; head is cut into the texts of ret.
 * What is wrong is a status of HTTP: 400, 417, 501 or 505; 0 is none.
 */
int coco_httpd_parse(char *head, size_t len, struct coco_httpd_request *ret);

/* Whether c may be in the name of a field (RFC 9110 section 5.6.2). */
bool coco_httpd_is_tchar(uint8_t c);

/* Appends the head of reply; the body follows it. now is seconds since 1970. */
coco_status coco_httpd_format(const struct coco_httpd_reply *reply, bool keep_alive, int64_t now,
                              struct coco_buf *buf, coco_error **err);

/* Appends an IMF-fixdate (RFC 9110 section 5.6.7). */
coco_status coco_httpd_date(int64_t when, struct coco_buf *buf, coco_error **err);

#endif
