/*
 * httpd/connection.c - one peer of a server
 *
 * wait -> head -> body -> handle -> write -> wait …, each with a deadline of its
 * own that no trickle of bytes moves (T44 in doc/threats.md)
 *
 * A reply may take its time before it is known and between two of its pieces;
 * whoever makes it wakes the loop. Whether the peer takes it is timed by chunk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/peer.h"
#include "httpd/reading.h"
#include "httpd/sending.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <linux/vm_sockets.h> /* needs sys/socket.h */
#include <netinet/in.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    coco_httpd_peer_close(arg);
}

/*
 * A last reply is out. What the peer sends on would make the system take the reply
 * back, so it is read for a while (RFC 9112 section 9.6).
 */
static void
linger(struct coco_httpd_connection *c)
{
    SSL *ssl = c->loop->tls ? bufferevent_openssl_get_ssl(c->bev) : NULL;

    if (c->loop->stopping) {
        coco_httpd_peer_close(c);
        return;
    }
    if (ssl)
        (void)SSL_shutdown(ssl);
    ERR_clear_error();
    (void)shutdown(bufferevent_getfd(c->bev), SHUT_WR);
    c->state = COCO_HTTPD_LINGERING;
    coco_httpd_wipe(bufferevent_get_input(c->bev));
    bufferevent_setwatermark(c->bev, EV_READ, 0, COCO_HTTPD_HEAD_SMALL);
    (void)bufferevent_enable(c->bev, EV_READ);
    coco_httpd_peer_set_deadline(c, COCO_HTTPD_LINGER_SECONDS);
}

static void
drop_input(struct coco_httpd_connection *c)
{
    struct evbuffer *input = bufferevent_get_input(c->bev);

    c->dropped += evbuffer_get_length(input);
    coco_httpd_wipe(input);
    if (c->dropped > COCO_HTTPD_LINGER_BYTES)
        coco_httpd_peer_close(c);
}

/* Sends the reply that was waited for, if it is there. */
static void
look_for_reply(struct coco_httpd_connection *c)
{
    _cleanup_reply_ struct coco_httpd_reply reply = {0};

    if (!c->later.ready(c->later.self, &reply))
        return;
    coco_httpd_peer_drop_later(c);
    coco_httpd_send(c, &reply, c->request.keep_alive);
}

static void
handle(struct coco_httpd_connection *c)
{
    _cleanup_reply_ struct coco_httpd_reply reply = {0};

    c->request.body = (const uint8_t *)coco_buf_text(&c->body);
    c->request.source = c->source;
    if (c->loop->tls)
        c->request.certificate = SSL_get0_peer_certificate(bufferevent_openssl_get_ssl(c->bev));
    bufferevent_setwatermark(c->bev, EV_READ, 0, COCO_HTTPD_HEAD_SMALL);
    c->loop->handler.handle(c->loop->handler.self, &c->request, &reply);
    coco_httpd_peer_release_body(c);
    if (!reply.later.self) {
        coco_httpd_send(c, &reply, c->request.keep_alive);
        return;
    }
    c->request.body = NULL;
    c->request.certificate = NULL;
    c->later = reply.later;
    reply.later = (struct coco_httpd_later){0};
    c->state = COCO_HTTPD_WAITING;
    (void)event_del(c->deadline);
    look_for_reply(c);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
    struct coco_httpd_connection *c = arg;

    if (c->state == COCO_HTTPD_LINGERING) {
        drop_input(c);
        return;
    }
    /* The first byte of a request ends the patience for a peer that is idle. */
    if (c->state == COCO_HTTPD_HEAD && c->idle
        && evbuffer_get_length(bufferevent_get_input(bev)) > 0) {
        c->idle = false;
        c->turn = ++c->loop->turns;
        coco_httpd_peer_set_deadline(c, c->loop->opts.head_timeout);
    }
    if (coco_httpd_read(c))
        handle(c);
}

/* All of a reply is out. */
static void
on_sent_all(struct coco_httpd_connection *c)
{
    if (c->state == COCO_HTTPD_CLOSING) {
        linger(c);
        return;
    }
    if (c->loop->stopping) {
        coco_httpd_peer_close(c);
        return;
    }
    c->state = COCO_HTTPD_HEAD;
    c->idle = true;
    c->turn = ++c->loop->turns;
    coco_httpd_peer_set_deadline(c, c->loop->opts.idle_timeout);
    /* A request may have come while the reply was written. */
    if (evbuffer_get_length(bufferevent_get_input(c->bev)) > 0)
        on_read(c->bev, c);
}

/* All that there was to send is out. */
static void
on_write(struct bufferevent *bev, void *arg)
{
    struct coco_httpd_connection *c = arg;

    (void)bev;
    if (c->state != COCO_HTTPD_CLOSING && c->state != COCO_HTTPD_WRITING)
        return;
    if (c->stream.self)
        coco_httpd_send_more(c);
    else
        on_sent_all(c);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))
        coco_httpd_peer_close(arg);
}

static struct bufferevent *
make_bufferevent(const struct coco_httpd_loop *loop, evutil_socket_t fd)
{
    struct bufferevent *bev;

    if (!loop->tls)
        return bufferevent_socket_new(loop->base, fd, BEV_OPT_CLOSE_ON_FREE);
    SSL *ssl = SSL_new(loop->tls);
    if (!ssl)
        return NULL;
    bev = bufferevent_openssl_socket_new(loop->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                         BEV_OPT_CLOSE_ON_FREE);
    if (!bev)
        SSL_free(ssl);
    else
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

/* The first half of an address of IPv6 is its network; one of IPv4 is told apart by its mark. */
static struct coco_httpd_source
source_of(const struct sockaddr *address)
{
    struct coco_httpd_source source = {{0}};
    struct sockaddr_in6 v6;
    struct sockaddr_in v4;
    struct sockaddr_vm vm;

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof(v4));
        source.bytes[0] = 4;
        memcpy(source.bytes + 4, &v4.sin_addr, sizeof(v4.sin_addr));
    } else if (address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof(v6));
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
            source.bytes[0] = 4;
            memcpy(source.bytes + 4, v6.sin6_addr.s6_addr + 12, 4);
        } else {
            memcpy(source.bytes, v6.sin6_addr.s6_addr, sizeof(source.bytes));
        }
    } else if (address->sa_family == AF_VSOCK) {
        memcpy(&vm, address, sizeof(vm));
        source.bytes[0] = AF_VSOCK;
        memcpy(source.bytes + 4, &vm.svm_cid, sizeof(vm.svm_cid));
    }
    return source;
}

/* Whether c is closed rather than other, which may be NULL, where one must be. */
static bool
matters_less(const struct coco_httpd_connection *c, const struct coco_httpd_connection *other)
{
    if (c->state != COCO_HTTPD_HEAD && c->state != COCO_HTTPD_BODY
        && c->state != COCO_HTTPD_LINGERING)
        return false;
    if (!other || c->idle != other->idle)
        return !other || c->idle;
    return c->turn < other->turn;
}

/*
 * Or a thousand peers that say nothing would keep all others out. Those between two
 * requests go first: nothing is lost with them (RFC 9112 section 9.3.1).
 */
static bool
make_room(struct coco_httpd_loop *loop)
{
    struct coco_httpd_connection *least = NULL;

    if (loop->n < loop->opts.max_connections)
        return true;
    for (struct coco_httpd_connection *c = loop->first; c; c = c->next)
        if (matters_less(c, least))
            least = c;
    if (least)
        coco_httpd_peer_close(least);
    return least != NULL;
}

void
coco_httpd_connection_open(struct coco_httpd_loop *loop, evutil_socket_t fd,
                           const struct sockaddr *address)
{
    const struct coco_httpd_source source = source_of(address);

    if ((loop->handler.admit && !loop->handler.admit(loop->handler.self, &source))
        || !make_room(loop)) {
        (void)evutil_closesocket(fd);
        return;
    }
    struct coco_httpd_connection *c = calloc(1, sizeof(*c));
    struct bufferevent *bev = c ? make_bufferevent(loop, fd) : NULL;
    if (!bev) {
        (void)evutil_closesocket(fd);
        free(c);
        return;
    }
    c->loop = loop;
    c->bev = bev;
    c->source = source;
    c->turn = ++loop->turns;
    c->head.limit = COCO_HTTPD_HEAD_MAX;
    c->next = loop->first;
    if (c->next)
        c->next->previous = c;
    loop->first = c;
    loop->n++;
    c->deadline = evtimer_new(loop->base, on_deadline, c);
    if (!c->deadline) {
        coco_httpd_peer_close(c);
        return;
    }
    bufferevent_setcb(bev, on_read, on_write, on_event, c);
    bufferevent_setwatermark(bev, EV_READ, 0, COCO_HTTPD_HEAD_SMALL);
    (void)bufferevent_set_max_single_write(bev, COCO_HTTPD_CHUNK);
    (void)bufferevent_enable(bev, EV_READ | EV_WRITE);
    coco_httpd_peer_set_deadline(c, c->loop->opts.head_timeout);
}

void
coco_httpd_connections_stop(struct coco_httpd_loop *loop)
{
    struct coco_httpd_connection *next;

    loop->stopping = true;
    for (struct coco_httpd_connection *c = loop->first; c; c = next) {
        next = c->next;
        if (c->state == COCO_HTTPD_HEAD || c->state == COCO_HTTPD_LINGERING)
            coco_httpd_peer_close(c);
    }
    if (loop->n == 0)
        (void)event_base_loopbreak(loop->base);
}

void
coco_httpd_connections_wake(struct coco_httpd_loop *loop)
{
    struct coco_httpd_connection *next;

    for (struct coco_httpd_connection *c = loop->first; c; c = next) {
        next = c->next;
        if (c->state == COCO_HTTPD_WAITING)
            look_for_reply(c);
        else if (c->stream.self && c->starved)
            coco_httpd_send_more(c);
    }
}

void
coco_httpd_connections_close(struct coco_httpd_loop *loop)
{
    while (loop->first)
        coco_httpd_peer_close(loop->first);
}
