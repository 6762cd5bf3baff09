/*
 * tests/httpd.c - an HTTP server that says what a test wants it to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* First byte of a TLS connection (RFC 8446 section 5.1). */
#define TLS_HANDSHAKE 22

/* False when the server is to stop, or the client has gone with POLLHUP. */
static bool
wait_for(const struct httpd *httpd, int fd, short events)
{
    struct pollfd fds[] = {{.fd = fd, .events = events}, {.fd = httpd->stop[0], .events = POLLIN}};

    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            return false;
    return fds[1].revents == 0 && (fds[0].revents & events) != 0;
}

static bool
tls_again(const struct httpd *httpd, SSL *ssl, int rc)
{
    int error = SSL_get_error(ssl, rc);

    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        return false;
    return wait_for(httpd, SSL_get_fd(ssl), error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
}

static ssize_t
receive(struct httpd *httpd, void *data, size_t room)
{
    int fd = httpd->open[httpd->current].fd;
    SSL *ssl = httpd->open[httpd->current].ssl;
    int n = 0;

    if (!ssl)
        return wait_for(httpd, fd, POLLIN) ? recv(fd, data, room, 0) : -1;
    do
        n = SSL_read(ssl, data, (int)room);
    while (n <= 0 && tls_again(httpd, ssl, n));
    return n;
}

bool
httpd_send(struct httpd *httpd, const void *data, size_t len)
{
    int fd = httpd->open[httpd->current].fd;
    SSL *ssl = httpd->open[httpd->current].ssl;
    const char *p = data;

    while (len > 0) {
        ssize_t n = 0;

        if (!ssl) {
            n = wait_for(httpd, fd, POLLOUT) ? send(fd, p, len, MSG_NOSIGNAL) : -1;
        } else {
            do
                n = SSL_write(ssl, p, (int)len);
            while (n <= 0 && tls_again(httpd, ssl, (int)n));
        }
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

bool
httpd_say(struct httpd *httpd, const char *text)
{
    return httpd_send(httpd, text, strlen(text));
}

bool
httpd_reply(struct httpd *httpd, const char *status, const char *headers, const char *body)
{
    char length[64];

    (void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n\r\n", strlen(body));
    return httpd_say(httpd, "HTTP/1.1 ") && httpd_say(httpd, status) && httpd_say(httpd, "\r\n")
           && httpd_say(httpd, headers) && httpd_say(httpd, length) && httpd_say(httpd, body);
}

void
httpd_hang(struct httpd *httpd)
{
    char byte = 0;

    while (receive(httpd, &byte, 1) > 0)
        continue;
}

void
httpd_drip(struct httpd *httpd, const void *data, size_t len, int ms)
{
    struct pollfd stop = {.fd = httpd->stop[0], .events = POLLIN};
    const char *p = data;

    while (len-- > 0 && poll(&stop, 1, ms) == 0 && httpd_send(httpd, p++, 1))
        continue;
}

void
httpd_header(const struct httpd_request *request, const char *name, char *buf, size_t size)
{
    size_t len = strlen(name);

    buf[0] = '\0';
    for (const char *line = request->head; (line = strstr(line, "\r\n")) && line[2];) {
        line += 2;
        if (strncasecmp(line, name, len) != 0 || line[len] != ':')
            continue;
        const char *value = line + len + 1 + strspn(line + len + 1, " ");
        (void)snprintf(buf, size, "%.*s", (int)strcspn(value, "\r"), value);
        return;
    }
}

/* Reads up to the empty line; what came behind it is kept as the body's beginning. */
static bool
read_head(struct httpd *httpd, size_t *extra)
{
    size_t len = 0;

    while (len < sizeof(httpd->head) - 1) {
        ssize_t n = receive(httpd, httpd->head + len, sizeof(httpd->head) - 1 - len);
        if (n <= 0)
            return false;
        len += (size_t)n;
        httpd->head[len] = '\0';
        if (!httpd->open[httpd->current].ssl && httpd->head[0] == TLS_HANDSHAKE) {
            (void)httpd_reply(httpd, "400 Bad Request", "", "HTTP to an HTTPS client");
            return false;
        }
        char *end = strstr(httpd->head, "\r\n\r\n");
        if (!end)
            continue;
        *extra = len - (size_t)(end + 4 - httpd->head);
        memcpy(httpd->body, end + 4, *extra);
        end[2] = '\0';
        return true;
    }
    return false;
}

/* Reads until the body holds want bytes. */
static bool
fill(struct httpd *httpd, size_t *have, size_t want)
{
    if (want >= sizeof(httpd->body))
        return false;
    while (*have < want) {
        ssize_t n = receive(httpd, httpd->body + *have, sizeof(httpd->body) - 1 - *have);
        if (n <= 0)
            return false;
        *have += (size_t)n;
    }
    return true;
}

/* Takes the chunks apart where they are. */
static bool
read_chunks(struct httpd *httpd, size_t have, size_t *ret)
{
    size_t from = 0;
    size_t to = 0;

    for (;;) {
        char *eol = NULL;

        for (;;) {
            httpd->body[have] = '\0';
            eol = strstr(httpd->body + from, "\r\n");
            if (eol)
                break;
            if (!fill(httpd, &have, have + 1))
                return false;
        }
        size_t size = strtoul(httpd->body + from, NULL, 16);
        from = (size_t)(eol + 2 - httpd->body);
        if (!fill(httpd, &have, from + size + 2))
            return false;
        memmove(httpd->body + to, httpd->body + from, size);
        to += size;
        from += size + 2;
        if (size == 0)
            break;
    }
    *ret = to;
    return true;
}

static bool
read_body(struct httpd *httpd, const struct httpd_request *request, size_t have, size_t *ret)
{
    char value[64];

    httpd_header(request, "Transfer-Encoding", value, sizeof(value));
    if (strcmp(value, "chunked") == 0)
        return read_chunks(httpd, have, ret);
    httpd_header(request, "Content-Length", value, sizeof(value));
    *ret = strtoul(value, NULL, 10);
    return fill(httpd, &have, *ret);
}

/* One request of the current connection; false when that is over. */
static bool
serve(struct httpd *httpd)
{
    struct httpd_request request = {
        .httpd = httpd,
        .connection = httpd->open[httpd->current].number,
        .head = httpd->head,
        .body = httpd->body,
    };
    char method[16] = "";
    char target[4096] = "";
    size_t extra = 0;

    if (!read_head(httpd, &extra))
        return false;
    if (sscanf(httpd->head, "%15s %4095s", method, target) != 2)
        return false;
    request.method = method;
    request.target = target;
    if (httpd->look && !httpd->look(httpd->user, &request))
        return false;
    if (!read_body(httpd, &request, extra, &request.body_len))
        return false;
    httpd->body[request.body_len] = '\0';
    request.number = httpd->requests++;
    return httpd->answer(httpd->user, &request);
}

static void
drop(struct httpd *httpd, size_t i)
{
    if (httpd->open[i].ssl) {
        (void)SSL_shutdown(httpd->open[i].ssl);
        SSL_free(httpd->open[i].ssl);
    }
    (void)close(httpd->open[i].fd);
    httpd->open[i] = httpd->open[--httpd->n_open];
}

/* Closed with something unread, the connection would be reset, and TLS's last word be lost. */
static void
refuse(struct httpd *httpd)
{
    SSL_free(httpd->open[httpd->current].ssl);
    httpd->open[httpd->current].ssl = NULL;
    (void)shutdown(httpd->open[httpd->current].fd, SHUT_WR);
    httpd_hang(httpd);
    drop(httpd, httpd->current);
}

static void
take_connection(struct httpd *httpd)
{
    int fd = accept4(httpd->listener, NULL, NULL, SOCK_CLOEXEC);
    const int on = 1;

    if (fd < 0)
        return;
    /* An answer goes in pieces, of which none waits until the client has acknowledged the last. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (httpd->n_open == HTTPD_CONNECTIONS_MAX)
        drop(httpd, 0);
    httpd->current = httpd->n_open++;
    httpd->open[httpd->current].fd = fd;
    httpd->open[httpd->current].ssl = NULL;
    httpd->open[httpd->current].number = httpd->connections++;
    if (!httpd->tls)
        return;

    SSL *ssl = SSL_new(httpd->tls);
    int rc = 0;
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    (void)SSL_set_fd(ssl, fd);
    httpd->open[httpd->current].ssl = ssl;
    do
        rc = SSL_accept(ssl);
    while (rc <= 0 && tls_again(httpd, ssl, rc));
    if (rc <= 0)
        refuse(httpd);
}

static void *
run(void *user)
{
    struct httpd *httpd = user;
    struct pollfd fds[HTTPD_CONNECTIONS_MAX + 2];

    for (;;) {
        size_t n = httpd->n_open;

        for (size_t i = 0; i < n; i++)
            fds[i] = (struct pollfd){.fd = httpd->open[i].fd, .events = POLLIN};
        fds[n] = (struct pollfd){.fd = httpd->listener, .events = POLLIN};
        fds[n + 1] = (struct pollfd){.fd = httpd->stop[0], .events = POLLIN};
        if (poll(fds, n + 2, -1) < 0 && errno != EINTR)
            break;
        if (fds[n + 1].revents)
            break;
        /* From the last to the first: drop() moves the last into the gap. */
        for (size_t i = n; i-- > 0;) {
            httpd->current = i;
            if (fds[i].revents && !serve(httpd))
                drop(httpd, i);
        }
        if (fds[n].revents)
            take_connection(httpd);
    }
    while (httpd->n_open > 0)
        drop(httpd, 0);
    return NULL;
}

void
httpd_start(struct httpd *httpd, httpd_answer *answer, void *user, SSL_CTX *tls)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    (void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    httpd->answer = answer;
    httpd->user = user;
    httpd->tls = tls;
    httpd->requests = 0;
    httpd->connections = 0;
    httpd->n_open = 0;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    httpd->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(httpd->listener >= 0);
    assert_int_equal(bind(httpd->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(httpd->listener, 16), 0);
    assert_int_equal(getsockname(httpd->listener, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(pipe2(httpd->stop, O_CLOEXEC), 0);
    httpd->port = ntohs(address.sin_port);
    (void)snprintf(httpd->url, sizeof(httpd->url), "http%s://127.0.0.1:%d", tls ? "s" : "",
                   httpd->port);
    assert_int_equal(pthread_create(&httpd->thread, NULL, run, httpd), 0);
}

void
httpd_stop(struct httpd *httpd)
{
    (void)close(httpd->stop[1]);
    assert_int_equal(pthread_join(httpd->thread, NULL), 0);
    (void)close(httpd->stop[0]);
    (void)close(httpd->listener);
}
