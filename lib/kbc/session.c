/*
 * kbc/session.c - what a handshake came to, for all threads
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/session.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"

#include <poll.h>
#include <sys/eventfd.h>

coco_status
coco_session_new(struct coco_session **ret, coco_error **err)
{
    struct coco_session *session = calloc(1, sizeof(*session));

    if (!session)
        return coco_fail_nomem(err);
    session->refs = 1;
    *ret = session;
    return COCO_OK;
}

static struct coco_session *
ref(struct coco_session *session)
{
    (void)__atomic_add_fetch(&session->refs, 1, __ATOMIC_RELAXED);
    return session;
}

void
coco_session_unref(struct coco_session *session)
{
    if (!session || __atomic_sub_fetch(&session->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    EVP_PKEY_free(session->key);
    coco_cookies_done(&session->cookies);
    coco_secret_done(&session->token);
    free(session);
}

void
coco_sessions_init(struct coco_sessions *sessions, coco_session_make *make, void *user)
{
    *sessions = (struct coco_sessions){.make = make, .user = user};
    (void)pthread_mutex_init(&sessions->lock, NULL);
}

void
coco_sessions_done(struct coco_sessions *sessions)
{
    coco_session_unref(sessions->current);
    (void)pthread_mutex_destroy(&sessions->lock);
}

/* ---- One handshake; the lock is held but where it says so ---- */

static coco_status
begin(struct coco_sessions *sessions, bool apart, coco_error **err)
{
    struct coco_handshake *handshake = calloc(1, sizeof(*handshake));

    if (!handshake)
        return coco_fail_nomem(err);
    handshake->over = eventfd(0, EFD_CLOEXEC);
    if (handshake->over < 0) {
        free(handshake);
        return coco_fail_errno(err, errno, "eventfd");
    }
    handshake->users = 1;
    handshake->apart = apart;
    sessions->handshake = handshake;
    return COCO_OK;
}

static void
leave(struct coco_handshake *handshake)
{
    if (--handshake->users > 0)
        return;
    coco_session_unref(handshake->session);
    coco_error_free(handshake->why);
    (void)close(handshake->over);
    free(handshake);
}

/* What came of it, for one who was part of it. */
static coco_status
outcome(const struct coco_handshake *handshake, struct coco_session **ret, coco_error **err)
{
    if (handshake->status != COCO_OK) {
        coco_error_repeat(err, handshake->why);
        return handshake->status;
    }
    *ret = ref(handshake->session);
    return COCO_OK;
}

static void
end(struct coco_sessions *sessions, struct coco_handshake *handshake)
{
    if (handshake->session && !handshake->apart) {
        coco_session_unref(sessions->current);
        sessions->current = ref(handshake->session);
        sessions->made++;
    }
    sessions->handshake = NULL;
    (void)eventfd_write(handshake->over, 1);
}

/* Without the lock. */
static coco_status
wait_for(const struct coco_handshake *handshake, coco_ctx *ctx, coco_error **err)
{
    struct pollfd fds[] = {
        {.fd = handshake->over, .events = POLLIN},
        {.fd = coco_ctx_cancel_fd(ctx), .events = POLLIN},
    };

    while (!(fds[0].revents & POLLIN)) {
        coco_status status = coco_ctx_check(ctx, err);
        if (status != COCO_OK)
            return status;
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return coco_fail_errno(err, errno, "poll");
    }
    return COCO_OK;
}

/*
 * COCO_ERR_CANCELED of another, who made it, leaves *ret NULL: there is to be another one. So
 * does one that was made apart, and ret NULL is for who wants no other's.
 */
static coco_status
join(struct coco_sessions *sessions, coco_ctx *ctx, struct coco_session **ret, coco_error **err)
{
    struct coco_handshake *handshake = sessions->handshake;

    handshake->users++;
    (void)pthread_mutex_unlock(&sessions->lock);
    coco_status status = wait_for(handshake, ctx, err);
    (void)pthread_mutex_lock(&sessions->lock);
    if (status == COCO_OK && ret && !handshake->apart && handshake->status != COCO_ERR_CANCELED)
        status = outcome(handshake, ret, err);
    leave(handshake);
    return status;
}

static coco_status
lead(struct coco_sessions *sessions, coco_ctx *ctx, const struct coco_handshake_order *order,
     struct coco_session **ret, coco_error **err)
{
    coco_status status = begin(sessions, order->apart, err);
    if (status != COCO_OK)
        return status;
    struct coco_handshake *handshake = sessions->handshake;
    (void)pthread_mutex_unlock(&sessions->lock);
    handshake->status = order->make(order->user, ctx, &handshake->session, &handshake->why);
    (void)pthread_mutex_lock(&sessions->lock);
    end(sessions, handshake);
    status = outcome(handshake, ret, err);
    leave(handshake);
    return status;
}

coco_status
coco_sessions_take(struct coco_sessions *sessions, coco_ctx *ctx, bool renew,
                   struct coco_session **ret, bool *fresh, coco_error **err)
{
    const struct coco_handshake_order order = {sessions->make, sessions->user, false};
    struct coco_session *session = NULL;
    coco_status status = COCO_OK;

    (void)pthread_mutex_lock(&sessions->lock);
    const uint64_t before = sessions->made;
    while (status == COCO_OK && !session) {
        /* One that was made meanwhile is as good as one's own. */
        *fresh = sessions->made != before;
        if (sessions->handshake)
            status = join(sessions, ctx, &session, err);
        else if (sessions->current && (*fresh || !renew))
            session = ref(sessions->current);
        else
            status = lead(sessions, ctx, &order, &session, err);
    }
    *fresh = sessions->made != before;
    (void)pthread_mutex_unlock(&sessions->lock);
    if (status == COCO_OK)
        *ret = session;
    return status;
}

coco_status
coco_sessions_take_apart(struct coco_sessions *sessions, coco_ctx *ctx, coco_session_make *make,
                         void *user, struct coco_session **ret, coco_error **err)
{
    const struct coco_handshake_order order = {make, user, true};
    coco_status status = COCO_OK;

    (void)pthread_mutex_lock(&sessions->lock);
    while (status == COCO_OK && sessions->handshake)
        status = join(sessions, ctx, NULL, err);
    if (status == COCO_OK)
        status = lead(sessions, ctx, &order, ret, err);
    (void)pthread_mutex_unlock(&sessions->lock);
    return status;
}

void
coco_sessions_drop(struct coco_sessions *sessions, const struct coco_session *session)
{
    struct coco_session *dropped = NULL;

    (void)pthread_mutex_lock(&sessions->lock);
    if (sessions->current == session) {
        dropped = sessions->current;
        sessions->current = NULL;
    }
    (void)pthread_mutex_unlock(&sessions->lock);
    coco_session_unref(dropped);
}
