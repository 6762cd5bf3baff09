/*
 * kbc/guest.c - a guest that attests to a KBS (RCAR: kbs-protocol A)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/guest.h"

#include "attester/driver.h"
#include "base/bytes.h"
#include "base/context.h"
#include "base/fail.h"
#include "crypto/jws.h"
#include "rcar/tee_key.h"

#include <string.h>

#define JSON_TYPE "application/json"

coco_status
coco_guest_init(struct coco_guest *guest, const char *url, coco_error **err)
{
    guest->kind = COCO_KEY_P256;
    guest->version = COCO_RCAR_NEWEST;
    return coco_broker_new(url, &guest->broker, err);
}

void
coco_guest_done(struct coco_guest *guest)
{
    coco_broker_free(guest->broker);
    coco_attester_free(guest->attester);
    for (size_t i = 0; i < guest->n_devices; i++)
        coco_attester_free(guest->devices[i]);
    free(guest->init_data);
}

/* What a handshake gathers on its way. */
struct handshake {
    const char *audience; /* or NULL */
    EVP_PKEY *key;
    cJSON *tee_pubkey;
    struct coco_rcar_challenge challenge;
    cJSON *evidence;
    struct coco_buf additional; /* of the devices: JSON text, or empty */
    struct coco_cookies cookies;
    struct coco_buf token;
    bool lost; /* the KBS does not know the nonce, and may have used it up unheard */
};

static void
handshake_done(struct handshake *handshake)
{
    EVP_PKEY_free(handshake->key);
    coco_json_free(handshake->tee_pubkey);
    coco_rcar_challenge_done(&handshake->challenge);
    coco_json_free(handshake->evidence);
    coco_buf_done(&handshake->additional);
    coco_cookies_done(&handshake->cookies);
    coco_buf_done(&handshake->token);
}

#define _cleanup_handshake_ _cleanup_(handshake_done)

/*
 * What a refusal of the handshake means. A 404 is no missing resource: there is
 * no KBS at this address.
 */
static coco_status
check_handshake(const struct coco_broker_answer *answer, coco_error **err)
{
    if (answer->status == 404)
        return coco_broker_fail(answer, COCO_ERR_PROTO, err);
    return coco_broker_check(answer, err);
}

/*
 * Whether a server refuses the version of a request, in upstream's words. One
 * that speaks 0.1.0 does not come so far: a list where it knows a text makes it
 * answer 400, as its HTTP framework words it.
 */
static bool
refuses_version(const struct coco_broker_answer *answer)
{
    return strstr(answer->error.detail, "Version Mismatch")
           || (answer->status == 400 && answer->error.name[0] == '\0');
}

static coco_status
post(const struct coco_guest *guest, coco_ctx *ctx, const char *path, const struct coco_buf *body,
     struct coco_cookies *cookies, struct coco_broker_answer *ret, coco_error **err)
{
    const struct coco_broker_request request = {
        .method = "POST",
        .path = path,
        .content_type = JSON_TYPE,
        .body = body->data,
        .len = body->len,
        .cookies = cookies,
        .jar = cookies,
    };

    return coco_broker_do(guest->broker, ctx, &request, ret, err);
}

static coco_status
post_request(const struct coco_guest *guest, coco_ctx *ctx, enum coco_rcar_version version,
             struct handshake *handshake, struct coco_broker_answer *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf body = {.limit = COCO_RCAR_BODY_MAX};

    coco_status status = coco_rcar_request_build(version, coco_attester_tee(guest->attester),
                                                 handshake->audience, &body, err);
    if (status == COCO_OK)
        status = post(guest, ctx, "/auth", &body, &handshake->cookies, ret, err);
    return status;
}

/* The oldest version that can say all there is to say. */
static enum coco_rcar_version
oldest_fit(const struct coco_guest *guest, const struct handshake *handshake)
{
    if (guest->init_data)
        return COCO_RCAR_0_4_0;
    if (guest->n_devices > 0)
        return COCO_RCAR_0_3_0;
    if (guest->kind_chosen && guest->kind != COCO_KEY_RSA)
        return COCO_RCAR_0_2_0;
    return handshake->audience ? COCO_RCAR_0_1_1 : COCO_RCAR_OLDEST;
}

/*
 * Asks again with one version after the other, but for the one that was refused.
 * If none will do, what the server said to that is what counts.
 */
static coco_status
find_version(struct coco_guest *guest, coco_ctx *ctx, struct handshake *handshake,
             struct coco_broker_answer *answer, coco_error **err)
{
    for (size_t i = COCO_RCAR_VERSIONS; i-- > oldest_fit(guest, handshake);) {
        enum coco_rcar_version version = (enum coco_rcar_version)i;
        _cleanup_answer_ struct coco_broker_answer next = {0};

        if (version == guest->version)
            continue;
        coco_status status = post_request(guest, ctx, version, handshake, &next, err);
        if (status != COCO_OK)
            return status;
        if (refuses_version(&next))
            continue;
        coco_ctx_log(ctx, COCO_LOG_INFO, "the KBS speaks version %s of its protocol",
                     coco_rcar_version_name(version));
        guest->version = version;
        coco_broker_answer_done(answer);
        *answer = next;
        next = (struct coco_broker_answer){0};
        return COCO_OK;
    }
    return coco_broker_fail(answer, COCO_ERR_NOTSUP, err);
}

static coco_status
request_challenge(struct coco_guest *guest, coco_ctx *ctx, struct handshake *handshake,
                  coco_error **err)
{
    _cleanup_answer_ struct coco_broker_answer answer = {0};

    coco_status status = post_request(guest, ctx, guest->version, handshake, &answer, err);
    if (status == COCO_OK && refuses_version(&answer))
        status = find_version(guest, ctx, handshake, &answer, err);
    if (status == COCO_OK)
        status = check_handshake(&answer, err);
    if (status == COCO_OK)
        status = coco_rcar_challenge_parse(answer.body.data, answer.body.len, &handshake->challenge,
                                           err);
    return status;
}

static coco_status
collect(coco_attester *attester, coco_ctx *ctx, const struct coco_digest *report_data,
        const char *nonce, cJSON **ret, coco_error **err)
{
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    struct coco_evidence_request request = {
        .report_data = report_data->bytes,
        .len = coco_hash_size(report_data->alg),
        .nonce = nonce,
    };

    coco_status status = coco_attester_answer(attester, ctx, &request, &evidence, err);
    if (status == COCO_OK)
        status = coco_json_parse((const char *)coco_bytes_data(evidence), coco_bytes_size(evidence),
                                 ret, err);
    return status;
}

static struct coco_rcar_binding
binding_of(const struct coco_guest *guest, const struct handshake *handshake)
{
    return (struct coco_rcar_binding){
        .version = guest->version,
        .alg = handshake->challenge.alg,
        .nonce = handshake->challenge.nonce,
        .tee_pubkey = handshake->tee_pubkey,
        .additional = coco_buf_text(&handshake->additional),
    };
}

static coco_status
collect_of_devices(struct coco_guest *guest, coco_ctx *ctx, struct handshake *handshake,
                   coco_error **err)
{
    const struct coco_rcar_binding binding = binding_of(guest, handshake);
    struct coco_digest report_data = {0};
    _cleanup_json_ cJSON *devices = NULL;

    coco_status status = coco_rcar_device_report_data(&binding, &report_data, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&devices, err);
    for (size_t i = 0; i < guest->n_devices && status == COCO_OK; i++) {
        cJSON *evidence = NULL;

        status = collect(guest->devices[i], ctx, &report_data, handshake->challenge.nonce,
                         &evidence, err);
        if (status == COCO_OK)
            status =
                coco_json_add_item(devices, coco_attester_tee(guest->devices[i]), evidence, err);
    }
    if (status == COCO_OK)
        status = coco_json_write(devices, COCO_JSON_COMPACT, &handshake->additional, err);
    return status;
}

/* The devices' evidence comes first: that of the TEE is bound to it. */
static coco_status
collect_evidence(struct coco_guest *guest, coco_ctx *ctx, struct handshake *handshake,
                 coco_error **err)
{
    struct coco_digest report_data = {0};

    coco_status status =
        guest->n_devices > 0 ? collect_of_devices(guest, ctx, handshake, err) : COCO_OK;
    if (status != COCO_OK)
        return status;
    const struct coco_rcar_binding binding = binding_of(guest, handshake);
    status = coco_rcar_report_data(&binding, &report_data, err);
    if (status == COCO_OK)
        status =
            collect(guest->attester, ctx, &report_data, binding.nonce, &handshake->evidence, err);
    return status;
}

static coco_status
send_attestation(const struct coco_guest *guest, coco_ctx *ctx, struct handshake *handshake,
                 coco_error **err)
{
    _cleanup_buf_ struct coco_buf body = {.limit = COCO_RCAR_BODY_MAX};
    _cleanup_answer_ struct coco_broker_answer answer = {0};
    const struct coco_rcar_attestation attestation = {
        .nonce = handshake->challenge.nonce,
        .init_data = guest->init_data,
        .additional = coco_buf_text(&handshake->additional),
        .tee_pubkey = handshake->tee_pubkey,
        .evidence = handshake->evidence,
    };

    coco_status status = coco_rcar_attestation_build(guest->version, &attestation, &body, err);
    if (status == COCO_OK)
        status = post(guest, ctx, "/attest", &body, &handshake->cookies, &answer, err);
    handshake->lost = status == COCO_OK && answer.status == 401 && answer.sent > 1;
    if (status == COCO_OK)
        status = check_handshake(&answer, err);
    if (status == COCO_OK)
        status = coco_rcar_token_parse(answer.body.data, answer.body.len, &handshake->token, err);
    return status;
}

/* After the challenge, for the version says which kinds there are. */
static coco_status
make_key(const struct coco_guest *guest, struct handshake *handshake, coco_error **err)
{
    enum coco_key_kind kind = coco_rcar_has_jwe(guest->version) ? guest->kind : COCO_KEY_RSA;

    coco_status status = coco_key_generate(kind, &handshake->key, err);
    if (status == COCO_OK)
        status =
            coco_rcar_tee_key_build(guest->version, handshake->key, &handshake->tee_pubkey, err);
    return status;
}

static coco_status
make_session(const struct coco_guest *guest, struct handshake *handshake, struct coco_session **ret,
             coco_error **err)
{
    _cleanup_(coco_session_unrefp) struct coco_session *session = NULL;

    coco_status status = coco_session_new(&session, err);
    if (status == COCO_OK)
        status = coco_secret_copy(coco_buf_text(&handshake->token), handshake->token.len + 1,
                                  &session->token, err);
    if (status != COCO_OK)
        return status;
    session->version = guest->version;
    session->key = coco_steal(&handshake->key);
    session->cookies = handshake->cookies;
    handshake->cookies = (struct coco_cookies){0};
    *ret = coco_steal(&session);
    return COCO_OK;
}

/*
 * Upstream's servers overlook whom a token is to be for, and one that is for everybody is not
 * what was asked for. Who is shown it verifies it: this is no proof.
 */
static coco_status
check_audience(const struct handshake *handshake, coco_error **err)
{
    _cleanup_jws_ struct coco_jws jws = {0};

    if (!handshake->audience)
        return COCO_OK;
    coco_status status =
        coco_jws_parse(coco_buf_text(&handshake->token), handshake->token.len, &jws, err);
    if (status != COCO_OK)
        return status;
    if (!cJSON_GetObjectItemCaseSensitive(jws.payload, "aud"))
        return coco_fail(err, COCO_ERR_NOTSUP, "the KBS knows nothing of audiences");
    return coco_jwt_check_audience(jws.payload, handshake->audience, err);
}

static coco_status
shake_hands(struct coco_guest *guest, coco_ctx *ctx, const char *audience,
            struct coco_session **ret, bool *lost, coco_error **err)
{
    _cleanup_handshake_ struct handshake handshake = {
        .audience = audience,
        .additional = {.limit = COCO_RCAR_BODY_MAX},
        .token = {.limit = COCO_RCAR_TOKEN_MAX},
    };

    coco_status status = request_challenge(guest, ctx, &handshake, err);
    if (status == COCO_OK)
        status = make_key(guest, &handshake, err);
    if (status == COCO_OK)
        status = collect_evidence(guest, ctx, &handshake, err);
    if (status == COCO_OK)
        status = send_attestation(guest, ctx, &handshake, err);
    *lost = handshake.lost;
    if (status == COCO_OK)
        status = check_audience(&handshake, err);
    if (status == COCO_OK)
        status = make_session(guest, &handshake, ret, err);
    return status;
}

/*
 * Evidence that was sent again, because its answer got lost or the KBS was another
 * one by then, may be refused for that alone: a new challenge tells, once.
 */
coco_status
coco_guest_attest(struct coco_guest *guest, coco_ctx *ctx, const char *audience,
                  struct coco_session **ret, coco_error **err)
{
    coco_error *why = NULL;
    bool lost = false;
    coco_status status = COCO_OK;

    if (!guest->attester)
        status = coco_attester_new(NULL, &guest->attester, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "attestation");
    status = shake_hands(guest, ctx, audience, ret, &lost, &why);
    if (status != COCO_OK && lost) {
        coco_error_free(why);
        why = NULL;
        status = shake_hands(guest, ctx, audience, ret, &lost, &why);
    }
    if (status != COCO_OK) {
        coco_error_give(err, why);
        return coco_wrap(err, status, "attestation");
    }
    coco_ctx_log(ctx, COCO_LOG_INFO, "attested as %s", coco_attester_tee(guest->attester));
    return COCO_OK;
}
