/*
 * rpc/stream.c - bytes to a peer and back, through TLS or plain, for a bounded time
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/stream.h"

#include "base/clock.h"
#include "base/context.h"
#include "base/dial.h"
#include "base/fail.h"
#include "rpc/resolve.h"

#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

struct coco_stream {
    int fd;
    struct coco_tls tls; /* ssl NULL: plain */
    coco_ctx *ctx;
    uint64_t deadline; /* ms */
    short wants;       /* what there is to wait for, if it is known */
};

static uint64_t
left_ms(const struct coco_stream *stream)
{
    uint64_t now = coco_clock_ms();

    return now < stream->deadline ? stream->deadline - now : 0;
}

void
coco_stream_set_timeout(struct coco_stream *stream, uint64_t timeout_ms)
{
    uint64_t now = coco_clock_ms();

    stream->deadline = timeout_ms < UINT64_MAX - now ? now + timeout_ms : UINT64_MAX;
}

void
coco_stream_free(struct coco_stream *stream)
{
    if (!stream)
        return;
    coco_tls_close(&stream->tls);
    if (stream->fd >= 0)
        (void)close(stream->fd);
    free(stream);
}

coco_status
coco_stream_wait(struct coco_stream *stream, bool writing, coco_error **err)
{
    short events = stream->wants;
    if (!events)
        events = writing ? (short)(POLLIN | POLLOUT) : (short)POLLIN;
    struct pollfd fds[] = {{stream->fd, events, 0}, {coco_ctx_cancel_fd(stream->ctx), POLLIN, 0}};
    uint64_t left = left_ms(stream);

    stream->wants = 0;
    int n = poll(fds, 2, left < INT_MAX ? (int)left : INT_MAX);
    coco_status status = coco_ctx_check(stream->ctx, err);
    if (status != COCO_OK)
        return status;
    if (n < 0 && errno != EINTR)
        return coco_fail_errno(err, errno, "poll");
    if (n == 0 || left == 0)
        return coco_fail(err, COCO_ERR_NET, "the peer takes too long");
    return COCO_OK;
}

static coco_status
fail(coco_error **err, int errnum, const char *what)
{
    char reason[128];

    return coco_fail(err, COCO_ERR_NET, "%s: %s", what, strerror_r(errnum, reason, sizeof(reason)));
}

/* What a call of OpenSSL's that got nowhere waits for; or why it never will get on. */
static coco_status
tls_wants(struct coco_stream *stream, int rc, const char *what, bool *end, coco_error **err)
{
    switch (SSL_get_error(stream->tls.ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        stream->wants |= POLLIN;
        return COCO_OK;
    case SSL_ERROR_WANT_WRITE:
        stream->wants |= POLLOUT;
        return COCO_OK;
    case SSL_ERROR_ZERO_RETURN:
        *end = true;
        return COCO_OK;
    default:
        return coco_tls_fail(stream->tls.ssl, what, err);
    }
}

coco_status
coco_stream_try_write(struct coco_stream *stream, const void *data, size_t len, size_t *n,
                      coco_error **err)
{
    bool end = false;

    *n = 0;
    if (!stream->tls.ssl) {
        ssize_t sent = send(stream->fd, data, len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return fail(err, errno, "send");
        *n = sent > 0 ? (size_t)sent : 0;
        return COCO_OK;
    }
    ERR_clear_error();
    int rc = SSL_write_ex(stream->tls.ssl, data, len, n);
    if (rc == 1)
        return COCO_OK;
    *n = 0;
    coco_status status = tls_wants(stream, rc, "send through TLS", &end, err);
    return status == COCO_OK && end ? fail(err, EPIPE, "send") : status;
}

coco_status
coco_stream_try_read(struct coco_stream *stream, void *data, size_t size, size_t *n, bool *end,
                     coco_error **err)
{
    *n = 0;
    if (!stream->tls.ssl) {
        ssize_t got = recv(stream->fd, data, size, 0);
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return fail(err, errno, "receive");
        *n = got > 0 ? (size_t)got : 0;
        *end = got == 0 && size > 0;
        return COCO_OK;
    }
    ERR_clear_error();
    int rc = SSL_read_ex(stream->tls.ssl, data, size, n);
    if (rc == 1)
        return COCO_OK;
    *n = 0;
    return tls_wants(stream, rc, "receive through TLS", end, err);
}

coco_status
coco_stream_write(struct coco_stream *stream, const void *data, size_t len, coco_error **err)
{
    const uint8_t *p = data;
    coco_status status = COCO_OK;

    while (status == COCO_OK && len > 0) {
        size_t n = 0;

        status = coco_stream_try_write(stream, p, len, &n, err);
        if (status == COCO_OK && n == 0) {
            if (!stream->wants)
                stream->wants = POLLOUT;
            status = coco_stream_wait(stream, true, err);
        }
        p += n;
        len -= n;
    }
    return status;
}

coco_status
coco_stream_read(struct coco_stream *stream, void *data, size_t size, size_t *n, coco_error **err)
{
    coco_status status = COCO_OK;
    bool end = false;

    do {
        status = coco_stream_try_read(stream, data, size, n, &end, err);
        if (status == COCO_OK && *n == 0 && !end)
            status = coco_stream_wait(stream, false, err);
    } while (status == COCO_OK && *n == 0 && !end);
    return status;
}

static coco_status
handshake(struct coco_stream *stream, coco_error **err)
{
    for (;;) {
        bool end = false;

        ERR_clear_error();
        int rc = SSL_do_handshake(stream->tls.ssl);
        if (rc == 1)
            return COCO_OK;
        coco_status status = tls_wants(stream, rc, "TLS", &end, err);
        if (status == COCO_OK && end)
            status = fail(err, ECONNRESET, "TLS");
        if (status == COCO_OK)
            status = coco_stream_wait(stream, false, err);
        if (status != COCO_OK)
            return status;
    }
}

/* Each address of the name in turn; the last failure counts. */
static coco_status
dial(const struct coco_target *target, struct coco_stream *stream, coco_error **err)
{
    struct coco_address addresses[COCO_RESOLVE_MAX];
    size_t n = 1;
    coco_status status = COCO_OK;
    coco_error *why = NULL;

    if (target->is_near)
        addresses[0] = target->near;
    else
        status = coco_resolve(target->host, target->port, stream->ctx, left_ms(stream), addresses,
                              &n, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        uint64_t seconds = left_ms(stream) / 1000 / (n - i) + 1;

        coco_error_free(why);
        why = NULL;
        status = coco_dial(&addresses[i], stream->ctx, (uint32_t)(seconds < 3600 ? seconds : 3600),
                           &stream->fd, &why);
        if (status != COCO_ERR_NET)
            break;
    }
    if (status != COCO_OK)
        coco_error_give(err, why);
    return status;
}

static coco_status
stream_new(int fd, uint64_t timeout_ms, coco_ctx *ctx, struct coco_stream **ret, coco_error **err)
{
    struct coco_stream *stream = calloc(1, sizeof(*stream));

    if (!stream)
        return coco_fail_nomem(err);
    stream->fd = fd;
    stream->ctx = ctx;
    coco_stream_set_timeout(stream, timeout_ms);
    *ret = stream;
    return COCO_OK;
}

coco_status
coco_stream_open(const struct coco_target *target, const struct coco_stream_options *opts,
                 coco_ctx *ctx, struct coco_stream **ret, coco_error **err)
{
    _cleanup_(coco_stream_freep) struct coco_stream *stream = NULL;

    coco_status status = stream_new(-1, opts->timeout_ms, ctx, &stream, err);
    if (status == COCO_OK)
        status = dial(target, stream, err);
    if (status == COCO_OK && target->tls) {
        status = coco_tls_open(stream->fd, target->server, &opts->tls, &stream->tls, err);
        if (status == COCO_OK)
            status = handshake(stream, err);
        if (status == COCO_OK)
            status = coco_tls_check(&stream->tls, &opts->tls, err);
    }
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", target->authority);
    *ret = coco_steal(&stream);
    return COCO_OK;
}

coco_status
coco_stream_adopt(int fd, uint64_t timeout_ms, coco_ctx *ctx, struct coco_stream **ret,
                  coco_error **err)
{
    struct coco_stream *stream = NULL;
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        coco_status status = coco_fail_errno(err, errno, "fcntl");
        (void)close(fd);
        return status;
    }
    coco_status status = stream_new(fd, timeout_ms, ctx, &stream, err);
    if (status != COCO_OK)
        (void)close(fd);
    else
        *ret = stream;
    return status;
}
