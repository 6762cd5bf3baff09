/*
 * httpd/reading.c - requests, on their way from a peer
 *
 * What libevent held of what is taken is wiped: it may be a secret.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/reading.h"

#include "httpd/sending.h"

#include <event2/buffer.h>
#include <openssl/crypto.h>
#include <string.h>

/* Takes len bytes out of the input; what libevent held of them is wiped, for they may be secret. */
static coco_status
take(struct evbuffer *input, size_t len, struct coco_buf *buf)
{
    coco_status status = COCO_OK;
    size_t left = len;

    while (left > 0 && status == COCO_OK) {
        struct evbuffer_iovec piece;

        /* Not of left bytes: all their pieces would be counted, each time. */
        if (evbuffer_peek(input, -1, NULL, &piece, 1) < 1 || piece.iov_len == 0)
            return COCO_ERR_IO;
        size_t n = piece.iov_len < left ? piece.iov_len : left;
        status = coco_buf_append(buf, piece.iov_base, n, NULL);
        OPENSSL_cleanse(piece.iov_base, n);
        (void)evbuffer_drain(input, n);
        left -= n;
    }
    return status;
}

/* RFC 9112 section 2.2: empty lines before a request are passed over. */
static void
pass_over_empty_lines(struct evbuffer *input)
{
    char line[2];

    while (evbuffer_copyout(input, line, sizeof(line)) == (ev_ssize_t)sizeof(line)
           && line[0] == '\r' && line[1] == '\n')
        (void)evbuffer_drain(input, sizeof(line));
}

/* What longer heads and bodies share; if others have it, the peer is told so. */
static bool
reserve(struct coco_httpd_connection *c, uint64_t len)
{
    if (len > c->loop->opts.bodies_max - c->loop->bodies) {
        coco_httpd_refuse(c, 503, "others have much to say at the moment: try again later");
        return false;
    }
    c->reserved += len;
    c->loop->bodies += len;
    return true;
}

/* The end of a head is not there yet, of which have bytes are. */
static void
wait_for_head(struct coco_httpd_connection *c, size_t have)
{
    c->searched = have > 3 ? have - 3 : 0; /* the end may have begun */
    if (have < COCO_HTTPD_HEAD_SMALL || c->reserved > 0 || !reserve(c, COCO_HTTPD_HEAD_MAX))
        return;
    bufferevent_setwatermark(c->bev, EV_READ, 0, COCO_HTTPD_HEAD_MAX);
}

static const char *
why_bad(int status)
{
    switch (status) {
    case 417:
        return "nothing is expected but 100-continue";
    case 501:
        return "a body comes as it is, or in chunks, and in no other coding";
    case 505:
        return "HTTP/1.1 is spoken, and 1.0";
    default:
        return "request is not understood";
    }
}

/* Whether there is a whole head; if it is bad, the peer is told so. */
static bool
read_head(struct coco_httpd_connection *c, struct evbuffer *input)
{
    static const char end[] = "\r\n\r\n";

    pass_over_empty_lines(input);
    /* Not evbuffer_pullup(): it copies what it finds and wipes nothing. */
    size_t have = evbuffer_get_length(input);
    struct evbuffer_ptr from;
    if (evbuffer_ptr_set(input, &from, c->searched, EVBUFFER_PTR_SET) != 0)
        return false;
    struct evbuffer_ptr at = evbuffer_search(input, end, strlen(end), &from);
    size_t len = at.pos < 0 ? 0 : (size_t)at.pos + strlen(end);
    if (len == 0 && have < COCO_HTTPD_HEAD_MAX) {
        wait_for_head(c, have);
        return false;
    }
    c->searched = 0;
    if (len == 0 || len > COCO_HTTPD_HEAD_MAX) {
        coco_httpd_refuse(c, 431, "request line and headers are too long");
        return false;
    }
    coco_buf_reset(&c->head);
    c->request = (struct coco_httpd_request){0};
    if (take(input, len, &c->head) != COCO_OK) {
        coco_httpd_refuse(c, 500, "internal error");
        return false;
    }
    int bad = coco_httpd_parse((char *)c->head.data, len, &c->request);
    if (bad)
        coco_httpd_refuse(c, bad, why_bad(bad));
    return !bad;
}

static bool
begin_body(struct coco_httpd_connection *c)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t least = c->request.chunked ? 1 : c->request.body_len;

    if (c->request.body_len > c->loop->opts.body_max) {
        coco_httpd_refuse(c, 413, "request body is too long");
        return false;
    }
    if (c->request.body_len > COCO_HTTPD_BODY_SMALL && !reserve(c, c->request.body_len))
        return false;
    c->state = COCO_HTTPD_BODY;
    c->body.limit = c->request.chunked ? c->loop->opts.body_max : c->request.body_len;
    c->chunked = (struct coco_httpd_chunked){.limit = c->body.limit};
    coco_httpd_peer_set_deadline(c, c->loop->opts.body_timeout);
    bufferevent_setwatermark(c->bev, EV_READ, c->request.body_len,
                             c->request.body_len + COCO_HTTPD_HEAD_SMALL);
    if (c->request.expects_continue && evbuffer_get_length(bufferevent_get_input(c->bev)) < least)
        (void)bufferevent_write(c->bev, go_on, sizeof(go_on) - 1);
    return true;
}

/* What chunks announce has its room before it comes. */
static bool
reserve_chunks(struct coco_httpd_connection *c)
{
    uint64_t more = c->chunked.len - c->announced;

    if (more == 0 || c->chunked.len <= COCO_HTTPD_BODY_SMALL)
        return true;
    if (!reserve(c, more))
        return false;
    c->announced += more;
    return true;
}

/* Whether all chunks are there; if one is bad, the peer is told so. */
static bool
read_chunks(struct coco_httpd_connection *c, struct evbuffer *input)
{
    while (c->chunked.state != COCO_HTTPD_CHUNKED_END) {
        struct coco_httpd_chunked_step step;
        struct evbuffer_iovec piece;

        if (evbuffer_peek(input, -1, NULL, &piece, 1) < 1 || piece.iov_len == 0)
            return false;
        uint8_t *data = piece.iov_base;
        int bad = coco_httpd_chunked_read(&c->chunked, data, piece.iov_len, &step);
        if (bad) {
            coco_httpd_refuse(
                c, bad, bad == 413 ? "request body is too long" : "chunks are not understood");
            return false;
        }
        if (!reserve_chunks(c))
            return false;
        coco_status status =
            coco_buf_append(&c->body, data + step.used - step.data, step.data, NULL);
        OPENSSL_cleanse(data, step.used);
        (void)evbuffer_drain(input, step.used);
        if (status != COCO_OK) {
            coco_httpd_refuse(c, 500, "internal error");
            return false;
        }
    }
    c->request.body_len = c->body.len;
    return true;
}

/* Whether all of a body is there whose length is known. */
static bool
read_body(struct coco_httpd_connection *c, struct evbuffer *input)
{
    if (evbuffer_get_length(input) < c->request.body_len)
        return false;
    if (c->request.body_len == 0 || take(input, c->request.body_len, &c->body) == COCO_OK)
        return true;
    coco_httpd_refuse(c, 500, "internal error");
    return false;
}

bool
coco_httpd_read(struct coco_httpd_connection *c)
{
    struct evbuffer *input = bufferevent_get_input(c->bev);

    if (c->state == COCO_HTTPD_HEAD && (!read_head(c, input) || !begin_body(c)))
        return false;
    return c->state == COCO_HTTPD_BODY
           && (c->request.chunked ? read_chunks(c, input) : read_body(c, input));
}
