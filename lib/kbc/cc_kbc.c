/*
 * kbc/cc_kbc.c - the KBS protocol, as client (RCAR: kbs-protocol A)
 *
 *     Request -> Challenge -> fresh key, evidence bound to both -> token -> secrets
 *
 * One handshake serves every secret until the server forgets the session. The
 * version that the server speaks is looked for once, from the newest downwards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "attester/driver.h"
#include "base/context.h"
#include "base/fail.h"
#include "base/text.h"
#include "kbc/broker.h"
#include "rcar/response.h"

#include <stdio.h>
#include <string.h>

#define INIT_DATA_MAX ((size_t)1 << 20)
#define JSON_TYPE "application/json"

struct cc_kbc {
    struct coco_broker *broker;
    coco_attester *attester; /* NULL until it is detected */
    coco_attester *devices[COCO_RCAR_DEVICES_MAX];
    size_t n_devices;
    char *init_data;  /* or NULL */
    bool kind_chosen; /* by the owner, not by us */
    enum coco_key_kind kind;
    enum coco_rcar_version version;
    EVP_PKEY *key; /* of the session; NULL without one */
};

static void
cc_kbc_close(void *self)
{
    struct cc_kbc *kbc = self;

    if (!kbc)
        return;
    coco_broker_free(kbc->broker);
    coco_attester_free(kbc->attester);
    for (size_t i = 0; i < kbc->n_devices; i++)
        coco_attester_free(kbc->devices[i]);
    free(kbc->init_data);
    EVP_PKEY_free(kbc->key);
    free(kbc);
}

COCO_DEFINE_CLEANUP(struct cc_kbc *, cc_kbc_close);

static coco_status
cc_kbc_open(const char *uri, void **ret, coco_error **err)
{
    _cleanup_(cc_kbc_closep) struct cc_kbc *kbc = calloc(1, sizeof(*kbc));

    if (!kbc)
        return coco_fail_nomem(err);
    kbc->kind = COCO_KEY_P256;
    kbc->version = COCO_RCAR_NEWEST;
    coco_status status = coco_broker_new(uri, &kbc->broker, err);
    if (status != COCO_OK)
        return status;

    *ret = coco_steal(&kbc);
    return COCO_OK;
}

static void
set_attester(void *self, coco_attester *attester)
{
    struct cc_kbc *kbc = self;

    coco_attester_free(kbc->attester);
    kbc->attester = attester;
}

/* The evidence of devices is told apart by their TEEs' names. */
static coco_status
add_device(void *self, coco_attester *attester, coco_error **err)
{
    struct cc_kbc *kbc = self;
    const char *tee = coco_attester_tee(attester);

    for (size_t i = 0; i < kbc->n_devices; i++)
        if (strcmp(coco_attester_tee(kbc->devices[i]), tee) == 0)
            return coco_fail(err, COCO_ERR_INVALID, "there is a device '%s' already", tee);
    if (kbc->n_devices == COCO_RCAR_DEVICES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d devices", COCO_RCAR_DEVICES_MAX);
    kbc->devices[kbc->n_devices++] = attester;
    return COCO_OK;
}

static coco_status
set_tls_ca(void *self, const uint8_t *pem, size_t len, coco_error **err)
{
    struct cc_kbc *kbc = self;

    return coco_broker_set_ca(kbc->broker, pem, len, err);
}

static coco_status
set_tee_key(void *self, coco_tee_key kind, coco_error **err)
{
    struct cc_kbc *kbc = self;

    if (kbc->key)
        return coco_fail(err, COCO_ERR_INVALID, "the key has been made already");
    kbc->kind_chosen = kind != COCO_TEE_KEY_DEFAULT;
    switch (kind) {
    case COCO_TEE_KEY_DEFAULT:
    case COCO_TEE_KEY_P256:
        kbc->kind = COCO_KEY_P256;
        return COCO_OK;
    case COCO_TEE_KEY_P521:
        kbc->kind = COCO_KEY_P521;
        return COCO_OK;
    case COCO_TEE_KEY_RSA:
        kbc->kind = COCO_KEY_RSA;
        return COCO_OK;
    }
    return coco_fail(err, COCO_ERR_INVALID, "no kind %d of TEE keys", (int)kind);
}

static coco_status
set_init_data(void *self, const char *toml, coco_error **err)
{
    struct cc_kbc *kbc = self;
    size_t len = strlen(toml);

    if (len > INIT_DATA_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "init data of more than %zu bytes", INIT_DATA_MAX);
    if (!coco_utf8_valid(toml, len))
        return coco_fail(err, COCO_ERR_INVALID, "init data is not UTF-8");
    char *copy = strdup(toml);
    if (!copy)
        return coco_fail_nomem(err);
    free(kbc->init_data);
    kbc->init_data = copy;
    return COCO_OK;
}

/* ---- The handshake ---- */

/* What a handshake gathers on its way. */
struct handshake {
    EVP_PKEY *key;
    cJSON *tee_pubkey;
    struct coco_rcar_challenge challenge;
    cJSON *evidence;
    struct coco_buf additional; /* of the devices: JSON text, or empty */
};

static void
handshake_done(struct handshake *handshake)
{
    EVP_PKEY_free(handshake->key);
    coco_json_free(handshake->tee_pubkey);
    coco_rcar_challenge_done(&handshake->challenge);
    coco_json_free(handshake->evidence);
    coco_buf_done(&handshake->additional);
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
post(struct cc_kbc *kbc, coco_ctx *ctx, const char *path, const struct coco_buf *body,
     struct coco_broker_answer *ret, coco_error **err)
{
    struct coco_broker_request request = {
        .method = "POST",
        .path = path,
        .content_type = JSON_TYPE,
        .body = body->data,
        .len = body->len,
    };

    return coco_broker_do(kbc->broker, ctx, &request, ret, err);
}

static coco_status
post_request(struct cc_kbc *kbc, coco_ctx *ctx, enum coco_rcar_version version,
             struct coco_broker_answer *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf body = {.limit = COCO_RCAR_BODY_MAX};

    coco_status status =
        coco_rcar_request_build(version, coco_attester_tee(kbc->attester), &body, err);
    if (status == COCO_OK)
        status = post(kbc, ctx, "/auth", &body, ret, err);
    return status;
}

/* The oldest version that can say all there is to say. */
static enum coco_rcar_version
oldest_fit(const struct cc_kbc *kbc)
{
    if (kbc->init_data)
        return COCO_RCAR_0_4_0;
    if (kbc->n_devices > 0)
        return COCO_RCAR_0_3_0;
    if (kbc->kind_chosen && kbc->kind != COCO_KEY_RSA)
        return COCO_RCAR_0_2_0;
    return COCO_RCAR_OLDEST;
}

/*
 * Asks again with one version after the other, but for the one that was refused.
 * If none will do, what the server said to that is what counts.
 */
static coco_status
find_version(struct cc_kbc *kbc, coco_ctx *ctx, struct coco_broker_answer *answer, coco_error **err)
{
    for (size_t i = COCO_RCAR_VERSIONS; i-- > oldest_fit(kbc);) {
        enum coco_rcar_version version = (enum coco_rcar_version)i;
        _cleanup_answer_ struct coco_broker_answer next = {0};

        if (version == kbc->version)
            continue;
        coco_status status = post_request(kbc, ctx, version, &next, err);
        if (status != COCO_OK)
            return status;
        if (refuses_version(&next))
            continue;
        coco_ctx_log(ctx, COCO_LOG_INFO, "the KBS speaks version %s of its protocol",
                     coco_rcar_version_name(version));
        kbc->version = version;
        coco_broker_answer_done(answer);
        *answer = next;
        next = (struct coco_broker_answer){0};
        return COCO_OK;
    }
    return coco_broker_fail(answer, COCO_ERR_NOTSUP, err);
}

static coco_status
request_challenge(struct cc_kbc *kbc, coco_ctx *ctx, struct coco_rcar_challenge *ret,
                  coco_error **err)
{
    _cleanup_answer_ struct coco_broker_answer answer = {0};

    coco_status status = post_request(kbc, ctx, kbc->version, &answer, err);
    if (status == COCO_OK && refuses_version(&answer))
        status = find_version(kbc, ctx, &answer, err);
    if (status == COCO_OK)
        status = check_handshake(&answer, err);
    if (status == COCO_OK)
        status = coco_rcar_challenge_parse(answer.body.data, answer.body.len, ret, err);
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
binding_of(const struct cc_kbc *kbc, const struct handshake *handshake)
{
    return (struct coco_rcar_binding){
        .version = kbc->version,
        .alg = handshake->challenge.alg,
        .nonce = handshake->challenge.nonce,
        .tee_pubkey = handshake->tee_pubkey,
        .additional = coco_buf_text(&handshake->additional),
    };
}

static coco_status
collect_of_devices(struct cc_kbc *kbc, coco_ctx *ctx, struct handshake *handshake, coco_error **err)
{
    const struct coco_rcar_binding binding = binding_of(kbc, handshake);
    struct coco_digest report_data = {0};
    _cleanup_json_ cJSON *devices = NULL;

    coco_status status = coco_rcar_device_report_data(&binding, &report_data, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&devices, err);
    for (size_t i = 0; i < kbc->n_devices && status == COCO_OK; i++) {
        cJSON *evidence = NULL;

        status =
            collect(kbc->devices[i], ctx, &report_data, handshake->challenge.nonce, &evidence, err);
        if (status == COCO_OK)
            status = coco_json_add_item(devices, coco_attester_tee(kbc->devices[i]), evidence, err);
    }
    if (status == COCO_OK)
        status = coco_json_write(devices, COCO_JSON_COMPACT, &handshake->additional, err);
    return status;
}

/* The devices' evidence comes first: that of the TEE is bound to it. */
static coco_status
collect_evidence(struct cc_kbc *kbc, coco_ctx *ctx, struct handshake *handshake, coco_error **err)
{
    struct coco_digest report_data = {0};

    coco_status status =
        kbc->n_devices > 0 ? collect_of_devices(kbc, ctx, handshake, err) : COCO_OK;
    if (status != COCO_OK)
        return status;
    const struct coco_rcar_binding binding = binding_of(kbc, handshake);
    status = coco_rcar_report_data(&binding, &report_data, err);
    if (status == COCO_OK)
        status =
            collect(kbc->attester, ctx, &report_data, binding.nonce, &handshake->evidence, err);
    return status;
}

static coco_status
send_attestation(struct cc_kbc *kbc, coco_ctx *ctx, const struct handshake *handshake,
                 struct coco_buf *token, coco_error **err)
{
    _cleanup_buf_ struct coco_buf body = {.limit = COCO_RCAR_BODY_MAX};
    _cleanup_answer_ struct coco_broker_answer answer = {0};
    struct coco_rcar_attestation attestation = {
        .nonce = handshake->challenge.nonce,
        .init_data = kbc->init_data,
        .additional = coco_buf_text(&handshake->additional),
        .tee_pubkey = handshake->tee_pubkey,
        .evidence = handshake->evidence,
    };

    coco_status status = coco_rcar_attestation_build(kbc->version, &attestation, &body, err);
    if (status == COCO_OK)
        status = post(kbc, ctx, "/attest", &body, &answer, err);
    if (status == COCO_OK)
        status = check_handshake(&answer, err);
    if (status == COCO_OK)
        status = coco_rcar_token_parse(answer.body.data, answer.body.len, token, err);
    return status;
}

static void
end_session(struct cc_kbc *kbc)
{
    coco_broker_forget(kbc->broker);
    EVP_PKEY_free(kbc->key);
    kbc->key = NULL;
}

/* After the challenge, for the version says which kinds there are. */
static coco_status
make_key(const struct cc_kbc *kbc, struct handshake *handshake, coco_error **err)
{
    enum coco_key_kind kind = coco_rcar_has_jwe(kbc->version) ? kbc->kind : COCO_KEY_RSA;

    coco_status status = coco_key_generate(kind, &handshake->key, err);
    if (status == COCO_OK)
        status = coco_rcar_tee_key_build(kbc->version, handshake->key, &handshake->tee_pubkey, err);
    return status;
}

static coco_status
run_handshake(struct cc_kbc *kbc, coco_ctx *ctx, struct coco_buf *token, coco_error **err)
{
    _cleanup_handshake_ struct handshake handshake = {.additional = {.limit = COCO_RCAR_BODY_MAX}};
    coco_status status = COCO_OK;

    end_session(kbc);
    if (!kbc->attester)
        status = coco_attester_new(NULL, &kbc->attester, err);
    if (status == COCO_OK)
        status = request_challenge(kbc, ctx, &handshake.challenge, err);
    if (status == COCO_OK)
        status = make_key(kbc, &handshake, err);
    if (status == COCO_OK)
        status = collect_evidence(kbc, ctx, &handshake, err);
    if (status == COCO_OK)
        status = send_attestation(kbc, ctx, &handshake, token, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "attestation");

    kbc->key = coco_steal(&handshake.key);
    coco_ctx_log(ctx, COCO_LOG_INFO, "attested as %s", coco_attester_tee(kbc->attester));
    return COCO_OK;
}

static coco_status
cc_kbc_attest(void *self, coco_ctx *ctx, coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf token = {.limit = COCO_RCAR_TOKEN_MAX};

    coco_status status = run_handshake(self, ctx, &token, err);
    if (status == COCO_OK)
        status = coco_bytes_take(&token, ret, err);
    return status;
}

/* ---- Resources ---- */

static coco_status
ask(struct cc_kbc *kbc, coco_ctx *ctx, const struct coco_resource_path *path,
    struct coco_broker_answer *ret, coco_error **err)
{
    char target[sizeof("/resource/") + sizeof(path->text)];

    (void)snprintf(target, sizeof(target), "/resource/%s", path->text);
    struct coco_broker_request request = {.method = "GET", .path = target};
    return coco_broker_do(kbc->broker, ctx, &request, ret, err);
}

/*
 * Whether the server no longer knows us, so that attesting again may help. A
 * policy's no stays no: upstream's client attests three times for it.
 */
static bool
session_is_over(const struct coco_broker_answer *answer)
{
    return answer->status == 401 && !coco_broker_said(answer, "PolicyDeny")
           && !coco_broker_said(answer, "PluginInternalError");
}

/* Opens what the server encrypted to this session's key. */
static coco_status
open_reply(const struct cc_kbc *kbc, const struct coco_buf *sealed, coco_bytes **ret,
           coco_error **err)
{
    _cleanup_secret_ struct coco_secret secret = {0};

    coco_status status =
        coco_rcar_response_open(kbc->version, sealed->data, sealed->len, kbc->key, &secret, err);
    if (status == COCO_OK)
        status = coco_bytes_new(secret.data, secret.len, ret, err);
    return status;
}

static coco_status
cc_kbc_get(void *self, coco_ctx *ctx, const struct coco_resource_path *path, coco_bytes **ret,
           coco_error **err)
{
    struct cc_kbc *kbc = self;
    bool fresh = !kbc->key;
    _cleanup_buf_ struct coco_buf token = {.limit = COCO_RCAR_TOKEN_MAX};
    _cleanup_answer_ struct coco_broker_answer answer = {0};

    coco_status status = fresh ? run_handshake(kbc, ctx, &token, err) : COCO_OK;
    if (status == COCO_OK)
        status = ask(kbc, ctx, path, &answer, err);
    if (status == COCO_OK && !fresh && session_is_over(&answer)) {
        coco_broker_answer_done(&answer);
        status = run_handshake(kbc, ctx, &token, err);
        if (status == COCO_OK)
            status = ask(kbc, ctx, path, &answer, err);
    }
    if (status != COCO_OK)
        return status;

    /* Upstream's words for a resource that is not there, and for a store that failed. */
    if (answer.status == 401 && coco_broker_said(&answer, "PluginInternalError"))
        return coco_broker_fail(&answer, COCO_ERR_NOTFOUND, err);
    status = coco_broker_check(&answer, err);
    if (status == COCO_OK)
        status = open_reply(kbc, &answer.body, ret, err);
    return status;
}

const struct coco_kbc_driver coco_cc_kbc = {
    .name = "cc_kbc",
    .open = cc_kbc_open,
    .close = cc_kbc_close,
    .get = cc_kbc_get,
    .attest = cc_kbc_attest,
    .set_attester = set_attester,
    .add_device = add_device,
    .set_tls_ca = set_tls_ca,
    .set_tee_key = set_tee_key,
    .set_init_data = set_init_data,
};
