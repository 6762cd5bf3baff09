/*
 * kbs/caller.c - the guest that asks for something
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/caller.h"

#include "base/fail.h"
#include "crypto/jws.h"
#include "kbs/admin.h"
#include "kbs/challenge.h"
#include "kbs/session.h"
#include "kbs/token.h"

#include <string.h>

static coco_status
claims_of_session(struct coco_kbs_call *call, cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *session = NULL;
    const char *is = NULL;
    int64_t now = call->core->now();

    coco_status status =
        coco_kbs_session_open(call->core->sessions, call->request->cookie, now, &session, err);
    if (status == COCO_OK)
        status = coco_json_get_string(session, "is", &is, err);
    if (status == COCO_OK && strcmp(is, COCO_KBS_IS_ATTESTED) != 0)
        status = coco_fail(err, COCO_ERR_NOTFOUND, "session has not attested yet");
    if (status != COCO_OK)
        return status;
    cJSON *claims = cJSON_DetachItemFromObjectCaseSensitive(session, "claims");
    status = coco_jwt_check_times(claims, now, err);
    if (status == COCO_OK)
        *ret = claims;
    else
        coco_json_free(claims);
    return status;
}

/* What a guest shows of itself. */
struct shown {
    const char *text; /* NULL: nothing */
    size_t len;
    struct coco_digest digest;
    uint64_t epoch; /* when it was looked at */
};

/* The guest that showed the same before, or NULL. That time passes does not go unnoticed. */
static coco_status
recall(struct coco_kbs_call *call, struct shown *shown, struct coco_kbs_guest **ret,
       coco_error **err)
{
    struct coco_kbs_core *core = call->core;
    int64_t now = core->now();

    shown->epoch = coco_kbs_sessions_epoch(core->sessions);
    coco_status status = coco_digest_of(COCO_SHA256, shown->text, shown->len, &shown->digest, err);
    if (status != COCO_OK)
        return status;
    _cleanup_guest_ struct coco_kbs_guest *guest =
        coco_kbs_guests_find(core->guests, &shown->digest, shown->epoch, now);
    if (guest && coco_jwt_check_times(guest->claims, now, NULL) == COCO_OK)
        *ret = coco_steal(&guest);
    return COCO_OK;
}

/* Takes claims, of which shown is the text. */
static coco_status
get_to_know(struct coco_kbs_call *call, const struct shown *shown, cJSON *claims, int64_t until,
            struct coco_kbs_guest **ret, coco_error **err)
{
    _cleanup_guest_ struct coco_kbs_guest *guest = NULL;

    coco_status status = coco_kbs_guest_new(claims, NULL, &guest, err);
    if (status != COCO_OK)
        return status;
    coco_kbs_guests_keep(call->core->guests, &shown->digest, shown->epoch, until, guest);
    *ret = coco_steal(&guest);
    return COCO_OK;
}

static coco_status
guest_of_session(struct coco_kbs_call *call, struct coco_kbs_guest **ret, coco_error **err)
{
    struct shown shown = {0};
    cJSON *claims = NULL;
    int64_t until = 0;

    shown.text = coco_kbs_session_find(call->request->cookie, &shown.len);
    if (!shown.text)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no session");
    coco_status status = recall(call, &shown, ret, err);
    if (status != COCO_OK || *ret)
        return status;
    status = claims_of_session(call, &claims, err);
    if (status != COCO_OK)
        return status;
    /* A session ends with its claims; that there is no such time was noticed before. */
    (void)coco_json_i64(cJSON_GetObjectItemCaseSensitive(claims, "exp"), &until, NULL);
    return get_to_know(call, &shown, claims, until, ret, err);
}

static coco_status
guest_of_token(struct coco_kbs_call *call, const char *token, struct coco_kbs_guest **ret,
               coco_error **err)
{
    struct shown shown = {.text = token, .len = strlen(token)};
    cJSON *claims = NULL;

    coco_status status = recall(call, &shown, ret, err);
    if (status != COCO_OK || *ret)
        return status;
    status = coco_kbs_token_verify(call->core, token, shown.len, &claims, err);
    return status == COCO_OK ? get_to_know(call, &shown, claims, INT64_MAX, ret, err) : status;
}

static coco_status
find_guest(struct coco_kbs_call *call, struct coco_kbs_guest **ret, coco_error **err)
{
    coco_error *why = NULL;
    const char *token = coco_kbs_bearer(call->request->authorization);

    coco_status status = guest_of_session(call, ret, &why);
    coco_error_free(why);
    if (status == COCO_OK)
        return COCO_OK;
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (!token) {
        call->name = "TokenNotFound";
        status = coco_fail(err, COCO_ERR_VERIFY, "no attestation token");
        return coco_kbs_refuse(call, 401, "Attestation Token not found", status);
    }
    call->name = "TokenVerifierError";
    status = guest_of_token(call, token, ret, err);
    if (status == COCO_OK || status == COCO_ERR_NOMEM)
        return status;
    return coco_kbs_refuse(call, 401, "Token Verifier error", status);
}

coco_status
coco_kbs_guest_of(struct coco_kbs_call *call, struct coco_kbs_guest **ret, coco_error **err)
{
    struct coco_kbs_guest *guest = NULL;

    coco_status status = find_guest(call, &guest, err);
    if (status != COCO_OK)
        return status;
    if (call->root->audit)
        memcpy(call->who, guest->id, sizeof(guest->id));
    *ret = guest;
    return COCO_OK;
}
