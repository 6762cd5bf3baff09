/*
 * httpd/sending.c - replies, on their way to a peer
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/sending.h"

#include <event2/buffer.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

/* Before each chunk of a body whose size is not known, and behind it. */
#define CHUNK_HEAD "%08zx\r\n"
#define CHUNK_HEAD_LEN 10

static void
on_sent(const void *data, size_t len, void *arg)
{
    union {
        const void *in;
        void *out;
    } memory = {.in = data};

    (void)arg;
    OPENSSL_cleanse(memory.out, len);
    free(memory.out);
}

/* Hands the memory of buf over, to be wiped once it is sent: a copy would not be. */
static bool
give(struct coco_httpd_connection *c, struct coco_buf *buf)
{
    if (buf->len == 0)
        return true;
    if (evbuffer_add_reference(bufferevent_get_output(c->bev), buf->data, buf->len, on_sent, NULL)
        != 0)
        return false;
    *buf = (struct coco_buf){0};
    return true;
}

/* The next piece of the stream, framed, at to, which has room bytes; how many bytes that makes. */
static enum coco_httpd_more
read_piece(struct coco_httpd_connection *c, uint8_t *to, size_t room, size_t *ret)
{
    size_t frame = c->stream.chunked ? CHUNK_HEAD_LEN : 0;
    char head[CHUNK_HEAD_LEN + 1];
    size_t len = 0;

    room -= frame ? frame + 2 : 0;
    if (c->stream.sized && room > c->left)
        room = (size_t)c->left;
    enum coco_httpd_more more = c->stream.read(c->stream.self, to + frame, room, &len);
    if (more != COCO_HTTPD_DATA)
        return more;
    if (len == 0 || len > room)
        return COCO_HTTPD_CUT;
    c->left -= c->stream.sized ? len : 0;
    if (frame) {
        (void)snprintf(head, sizeof(head), CHUNK_HEAD, len);
        memcpy(to, head, frame);
        memcpy(to + frame + len, "\r\n", 2);
    }
    *ret = len + (frame ? frame + 2 : 0);
    return more;
}

/* Whether the end of the stream is one of the reply, too; what marks it is added. */
static bool
end_stream(struct coco_httpd_connection *c)
{
    static const char last_chunk[] = "0\r\n\r\n";

    if (c->stream.sized && c->left > 0)
        return false;
    return !c->stream.chunked
           || evbuffer_add(bufferevent_get_output(c->bev), last_chunk, sizeof(last_chunk) - 1) == 0;
}

void
coco_httpd_send_more(struct coco_httpd_connection *c)
{
    struct evbuffer *output = bufferevent_get_output(c->bev);
    struct evbuffer_iovec piece;
    size_t len = 0;

    c->starved = false;
    enum coco_httpd_more more = COCO_HTTPD_END;
    if (!c->stream.sized || c->left > 0) {
        if (evbuffer_reserve_space(output, (ev_ssize_t)COCO_HTTPD_CHUNK, &piece, 1) != 1) {
            coco_httpd_peer_close(c);
            return;
        }
        more = read_piece(c, piece.iov_base, COCO_HTTPD_CHUNK, &len);
        piece.iov_len = len;
        if (more == COCO_HTTPD_DATA && evbuffer_commit_space(output, &piece, 1) != 0)
            more = COCO_HTTPD_CUT;
    }
    if (more == COCO_HTTPD_CUT || (more == COCO_HTTPD_END && !end_stream(c))) {
        coco_httpd_peer_close(c);
        return;
    }
    if (more == COCO_HTTPD_END)
        coco_httpd_peer_drop_stream(c);
    c->starved = more == COCO_HTTPD_WAIT;
    if (c->starved && evbuffer_get_length(output) == 0)
        (void)event_del(c->deadline); /* nobody waits for the peer */
    else
        coco_httpd_peer_set_deadline(c, c->loop->opts.write_timeout);
    /* Nothing is sent that would tell so. */
    if (more == COCO_HTTPD_END && evbuffer_get_length(output) == 0)
        bufferevent_trigger(c->bev, EV_WRITE, BEV_TRIG_DEFER_CALLBACKS);
}

void
coco_httpd_send(struct coco_httpd_connection *c, struct coco_httpd_reply *reply, bool keep_alive)
{
    _cleanup_buf_ struct coco_buf head = {.limit = 2 * COCO_HTTPD_HEAD_MAX};
    bool is_head = c->request.method && strcmp(c->request.method, "HEAD") == 0;

    reply->stream.chunked = reply->stream.self && !reply->stream.sized && !c->request.http_1_0;
    keep_alive = keep_alive && !c->loop->stopping
                 && (!reply->stream.self || reply->stream.sized || reply->stream.chunked);
    coco_status status = coco_httpd_format(reply, keep_alive, c->loop->opts.now(), &head, NULL);
    if (status != COCO_OK || !give(c, &head) || (!is_head && !give(c, &reply->body))) {
        coco_httpd_peer_close(c);
        return;
    }
    coco_buf_reset(&c->head);
    coco_buf_done(&c->body);
    c->request = (struct coco_httpd_request){0};
    c->state = keep_alive ? COCO_HTTPD_WRITING : COCO_HTTPD_CLOSING;
    coco_httpd_peer_set_deadline(c, c->loop->opts.write_timeout);
    if (reply->stream.self && !is_head) {
        c->stream = reply->stream;
        c->left = reply->stream.size;
        reply->stream = (struct coco_httpd_stream){0};
        coco_httpd_send_more(c);
    } else if (!keep_alive) {
        (void)bufferevent_disable(c->bev, EV_READ);
    }
}

void
coco_httpd_refuse(struct coco_httpd_connection *c, int status, const char *detail)
{
    _cleanup_reply_ struct coco_httpd_reply reply = {.body = {.limit = COCO_HTTPD_HEAD_MAX}};

    reply.status = status;
    c->loop->handler.refuse(c->loop->handler.self, detail, &reply);
    coco_httpd_send(c, &reply, false);
}
