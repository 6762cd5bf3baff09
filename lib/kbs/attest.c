/*
 * kbs/attest.c - what ends a handshake
 *
 * evidence -> verdict -> appraisal -> nonce used up -> token
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/attest.h"

#include "base/fail.h"
#include "kbs/explain.h"
#include "kbs/guest.h"
#include "kbs/judge.h"
#include "kbs/session.h"
#include "kbs/token.h"
#include "rcar/tee_key.h"

#include <string.h>

/* What a guest learns of a refusal; its owner reads the trace. */
#define REFUSED "the evidence is refused; the owner finds why under this id"

/* For the record alone: without one it is not worth a hash. */
static coco_status
name_guest(struct coco_kbs_call *call, const cJSON *tee_pubkey, coco_error **err)
{
    _cleanup_buf_ struct coco_buf id = {.limit = sizeof(call->who) - 1};

    if (!call->root->audit)
        return COCO_OK;
    coco_status status = coco_rcar_tee_key_id(tee_pubkey, &id, err);
    if (status == COCO_OK)
        memcpy(call->who, coco_buf_text(&id), id.len + 1);
    return status;
}

/* The cookie that holds claims, which are text, too. */
static coco_status
seal_claims(struct coco_kbs_call *call, const struct coco_buf *text, int64_t expires,
            coco_error **err)
{
    _cleanup_buf_ struct coco_buf state = {.limit = text->len + 64};

    coco_status status =
        coco_buf_append_text(&state, "{\"is\":\"" COCO_KBS_IS_ATTESTED "\",\"claims\":", err);
    if (status == COCO_OK)
        status = coco_buf_append(&state, text->data, text->len, err);
    if (status == COCO_OK)
        status = coco_buf_append(&state, "}", 1, err);
    if (status == COCO_OK)
        status = coco_kbs_cookie_set(call, &state, expires, err);
    return status;
}

/* Remembers the guest that gets this cookie, for it is about to ask for what it came for. */
static void
expect(const struct coco_kbs_judgement *j, cJSON *claims, int64_t expires)
{
    struct coco_kbs_core *core = j->call->core;
    _cleanup_guest_ struct coco_kbs_guest *guest = NULL;
    struct coco_digest digest;
    size_t len = 0;

    const char *cookie = coco_kbs_session_find(coco_buf_text(&j->call->reply->cookie), &len);
    /* Without memory it is opened when it comes. */
    if (coco_kbs_guest_new(claims, j->sent.key, &guest, NULL) == COCO_OK && cookie
        && coco_digest_of(COCO_SHA256, cookie, len, &digest, NULL) == COCO_OK)
        coco_kbs_guests_keep(core->guests, &digest, j->epoch, expires, guest);
}

static coco_status
reply_token(struct coco_kbs_judgement *j, coco_error **err)
{
    struct coco_kbs_call *call = j->call;
    _cleanup_json_ cJSON *claims = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};
    _cleanup_buf_ struct coco_buf token = {.limit = COCO_RCAR_TOKEN_MAX};
    int64_t expires = 0;

    const struct coco_kbs_token_facts facts = {
        .version = j->challenge.version,
        .submods = &j->submods,
        .tee_pubkey = j->sent.tee_pubkey,
        .audience = j->challenge.audience,
        .now = j->now,
    };

    coco_status status = coco_kbs_token_claims(call->core, &facts, &claims, err);
    if (status == COCO_OK)
        status = coco_json_i64(cJSON_GetObjectItemCaseSensitive(claims, "exp"), &expires, err);
    if (status == COCO_OK)
        status = coco_json_write(claims, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = coco_kbs_token_sign(call->core, &text, &token, err);
    if (status == COCO_OK)
        status = coco_rcar_token_build(coco_buf_text(&token), &call->reply->body, err);
    if (status == COCO_OK)
        call->reply->type = "application/json";
    /* What is for somebody else begins no session here. */
    if (status != COCO_OK || j->challenge.audience)
        return status;
    status = seal_claims(call, &text, expires, err);
    if (status == COCO_OK)
        expect(j, coco_steal(&claims), expires);
    return status;
}

/* The guest hears that it was refused; why goes into the trace and the log. */
static coco_status
refuse(struct coco_kbs_judgement *j, coco_status status, coco_error **err)
{
    struct coco_kbs_call *call = j->call;
    coco_error *why = NULL;
    const char *reason = *err ? coco_error_message(*err) : "";

    if (status == COCO_ERR_NOMEM || status == COCO_ERR_IO)
        return status;
    /* The nonce is not used up: the same evidence may be sent again in a moment. */
    if (status == COCO_ERR_NET)
        return coco_kbs_refuse(call, 503, "collateral is being fetched: try again", status);
    coco_status kept = coco_json_add_string(j->trace, "tee", j->challenge.tee, &why);
    if (kept == COCO_OK)
        kept = coco_kbs_traces_add(call->core->traces, j->trace, "denied", "evidence", reason,
                                   call->trace, &why);
    coco_error_free(why);
    if (kept != COCO_OK)
        call->trace[0] = '\0';
    return coco_kbs_refuse(call, 401, REFUSED, status);
}

coco_status
coco_kbs_attest(struct coco_kbs_call *call, coco_error **err)
{
    _cleanup_json_ cJSON *session = NULL;
    _cleanup_(coco_kbs_judgement_done) struct coco_kbs_judgement j = {
        .call = call,
        .now = call->core->now(),
        .epoch = coco_kbs_sessions_epoch(call->core->sessions),
    };

    call->name = "AttestationError";
    coco_status status = coco_kbs_challenge_open(call, j.now, &session, &j.challenge, err);
    if (status == COCO_ERR_NOTFOUND || status == COCO_ERR_VERIFY)
        return coco_kbs_refuse(call, 401, NULL, status);
    if (status == COCO_OK)
        status = coco_rcar_attestation_parse_like(j.challenge.version, call->request->body,
                                                  call->request->body_len, call->core->token_key,
                                                  &j.sent, err);
    if (status == COCO_OK)
        status = name_guest(call, j.sent.tee_pubkey, err);
    if (status == COCO_OK)
        status = coco_kbs_trace_begin("attest", call->traced ? call->trace_id : "", j.now, &j.trace,
                                      err);
    if (status != COCO_OK)
        return status;
    call->tee = coco_kbs_known_tee(j.challenge.tee);
    status = coco_kbs_judge(&j, err);
    if (status != COCO_OK)
        return refuse(&j, status, err);
    status = reply_token(&j, err);
    if (status == COCO_ERR_LIMIT)
        return coco_kbs_refuse(call, 413, "what the evidence says is too long for a session",
                               status);
    /* What goes wrong from here on is none of the guest's doing. */
    return status == COCO_OK ? status : coco_kbs_refuse(call, 500, NULL, status);
}
