/*
 * kbs/challenge.h - what begins a handshake
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_CHALLENGE_H
#define COCO_KBS_CHALLENGE_H

#include "kbs/core.h"
#include "rcar/version.h"

/* What a session's cookie is: a challenge, or the claims of who has met it. */
#define COCO_KBS_IS_CHALLENGE "challenge"
#define COCO_KBS_IS_ATTESTED "attested"

/* POST /kbs/v0/auth: Request -> Challenge, and a cookie with the sealed challenge. */
coco_kbs_handler coco_kbs_auth;

/* Of a cookie; its texts are those of the session that it was opened to. */
struct coco_kbs_challenge {
    enum coco_rcar_version version;
    const char *tee;
    const char *nonce;
    int64_t expires;      /* of the nonce */
    const char *audience; /* or NULL */
};

/*
 * That which the caller's cookie holds; *session is to be freed. COCO_ERR_NOTFOUND without a
 * cookie, COCO_ERR_VERIFY for one that is no challenge of ours, or not any more.
 */
coco_status coco_kbs_challenge_open(struct coco_kbs_call *call, int64_t now, cJSON **session,
                                    struct coco_kbs_challenge *ret, coco_error **err);

/* Answers with a cookie that holds state, text, sealed. */
coco_status coco_kbs_cookie_set(struct coco_kbs_call *call, const struct coco_buf *state,
                                int64_t expires, coco_error **err);

/* The TEE of that name that somebody here can verify, or NULL; static. */
const char *coco_kbs_known_tee(const char *tee);

/* The hash that evidence of tee is bound by (A.3): what a server says, whatever a guest lists. */
enum coco_hash_alg coco_kbs_binding_alg(const char *tee);

#endif
