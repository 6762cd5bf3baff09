/*
 * tests/httpd/test_server.c - lib/httpd/server.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/server.h"

#include "base/context.h"

#include "tests/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 10000
#define HEALTHZ "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
#define SAYING "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":\"\"}"

struct fixture {
    coco_ctx *ctx;
    struct coco_httpd_server *server;
    char said[65536]; /* the last answer */
};

static int64_t
now(void)
{
    return 1795467926;
}

static void
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

static enum coco_httpd_more
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

static void
count_free(void *self)
{
    struct digits *d = self;

    d->freed++;
}

static void
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

static bool
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
static void
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
static coco_status
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

static void
serve_as(struct fixture *f, const struct coco_httpd_options *how)
{
    coco_error *err = NULL;

    assert_ok(start(f, how, &err), err);
}

static void
serve(struct fixture *f)
{
    const struct coco_httpd_options how = {0};

    serve_as(f, &how);
}

static void
end(struct fixture *f)
{
    coco_httpd_server_stop(f->server);
    coco_ctx_free(f->ctx);
}

static int
reach(const struct fixture *f)
{
    const char *port = strrchr(coco_httpd_server_url(f->server), ':');
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void
tell(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

        assert_true(n > 0);
        text += n;
        len -= (size_t)n;
    }
}

/* Reads until the peer closes, or until n texts like mark have come. */
static size_t
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
static void
ask_raw(struct fixture *f, const char *text)
{
    int fd = reach(f);

    tell(fd, text, strlen(text));
    (void)shutdown(fd, SHUT_WR);
    (void)hear(f, fd, NULL, 0);
    (void)close(fd);
}

static void
requests_follow_each_other_on_a_connection(void **state)
{
    static const char post[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 53\r\n\r\n"
                               "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":\"\"}\n";
    struct fixture f;

    (void)state;
    serve(&f);
    int fd = reach(&f);
    /* Byte by byte, and then many at once. */
    for (size_t i = 0; i < strlen(post); i++)
        tell(fd, post + i, 1);
    (void)hear(&f, fd, "\"extra-params\"", 1);
    assert_contains(f.said, "HTTP/1.1 200 OK\r\n");
    for (unsigned i = 0; i < 50; i++) {
        tell(fd, HEALTHZ, strlen(HEALTHZ));
        tell(fd, post, strlen(post));
    }
    (void)hear(&f, fd, "\"extra-params\"", 50);
    (void)close(fd);
    end(&f);
}

static void
what_is_no_request_is_answered_and_the_connection_closed(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"hello\r\n\r\n", "HTTP/1.1 400 "},
        {"\r\nGET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
        {"GET / HTTP/3.0\r\nHost: x\r\n\r\n", "HTTP/1.1 505 "},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2097153\r\n\r\n", "HTTP/1.1 413 "},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999999\r\n\r\n", "HTTP/1.1 413 "},
        {"POST / HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n", "HTTP/1.1 417 "},
        {"GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 "},
        {"PATCH /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 405 "},
    };
    struct fixture f;

    (void)state;
    serve(&f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = reach(&f);

        tell(fd, cases[i].text, strlen(cases[i].text));
        (void)hear(&f, fd, NULL, 0);
        (void)close(fd);
        if (strncmp(f.said, cases[i].want, strlen(cases[i].want)) != 0)
            fail_msg("case %zu: %.40s", i, f.said);
        assert_contains(f.said, "Content-Type: text/plain\r\n");
        assert_contains(f.said, "\r\n\r\nno: ");
    }
    end(&f);
}

static void
heads_are_bounded(void **state)
{
    static const char begin[] = "GET / HTTP/1.1\r\nHost: x\r\nX: ";
    struct fixture f;
    char filler[1024];

    (void)state;
    memset(filler, 'a', sizeof(filler));
    serve(&f);
    int fd = reach(&f);
    tell(fd, begin, strlen(begin));
    for (size_t sent = 0; sent < COCO_HTTPD_HEAD_MAX; sent += sizeof(filler))
        tell(fd, filler, sizeof(filler));
    (void)hear(&f, fd, NULL, 0);
    assert_contains(f.said, "HTTP/1.1 431 ");
    (void)close(fd);
    end(&f);
}

static void
a_peer_that_waits_is_told_to_go_on(void **state)
{
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 52\r\n"
                               "Expect: 100-continue\r\n\r\n";
    struct fixture f;

    (void)state;
    serve(&f);
    int fd = reach(&f);
    tell(fd, head, strlen(head));
    (void)hear(&f, fd, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    tell(fd, SAYING, strlen(SAYING));
    (void)hear(&f, fd, "\"extra-params\"", 1);
    (void)close(fd);
    end(&f);
}

static void
a_reply_to_head_has_no_body(void **state)
{
    struct fixture f;

    (void)state;
    serve(&f);
    ask_raw(&f, "HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_contains(f.said, "HTTP/1.1 405 ");
    assert_string_equal(strstr(f.said, "\r\n\r\n"), "\r\n\r\n");
    end(&f);
}

static void
a_body_of_the_largest_size_is_taken(void **state)
{
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: "
                               "close\r\nContent-Length: 1048576\r\n\r\n";
    char *body = calloc(1, 1 << 20);
    struct fixture f;

    (void)state;
    assert_non_null(body);
    serve_as(&f, &(const struct coco_httpd_options){.body_max = 1 << 20});
    int fd = reach(&f);
    tell(fd, head, strlen(head));
    tell(fd, body, 1 << 20);
    (void)hear(&f, fd, NULL, 0);
    assert_contains(f.said, "HTTP/1.1 200 ");
    (void)close(fd);
    free(body);
    end(&f);
}

static void
assert_closed(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char c;

    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    assert_true(recv(fd, &c, 1, 0) <= 0);
    (void)close(fd);
}

static void
connections_are_counted(void **state)
{
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){.max_connections = 2});
    int silent = reach(&f);
    int idle = reach(&f);
    tell(idle, HEALTHZ, strlen(HEALTHZ));
    (void)hear(&f, idle, "\r\n\r\n", 1);
    /* Between two requests nothing is lost; after that whoever waits longest goes. */
    int third = reach(&f);
    assert_closed(idle);
    int fourth = reach(&f);
    assert_closed(silent);
    tell(third, HEALTHZ, strlen(HEALTHZ));
    (void)hear(&f, third, "\r\n\r\n", 1);
    tell(fourth, HEALTHZ, strlen(HEALTHZ));
    (void)hear(&f, fourth, "\r\n\r\n", 1);
    (void)close(third);
    (void)close(fourth);
    end(&f);
}

static void
an_idle_connection_is_closed(void **state)
{
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){.idle_timeout = 1});
    int fd = reach(&f);
    tell(fd, HEALTHZ, strlen(HEALTHZ));
    (void)hear(&f, fd, NULL, 0); /* comes back, for the server closes */
    assert_contains(f.said, "HTTP/1.1 200 OK");
    (void)close(fd);
    end(&f);
}

static void
plain_http_stays_on_this_machine(void **state)
{
    static char any[] = "0.0.0.0:0", any6[] = "[::]:0", loopback[] = "127.0.0.1:0",
                other_loopback[] = "127.1.2.3:0", not_here[] = "192.0.2.1:1",
                no_address[] = "example.org:1";
    static const struct {
        char *sockets[2];
        bool insecure;
        coco_status status;
    } cases[] = {
        {{any, NULL}, false, COCO_ERR_INVALID}, {{loopback, any6}, false, COCO_ERR_INVALID},
        {{any, NULL}, true, COCO_OK},           {{other_loopback, NULL}, false, COCO_OK},
        {{not_here, NULL}, true, COCO_ERR_IO},  {{no_address, NULL}, false, COCO_ERR_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct coco_httpd_options how = {
            .sockets = cases[i].sockets,
            .n_sockets = cases[i].sockets[1] ? 2 : 1,
            .insecure_http = cases[i].insecure,
        };
        struct fixture f = {0};
        coco_error *err = NULL;

        coco_status status = start(&f, &how, &err);
        if (status != cases[i].status)
            fail_msg("case %zu: %s", i, err ? coco_error_message(err) : "started");
        coco_error_free(err);
        end(&f);
    }
}

static void *
stop(void *arg)
{
    coco_httpd_server_stop(arg);
    return NULL;
}

static void
it_stops_while_peers_are_connected(void **state)
{
    struct fixture f;
    pthread_t thread;

    (void)state;
    serve(&f);
    int idle = reach(&f);
    int half = reach(&f);
    tell(half, "GET /hea", 8);
    int done = reach(&f);
    tell(done, HEALTHZ, strlen(HEALTHZ));
    (void)hear(&f, done, "\r\n\r\n", 1);
    assert_int_equal(pthread_create(&thread, NULL, stop, f.server), 0);
    (void)hear(&f, idle, NULL, 0);
    (void)hear(&f, half, NULL, 0);
    (void)hear(&f, done, NULL, 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    f.server = NULL;
    (void)close(idle);
    (void)close(half);
    (void)close(done);
    end(&f);
}

/* ---- peers that are slow, idle, many or greedy (T44) ---- */

/* Sends text a byte at a time, again and again, until the server closes; how many it took. */
static size_t
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

static void
a_head_that_drips_is_not_waited_for(void **state)
{
    static const char *const begins[] = {
        "",                                     /* from the first byte on */
        "GET /healthz HTTP/1.1\r\nHost: x\r\n", /* and from the middle of it */
        "\r\n\r\n\r\n",                         /* empty lines count, too */
        HEALTHZ,                                /* and so does a second request */
    };
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){
                     .head_timeout = 1, .idle_timeout = 3600, .body_timeout = 3600});
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        int fd = reach(&f);

        tell(fd, begins[i], strlen(begins[i]));
        if (i == 3)
            (void)hear(&f, fd, "\r\n\r\n", 1);
        size_t n = drip_until_closed(fd, i == 2 ? "\r\n" : "X");
        if (n < 10 || n > 1000)
            fail_msg("case %zu: closed after %zu bytes", i, n);
        assert_closed(fd);
    }
    end(&f);
}

static void
a_peer_that_says_nothing_is_not_waited_for(void **state)
{
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){
                     .head_timeout = 1, .idle_timeout = 3600, .body_timeout = 3600});
    assert_closed(reach(&f));
    end(&f);
}

static void
a_body_that_does_not_come_is_not_waited_for(void **state)
{
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n";
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){
                     .body_timeout = 1, .idle_timeout = 3600, .head_timeout = 3600});
    int none = reach(&f);
    tell(none, head, strlen(head));
    int drips = reach(&f);
    tell(drips, head, strlen(head));
    size_t n = drip_until_closed(drips, "X");
    assert_in_range(n, 10, 1000);
    assert_closed(drips);
    assert_closed(none);
    end(&f);
}

static void
a_reply_that_is_not_taken_ends_the_connection(void **state)
{
    const struct timeval at_once = {.tv_usec = 200000};
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){
                     .write_timeout = 1, .idle_timeout = 3600, .head_timeout = 3600});
    int fd = reach(&f);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &at_once, sizeof(at_once)), 0);
    /* Asks and never listens: the server reads no further, then has no room left, then is gone. */
    while (send(fd, HEALTHZ, strlen(HEALTHZ), MSG_NOSIGNAL) > 0 || errno == EAGAIN)
        ;
    assert_true(errno == EPIPE || errno == ECONNRESET);
    (void)close(fd);
    end(&f);
}

static void
heads_of_just_the_largest_size_are_read(void **state)
{
    struct fixture f;

    (void)state;
    for (size_t more = 0; more < 2; more++) {
        char head[COCO_HTTPD_HEAD_MAX + 2];
        size_t len = COCO_HTTPD_HEAD_MAX + more;
        static const char begin[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ";

        memset(head, 'a', sizeof(head));
        memcpy(head, begin, strlen(begin));
        memcpy(head + len - 4, "\r\n\r\n", 4);
        serve(&f);
        int fd = reach(&f);
        tell(fd, head, len);
        (void)hear(&f, fd, NULL, 0);
        assert_contains(f.said, more ? "HTTP/1.1 431 " : "HTTP/1.1 200 ");
        (void)close(fd);
        end(&f);
    }
}

static void
many_slow_peers_do_not_keep_others_out(void **state)
{
    enum { ALL = 300, ROOM = 256 };
    int fds[ALL];
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){.max_connections = 256, .head_timeout = 1});
    for (size_t i = 0; i < ALL; i++) {
        fds[i] = reach(&f);
        if (i < ROOM)
            tell(fds[i], "GET /", 5);
    }
    /* Those that wait longest at once, for those above the limit; the others in their time. */
    for (size_t i = 0; i < ALL; i++)
        assert_closed(fds[i]);
    ask_raw(&f, HEALTHZ);
    assert_contains(f.said, "HTTP/1.1 200 OK");
    end(&f);
}

static void
requests_that_come_at_once_are_answered_in_their_order(void **state)
{
    static const char post[] =
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 52\r\n\r\n" SAYING;
    static const char last[] = "GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    _cleanup_buf_ struct coco_buf all = {.limit = 1 << 20};
    struct fixture f;
    coco_error *err = NULL;

    (void)state;
    serve(&f);
    for (unsigned i = 0; i < 20; i++) {
        assert_ok(coco_buf_append_text(&all, HEALTHZ, &err), err);
        assert_ok(coco_buf_append_text(&all, post, &err), err);
    }
    /* What follows a request that closes the connection is not even read. */
    assert_ok(coco_buf_append_text(&all, last, &err), err);
    assert_ok(coco_buf_append_text(&all, post, &err), err);
    int fd = reach(&f);
    tell(fd, coco_buf_text(&all), all.len);
    (void)hear(&f, fd, NULL, 0);
    (void)close(fd);
    const char *at = f.said;
    for (unsigned i = 0; i < 20; i++) {
        const char *first = strstr(at, "Content-Length: 0\r\n");
        const char *second = first ? strstr(first, "\"extra-params\"") : NULL;

        assert_non_null(second);
        at = second + 1;
    }
    assert_null(strstr(at, "\"extra-params\""));
    assert_contains(at, "HTTP/1.1 404 ");
    end(&f);
}

/* Lines of the log that hold text. */
struct heard {
    pthread_mutex_t lock;
    unsigned n;
};

static void
on_log(void *user, coco_log_level level, const char *message)
{
    struct heard *heard = user;

    (void)level;
    (void)pthread_mutex_lock(&heard->lock);
    heard->n += strstr(message, "those that wait longest are closed") != NULL;
    (void)pthread_mutex_unlock(&heard->lock);
}

static void
a_flood_of_connections_does_not_flood_the_log(void **state)
{
    struct heard heard = {.lock = PTHREAD_MUTEX_INITIALIZER};
    int fds[100];
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){.max_connections = 2});
    coco_ctx_set_log(f.ctx, COCO_LOG_DEBUG, on_log, &heard, NULL);
    for (size_t i = 0; i < 100; i++)
        fds[i] = reach(&f);
    for (size_t i = 0; i < 98; i++)
        assert_closed(fds[i]);
    (void)close(fds[98]);
    (void)close(fds[99]);
    end(&f);
    assert_int_equal(heard.n, 1);
}

/* ---- bodies that are made bit by bit ---- */

#define DIGITS "GET /digits HTTP/1.1\r\nHost: x\r\n\r\n"
#define LATER "GET /later HTTP/1.1\r\nHost: x\r\n\r\n"

static void
serve_digits(struct fixture *f, uint64_t size, bool sized)
{
    digits = (struct digits){.size = size, .sized = sized, .wake = eventfd(0, EFD_CLOEXEC)};
    assert_true(digits.wake > 0);
    serve(f);
}

static void
end_digits(struct fixture *f)
{
    end(f);
    (void)close(digits.wake);
    digits.wake = 0;
}

static void
let_go(void)
{
    digits.go = true;
    assert_int_equal(eventfd_write(digits.wake, 1), 0);
}

/* Reads a head, then counts the digits behind it that are right, until size or the end. */
static uint64_t
count_digits(struct fixture *f, int fd, uint64_t size)
{
    size_t len = hear(f, fd, "\r\n\r\n", 1);
    char *body = strstr(f->said, "\r\n\r\n") + 4;
    uint64_t n = 0;

    len -= (size_t)(body - f->said);
    while (len > 0) {
        for (size_t i = 0; i < len; i++, n++)
            if (body[i] != (char)('0' + n % 10))
                return n;
        if (n == size)
            break;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
        ssize_t got = recv(fd, f->said, sizeof(f->said), 0);
        body = f->said;
        len = got > 0 ? (size_t)got : 0;
    }
    return n;
}

static void
a_long_body_is_nowhere_whole(void **state)
{
    enum { SIZE = 300 << 20 };
    struct rusage before, after;
    struct fixture f;

    (void)state;
    serve_digits(&f, SIZE, true);
    int fd = reach(&f);
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    tell(fd, DIGITS, strlen(DIGITS));
    assert_int_equal(count_digits(&f, fd, SIZE), SIZE);
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
#if !defined(__SANITIZE_ADDRESS__)                                   /* it keeps what is freed */
    assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 8 << 10); /* KiB */
#endif
    /* And the connection goes on. */
    tell(fd, HEALTHZ, strlen(HEALTHZ));
    (void)hear(&f, fd, "\r\n\r\n", 1);
    assert_contains(f.said, "HTTP/1.1 200 OK");
    (void)close(fd);
    end_digits(&f);
    assert_int_equal(digits.freed, 1);
}

static void
a_body_of_unknown_length_goes_in_chunks(void **state)
{
    struct fixture f;

    (void)state;
    serve_digits(&f, 25, false);
    digits.waits_at = 20;
    int fd = reach(&f);
    tell(fd, DIGITS, strlen(DIGITS));
    (void)hear(&f, fd, "\r\n\r\n00000014\r\n01234567890123456789\r\n", 1);
    assert_contains(f.said, "Transfer-Encoding: chunked\r\n");
    let_go();
    (void)hear(&f, fd, "00000005\r\n01234\r\n0\r\n\r\n", 1);
    tell(fd, HEALTHZ, strlen(HEALTHZ));
    (void)hear(&f, fd, "Content-Length: 0\r\n", 1);
    (void)close(fd);
    end_digits(&f);
    assert_int_equal(digits.freed, 1);
}

static void
to_http_1_0_it_goes_until_the_connection_ends(void **state)
{
    static const char old[] = "GET /digits HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    struct fixture f;

    (void)state;
    serve_digits(&f, 100000, false);
    int fd = reach(&f);
    tell(fd, old, strlen(old));
    assert_int_equal(count_digits(&f, fd, UINT64_MAX), 100000);
    assert_null(strstr(f.said, "Transfer"));
    (void)close(fd);
    end_digits(&f);
}

static void
a_body_that_goes_wrong_is_seen_to_be_cut(void **state)
{
    struct fixture f;

    (void)state;
    for (unsigned sized = 0; sized < 2; sized++) {
        serve_digits(&f, 25, sized);
        digits.cut_at = 15;
        int fd = reach(&f);
        tell(fd, DIGITS, strlen(DIGITS));
        (void)hear(&f, fd, NULL, 0);
        assert_null(strstr(f.said, "0\r\n\r\n"));
        assert_null(strstr(f.said, "012345678901234567890"));
        (void)close(fd);
        end_digits(&f);
        assert_int_equal(digits.freed, 1);
    }
}

static void
fewer_bytes_than_were_announced_are_an_error(void **state)
{
    struct fixture f;

    (void)state;
    serve_digits(&f, 10, true);
    digits.done = 5; /* as if they had gone */
    int fd = reach(&f);
    tell(fd, DIGITS, strlen(DIGITS));
    (void)hear(&f, fd, NULL, 0); /* comes back, for the server closes */
    (void)close(fd);
    end_digits(&f);
    assert_int_equal(digits.freed, 1);
}

static void
a_head_of_a_stream_can_be_asked_for(void **state)
{
    static const char head[] = "HEAD /digits HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture f;

    (void)state;
    serve_digits(&f, 25, true);
    int fd = reach(&f);
    tell(fd, head, strlen(head));
    tell(fd, HEALTHZ, strlen(HEALTHZ));
    (void)hear(&f, fd, "\r\n\r\n", 2);
    assert_contains(f.said, "Content-Length: 25\r\n");
    assert_contains(f.said, "\r\n\r\nHTTP/1.1 200 OK");
    (void)close(fd);
    end_digits(&f);
    assert_int_equal(digits.freed, 1);
}

static void
a_reply_may_be_known_later(void **state)
{
    struct fixture f;

    (void)state;
    serve_digits(&f, 25, true);
    int fd = reach(&f);
    tell(fd, LATER, strlen(LATER));
    tell(fd, HEALTHZ, strlen(HEALTHZ)); /* in its turn */
    int other = reach(&f);
    tell(other, HEALTHZ, strlen(HEALTHZ));
    (void)hear(&f, other, "\r\n\r\n", 1);
    (void)close(other);
    let_go();
    (void)hear(&f, fd, "\r\n\r\n", 2);
    assert_contains(f.said, "\r\n\r\n0123456789012345678901234HTTP/1.1 200 OK");
    (void)close(fd);
    end_digits(&f);
    assert_int_equal(digits.freed, 2);
}

static void
whoever_does_not_wait_for_it_is_forgotten(void **state)
{
    struct fixture f;

    (void)state;
    serve_digits(&f, 25, true);
    digits.waits_at = 20;
    int later = reach(&f);
    tell(later, LATER, strlen(LATER));
    (void)close(later);
    int half = reach(&f);
    tell(half, DIGITS, strlen(DIGITS));
    (void)hear(&f, half, "01234567890123456789", 1);
    (void)close(half);
    while (digits.freed < 2)
        ask_raw(&f, HEALTHZ); /* makes the loop go round */
    end_digits(&f);
}

static void
it_stops_while_replies_are_not_known(void **state)
{
    struct fixture f;

    (void)state;
    serve_digits(&f, 25, true);
    int fd = reach(&f);
    tell(fd, LATER, strlen(LATER));
    while (digits.asked == 0)
        ask_raw(&f, HEALTHZ);
    end_digits(&f);
    assert_int_equal(digits.freed, 1);
    (void)close(fd);
}

static void
a_peer_that_takes_no_chunk_in_time_is_closed(void **state)
{
    struct fixture f;

    (void)state;
    digits = (struct digits){.size = 1 << 30, .sized = true, .wake = eventfd(0, EFD_CLOEXEC)};
    serve_as(&f, &(const struct coco_httpd_options){.write_timeout = 1});
    int fd = reach(&f);
    tell(fd, DIGITS, strlen(DIGITS));
    while (digits.freed == 0)
        ask_raw(&f, HEALTHZ);
    (void)close(fd);
    end_digits(&f);
}

/* ---- the end of a connection ---- */

static void
a_refusal_arrives_although_the_peer_goes_on_sending(void **state)
{
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n";
    static char body[3000000];
    struct fixture f;

    (void)state;
    serve(&f);
    for (unsigned i = 0; i < 20; i++) {
        int fd = reach(&f);

        tell(fd, head, strlen(head));
        tell(fd, body, sizeof(body));
        (void)hear(&f, fd, NULL, 0);
        assert_contains(f.said, "HTTP/1.1 413 ");
        (void)close(fd);
    }
    end(&f);
}

static void
a_peer_that_never_ends_is_not_listened_to_for_long(void **state)
{
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n";
    static char more[65536];
    size_t n = 0;
    struct fixture f;

    (void)state;
    serve(&f);
    int fd = reach(&f);
    tell(fd, head, strlen(head));
    while (send(fd, more, sizeof(more), MSG_NOSIGNAL) > 0)
        n += sizeof(more);
    assert_in_range(n, 0, 4 * COCO_HTTPD_LINGER_BYTES);
    (void)close(fd);
    /* Nor is one that says nothing more. */
    fd = reach(&f);
    tell(fd, head, strlen(head));
    (void)hear(&f, fd, NULL, 0);
    assert_contains(f.said, "HTTP/1.1 413 ");
    struct pollfd p = {.fd = fd, .events = 0}; /* POLLHUP comes once both sides are shut */
    (void)shutdown(fd, SHUT_WR);
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    (void)close(fd);
    end(&f);
}

/* ---- bodies of many peers ---- */

/* Those of usual length are let in always, as short bodies are. */
static void
long_heads_share_it_too(void **state)
{
    static const char begin[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ";
    static char part[COCO_HTTPD_HEAD_SMALL];
    struct fixture f;

    (void)state;
    memset(part, 'a', sizeof(part));
    serve_as(&f, &(const struct coco_httpd_options){.bodies_max = COCO_HTTPD_HEAD_MAX});
    int first = reach(&f);
    tell(first, begin, strlen(begin));
    tell(first, part, sizeof(part));
    ask_raw(&f, HEALTHZ);
    int second = reach(&f);
    tell(second, begin, strlen(begin));
    tell(second, part, sizeof(part));
    (void)hear(&f, second, NULL, 0);
    assert_contains(f.said, "HTTP/1.1 503 ");
    (void)close(second);
    tell(first, part, sizeof(part));
    tell(first, "\r\n\r\n", 4);
    (void)hear(&f, first, NULL, 0);
    assert_contains(f.said, "HTTP/1.1 200 OK");
    (void)close(first);
    /* Both have given the room back. */
    first = reach(&f);
    tell(first, begin, strlen(begin));
    tell(first, part, sizeof(part));
    tell(first, "\r\n\r\n", 4);
    (void)hear(&f, first, NULL, 0);
    assert_contains(f.said, "HTTP/1.1 200 OK");
    (void)close(first);
    end(&f);
}

static void
bodies_share_what_there_is_and_short_ones_are_let_in(void **state)
{
    static const char big[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 600000\r\n\r\n";
    static const char small[] =
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    static char body[600000];
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){.bodies_max = 1000000});
    for (unsigned i = 0; i < 3; i++) {
        int first = reach(&f);
        tell(first, big, strlen(big));
        tell(first, body, 1000);
        /* It has been seen once a later one was answered. */
        ask_raw(&f, small);
        assert_contains(f.said, "\r\n\r\nhello");
        int second = reach(&f);
        tell(second, big, strlen(big));
        (void)hear(&f, second, NULL, 0);
        assert_contains(f.said, "HTTP/1.1 503 ");
        (void)close(second);
        ask_raw(&f, small);
        assert_contains(f.said, "\r\n\r\nhello");
        if (i < 2) { /* ends in one way and the other: both give the room back */
            (void)close(first);
            if (i == 0)
                continue;
            first = reach(&f);
            do {
                ask_raw(&f, small);
            } while (!strstr(f.said, "hello"));
            tell(first, big, strlen(big));
            tell(first, body, sizeof(body));
            (void)hear(&f, first, "\r\n\r\n", 1);
            assert_contains(f.said, "HTTP/1.1 200 OK");
        }
        (void)close(first);
    }
    end(&f);
}

/* ---- bodies in chunks ---- */

#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define POST_CHUNKS "POST /echo HTTP/1.1\r\nHost: x\r\n" CHUNKED
/* What must never be answered: it stands where a body is. */
#define SMUGGLED "GET /nope HTTP/1.1\r\nHost: x\r\n\r\n"

static void
a_body_in_chunks_is_taken(void **state)
{
    static const char post[] = POST_CHUNKS "\r\n"
                                           "1;a=b\r\n{\r\n00a\r\n\"chunks\":1\r\n1\r\n}\r\n"
                                           "0\r\nTrailer: x\r\n\r\n";
    static const char empty[] = POST_CHUNKS "\r\n0\r\n\r\n";
    struct fixture f;

    (void)state;
    serve(&f);
    int fd = reach(&f);
    /* Byte by byte, and then many at once, with others between them. */
    for (size_t i = 0; i < strlen(post); i++)
        tell(fd, post + i, 1);
    (void)hear(&f, fd, "{\"chunks\":1}", 1);
    assert_contains(f.said, "Content-Length: 12\r\n");
    for (unsigned i = 0; i < 50; i++) {
        tell(fd, post, strlen(post));
        tell(fd, HEALTHZ, strlen(HEALTHZ));
        tell(fd, empty, strlen(empty));
    }
    (void)hear(&f, fd, "HTTP/1.1 200 OK\r\n", 150);
    tell(fd, "GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 51);
    (void)hear(&f, fd, NULL, 0);
    assert_contains(f.said, "HTTP/1.1 404 ");
    (void)close(fd);
    end(&f);
}

static void
a_peer_that_waits_with_its_chunks_is_told_to_go_on(void **state)
{
    static const char head[] = POST_CHUNKS "Expect: 100-continue\r\n\r\n";
    struct fixture f;

    (void)state;
    serve(&f);
    int fd = reach(&f);
    tell(fd, head, strlen(head));
    (void)hear(&f, fd, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    tell(fd, "5\r\nhello\r\n0\r\n\r\n", 15);
    (void)hear(&f, fd, "\r\n\r\nhello", 1);
    (void)close(fd);
    end(&f);
}

static void
nothing_is_smuggled_behind_chunks(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        /* Two readers may disagree about how long these are. */
        {POST_CHUNKS "Content-Length: 4\r\n\r\n5c\r\n" SMUGGLED "0\r\n\r\n", "400"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n" CHUNKED "\r\n0\r\n\r\n" SMUGGLED,
         "400"},
        {POST_CHUNKS CHUNKED "\r\n0\r\n\r\n" SMUGGLED, "400"},
        {"POST /echo HTTP/1.0\r\nHost: x\r\n" CHUNKED "\r\n0\r\n\r\n" SMUGGLED, "400"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n" SMUGGLED, "400"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, "
         "chunked\r\n\r\n0\r\n\r\n" SMUGGLED,
         "501"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n" SMUGGLED, "501"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n" SMUGGLED, "501"},
        {POST_CHUNKS "\r\n0\n\n" SMUGGLED, "400"},
        {POST_CHUNKS "\r\n0\r\n\n" SMUGGLED, "400"},
        {POST_CHUNKS "\r\n5\r\nhello0\r\n\r\n" SMUGGLED, "400"},
        {POST_CHUNKS "\r\n0x0\r\n\r\n" SMUGGLED, "400"},
        {POST_CHUNKS "\r\n-0\r\n\r\n" SMUGGLED, "400"},
        {POST_CHUNKS "\r\n10000000000000000\r\n\r\n" SMUGGLED, "400"},
        {POST_CHUNKS "\r\n0;a=\"\r\n\r\n" SMUGGLED "\"\r\n\r\n", "400"},
        {POST_CHUNKS "\r\n0\r\n" SMUGGLED, "400"}, /* a request is no trailer */
        {POST_CHUNKS "\r\nffffffffffffffff\r\n" SMUGGLED, "413"},
        {POST_CHUNKS "\r\n200001\r\n" SMUGGLED, "413"},
    };
    struct fixture f;

    (void)state;
    serve(&f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (unsigned slowly = 0; slowly < 2; slowly++) {
            int fd = reach(&f);
            size_t len = strlen(cases[i].text);

            if (slowly)
                for (size_t k = 0; k < len; k++)
                    (void)send(fd, cases[i].text + k, 1, MSG_NOSIGNAL);
            else
                tell(fd, cases[i].text, len);
            (void)hear(&f, fd, NULL, 0); /* comes back, for the server closes */
            (void)close(fd);
            if (strncmp(f.said, "HTTP/1.1 ", 9) != 0 || strncmp(f.said + 9, cases[i].want, 3) != 0
                || strstr(f.said + 9, "HTTP/1.1 "))
                fail_msg("case %zu: %s", i, f.said);
        }
    }
    end(&f);
}

/* As far as its data. */
static void
begin_chunk(int fd, size_t size)
{
    char line[32];
    int n = snprintf(line, sizeof(line), "%zx\r\n", size);

    tell(fd, line, (size_t)n);
}

static void
chunks_are_bounded_as_other_bodies_are(void **state)
{
    static const char post[] = POST_CHUNKS "Connection: close\r\n\r\n";
    static char part[100000];
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){.body_max = 1000000});
    for (unsigned more = 0; more < 2; more++) {
        int fd = reach(&f);

        tell(fd, post, strlen(post));
        for (unsigned i = 0; i < 10; i++) {
            begin_chunk(fd, sizeof(part));
            tell(fd, part, sizeof(part));
            tell(fd, "\r\n", 2);
        }
        begin_chunk(fd, more);
        tell(fd, "\r\n", 2);
        (void)hear(&f, fd, NULL, 0);
        assert_contains(f.said,
                        more ? "HTTP/1.1 413 " : "HTTP/1.1 200 OK\r\nContent-Length: 1000000");
        (void)close(fd);
    }
    end(&f);
}

static void
chunks_share_what_there_is_as_they_come(void **state)
{
    static const char post[] = POST_CHUNKS "\r\n";
    static const char small[] = POST_CHUNKS "Connection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    static char part[600000];
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){.bodies_max = 1000000});
    for (unsigned i = 0; i < 3; i++) {
        int first = reach(&f);
        tell(first, post, strlen(post));
        begin_chunk(first, sizeof(part));
        tell(first, part, 1000);
        ask_raw(&f, small); /* the other has been seen once this was answered */
        assert_contains(f.said, "\r\n\r\nhello");
        int second = reach(&f);
        tell(second, post, strlen(post));
        begin_chunk(second, 1000);
        tell(second, part, 1000);
        tell(second, "\r\n", 2);
        begin_chunk(second, sizeof(part));
        (void)hear(&f, second, NULL, 0);
        assert_contains(f.said, "HTTP/1.1 503 ");
        (void)close(second);
        if (i == 0) { /* ends in one way and the other: both give the room back */
            (void)close(first);
            do {
                ask_raw(&f, small);
            } while (!strstr(f.said, "hello"));
            continue;
        }
        tell(first, part, sizeof(part) - 1000);
        tell(first, "\r\n0\r\n\r\n", 7);
        (void)hear(&f, first, "\r\n\r\n", 1);
        assert_contains(f.said, "HTTP/1.1 200 OK");
        (void)close(first);
    }
    end(&f);
}

static void
chunks_that_do_not_come_are_not_waited_for(void **state)
{
    static const char *const begins[] = {"", "5", "5;", "ffff\r\n", "0\r\n", "0\r\nA: "};
    static const char *const drips[] = {"0", "x", "x", "x", "x", "x"};
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){
                     .body_timeout = 1, .idle_timeout = 3600, .head_timeout = 3600});
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        int fd = reach(&f);

        tell(fd, POST_CHUNKS "\r\n", strlen(POST_CHUNKS "\r\n"));
        tell(fd, begins[i], strlen(begins[i]));
        size_t n = drip_until_closed(fd, drips[i]);
        if (n > 1000)
            fail_msg("case %zu: closed after %zu bytes", i, n);
        (void)close(fd);
    }
    end(&f);
}

/* ---- sockets in the file system ---- */

static int
reach_path(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    if (connect(fd, (const struct sockaddr *)&un, sizeof(un)) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void
it_serves_in_the_file_system(void **state)
{
    char dir[] = "/tmp/coco-httpd-XXXXXX";
    char address[64];
    char *const sockets[] = {address};
    const struct coco_httpd_options how = {.sockets = sockets, .n_sockets = 1, .unix_mode = 0640};
    struct fixture f, second;
    struct stat st;
    coco_error *err = NULL;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(address, sizeof(address), "unix:%s/socket", dir);
    const char *path = address + 5;
    for (unsigned i = 0; i < 2; i++) {
        if (i == 1) { /* one was left behind */
            struct sockaddr_un un = {.sun_family = AF_UNIX};
            int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

            (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
            assert_int_equal(bind(stale, (const struct sockaddr *)&un, sizeof(un)), 0);
            (void)close(stale);
        }
        serve_as(&f, &how);
        assert_string_equal(coco_httpd_server_url(f.server), address);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        int fd = reach_path(path);
        tell(fd, HEALTHZ, strlen(HEALTHZ));
        (void)hear(&f, fd, "\r\n\r\n", 1);
        assert_contains(f.said, "HTTP/1.1 200 OK");
        (void)close(fd);
        /* Nobody takes it away from who serves there. */
        assert_fails(start(&second, &how, &err), err, COCO_ERR_IO, "cannot listen at unix:/");
        err = NULL;
        end(&second);
        end(&f);
        assert_int_equal(stat(path, &st), -1);
    }
    /* Nor is a file. */
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    (void)close(file);
    assert_fails(start(&f, &how, &err), err, COCO_ERR_IO, "cannot listen at unix:/");
    end(&f);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_follow_each_other_on_a_connection),
        cmocka_unit_test(what_is_no_request_is_answered_and_the_connection_closed),
        cmocka_unit_test(heads_are_bounded),
        cmocka_unit_test(a_peer_that_waits_is_told_to_go_on),
        cmocka_unit_test(a_reply_to_head_has_no_body),
        cmocka_unit_test(a_body_of_the_largest_size_is_taken),
        cmocka_unit_test(connections_are_counted),
        cmocka_unit_test(an_idle_connection_is_closed),
        cmocka_unit_test(plain_http_stays_on_this_machine),
        cmocka_unit_test(a_head_that_drips_is_not_waited_for),
        cmocka_unit_test(a_peer_that_says_nothing_is_not_waited_for),
        cmocka_unit_test(a_body_that_does_not_come_is_not_waited_for),
        cmocka_unit_test(a_reply_that_is_not_taken_ends_the_connection),
        cmocka_unit_test(heads_of_just_the_largest_size_are_read),
        cmocka_unit_test(many_slow_peers_do_not_keep_others_out),
        cmocka_unit_test(requests_that_come_at_once_are_answered_in_their_order),
        cmocka_unit_test(a_flood_of_connections_does_not_flood_the_log),
        cmocka_unit_test(it_stops_while_peers_are_connected),
        cmocka_unit_test(a_long_body_is_nowhere_whole),
        cmocka_unit_test(a_body_of_unknown_length_goes_in_chunks),
        cmocka_unit_test(to_http_1_0_it_goes_until_the_connection_ends),
        cmocka_unit_test(a_body_that_goes_wrong_is_seen_to_be_cut),
        cmocka_unit_test(fewer_bytes_than_were_announced_are_an_error),
        cmocka_unit_test(a_head_of_a_stream_can_be_asked_for),
        cmocka_unit_test(a_reply_may_be_known_later),
        cmocka_unit_test(whoever_does_not_wait_for_it_is_forgotten),
        cmocka_unit_test(it_stops_while_replies_are_not_known),
        cmocka_unit_test(a_peer_that_takes_no_chunk_in_time_is_closed),
        cmocka_unit_test(a_refusal_arrives_although_the_peer_goes_on_sending),
        cmocka_unit_test(a_peer_that_never_ends_is_not_listened_to_for_long),
        cmocka_unit_test(bodies_share_what_there_is_and_short_ones_are_let_in),
        cmocka_unit_test(long_heads_share_it_too),
        cmocka_unit_test(a_body_in_chunks_is_taken),
        cmocka_unit_test(a_peer_that_waits_with_its_chunks_is_told_to_go_on),
        cmocka_unit_test(nothing_is_smuggled_behind_chunks),
        cmocka_unit_test(chunks_are_bounded_as_other_bodies_are),
        cmocka_unit_test(chunks_share_what_there_is_as_they_come),
        cmocka_unit_test(chunks_that_do_not_come_are_not_waited_for),
        cmocka_unit_test(it_serves_in_the_file_system),
    };

    return cmocka_run_group_tests_name("httpd/server", tests, NULL, NULL);
}
