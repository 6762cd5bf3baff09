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
#include "httpd/connection.h"

#include "httpd/chunked.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <linux/vm_sockets.h> /* needs sys/socket.h */
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum state {
    HEAD,      /* a request may begin, or has */
    BODY,      /* its head is there */
    WAITING,   /* its reply is not known yet */
    WRITING,   /* its reply is on the way */
    CLOSING,   /* that, and it is the last */
    LINGERING, /* that is out, and what still comes is dropped */
};

struct coco_httpd_connection {
    struct coco_httpd_loop *loop;
    struct coco_httpd_connection *next, *previous;
    struct bufferevent *bev;
    struct event *deadline;
    enum state state;
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

/* Before each chunk of a body whose size is not known, and behind it. */
#define CHUNK_HEAD "%08zx\r\n"
#define CHUNK_HEAD_LEN 10

/* What a peer began to send may be a secret, or the token of who may send it. */
static void
wipe(struct evbuffer *input)
{
    struct evbuffer_iovec piece;

    while (evbuffer_peek(input, -1, NULL, &piece, 1) > 0 && piece.iov_len > 0) {
        OPENSSL_cleanse(piece.iov_base, piece.iov_len);
        (void)evbuffer_drain(input, piece.iov_len);
    }
}

static void
free_stream(struct coco_httpd_connection *c)
{
    if (c->stream.self)
        c->stream.free(c->stream.self);
    c->stream = (struct coco_httpd_stream){0};
    c->starved = false;
}

static void
free_later(struct coco_httpd_connection *c)
{
    if (c->later.self)
        c->later.free(c->later.self);
    c->later = (struct coco_httpd_later){0};
}

static void
release_body(struct coco_httpd_connection *c)
{
    coco_buf_done(&c->body);
    c->loop->bodies -= c->reserved;
    c->reserved = 0;
    c->announced = 0;
}

static void
close_connection(struct coco_httpd_connection *c)
{
    free_stream(c);
    free_later(c);
    release_body(c);
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
        wipe(bufferevent_get_input(c->bev));
        bufferevent_free(c->bev);
    }
    coco_buf_done(&c->head);
    free(c);
}

static void
set_deadline(struct coco_httpd_connection *c, uint64_t seconds)
{
    const struct timeval when = {.tv_sec = (time_t)seconds};

    (void)event_add(c->deadline, &when);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    close_connection(arg);
}

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

/*
 * A last reply is out. What the peer sends on would make the system take the reply
 * back, so it is read for a while (RFC 9112 section 9.6).
 */
static void
linger(struct coco_httpd_connection *c)
{
    SSL *ssl = c->loop->tls ? bufferevent_openssl_get_ssl(c->bev) : NULL;

    if (c->loop->stopping) {
        close_connection(c);
        return;
    }
    if (ssl)
        (void)SSL_shutdown(ssl);
    ERR_clear_error();
    (void)shutdown(bufferevent_getfd(c->bev), SHUT_WR);
    c->state = LINGERING;
    wipe(bufferevent_get_input(c->bev));
    bufferevent_setwatermark(c->bev, EV_READ, 0, COCO_HTTPD_HEAD_SMALL);
    (void)bufferevent_enable(c->bev, EV_READ);
    set_deadline(c, COCO_HTTPD_LINGER_SECONDS);
}

static void
drop_input(struct coco_httpd_connection *c)
{
    struct evbuffer *input = bufferevent_get_input(c->bev);

    c->dropped += evbuffer_get_length(input);
    wipe(input);
    if (c->dropped > COCO_HTTPD_LINGER_BYTES)
        close_connection(c);
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

static void on_sent_all(struct coco_httpd_connection *c);

/* Puts the next piece of the stream to what is sent. */
static void
pump(struct coco_httpd_connection *c)
{
    struct evbuffer *output = bufferevent_get_output(c->bev);
    struct evbuffer_iovec piece;
    size_t len = 0;

    c->starved = false;
    enum coco_httpd_more more = COCO_HTTPD_END;
    if (!c->stream.sized || c->left > 0) {
        if (evbuffer_reserve_space(output, (ev_ssize_t)COCO_HTTPD_CHUNK, &piece, 1) != 1) {
            close_connection(c);
            return;
        }
        more = read_piece(c, piece.iov_base, COCO_HTTPD_CHUNK, &len);
        piece.iov_len = len;
        if (more == COCO_HTTPD_DATA && evbuffer_commit_space(output, &piece, 1) != 0)
            more = COCO_HTTPD_CUT;
    }
    if (more == COCO_HTTPD_CUT || (more == COCO_HTTPD_END && !end_stream(c))) {
        close_connection(c);
        return;
    }
    if (more == COCO_HTTPD_END)
        free_stream(c);
    c->starved = more == COCO_HTTPD_WAIT;
    if (c->starved && evbuffer_get_length(output) == 0)
        (void)event_del(c->deadline); /* nobody waits for the peer */
    else
        set_deadline(c, c->loop->opts.write_timeout);
    if (more == COCO_HTTPD_END && evbuffer_get_length(output) == 0)
        on_sent_all(c);
}

/* Sends reply and forgets the request; the connection lives on only if keep_alive. */
static void
send_reply(struct coco_httpd_connection *c, struct coco_httpd_reply *reply, bool keep_alive)
{
    _cleanup_buf_ struct coco_buf head = {.limit = 2 * COCO_HTTPD_HEAD_MAX};
    bool is_head = c->request.method && strcmp(c->request.method, "HEAD") == 0;

    reply->stream.chunked = reply->stream.self && !reply->stream.sized && !c->request.http_1_0;
    keep_alive = keep_alive && !c->loop->stopping
                 && (!reply->stream.self || reply->stream.sized || reply->stream.chunked);
    coco_status status = coco_httpd_format(reply, keep_alive, c->loop->opts.now(), &head, NULL);
    if (status != COCO_OK || !give(c, &head) || (!is_head && !give(c, &reply->body))) {
        close_connection(c);
        return;
    }
    coco_buf_reset(&c->head);
    coco_buf_done(&c->body);
    c->request = (struct coco_httpd_request){0};
    c->state = keep_alive ? WRITING : CLOSING;
    set_deadline(c, c->loop->opts.write_timeout);
    if (reply->stream.self && !is_head) {
        c->stream = reply->stream;
        c->left = reply->stream.size;
        reply->stream = (struct coco_httpd_stream){0};
        pump(c);
    } else if (!keep_alive) {
        (void)bufferevent_disable(c->bev, EV_READ);
    }
}

static void
refuse(struct coco_httpd_connection *c, int status, const char *detail)
{
    _cleanup_reply_ struct coco_httpd_reply reply = {.body = {.limit = COCO_HTTPD_HEAD_MAX}};

    reply.status = status;
    c->loop->handler.refuse(c->loop->handler.self, detail, &reply);
    send_reply(c, &reply, false);
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
        refuse(c, 503, "others have much to say at the moment: try again later");
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
        refuse(c, 431, "request line and headers are too long");
        return false;
    }
    coco_buf_reset(&c->head);
    c->request = (struct coco_httpd_request){0};
    if (take(input, len, &c->head) != COCO_OK) {
        refuse(c, 500, "internal error");
        return false;
    }
    int bad = coco_httpd_parse((char *)c->head.data, len, &c->request);
    if (bad)
        refuse(c, bad, why_bad(bad));
    return !bad;
}

static bool
begin_body(struct coco_httpd_connection *c)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t least = c->request.chunked ? 1 : c->request.body_len;

    if (c->request.body_len > c->loop->opts.body_max) {
        refuse(c, 413, "request body is too long");
        return false;
    }
    if (c->request.body_len > COCO_HTTPD_BODY_SMALL && !reserve(c, c->request.body_len))
        return false;
    c->state = BODY;
    c->body.limit = c->request.chunked ? c->loop->opts.body_max : c->request.body_len;
    c->chunked = (struct coco_httpd_chunked){.limit = c->body.limit};
    set_deadline(c, c->loop->opts.body_timeout);
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
            refuse(c, bad, bad == 413 ? "request body is too long" : "chunks are not understood");
            return false;
        }
        if (!reserve_chunks(c))
            return false;
        coco_status status =
            coco_buf_append(&c->body, data + step.used - step.data, step.data, NULL);
        OPENSSL_cleanse(data, step.used);
        (void)evbuffer_drain(input, step.used);
        if (status != COCO_OK) {
            refuse(c, 500, "internal error");
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
    refuse(c, 500, "internal error");
    return false;
}

/* Sends the reply that was waited for, if it is there. */
static void
look_for_reply(struct coco_httpd_connection *c)
{
    _cleanup_reply_ struct coco_httpd_reply reply = {0};

    if (!c->later.ready(c->later.self, &reply))
        return;
    free_later(c);
    send_reply(c, &reply, c->request.keep_alive);
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
    release_body(c);
    if (!reply.later.self) {
        send_reply(c, &reply, c->request.keep_alive);
        return;
    }
    c->request.body = NULL;
    c->request.certificate = NULL;
    c->later = reply.later;
    reply.later = (struct coco_httpd_later){0};
    c->state = WAITING;
    (void)event_del(c->deadline);
    look_for_reply(c);
}

/* Goes on as far as what has arrived allows. */
static void
advance(struct coco_httpd_connection *c)
{
    struct evbuffer *input = bufferevent_get_input(c->bev);

    if (c->state == HEAD && (!read_head(c, input) || !begin_body(c)))
        return;
    if (c->state == BODY && (c->request.chunked ? read_chunks(c, input) : read_body(c, input)))
        handle(c);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
    struct coco_httpd_connection *c = arg;

    if (c->state == LINGERING) {
        drop_input(c);
        return;
    }
    /* The first byte of a request ends the patience for a peer that is idle. */
    if (c->state == HEAD && c->idle && evbuffer_get_length(bufferevent_get_input(bev)) > 0) {
        c->idle = false;
        c->turn = ++c->loop->turns;
        set_deadline(c, c->loop->opts.head_timeout);
    }
    advance(c);
}

/* All of a reply is out. */
static void
on_sent_all(struct coco_httpd_connection *c)
{
    if (c->state == CLOSING) {
        linger(c);
        return;
    }
    if (c->loop->stopping) {
        close_connection(c);
        return;
    }
    c->state = HEAD;
    c->idle = true;
    c->turn = ++c->loop->turns;
    set_deadline(c, c->loop->opts.idle_timeout);
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
    if (c->state != CLOSING && c->state != WRITING)
        return;
    if (c->stream.self)
        pump(c);
    else
        on_sent_all(c);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))
        close_connection(arg);
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
    if (c->state != HEAD && c->state != BODY && c->state != LINGERING)
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
        close_connection(least);
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
        close_connection(c);
        return;
    }
    bufferevent_setcb(bev, on_read, on_write, on_event, c);
    bufferevent_setwatermark(bev, EV_READ, 0, COCO_HTTPD_HEAD_SMALL);
    (void)bufferevent_set_max_single_write(bev, COCO_HTTPD_CHUNK);
    (void)bufferevent_enable(bev, EV_READ | EV_WRITE);
    set_deadline(c, c->loop->opts.head_timeout);
}

void
coco_httpd_connections_stop(struct coco_httpd_loop *loop)
{
    struct coco_httpd_connection *next;

    loop->stopping = true;
    for (struct coco_httpd_connection *c = loop->first; c; c = next) {
        next = c->next;
        if (c->state == HEAD || c->state == LINGERING)
            close_connection(c);
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
        if (c->state == WAITING)
            look_for_reply(c);
        else if (c->stream.self && c->starved)
            pump(c);
    }
}

void
coco_httpd_connections_close(struct coco_httpd_loop *loop)
{
    while (loop->first)
        close_connection(loop->first);
}
