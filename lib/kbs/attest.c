/*
 * kbs/attest.c - challenge and judgement
 *
 * request -> nonce, sealed into a cookie; evidence -> verdict -> appraisal ->
 * nonce used up -> token
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/attest.h"

#include "base/fail.h"
#include "base/text.h"
#include "crypto/jws.h"
#include "initdata/initdata.h"
#include "kbs/admin.h"
#include "kbs/appraise.h"
#include "kbs/explain.h"
#include "kbs/references.h"
#include "kbs/session.h"
#include "kbs/token.h"
#include "rcar/messages.h"
#include "rcar/tee_key.h"
#include "verifier/driver.h"

#include <stdio.h>
#include <string.h>

#define CHALLENGE "challenge"
#define ATTESTED "attested"

#define EVIDENCE_MAX COCO_RCAR_BODY_MAX

/* What a guest learns of a refusal; its owner reads the trace. */
#define REFUSED "the evidence is refused; the owner finds why under this id"

/* One judgement on its way. */
struct judgement {
    struct coco_kbs_call *call;
    int64_t now;
    enum coco_rcar_version version;
    const char *tee;
    const char *nonce;
    int64_t expires;      /* of the nonce */
    uint64_t epoch;       /* of the sessions, when it began */
    const char *audience; /* or NULL */
    struct coco_rcar_attestation sent;
    struct coco_policy_values *references;
    cJSON *submods;
    cJSON *trace;
    struct coco_digest init_digest;
    cJSON *init_claims; /* or NULL */
};

static void
judgement_done(struct judgement *j)
{
    coco_rcar_attestation_done(&j->sent);
    coco_policy_values_unref(j->references);
    coco_json_free(j->submods);
    coco_json_free(j->trace);
    coco_json_free(j->init_claims);
}

static coco_status
set_cookie(struct coco_kbs_call *call, const struct coco_buf *state, int64_t expires,
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

/* ---- /auth ---- */

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

/* The one of that name that somebody here can verify, or NULL; static. */
static const char *
known_tee(const char *tee)
{
    const char *known;

    for (size_t i = 0; (known = coco_verifier_tee(i)) != NULL; i++)
        if (strcmp(known, tee) == 0)
            return known;
    return NULL;
}

/* A TEE that nobody here can verify is told so before it collects evidence. */
static coco_status
check_tee(const char *tee, coco_error **err)
{
    if (known_tee(tee))
        return COCO_OK;
    return coco_fail(err, COCO_ERR_NOTSUP, "this KBS cannot verify evidence of '%.40s'", tee);
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
        status = coco_json_add_string(state, "is", CHALLENGE, err);
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
        status = set_cookie(call, &text, expires, err);
    return status;
}

coco_status
coco_kbs_auth(struct coco_kbs_call *call, coco_error **err)
{
    struct coco_rcar_request request = {0};
    _cleanup_buf_ struct coco_buf nonce = {.limit = COCO_RCAR_NONCE_MAX};

    call->name = "AttestationError";
    coco_status status =
        coco_rcar_request_parse(call->request->body, call->request->body_len, &request, err);
    if (status == COCO_OK)
        status = check_version(call, request.version, err);
    if (status == COCO_OK)
        status = check_tee(request.tee, err);
    if (status == COCO_ERR_NOTSUP)
        return coco_kbs_refuse(call, 400, NULL, status);
    if (status == COCO_OK)
        status = check_audience(call, request.audience, err);
    if (status == COCO_ERR_DENIED)
        return coco_kbs_refuse(call, 403, NULL, status);
    if (status == COCO_OK)
        status = coco_rcar_nonce_new(&nonce, err);
    if (status == COCO_OK)
        status = coco_rcar_challenge_build(coco_buf_text(&nonce), &call->reply->body, err);
    if (status == COCO_OK)
        status = seal_challenge(call, &request, coco_buf_text(&nonce), err);
    if (status == COCO_OK)
        call->reply->type = "application/json";
    return status;
}

/* ---- /attest: verdict ---- */

/* The name of the first check that does not hold, for the one line of a reason. */
static coco_status
check_verdict(struct judgement *j, const char *tee, const coco_verdict *verdict, coco_error **err)
{
    coco_status status;

    if (coco_verdict_valid(verdict))
        return COCO_OK;
    status = coco_kbs_trace_verdict(j->trace, verdict, err);
    if (status != COCO_OK)
        return status;
    /* What nobody knows comes first: the guest may ask again, and hear of the others then. */
    for (int unreached = 1; unreached >= 0; unreached--)
        for (size_t i = 0; i < coco_verdict_check_count(verdict); i++)
            if (!coco_verdict_check_ok(verdict, i) && !coco_verdict_check_allowed(verdict, i)
                && coco_verdict_check_unreached(verdict, i) == unreached)
                return coco_fail(err, unreached ? COCO_ERR_NET : COCO_ERR_VERIFY,
                                 "%s evidence: %s: expected %s, got %s", tee,
                                 coco_verdict_check_name(verdict, i),
                                 coco_verdict_check_want(verdict, i),
                                 coco_verdict_check_got(verdict, i));
    return coco_fail(err, COCO_ERR_VERIFY, "%s evidence: nothing was checked", tee);
}

static coco_status
bind_evidence(const struct judgement *j, const struct coco_digest *report_data, coco_binding **ret,
              coco_error **err)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;

    coco_status status = coco_binding_new(&binding, err);
    if (status == COCO_OK)
        status = coco_binding_set_report_data(binding, report_data->bytes,
                                              coco_hash_size(report_data->alg), err);
    if (status == COCO_OK && j->init_claims)
        status = coco_binding_set_init_data(binding, j->init_digest.bytes,
                                            coco_hash_size(j->init_digest.alg), err);
    if (status == COCO_OK)
        *ret = coco_steal(&binding);
    return status;
}

static coco_status
verify(struct judgement *j, const char *tee, const cJSON *evidence,
       const struct coco_digest *report_data, cJSON **claims, coco_error **err)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};

    coco_status status = coco_json_write(evidence, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = bind_evidence(j, report_data, &binding, err);
    if (status == COCO_OK)
        status =
            coco_verify(j->call->core->verifier, tee, coco_buf_text(&text), binding, &verdict, err);
    if (status == COCO_OK)
        status = check_verdict(j, tee, verdict, err);
    if (status != COCO_OK)
        return status;
    const char *proven = coco_verdict_claims(verdict);
    return coco_json_parse_object(proven, strlen(proven), claims, err);
}

/* ---- /attest: annotated evidence (A.9) ---- */

static struct coco_rcar_binding
binding_of(const struct judgement *j)
{
    return (struct coco_rcar_binding){
        .version = j->version,
        .alg = COCO_SHA384,
        .nonce = j->nonce,
        .tee_pubkey = j->sent.tee_pubkey,
        .additional = j->sent.additional,
    };
}

static coco_status
move_member(cJSON *from, cJSON *to, const char *name, coco_error **err)
{
    cJSON *item = cJSON_DetachItemFromObjectCaseSensitive(from, name);

    return item ? coco_json_add_item(to, name, item, err) : COCO_OK;
}

static coco_status
add_init_data(const struct judgement *j, const char *tee, cJSON *evidence, coco_error **err)
{
    coco_status status = COCO_OK;

    if (!j->init_claims)
        return COCO_OK;
    /* Bound to nothing, as everything that a sample says: recorded, as upstream does. */
    if (strcmp(tee, "sample") == 0)
        status = coco_json_add_base64(evidence, "init_data", j->init_digest.bytes,
                                      coco_hash_size(j->init_digest.alg), err);
    if (status == COCO_OK)
        status = coco_json_add_copy(evidence, "init_data_claims", j->init_claims, err);
    return status;
}

static coco_status
annotate(const struct judgement *j, const char *tee, cJSON *claims, cJSON *runtime_data,
         cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *evidence = NULL;

    coco_status status = coco_json_new_object(&evidence, err);
    if (status == COCO_OK)
        status = move_member(claims, evidence, "report_data", err);
    if (status == COCO_OK)
        status = move_member(claims, evidence, "init_data", err);
    if (status == COCO_OK)
        status = coco_json_add_copy(evidence, "runtime_data_claims", runtime_data, err);
    if (status == COCO_OK)
        status = add_init_data(j, tee, evidence, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(evidence, tee, claims, err);
    if (status == COCO_OK)
        *ret = coco_steal(&evidence);
    return status;
}

static const char *
class_of(const char *tee)
{
    return strcmp(tee, "sampledevice") == 0 || strcmp(tee, "nvidia") == 0 ? "gpu" : "cpu";
}

/* Appraises one device and adds it to the submods, under its class and the next number. */
static coco_status
add_submod(struct judgement *j, const char *tee, cJSON *evidence, coco_error **err)
{
    const struct coco_kbs_appraisal appraisal = {
        .class = class_of(tee),
        .evidence = evidence,
        .references = j->references,
    };
    cJSON *submod = NULL;
    char name[32];
    size_t n = 0;

    coco_status status = coco_kbs_appraise(j->call->core->policies, &appraisal, &submod, err);
    if (status != COCO_OK)
        return status;
    do
        (void)snprintf(name, sizeof(name), "%s%zu", appraisal.class, n++);
    while (cJSON_GetObjectItemCaseSensitive(j->submods, name));
    return coco_json_add_item(j->submods, name, submod, err);
}

static coco_status
judge_device(struct judgement *j, const char *tee, const cJSON *sent,
             const struct coco_digest *report_data, coco_error **err)
{
    _cleanup_json_ cJSON *claims = NULL;
    _cleanup_json_ cJSON *evidence = NULL;
    _cleanup_json_ cJSON *runtime_data = NULL;
    const struct coco_rcar_binding binding = binding_of(j);

    coco_status status = verify(j, tee, sent, report_data, &claims, err);
    if (status == COCO_OK)
        status = coco_rcar_runtime_data(&binding, &runtime_data, err);
    if (status == COCO_OK && !j->call->core->config.attestation.verbose_token)
        coco_json_free(
            cJSON_DetachItemFromObjectCaseSensitive(runtime_data, "additional-evidence"));
    if (status == COCO_OK)
        status = annotate(j, tee, claims, runtime_data, &evidence, err);
    if (status == COCO_OK)
        status = add_submod(j, tee, evidence, err);
    return status;
}

static coco_status
judge_additional(struct judgement *j, coco_error **err)
{
    _cleanup_json_ cJSON *devices = NULL;
    const struct coco_rcar_binding binding = binding_of(j);
    struct coco_digest report_data;
    const cJSON *device;

    if (!j->sent.additional || !*j->sent.additional)
        return COCO_OK;
    coco_status status =
        coco_json_parse_object(j->sent.additional, strlen(j->sent.additional), &devices, err);
    if (status == COCO_OK && cJSON_GetArraySize(devices) > COCO_RCAR_DEVICES_MAX)
        status = coco_fail(err, COCO_ERR_LIMIT, "more than %d devices", COCO_RCAR_DEVICES_MAX);
    if (status == COCO_OK)
        status = coco_rcar_device_report_data(&binding, &report_data, err);
    cJSON_ArrayForEach(device, devices) {
        if (status == COCO_OK)
            status = judge_device(j, device->string, device, &report_data, err);
    }
    return status == COCO_OK ? status : coco_wrap(err, status, "additional evidence");
}

static coco_status
read_init_data(struct judgement *j, coco_error **err)
{
    _cleanup_initdata_ coco_initdata *initdata = NULL;

    coco_status status = coco_initdata_read(j->sent.init_data, &initdata, err);
    if (status == COCO_OK)
        status = coco_initdata_digest_of(initdata, &j->init_digest, err);
    if (status == COCO_OK)
        status = coco_initdata_claims(initdata, &j->init_claims, err);
    return status;
}

/* First here, which costs nothing, then at all replicas: a row of a database that they share. */
static coco_status
use_nonce(const struct judgement *j, coco_error **err)
{
    const struct coco_kbs_config *config = &j->call->root->config;
    struct coco_digest digest;
    char name[2 * sizeof(digest.bytes) + 1];

    coco_status status =
        coco_kbs_nonce_use(j->call->core->sessions, j->nonce, j->expires, j->now, err);
    if (status != COCO_OK || !config->storage.on_postgres || !config->storage.shared_nonces)
        return status;
    status = coco_digest_of(COCO_SHA256, j->nonce, strlen(j->nonce), &digest, err);
    if (status != COCO_OK)
        return status;
    coco_hex(digest.bytes, coco_hash_size(digest.alg), name);
    return coco_kbs_store_use_once(j->call->core->store, name, j->expires, j->now, err);
}

static coco_status
judge(struct judgement *j, coco_error **err)
{
    const struct coco_rcar_binding binding = binding_of(j);
    struct coco_digest report_data;

    if (j->sent.nonce && strcmp(j->sent.nonce, j->nonce) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "nonce is not the one of this session");
    coco_status status = COCO_OK;
    if (j->sent.init_data)
        status = read_init_data(j, err);
    if (status == COCO_OK)
        status = coco_kbs_expected_get(j->call->core->expected, j->now, &j->references, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&j->submods, err);
    if (status == COCO_OK)
        status = coco_rcar_report_data(&binding, &report_data, err);
    if (status == COCO_OK)
        status = judge_device(j, j->tee, j->sent.evidence, &report_data, err);
    if (status == COCO_OK)
        status = judge_additional(j, err);
    /* Last, and at once with the decision: of two that send the same, one gets a token. */
    return status == COCO_OK ? use_nonce(j, err) : status;
}

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

/* ---- /attest: the reply ---- */

/* The cookie that holds claims, which are text, too. */
static coco_status
seal_claims(struct coco_kbs_call *call, const struct coco_buf *text, int64_t expires,
            coco_error **err)
{
    _cleanup_buf_ struct coco_buf state = {.limit = text->len + 64};

    coco_status status = coco_buf_append_text(&state, "{\"is\":\"" ATTESTED "\",\"claims\":", err);
    if (status == COCO_OK)
        status = coco_buf_append(&state, text->data, text->len, err);
    if (status == COCO_OK)
        status = coco_buf_append(&state, "}", 1, err);
    if (status == COCO_OK)
        status = set_cookie(call, &state, expires, err);
    return status;
}

/* Remembers the guest that gets this cookie, for it is about to ask for what it came for. */
static void
expect(const struct judgement *j, cJSON *claims, int64_t expires)
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
reply_token(const struct judgement *j, coco_error **err)
{
    struct coco_kbs_call *call = j->call;
    _cleanup_json_ cJSON *claims = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};
    _cleanup_buf_ struct coco_buf token = {.limit = COCO_RCAR_TOKEN_MAX};
    int64_t expires = 0;

    const struct coco_kbs_token_facts facts = {
        .version = j->version,
        .submods = j->submods,
        .tee_pubkey = j->sent.tee_pubkey,
        .audience = j->audience,
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
    if (status != COCO_OK || j->audience)
        return status;
    status = seal_claims(call, &text, expires, err);
    if (status == COCO_OK)
        expect(j, coco_steal(&claims), expires);
    return status;
}

/* The guest hears that it was refused; why goes into the trace and the log. */
static coco_status
refuse(struct judgement *j, coco_status status, coco_error **err)
{
    struct coco_kbs_call *call = j->call;
    coco_error *why = NULL;
    const char *reason = *err ? coco_error_message(*err) : "";

    if (status == COCO_ERR_NOMEM || status == COCO_ERR_IO)
        return status;
    /* The nonce is not used up: the same evidence may be sent again in a moment. */
    if (status == COCO_ERR_NET)
        return coco_kbs_refuse(call, 503, "collateral is being fetched: try again", status);
    coco_status kept = coco_json_add_string(j->trace, "tee", j->tee, &why);
    if (kept == COCO_OK)
        kept = coco_kbs_traces_add(call->core->traces, j->trace, "denied", "evidence", reason,
                                   call->trace, &why);
    coco_error_free(why);
    if (kept != COCO_OK)
        call->trace[0] = '\0';
    return coco_kbs_refuse(call, 401, REFUSED, status);
}

static coco_status
open_challenge(struct coco_kbs_call *call, cJSON **session, struct judgement *j, coco_error **err)
{
    const char *is = NULL;
    const char *version = NULL;

    coco_status status =
        coco_kbs_session_open(call->core->sessions, call->request->cookie, j->now, session, err);
    if (status == COCO_OK)
        status = coco_json_get_string(*session, "is", &is, err);
    if (status == COCO_OK && strcmp(is, CHALLENGE) != 0)
        status = coco_fail(err, COCO_ERR_VERIFY, "session has its token already");
    if (status == COCO_OK)
        status = coco_json_get_string(*session, "version", &version, err);
    if (status == COCO_OK && !coco_rcar_version_parse(version, &j->version))
        status = coco_fail(err, COCO_ERR_VERIFY, "session is of another version");
    if (status == COCO_OK)
        status = coco_json_get_string(*session, "tee", &j->tee, err);
    if (status == COCO_OK)
        status = coco_json_get_string(*session, "nonce", &j->nonce, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(*session, "audience", &j->audience, err);
    if (status == COCO_OK)
        status =
            coco_json_i64(cJSON_GetObjectItemCaseSensitive(*session, "expires"), &j->expires, err);
    return status;
}

coco_status
coco_kbs_attest(struct coco_kbs_call *call, coco_error **err)
{
    _cleanup_json_ cJSON *session = NULL;
    _cleanup_(judgement_done) struct judgement j = {
        .call = call,
        .now = call->core->now(),
        .epoch = coco_kbs_sessions_epoch(call->core->sessions),
    };

    call->name = "AttestationError";
    coco_status status = open_challenge(call, &session, &j, err);
    if (status == COCO_ERR_NOTFOUND || status == COCO_ERR_VERIFY)
        return coco_kbs_refuse(call, 401, NULL, status);
    if (status == COCO_OK)
        status = coco_rcar_attestation_parse_like(j.version, call->request->body,
                                                  call->request->body_len, call->core->token_key,
                                                  &j.sent, err);
    if (status == COCO_OK)
        status = name_guest(call, j.sent.tee_pubkey, err);
    if (status == COCO_OK)
        status = coco_kbs_trace_begin("attest", call->traced ? call->trace_id : "", j.now, &j.trace,
                                      err);
    if (status != COCO_OK)
        return status;
    call->tee = known_tee(j.tee);
    status = judge(&j, err);
    if (status != COCO_OK)
        return refuse(&j, status, err);
    status = reply_token(&j, err);
    /* What goes wrong from here on is none of the guest's doing. */
    return status == COCO_OK ? status : coco_kbs_refuse(call, 500, NULL, status);
}

/* ---- afterwards ---- */

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
    if (status == COCO_OK && strcmp(is, ATTESTED) != 0)
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
