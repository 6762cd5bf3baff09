/*
 * rpc/resolve.c - the addresses of a name, asked for by who may lose patience
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/resolve.h"

#include "base/cleanup.h"
#include "base/context.h"
#include "base/fail.h"
#include "base/thread.h"

#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

/* One question. Who leaves it last frees it. */
struct question {
    char *host;
    char *port;
    int answered; /* eventfd */
    int error;    /* of getaddrinfo() */
    struct addrinfo *found;
    atomic_bool known; /* both of these: an eventfd orders threads for the system, not for C */
    atomic_int users;
};

static void
question_leave(struct question *q)
{
    if (!q || atomic_fetch_sub(&q->users, 1) > 1)
        return;
    if (q->found)
        freeaddrinfo(q->found);
    if (q->answered >= 0)
        (void)close(q->answered);
    free(q->host);
    free(q->port);
    free(q);
}

COCO_DEFINE_CLEANUP(struct question *, question_leave);

static int
look_up(const char *host, const char *port, int flags, struct addrinfo **ret)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};

    return getaddrinfo(host, port, &hints, ret);
}

static void *
ask(void *self)
{
    const uint64_t one = 1;
    struct question *q = self;

    q->error = look_up(q->host, q->port, AI_ADDRCONFIG, &q->found);
    atomic_store(&q->known, true);
    (void)!write(q->answered, &one, sizeof(one));
    question_leave(q);
    return NULL;
}

static coco_status
question_new(const char *host, const char *port, struct question **ret, coco_error **err)
{
    _cleanup_(question_leavep) struct question *q = calloc(1, sizeof(*q));

    if (!q)
        return coco_fail_nomem(err);
    atomic_store(&q->users, 1);
    q->answered = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (q->answered < 0)
        return coco_fail_errno(err, errno, "eventfd");
    q->host = strdup(host);
    q->port = strdup(port);
    if (!q->host || !q->port)
        return coco_fail_nomem(err);
    *ret = coco_steal(&q);
    return COCO_OK;
}

static coco_status
wait_for(const struct question *q, coco_ctx *ctx, uint64_t timeout_ms, coco_error **err)
{
    struct pollfd fds[] = {{q->answered, POLLIN, 0}, {coco_ctx_cancel_fd(ctx), POLLIN, 0}};
    int n = 0;

    do {
        n = poll(fds, 2, timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX);
        coco_status status = coco_ctx_check(ctx, err);
        if (status != COCO_OK)
            return status;
    } while (n < 0 && errno == EINTR);
    if (!atomic_load(&q->known))
        return coco_fail(err, COCO_ERR_NET, "nobody says in time where %.253s is", q->host);
    return COCO_OK;
}

static void
copy(const struct addrinfo *found, struct coco_address ret[COCO_RESOLVE_MAX], size_t *n)
{
    *n = 0;
    for (; found && *n < COCO_RESOLVE_MAX; found = found->ai_next) {
        struct coco_address *address = &ret[(*n)++];

        *address = (struct coco_address){.len = found->ai_addrlen};
        memcpy(&address->data, found->ai_addr, found->ai_addrlen);
    }
}

coco_status
coco_resolve(const char *host, const char *port, coco_ctx *ctx, uint64_t timeout_ms,
             struct coco_address ret[COCO_RESOLVE_MAX], size_t *n, coco_error **err)
{
    _cleanup_(question_leavep) struct question *q = NULL;
    struct addrinfo *found = NULL;
    pthread_t thread;

    if (look_up(host, port, AI_NUMERICHOST, &found) == 0) {
        copy(found, ret, n);
        freeaddrinfo(found);
        return COCO_OK;
    }
    coco_status status = question_new(host, port, &q, err);
    if (status != COCO_OK)
        return status;
    atomic_fetch_add(&q->users, 1);
    status = coco_thread_start(ask, q, &thread, err);
    if (status != COCO_OK) {
        atomic_fetch_sub(&q->users, 1);
        return status;
    }
    (void)pthread_detach(thread);
    status = wait_for(q, ctx, timeout_ms, err);
    if (status != COCO_OK)
        return status;
    if (q->error != 0)
        return coco_fail(err, COCO_ERR_NET, "look up %.253s: %s", host, gai_strerror(q->error));
    copy(q->found, ret, n);
    return COCO_OK;
}
