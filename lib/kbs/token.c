/*
 * kbs/token.c - attestation tokens: EAR in a JWT
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/token.h"

#include "base/fail.h"
#include "crypto/jws.h"
#include "kbs/keyring.h"
#include "rcar/tee_key.h"

#include <string.h>

#define PROTOCOL "kbs-protocol"

static coco_status
add_verifier(cJSON *claims, const struct coco_kbs_config *config, coco_error **err)
{
    cJSON *verifier = NULL;

    coco_status status = coco_json_add_object(claims, "ear.verifier-id", &verifier, err);
    if (status == COCO_OK)
        status =
            coco_json_add_string(verifier, "developer", config->attestation.developer_name, err);
    if (status == COCO_OK)
        status = coco_json_add_string(verifier, "build", config->attestation.build_name, err);
    return status;
}

/* Upstream has the key only deep in the evidence; cnf is where RFC 7800 looks for it. */
static coco_status
add_confirmation(cJSON *claims, const cJSON *tee_pubkey, coco_error **err)
{
    cJSON *confirmation = NULL;

    coco_status status = coco_json_add_object(claims, "cnf", &confirmation, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(confirmation, "jwk", tee_pubkey, err);
    return status;
}

/* Whom the token is about is who has this key: RFC 9278 names it. */
static coco_status
add_subject(cJSON *claims, const cJSON *tee_pubkey, coco_error **err)
{
    static const char prefix[] = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:";
    _cleanup_buf_ struct coco_buf subject = {.limit = sizeof(prefix) + COCO_KBS_KID_SIZE};

    coco_status status = coco_buf_append_text(&subject, prefix, err);
    if (status == COCO_OK)
        status = coco_rcar_tee_key_id(tee_pubkey, &subject, err);
    if (status == COCO_OK)
        status = coco_json_add_string(claims, "sub", coco_buf_text(&subject), err);
    return status;
}

/*
 * A guest that came before JWE gets its secrets in another form, also for a token
 * that it shows without its session.
 */
static coco_status
add_version(cJSON *claims, enum coco_rcar_version version, coco_error **err)
{
    if (coco_rcar_has_jwe(version))
        return COCO_OK;
    return coco_json_add_string(claims, PROTOCOL, coco_rcar_version_name(version), err);
}

coco_status
coco_kbs_token_version(const cJSON *claims, enum coco_rcar_version *ret, coco_error **err)
{
    enum coco_rcar_version version = COCO_RCAR_NEWEST;
    const char *name = NULL;

    coco_status status = coco_json_get_string_opt(claims, PROTOCOL, &name, err);
    if (status != COCO_OK)
        return status;
    if (name && !coco_rcar_version_parse(name, &version))
        return coco_fail(err, COCO_ERR_PROTO, "token for version %.40s of the protocol", name);
    *ret = version;
    return COCO_OK;
}

coco_status
coco_kbs_token_claims(const struct coco_kbs_core *core, const struct coco_kbs_token_facts *facts,
                      cJSON **ret, coco_error **err)
{
    const struct coco_kbs_config *config = &core->config;
    _cleanup_json_ cJSON *claims = NULL;
    int64_t expires = facts->now + 60 * (int64_t)config->attestation.duration_min;

    coco_status status = coco_json_new_object(&claims, err);
    if (status == COCO_OK)
        status = coco_json_add_string(claims, "eat_profile", config->attestation.profile_name, err);
    if (status == COCO_OK)
        status = coco_json_add_i64(claims, "iat", facts->now, err);
    if (status == COCO_OK)
        status = add_verifier(claims, config, err);
    if (status == COCO_OK)
        status = coco_json_add_item(claims, "submods", coco_steal(facts->submods), err);
    if (status == COCO_OK)
        status = add_confirmation(claims, facts->tee_pubkey, err);
    if (status == COCO_OK)
        status = add_subject(claims, facts->tee_pubkey, err);
    if (status == COCO_OK && facts->audience)
        status = coco_json_add_string(claims, "aud", facts->audience, err);
    if (status == COCO_OK)
        status = add_version(claims, facts->version, err);
    if (status == COCO_OK)
        status = coco_json_add_i64(claims, "exp", expires, err);
    if (status == COCO_OK)
        status = coco_json_add_string(claims, "iss", config->attestation.issuer_name, err);
    if (status == COCO_OK)
        *ret = coco_steal(&claims);
    return status;
}

coco_status
coco_kbs_token_sign(const struct coco_kbs_core *core, const struct coco_buf *claims,
                    struct coco_buf *buf, coco_error **err)
{
    _cleanup_token_keys_ struct coco_kbs_token_keys keys = {0};

    coco_status status = coco_kbs_keyring_tokens(core->keyring, core->now(), &keys, err);
    if (status == COCO_OK)
        status = coco_jws_sign_text(keys.keys[0].key, keys.keys[0].header, claims, buf, err);
    return status;
}

/* Tokens name their key; one that does not is of the key that signs now, or of none. */
static coco_status
verify_signature(const struct coco_kbs_core *core, const struct coco_jws *jws, coco_error **err)
{
    _cleanup_token_keys_ struct coco_kbs_token_keys keys = {0};
    const char *kid = NULL;

    coco_status status = coco_kbs_keyring_tokens(core->keyring, core->now(), &keys, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(jws->header, "kid", &kid, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < keys.n; i++)
        if (!kid || strcmp(keys.keys[i].kid, kid) == 0)
            return coco_jws_verify(jws, keys.keys[i].key, err);
    return coco_fail(err, COCO_ERR_VERIFY, "token is signed with another key");
}

/* Whom a token is for may be able to show it here: it is for nobody else (RFC 7519, 4.1.3). */
static coco_status
check_audience(const cJSON *claims, const char *self, coco_error **err)
{
    if (!cJSON_GetObjectItemCaseSensitive(claims, "aud"))
        return COCO_OK;
    return coco_jwt_check_audience(claims, self, err);
}

coco_status
coco_kbs_token_verify(const struct coco_kbs_core *core, const char *token, size_t len, cJSON **ret,
                      coco_error **err)
{
    _cleanup_jws_ struct coco_jws jws = {0};
    const char *issuer = NULL;

    coco_status status = coco_jws_parse(token, len, &jws, err);
    if (status == COCO_OK)
        status = verify_signature(core, &jws, err);
    if (status == COCO_OK)
        status = coco_jwt_check_times(jws.payload, core->now(), err);
    if (status == COCO_OK)
        status = coco_json_get_string(jws.payload, "iss", &issuer, err);
    if (status == COCO_OK && strcmp(issuer, core->config.attestation.issuer_name) != 0)
        status = coco_fail(err, COCO_ERR_VERIFY, "token of another issuer");
    if (status == COCO_OK)
        status = check_audience(jws.payload, issuer, err);
    if (status == COCO_OK)
        *ret = coco_steal(&jws.payload);
    return status;
}
