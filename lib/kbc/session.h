/*
 * kbc/session.h - what a handshake came to, for all threads
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_SESSION_H
#define COCO_KBC_SESSION_H

#include "base/cleanup.h"
#include "base/secret.h"
#include "crypto/key.h"
#include "kbc/cookies.h"
#include "rcar/version.h"

#include <coco/context.h>

#include <pthread.h>

/* A session with a KBS; it does not change once it is made. Reference counted. */
struct coco_session {
    unsigned refs; /* of atomic operations */
    enum coco_rcar_version version;
    EVP_PKEY *key; /* that secrets are encrypted to */
    struct coco_cookies cookies;
    struct coco_secret token; /* text with a NUL behind it */
};

/* One with nothing in it. */
coco_status coco_session_new(struct coco_session **ret, coco_error **err);
void coco_session_unref(struct coco_session *session);
COCO_DEFINE_CLEANUP(struct coco_session *, coco_session_unref);

/* Makes a session: a handshake. */
typedef coco_status coco_session_make(void *user, coco_ctx *ctx, struct coco_session **ret,
                                      coco_error **err);

/* Who makes it, and for whom. */
struct coco_handshake_order {
    coco_session_make *make;
    void *user;
    bool apart; /* for who asked alone: what comes of it is nobody else's session */
};

/* Under way for all who wait for it. */
struct coco_handshake {
    bool apart;
    int over;       /* eventfd: readable when it is, and ever after */
    unsigned users; /* who makes it, and those who wait */
    struct coco_session *session;
    coco_status status;
    coco_error *why;
};

/* The session of a client, and the handshake that is under way for a new one. */
struct coco_sessions {
    coco_session_make *make;
    void *user;

    pthread_mutex_t lock; /* of what follows */
    struct coco_session *current;
    uint64_t made; /* how many there have been */
    struct coco_handshake *handshake;
};

void coco_sessions_init(struct coco_sessions *sessions, coco_session_make *make, void *user);
void coco_sessions_done(struct coco_sessions *sessions);

/*
 * A reference to the current session; to a new one if there is none or renew, for
 * which one thread makes the handshake, and all others that want one by then wait
 * and take what came of it, be it a session or a failure: COCO_ERR_CANCELED is for
 * the thread alone whose ctx was canceled, and another makes the next. *fresh says
 * that the handshake ended after the call began.
 */
coco_status coco_sessions_take(struct coco_sessions *sessions, coco_ctx *ctx, bool renew,
                               struct coco_session **ret, bool *fresh, coco_error **err);

/*
 * A session of the caller's own, by a handshake that does what make does. None is under way
 * at the same time, and it changes nothing for those who share one.
 */
coco_status coco_sessions_take_apart(struct coco_sessions *sessions, coco_ctx *ctx,
                                     coco_session_make *make, void *user, struct coco_session **ret,
                                     coco_error **err);

/* The server knows it no longer: it is not the current one any more, if it was. */
void coco_sessions_drop(struct coco_sessions *sessions, const struct coco_session *session);

#endif
