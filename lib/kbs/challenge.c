/*
 * kbs/challenge.c - what begins a handshake
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/challenge.h"

#include "base/fail.h"
#include "kbs/se.h"
#include "kbs/session.h"
#include "rcar/messages.h"

#include <coco/verifier.h>
#include <string.h>

coco_status
coco_kbs_cookie_set(struct coco_kbs_call *call, const struct coco_buf *state, int64_t expires,
                    coco_error **err)
{
    struct coco_buf *cookie = &call->reply->cookie;

    coco_buf_reset(cookie);
    cookie->limit = COCO_KBS_COOKIE_MAX + 256;
    coco_status status = coco_buf_append_text(cookie, COCO_RCAR_COOKIE "=", err);
    if (status == COCO_OK)
        status = coco_kbs_session_seal_text(call->core->sessions, state, expires, cookie, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(cookie, "; Expires=", err);
    if (status == COCO_OK)
        status = coco_httpd_date(expires, cookie, err);
    return status;
}

static coco_status
check_version(const struct coco_kbs_call *call, enum coco_rcar_version version, coco_error **err)
{
    enum coco_rcar_version oldest = call->core->config.attestation.oldest_protocol;

    if (version >= oldest)
        return COCO_OK;
    return coco_fail(err, COCO_ERR_NOTSUP,
                     "KBS Client Protocol Version Mismatch: expect at least %s while the request "
                     "is %s",
                     coco_rcar_version_name(oldest), coco_rcar_version_name(version));
}

const char *
coco_kbs_known_tee(const char *tee)
{
    const char *known;

    for (size_t i = 0; (known = coco_verifier_tee(i)) != NULL; i++)
        if (strcmp(known, tee) == 0)
            return known;
    return NULL;
}

static bool
is_se(const char *tee)
{
    return strcmp(tee, COCO_KBS_SE_TEE) == 0;
}

enum coco_hash_alg
coco_kbs_binding_alg(const char *tee)
{
    return is_se(tee) ? COCO_SHA512 : COCO_SHA384;
}

/* A TEE that nobody here can verify is told so before it collects evidence. */
static coco_status
check_tee(const struct coco_kbs_call *call, const struct coco_rcar_request *request,
          coco_error **err)
{
    if (!coco_kbs_known_tee(request->tee) || (is_se(request->tee) && !call->core->se))
        return coco_fail(err, COCO_ERR_NOTSUP, "this KBS cannot verify evidence of '%.40s'",
                         request->tee);
    if (is_se(request->tee) && request->lists_algs && !request->lists_sha512)
        return coco_fail(err, COCO_ERR_NOTSUP, "evidence of '%s' is bound by sha512", request->tee);
    return COCO_OK;
}

/* Who may be shown what the owner's guests are is for the owner to say. */
static coco_status
check_audience(const struct coco_kbs_call *call, const char *audience, coco_error **err)
{
    const struct coco_kbs_texts *known = &call->core->config.attestation.audiences;

    if (!audience[0])
        return COCO_OK;
    for (size_t i = 0; i < known->n; i++)
        if (strcmp(known->items[i], audience) == 0)
            return COCO_OK;
    return coco_fail(err, COCO_ERR_DENIED, "this KBS makes no tokens for '%s'", audience);
}

static coco_status
seal_challenge(struct coco_kbs_call *call, const struct coco_rcar_request *request,
               const char *nonce, coco_error **err)
{
    struct coco_kbs_core *core = call->core;
    int64_t expires = core->now() + 60 * (int64_t)core->config.attestation.timeout;
    _cleanup_json_ cJSON *state = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_KBS_COOKIE_MAX};

    coco_status status = coco_json_new_object(&state, err);
    if (status == COCO_OK)
        status = coco_json_add_string(state, "is", COCO_KBS_IS_CHALLENGE, err);
    if (status == COCO_OK)
        status =
            coco_json_add_string(state, "version", coco_rcar_version_name(request->version), err);
    if (status == COCO_OK)
        status = coco_json_add_string(state, "tee", request->tee, err);
    if (status == COCO_OK)
        status = coco_json_add_string(state, "nonce", nonce, err);
    if (status == COCO_OK && request->audience[0])
        status = coco_json_add_string(state, "audience", request->audience, err);
    if (status == COCO_OK)
        status = coco_json_add_i64(state, "expires", expires, err);
    if (status == COCO_OK)
        status = coco_json_write(state, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = coco_kbs_cookie_set(call, &text, expires, err);
    return status;
}

/* Host keys that IBM does not vouch for, and lists that are not to be had, are for the owner. */
static coco_status
make_nonce(struct coco_kbs_call *call, const char *tee, struct coco_buf *nonce, coco_error **err)
{
    if (!is_se(tee))
        return coco_rcar_nonce_new(nonce, err);
    coco_status status = coco_kbs_se_ask(call->core->se, call->core->verifier, nonce, err);
    if (status == COCO_OK)
        return status;
    return coco_kbs_refuse(call, status == COCO_ERR_NET ? 503 : 500, NULL, status);
}

static coco_status
reply_challenge(struct coco_kbs_call *call, const struct coco_rcar_request *request,
                coco_error **err)
{
    _cleanup_buf_ struct coco_buf nonce = {.limit = COCO_RCAR_NONCE_MAX};

    coco_status status = make_nonce(call, request->tee, &nonce, err);
    if (status == COCO_OK)
        status = coco_rcar_challenge_build(
            coco_buf_text(&nonce), coco_kbs_binding_alg(request->tee), &call->reply->body, err);
    if (status == COCO_OK)
        status = seal_challenge(call, request, coco_buf_text(&nonce), err);
    if (status == COCO_OK)
        call->reply->type = "application/json";
    return status;
}

coco_status
coco_kbs_auth(struct coco_kbs_call *call, coco_error **err)
{
    struct coco_rcar_request request = {0};

    call->name = "AttestationError";
    coco_status status =
        coco_rcar_request_parse(call->request->body, call->request->body_len, &request, err);
    if (status == COCO_OK)
        status = check_version(call, request.version, err);
    if (status == COCO_OK)
        status = check_tee(call, &request, err);
    if (status == COCO_ERR_NOTSUP)
        return coco_kbs_refuse(call, 400, NULL, status);
    if (status == COCO_OK)
        status = check_audience(call, request.audience, err);
    if (status == COCO_ERR_DENIED)
        return coco_kbs_refuse(call, 403, NULL, status);
    return status == COCO_OK ? reply_challenge(call, &request, err) : status;
}

coco_status
coco_kbs_challenge_open(struct coco_kbs_call *call, int64_t now, cJSON **session,
                        struct coco_kbs_challenge *ret, coco_error **err)
{
    const char *is = NULL;
    const char *version = NULL;

    coco_status status =
        coco_kbs_session_open(call->core->sessions, call->request->cookie, now, session, err);
    if (status == COCO_OK)
        status = coco_json_get_string(*session, "is", &is, err);
    if (status == COCO_OK && strcmp(is, COCO_KBS_IS_CHALLENGE) != 0)
        status = coco_fail(err, COCO_ERR_VERIFY, "session has its token already");
    if (status == COCO_OK)
        status = coco_json_get_string(*session, "version", &version, err);
    if (status == COCO_OK && !coco_rcar_version_parse(version, &ret->version))
        status = coco_fail(err, COCO_ERR_VERIFY, "session is of another version");
    if (status == COCO_OK)
        status = coco_json_get_string(*session, "tee", &ret->tee, err);
    if (status == COCO_OK)
        status = coco_json_get_string(*session, "nonce", &ret->nonce, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(*session, "audience", &ret->audience, err);
    if (status == COCO_OK)
        status = coco_json_i64(cJSON_GetObjectItemCaseSensitive(*session, "expires"), &ret->expires,
                               err);
    return status;
}
