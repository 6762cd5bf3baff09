/*
 * tests/httpd/served.h - a server, and a peer of it that sends what it likes
 *
 * GET /healthz is "ok", POST /echo gives its body back; /digits and /later give digits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_HTTPD_SERVED_H
#define COCO_TESTS_HTTPD_SERVED_H

#include "httpd/server.h"

#include "base/context.h"

#include "tests/support.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 10000
#define HEALTHZ "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
#define SAYING "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":\"\"}"

struct fixture {
    coco_ctx *ctx;
    struct coco_httpd_server *server;
    char said[65536]; /* the last answer */
};

static inline int64_t
now(void)
{
    return 1795467926;
}

static inline void
refuse(void *self, const char *detail, struct coco_httpd_reply *reply)
{
    (void)self;
    reply->type = "text/plain";
    reply->body.limit = 1024;
    assert_int_equal(coco_buf_printf(&reply->body, NULL, "no: %s", detail), COCO_OK);
}

/* A body of n times "0123456789", as it is asked for, or with something wrong. */
struct digits {
    uint64_t size;
    uint64_t done;
    bool ready;             /* the reply is known */
    uint64_t waits_at;      /* there is no more until go is set */
    uint64_t cut_at;        /* 0: nowhere */
    _Atomic bool go;        /* set by the test */
    _Atomic unsigned asked; /* how often for a reply that is not known */
    _Atomic unsigned freed; /* how often */
    int wake;
    bool sized;
};

static struct digits digits;

static inline enum coco_httpd_more
read_digits(void *self, uint8_t *data, size_t room, size_t *len)
{
    struct digits *d = self;
    size_t n = 0;

    if (d->cut_at && d->done >= d->cut_at)
        return COCO_HTTPD_CUT;
    if (d->done == d->size)
        return COCO_HTTPD_END;
    if (d->waits_at && d->done >= d->waits_at && !d->go)
        return COCO_HTTPD_WAIT;
    while (n < room && d->done < d->size && !(d->waits_at && !d->go && d->done == d->waits_at)
           && !(d->cut_at && d->done == d->cut_at))
        data[n++] = (uint8_t)('0' + d->done++ % 10);
    *len = n;
    return COCO_HTTPD_DATA;
}

static inline void
count_free(void *self)
{
    struct digits *d = self;

    d->freed++;
}

static inline void
give_digits(struct digits *d, struct coco_httpd_reply *reply)
{
    reply->status = 200;
    reply->stream = (struct coco_httpd_stream){
        .read = read_digits,
        .free = count_free,
        .self = d,
        .sized = d->sized,
        .size = d->size,
    };
}

static inline bool
digits_are_ready(void *self, struct coco_httpd_reply *reply)
{
    struct digits *d = self;

    d->asked++;
    if (!d->go)
        return false;
    give_digits(d, reply);
    return true;
}

/* GET /healthz is fine, POST /echo gives back what it got. */
static inline void
handle(void *self, const struct coco_httpd_request *request, struct coco_httpd_reply *reply)
{
    bool health = strcmp(request->path, "/healthz") == 0;
    bool echo = strcmp(request->path, "/echo") == 0;

    if (strcmp(request->path, "/digits") == 0) {
        give_digits(&digits, reply);
        return;
    }
    if (strcmp(request->path, "/later") == 0) {
        reply->later = (struct coco_httpd_later){digits_are_ready, count_free, &digits};
        return;
    }
    reply->status = 200;
    reply->body.limit = 1 << 20;
    if (health && strcmp(request->method, "GET") == 0)
        return;
    if (echo && strcmp(request->method, "POST") == 0) {
        assert_int_equal(coco_buf_append(&reply->body, request->body, request->body_len, NULL),
                         COCO_OK);
        return;
    }
    reply->status = health || echo ? 405 : 404;
    refuse(self, "such a thing", reply);
}

static const struct coco_httpd_handler handler = {.handle = handle, .refuse = refuse};

/* What a test changes is not 0. */
static inline coco_status
start(struct fixture *f, const struct coco_httpd_options *how, coco_error **err)
{
    static char loopback[] = "127.0.0.1:0";
    static char *const sockets[] = {loopback};
    struct coco_httpd_options opts = *how;

    *f = (struct fixture){0};
    assert_int_equal(coco_ctx_new(&f->ctx, NULL), COCO_OK);
    opts.ctx = f->ctx;
    opts.now = now;
    if (!opts.sockets) {
        opts.sockets = sockets;
        opts.n_sockets = 1;
    }
    if (!opts.max_connections)
        opts.max_connections = COCO_HTTPD_CONNECTIONS;
    if (!opts.body_max)
        opts.body_max = (uint64_t)COCO_HTTPD_BODY_MIB << 20;
    if (!opts.bodies_max)
        opts.bodies_max = (uint64_t)COCO_HTTPD_BODIES_MIB << 20;
    opts.wake = digits.wake > 0 ? &digits.wake : NULL;
    if (!opts.head_timeout)
        opts.head_timeout = COCO_HTTPD_HEAD_SECONDS;
    if (!opts.body_timeout)
        opts.body_timeout = COCO_HTTPD_BODY_SECONDS;
    if (!opts.write_timeout)
        opts.write_timeout = COCO_HTTPD_WRITE_SECONDS;
    if (!opts.idle_timeout)
        opts.idle_timeout = COCO_HTTPD_IDLE_SECONDS;
    return coco_httpd_server_start(&opts, &handler, &f->server, err);
}

static inline void
serve_as(struct fixture *f, const struct coco_httpd_options *how)
{
    coco_error *err = NULL;

    assert_ok(start(f, how, &err), err);
}

static inline void
serve(struct fixture *f)
{
    const struct coco_httpd_options how = {0};

    serve_as(f, &how);
}

static inline void
end(struct fixture *f)
{
    coco_httpd_server_stop(f->server);
    coco_ctx_free(f->ctx);
}

static inline int
reach(const struct fixture *f)
{
    return connect_to_server(coco_httpd_server_url(f->server));
}

static inline void
tell(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

        assert_true(n > 0);
        text += n;
        len -= (size_t)n;
    }
}

static inline void
say(int fd, const char *text)
{
    tell(fd, text, strlen(text));
}

/* Byte by byte. */
static inline void
say_slowly(int fd, const char *text)
{
    for (; *text; text++)
        tell(fd, text, 1);
}

/* Reads until the peer closes, or until n texts like mark have come. */
static inline size_t
hear(struct fixture *f, int fd, const char *mark, unsigned n)
{
    size_t len = 0;

    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        unsigned seen = 0;

        f->said[len] = '\0';
        for (const char *at = f->said; mark && (at = strstr(at, mark)); at += strlen(mark))
            seen++;
        if (mark && seen >= n)
            return len;
        assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
        ssize_t got = recv(fd, f->said + len, sizeof(f->said) - 1 - len, 0);
        if (got <= 0) {
            assert_null(mark);
            return len;
        }
        len += (size_t)got;
    }
}

/* One request on a connection of its own; the whole answer until the peer closes. */
static inline void
ask_raw(struct fixture *f, const char *text)
{
    int fd = reach(f);

    say(fd, text);
    (void)shutdown(fd, SHUT_WR);
    (void)hear(f, fd, NULL, 0);
    (void)close(fd);
}

static inline void
assert_closed(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char c;

    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    assert_true(recv(fd, &c, 1, 0) <= 0);
    (void)close(fd);
}

/* Sends text a byte at a time, again and again, until the server closes; how many it took. */
static inline size_t
drip_until_closed(int fd, const char *text)
{
    size_t n = 0;

    for (;; n++) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        if (send(fd, text + n % strlen(text), 1, MSG_NOSIGNAL) != 1)
            return n;
        if (poll(&p, 1, 10) == 1)
            return n;
    }
}

#define DIGITS "GET /digits HTTP/1.1\r\nHost: x\r\n\r\n"
#define LATER "GET /later HTTP/1.1\r\nHost: x\r\n\r\n"

static inline void
serve_digits(struct fixture *f, uint64_t size, bool sized)
{
    digits = (struct digits){.size = size, .sized = sized, .wake = eventfd(0, EFD_CLOEXEC)};
    assert_true(digits.wake > 0);
    serve(f);
}

static inline void
end_digits(struct fixture *f)
{
    end(f);
    (void)close(digits.wake);
    digits.wake = 0;
}

static inline void
let_go(void)
{
    digits.go = true;
    assert_int_equal(eventfd_write(digits.wake, 1), 0);
}

#endif
