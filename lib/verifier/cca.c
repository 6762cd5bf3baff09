/*
 * verifier/cca.c - tokens of Arm CCA
 *
 * The chain is platform key -> platform claims -> realm key -> realm claims. The
 * first is known beforehand, as Trustee's store of trust anchors has it; the third
 * is vouched for by its hash, which is the challenge of the platform's claims.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/cca.h"

#include "base/fail.h"
#include "base/text.h"
#include "crypto/key.h"
#include "verifier/driver.h"

#include <stdio.h>
#include <string.h>

/* ---- the platform ---- */

/* Whether a key without or with that id may have signed for the instance. */
static bool
is_for(const struct coco_buf *id, struct coco_cbor_string instance)
{
    return id->len == 0
           || (id->len == instance.len && memcmp(id->data, instance.data, id->len) == 0);
}

/* Whether the key signed the platform's claims; only what is no answer is an error. */
static coco_status
try_key(const struct coco_cca_token *token, const struct coco_buf *der, bool *ret, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    coco_error *why = NULL;

    coco_status status = coco_key_parse_public(der->data, der->len, &key, err);
    if (status != COCO_OK)
        return status;
    status = coco_cose_sign1_verify(&token->platform_message, key, NULL, &why);
    *ret = status == COCO_OK;
    if (status == COCO_OK || status == COCO_ERR_VERIFY || status == COCO_ERR_NOTSUP) {
        coco_error_free(why);
        return COCO_OK;
    }
    coco_error_give(err, why);
    return status;
}

static coco_status
check_platform(const struct coco_verification *verification, const struct coco_cca_token *token,
               coco_verdict *verdict, coco_error **err)
{
    const coco_verifier *verifier = verification->verifier;
    struct coco_cbor_string instance = token->platform.instance_id;
    char id[2 * COCO_CCA_INSTANCE_SIZE + 1];
    const struct coco_buf *der;
    bool verified = false;
    size_t keys = 0;

    for (size_t i = 0; !verified && (der = coco_verifier_key(verifier, "cca", i)) != NULL; i++) {
        if (!is_for(coco_verifier_key_id(verifier, "cca", i), instance))
            continue;
        keys++;
        coco_status status = try_key(token, der, &verified, err);
        if (status != COCO_OK)
            return status;
    }
    coco_hex(instance.data, instance.len, id);
    coco_status status = coco_verdict_add(verdict, "platform-key", keys > 0,
                                          "an instance whose key is trusted", id, err);
    if (status == COCO_OK)
        status =
            coco_verdict_add(verdict, "signature", verified, "signed by the key of its platform",
                             verified   ? "signed by the key of its platform"
                             : keys > 0 ? "signed by another key, or changed"
                                        : "signed by a key that is not trusted",
                             err);
    return status;
}

/* DEN0129: only in the secured state are all of its keys its own, and its debug ports closed. */
static coco_status
check_state(const struct coco_cca_platform *platform, coco_verdict *verdict, coco_error **err)
{
    static const char *const names[] = {
        [COCO_CCA_UNKNOWN] = "unknown",
        [COCO_CCA_ASSEMBLY] = "assembly and test",
        [COCO_CCA_PROVISIONING] = "provisioning",
        [COCO_CCA_SECURED] = "secured",
        [COCO_CCA_DEBUG] = "debug",
        [COCO_CCA_RECOVERABLE_DEBUG] = "recoverable debug",
        [COCO_CCA_DECOMMISSIONED] = "decommissioned",
    };
    enum coco_cca_state state = coco_cca_state_of(platform);
    bool debug = state == COCO_CCA_DEBUG || state == COCO_CCA_RECOVERABLE_DEBUG;
    char got[64];

    (void)snprintf(got, sizeof(got), "%s (0x%04x)", names[state], platform->lifecycle);
    coco_status status = coco_verdict_add(verdict, "lifecycle", state == COCO_CCA_SECURED || debug,
                                          "secured", got, err);
    if (status == COCO_OK)
        status = coco_verdict_add(verdict, "debug", !debug, "no debugging", got, err);
    return status;
}

/* ---- the realm ---- */

static coco_status
check_realm_signature(const struct coco_cca_token *token, coco_verdict *verdict, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    coco_error *why = NULL;

    coco_status status = coco_cca_realm_key(&token->realm, &key, &why);
    if (status == COCO_OK)
        status = coco_cose_sign1_verify(&token->realm_message, key, NULL, &why);
    return coco_verdict_add_outcome(verdict, "realm-signature", "signed by the key of its realm",
                                    status, &why, err);
}

static coco_status
check_realm_key(const struct coco_cca_token *token, coco_verdict *verdict, coco_error **err)
{
    struct coco_cbor_string got = token->platform.challenge;
    char want_hex[2 * COCO_DIGEST_SIZE_MAX + 1];
    char got_hex[2 * COCO_DIGEST_SIZE_MAX + 1];
    struct coco_digest want = {0};
    enum coco_hash_alg alg = 0;

    coco_status status = coco_cca_hash_alg(token->realm.key_hash_alg, &alg, err);
    if (status == COCO_OK)
        status = coco_digest_of(alg, token->realm.key.data, token->realm.key.len, &want, err);
    if (status != COCO_OK)
        return status;

    bool ok = got.len == coco_hash_size(alg) && memcmp(got.data, want.bytes, got.len) == 0;
    coco_hex(want.bytes, coco_hash_size(alg), want_hex);
    coco_hex(got.data, got.len, got_hex);
    return coco_verdict_add(verdict, "realm-key", ok, want_hex, got_hex, err);
}

/* ---- claims ---- */

static coco_status
add_base64(cJSON *claims, const char *name, struct coco_cbor_string bytes, coco_error **err)
{
    return coco_json_add_base64(claims, name, bytes.data, bytes.len, err);
}

/* Nothing for a text that is not there; none has a NUL in it. */
static coco_status
add_text(cJSON *claims, const char *name, struct coco_cbor_string text, coco_error **err)
{
    if (text.len == 0)
        return COCO_OK;
    _cleanup_free_ char *copy = strndup((const char *)text.data, text.len);
    if (!copy)
        return coco_fail_nomem(err);
    return coco_json_add_string(claims, name, copy, err);
}

static coco_status
add_component(cJSON *list, const struct coco_cca_component *component, coco_error **err)
{
    cJSON *claims = NULL;

    coco_status status = coco_json_add_object(list, NULL, &claims, err);
    if (status == COCO_OK)
        status = add_text(claims, "measurement-type", component->type, err);
    if (status == COCO_OK)
        status = add_base64(claims, "measurement-value", component->value, err);
    if (status == COCO_OK)
        status = add_text(claims, "version", component->version, err);
    if (status == COCO_OK)
        status = add_base64(claims, "signer-id", component->signer_id, err);
    if (status == COCO_OK)
        status = add_text(claims, "measurement-description", component->hash_alg, err);
    return status;
}

static coco_status
add_platform_claims(cJSON *claims, const struct coco_cca_platform *platform, coco_error **err)
{
    cJSON *list = NULL;

    coco_status status = add_text(claims, "cca-platform-profile", platform->profile, err);
    if (status == COCO_OK)
        status =
            add_base64(claims, "cca-platform-implementation-id", platform->implementation_id, err);
    if (status == COCO_OK)
        status = add_base64(claims, "cca-platform-instance-id", platform->instance_id, err);
    if (status == COCO_OK)
        status = add_base64(claims, "cca-platform-challenge", platform->challenge, err);
    if (status == COCO_OK)
        status = add_base64(claims, "cca-platform-config", platform->config, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(claims, "cca-platform-lifecycle", platform->lifecycle, err);
    if (status == COCO_OK)
        status = coco_json_add_array(claims, "cca-platform-sw-components", &list, err);
    for (size_t i = 0; i < platform->n_components && status == COCO_OK; i++)
        status = add_component(list, &platform->components[i], err);
    if (status == COCO_OK)
        status = add_text(claims, "cca-platform-service-indicator", platform->service, err);
    if (status == COCO_OK)
        status = add_text(claims, "cca-platform-hash-algo-id", platform->hash_alg, err);
    return status;
}

static coco_status
add_realm_claims(cJSON *claims, const struct coco_cca_realm *realm, coco_error **err)
{
    cJSON *list = NULL;

    coco_status status = add_text(claims, "cca-realm-profile", realm->profile, err);
    if (status == COCO_OK)
        status = add_base64(claims, "cca-realm-challenge", realm->challenge, err);
    if (status == COCO_OK)
        status = add_base64(claims, "cca-realm-personalization-value", realm->personalization, err);
    if (status == COCO_OK)
        status = add_base64(claims, "cca-realm-initial-measurement", realm->initial, err);
    if (status == COCO_OK)
        status = coco_json_add_array(claims, "cca-realm-extensible-measurements", &list, err);
    for (size_t i = 0; i < COCO_CCA_MEASUREMENTS && status == COCO_OK; i++)
        status = add_base64(list, NULL, realm->extensible[i], err);
    if (status == COCO_OK)
        status = add_text(claims, "cca-realm-hash-algo-id", realm->hash_alg, err);
    if (status == COCO_OK)
        status = add_base64(claims, "cca-realm-public-key", realm->key, err);
    if (status == COCO_OK)
        status = add_text(claims, "cca-realm-public-key-hash-algo-id", realm->key_hash_alg, err);
    return status;
}

/*
 * Upstream's verifier keeps of the platform its two ids, for it compares the rest
 * with reference values itself; here a policy does that, under the names that
 * upstream's has for them where a remote verifier reports.
 */
static coco_status
add_claims(cJSON *claims, const struct coco_cca_token *token, coco_error **err)
{
    const struct coco_cca_realm *realm = &token->realm;
    cJSON *part = NULL;

    coco_status status = coco_json_add_object(claims, "realm", &part, err);
    if (status == COCO_OK)
        status = add_realm_claims(part, realm, err);
    if (status == COCO_OK)
        status = coco_json_add_object(claims, "platform", &part, err);
    if (status == COCO_OK)
        status = add_platform_claims(part, &token->platform, err);
    if (status == COCO_OK)
        status =
            coco_claim_hex(claims, "report_data", realm->challenge.data, realm->challenge.len, err);
    if (status == COCO_OK)
        status = coco_claim_hex(claims, "init_data", realm->personalization.data,
                                realm->personalization.len, err);
    return status;
}

static coco_status
verify(const struct coco_verification *verification, coco_verdict *verdict, cJSON *claims,
       coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = COCO_CCA_TOKEN_MAX};
    struct coco_cca_token token;

    coco_status status = coco_cca_evidence_parse(verification->evidence, &bytes, err);
    if (status == COCO_OK)
        status = coco_cca_token_parse(bytes.data, bytes.len, &token, err);
    if (status == COCO_OK)
        status = check_platform(verification, &token, verdict, err);
    if (status == COCO_OK)
        status = check_state(&token.platform, verdict, err);
    if (status == COCO_OK)
        status = check_realm_key(&token, verdict, err);
    if (status == COCO_OK)
        status = check_realm_signature(&token, verdict, err);
    if (status == COCO_OK)
        status = coco_check_report_data(verification, verdict, token.realm.challenge.data,
                                        token.realm.challenge.len, err);
    if (status == COCO_OK)
        status = coco_check_init_data(verification, verdict, token.realm.personalization.data,
                                      token.realm.personalization.len, err);
    if (status == COCO_OK)
        status = add_claims(claims, &token, err);
    return status;
}

const struct coco_verifier_driver coco_cca_verifier = {.tee = "cca", .verify = verify};
