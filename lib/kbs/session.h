/*
 * kbs/session.h - what joins the requests of one guest
 *
 * The KBS keeps no sessions: a session is sealed (AES-256-GCM) into the cookie,
 * so that any replica with the same store goes on with it, and a million
 * strangers who ask for a challenge cost no memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_SESSION_H
#define COCO_KBS_SESSION_H

#include "base/json.h"
#include "base/secret.h"

/*
 * A cookie must fit into a request's head beside everything else. One with all events of a
 * boot, deflated, has up to 40 KiB.
 */
#define COCO_KBS_COOKIE_MAX ((size_t)64 << 10)

#define COCO_KBS_SEAL_KEY_SIZE 32
#define COCO_KBS_SEAL_KEYS_MAX 16

struct coco_kbs_sessions;

/* key is COCO_KBS_SEAL_KEY_SIZE bytes and copied. */
coco_status coco_kbs_sessions_new(const struct coco_secret *key, struct coco_kbs_sessions **ret,
                                  coco_error **err);
void coco_kbs_sessions_free(struct coco_kbs_sessions *sessions);
COCO_DEFINE_CLEANUP(struct coco_kbs_sessions *, coco_kbs_sessions_free);

/* The first of n keys seals from now on, and all of them open; they are copied. */
coco_status coco_kbs_sessions_set_keys(struct coco_kbs_sessions *sessions,
                                       const struct coco_secret *const *keys, size_t n,
                                       coco_error **err);

/* Another number when the keys are others than before: what was opened then is not any more. */
uint64_t coco_kbs_sessions_epoch(struct coco_kbs_sessions *sessions);

/* Appends the value of a cookie that holds state, an object, until expires. */
coco_status coco_kbs_session_seal(struct coco_kbs_sessions *sessions, const cJSON *state,
                                  int64_t expires, struct coco_buf *buf, coco_error **err);
/* The same of its text. */
coco_status coco_kbs_session_seal_text(struct coco_kbs_sessions *sessions,
                                       const struct coco_buf *state, int64_t expires,
                                       struct coco_buf *buf, coco_error **err);

/* Our cookie's value in a Cookie header, which may be NULL; NULL and a length of 0 if there is
 * none. */
const char *coco_kbs_session_find(const char *header, size_t *len);

/*
 * Opens the session in the value of a Cookie header; header NULL is none.
 * COCO_ERR_NOTFOUND if it holds no session, COCO_ERR_VERIFY for one that this
 * KBS did not make or that has expired.
 */
coco_status coco_kbs_session_open(struct coco_kbs_sessions *sessions, const char *header,
                                  int64_t now, cJSON **ret, coco_error **err);

/*
 * Marks a nonce as used until expires: COCO_ERR_DENIED the second time, and
 * COCO_ERR_LIMIT when too many are remembered to remember another (T24 in
 * doc/threats.md). Any thread.
 */
coco_status coco_kbs_nonce_use(struct coco_kbs_sessions *sessions, const char *nonce,
                               int64_t expires, int64_t now, coco_error **err);

#endif
