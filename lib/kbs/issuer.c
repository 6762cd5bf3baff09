/*
 * kbs/issuer.c - what third parties need to verify tokens of a KBS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/issuer.h"

#include "base/fail.h"
#include "crypto/jwk.h"
#include "kbs/keyring.h"
#include "net/url.h"

#include <string.h>

static coco_status
add_key(const struct coco_kbs_token_key *key, cJSON *keys, coco_error **err)
{
    cJSON *jwk = NULL;

    coco_status status = coco_jwk_public(key->key, COCO_KBS_TOKEN_ALG, &jwk, err);
    if (status == COCO_OK)
        status = coco_json_add_item(keys, NULL, jwk, err);
    if (status == COCO_OK)
        status = coco_json_add_string(jwk, "use", "sig", err);
    if (status == COCO_OK)
        status = coco_json_add_string(jwk, "kid", key->kid, err);
    return status;
}

coco_status
coco_kbs_jwks(struct coco_kbs_call *call, coco_error **err)
{
    _cleanup_json_ cJSON *set = NULL;
    _cleanup_token_keys_ struct coco_kbs_token_keys keys = {0};
    cJSON *list = NULL;

    coco_status status =
        coco_kbs_keyring_tokens(call->core->keyring, call->core->now(), &keys, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&set, err);
    if (status == COCO_OK)
        status = coco_json_add_array(set, "keys", &list, err);
    for (size_t i = 0; i < keys.n && status == COCO_OK; i++)
        status = add_key(&keys.keys[i], list, err);
    return status == COCO_OK ? coco_kbs_answer(call, set, err) : status;
}

static coco_status
check_issuer(const char *issuer, coco_error **err)
{
    _cleanup_url_ struct coco_url url = {0};

    coco_status status = coco_url_parse(issuer, &url, err);
    if (status == COCO_ERR_NOMEM)
        return status;
    if (status == COCO_OK && url.https && !strpbrk(issuer, "?#"))
        return COCO_OK;
    if (*err) {
        coco_error_free(*err);
        *err = NULL;
    }
    return coco_fail(err, COCO_ERR_NOTFOUND, "issuer_name of this KBS is no address of https");
}

/* Section 4.1: without the "/" that the issuer may end with. */
static coco_status
add_jwks_uri(const char *issuer, cJSON *about, coco_error **err)
{
    _cleanup_buf_ struct coco_buf uri = {.limit = COCO_URL_MAX + sizeof(COCO_KBS_JWKS_PATH)};
    size_t len = strlen(issuer);

    if (len && issuer[len - 1] == '/')
        len--;
    coco_status status = coco_buf_append(&uri, issuer, len, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(&uri, COCO_KBS_JWKS_PATH, err);
    if (status == COCO_OK)
        status = coco_json_add_string(about, "jwks_uri", coco_buf_text(&uri), err);
    return status;
}

static coco_status
add_list(cJSON *about, const char *name, const char *only, coco_error **err)
{
    cJSON *list = NULL;

    coco_status status = coco_json_add_array(about, name, &list, err);
    return status == COCO_OK ? coco_json_add_string(list, NULL, only, err) : status;
}

coco_status
coco_kbs_discovery(struct coco_kbs_call *call, coco_error **err)
{
    const char *issuer = call->core->config.attestation.issuer_name;
    _cleanup_json_ cJSON *about = NULL;

    call->name = "PluginNotFound";
    coco_status status = check_issuer(issuer, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&about, err);
    if (status == COCO_OK)
        status = coco_json_add_string(about, "issuer", issuer, err);
    if (status == COCO_OK)
        status = add_jwks_uri(issuer, about, err);
    if (status == COCO_OK)
        status = add_list(about, "response_types_supported", "id_token", err);
    if (status == COCO_OK)
        status = add_list(about, "subject_types_supported", "public", err);
    if (status == COCO_OK)
        status = add_list(about, "id_token_signing_alg_values_supported", COCO_KBS_TOKEN_ALG, err);
    return status == COCO_OK ? coco_kbs_answer(call, about, err) : status;
}
