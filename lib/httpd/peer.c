/*
 * httpd/peer.c - what reading from a peer, sending to it and serving it share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/peer.h"

#include <event2/buffer.h>
#include <openssl/crypto.h>

void
coco_httpd_wipe(struct evbuffer *input)
{
    struct evbuffer_iovec piece;

    while (evbuffer_peek(input, -1, NULL, &piece, 1) > 0 && piece.iov_len > 0) {
        OPENSSL_cleanse(piece.iov_base, piece.iov_len);
        (void)evbuffer_drain(input, piece.iov_len);
    }
}

void
coco_httpd_peer_drop_stream(struct coco_httpd_connection *c)
{
    if (c->stream.self)
        c->stream.free(c->stream.self);
    c->stream = (struct coco_httpd_stream){0};
    c->starved = false;
}

void
coco_httpd_peer_drop_later(struct coco_httpd_connection *c)
{
    if (c->later.self)
        c->later.free(c->later.self);
    c->later = (struct coco_httpd_later){0};
}

void
coco_httpd_peer_release_body(struct coco_httpd_connection *c)
{
    coco_buf_done(&c->body);
    c->loop->bodies -= c->reserved;
    c->reserved = 0;
    c->announced = 0;
}

void
coco_httpd_peer_close(struct coco_httpd_connection *c)
{
    coco_httpd_peer_drop_stream(c);
    coco_httpd_peer_drop_later(c);
    coco_httpd_peer_release_body(c);
    if (c->previous)
        c->previous->next = c->next;
    else
        c->loop->first = c->next;
    if (c->next)
        c->next->previous = c->previous;
    c->loop->n--;
    if (c->loop->stopping && c->loop->n == 0)
        (void)event_base_loopbreak(c->loop->base);
    if (c->deadline)
        event_free(c->deadline);
    if (c->bev) {
        coco_httpd_wipe(bufferevent_get_input(c->bev));
        bufferevent_free(c->bev);
    }
    coco_buf_done(&c->head);
    free(c);
}

void
coco_httpd_peer_set_deadline(struct coco_httpd_connection *c, uint64_t seconds)
{
    const struct timeval when = {.tv_sec = (time_t)seconds};

    (void)event_add(c->deadline, &when);
}
