/*
 * rpc/serve.c - serving those who connect to a socket
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/serve.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/crew.h"
#include "base/fail.h"
#include "rpc/stream.h"

#include <openssl/crypto.h>
#include <poll.h>
#include <sys/socket.h>

#define CONNECTIONS_MAX 32
#define IDLE_MS ((uint64_t)3600 * 1000)
#define READ_SIZE ((size_t)16 << 10)
#define CROWDED_MS 100 /* until it is looked again whether there is room, or descriptors */
#define PATIENCE_MS ((uint64_t)1000) /* with who has said nothing yet, while others wait */

/* What all connections have in common. */
struct hall {
    const struct coco_rpc_protocol *protocol;
    const struct coco_rpc_service *service;
    coco_ctx *ctx;
    uint64_t idle_ms;
    unsigned max;
    struct coco_crew crew;
    pthread_mutex_t lock; /* for what is below */
    struct guest *first;
};

struct guest {
    struct hall *hall;
    struct guest *next;
    int fd;
    uint64_t waits_since; /* for its peer, by coco_clock_ms(); 0: it is at work */
};

/* ---- who is there ---- */

static void
enter(struct guest *guest)
{
    struct hall *hall = guest->hall;

    (void)pthread_mutex_lock(&hall->lock);
    guest->waits_since = coco_clock_ms();
    guest->next = hall->first;
    hall->first = guest;
    (void)pthread_mutex_unlock(&hall->lock);
}

/* Before its socket is closed, whose number may be another's then. */
static void
leave(struct guest *guest)
{
    struct hall *hall = guest->hall;

    (void)pthread_mutex_lock(&hall->lock);
    for (struct guest **at = &hall->first; *at; at = &(*at)->next)
        if (*at == guest) {
            *at = guest->next;
            break;
        }
    (void)pthread_mutex_unlock(&hall->lock);
}

static void
set_waiting(struct guest *guest, bool waits)
{
    (void)pthread_mutex_lock(&guest->hall->lock);
    guest->waits_since = waits ? coco_clock_ms() : 0;
    (void)pthread_mutex_unlock(&guest->hall->lock);
}

/* Who has waited longest for its peer, and not just begun to, finds the connection closed. */
static void
show_one_out(struct hall *hall)
{
    uint64_t before = coco_clock_ms() - PATIENCE_MS;
    struct guest *longest = NULL;

    (void)pthread_mutex_lock(&hall->lock);
    for (struct guest *guest = hall->first; guest; guest = guest->next)
        if (guest->waits_since > 0 && guest->waits_since <= before
            && (!longest || guest->waits_since <= longest->waits_since))
            longest = guest;
    if (longest) {
        longest->waits_since = 0;
        (void)shutdown(longest->fd, SHUT_RDWR);
    }
    (void)pthread_mutex_unlock(&hall->lock);
}

/* ---- one of them ---- */

/* One after the other: all that is to be sent, then something to read. */
static coco_status
converse(struct guest *guest, struct coco_stream *stream, void *speaker, coco_error **err)
{
    const struct hall *hall = guest->hall;
    uint8_t data[READ_SIZE];
    coco_status status = COCO_OK;

    while (status == COCO_OK) {
        const uint8_t *out = NULL;
        size_t n = 0;

        status = hall->protocol->pending(speaker, &out, &n, err);
        if (status == COCO_OK && n > 0) {
            status = coco_stream_write(stream, out, n, err);
            continue;
        }
        if (status != COCO_OK || hall->protocol->is_over(speaker))
            break;
        coco_stream_set_timeout(stream, hall->idle_ms);
        status = coco_stream_read(stream, data, sizeof(data), &n, err);
        if (status == COCO_OK && n == 0)
            break;
        if (status == COCO_OK) {
            set_waiting(guest, false);
            status = hall->protocol->feed(speaker, data, n, err);
            set_waiting(guest, true);
        }
    }
    OPENSSL_cleanse(data, sizeof(data));
    return status;
}

static coco_status
attend(struct guest *guest, coco_error **err)
{
    const struct hall *hall = guest->hall;
    _cleanup_(coco_stream_freep) struct coco_stream *stream = NULL;
    void *speaker = NULL;

    coco_status status = coco_stream_adopt(guest->fd, hall->idle_ms, hall->ctx, &stream, err);
    if (status != COCO_OK)
        return status;
    enter(guest);
    status = hall->protocol->open(hall->service, hall->ctx, &speaker, err);
    if (status == COCO_OK)
        status = converse(guest, stream, speaker, err);
    hall->protocol->close(speaker);
    leave(guest);
    return status;
}

static void
guest_run(void *self)
{
    struct guest *guest = self;
    struct hall *hall = guest->hall;
    coco_error *err = NULL;

    if (attend(guest, &err) != COCO_OK)
        coco_ctx_log(hall->ctx, COCO_LOG_DEBUG, "rpc: a connection ended: %s",
                     coco_error_message(err));
    coco_error_free(err);
    free(guest);
}

static coco_status
admit(struct hall *hall, int fd, coco_error **err)
{
    struct guest *guest = malloc(sizeof(*guest));

    if (!guest) {
        (void)close(fd);
        return coco_fail_nomem(err);
    }
    *guest = (struct guest){.hall = hall, .fd = fd};
    coco_status status = coco_crew_start(&hall->crew, guest_run, guest, err);
    if (status == COCO_OK)
        return status;
    (void)close(fd);
    free(guest);
    return status;
}

/* Waits for one more to come, for whom there is room or some is made. */
static coco_status
accept_next(struct hall *hall, int listener, coco_error **err)
{
    struct pollfd fds[] = {{coco_ctx_cancel_fd(hall->ctx), POLLIN, 0}, {listener, POLLIN, 0}};

    (void)poll(fds, 2, -1);
    coco_status status = coco_ctx_check(hall->ctx, err);
    if (status != COCO_OK || (fds[1].revents & (POLLIN | POLLERR)) == 0)
        return status;
    if (coco_crew_count(&hall->crew) >= hall->max) {
        show_one_out(hall);
        (void)poll(fds, 1, CROWDED_MS);
        return COCO_OK;
    }
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        coco_error *why = NULL;

        if (admit(hall, fd, &why) != COCO_OK)
            coco_ctx_log(hall->ctx, COCO_LOG_INFO, "rpc: %s", coco_error_message(why));
        coco_error_free(why);
        return COCO_OK;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        (void)poll(fds, 1, CROWDED_MS);
    else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EOPNOTSUPP)
        return coco_fail_errno(err, errno, "accept");
    return COCO_OK;
}

coco_status
coco_serve(int listener, const struct coco_rpc_protocol *protocol,
           const struct coco_rpc_service *service, const struct coco_serve_options *opts,
           coco_ctx *ctx, coco_error **err)
{
    struct hall hall = {
        .protocol = protocol,
        .service = service,
        .ctx = ctx,
        .idle_ms = opts->idle_ms > 0 ? opts->idle_ms : IDLE_MS,
        .max = opts->connections_max > 0 ? opts->connections_max : CONNECTIONS_MAX,
    };
    coco_status status = COCO_OK;

    (void)pthread_mutex_init(&hall.lock, NULL);
    coco_crew_init(&hall.crew);
    while (status == COCO_OK)
        status = accept_next(&hall, listener, err);
    /* They lend from here; a canceled context ends them, and a broken socket waits for them. */
    coco_crew_done(&hall.crew);
    (void)pthread_mutex_destroy(&hall.lock);
    return status;
}
