/*
 * rcar/tee_key.c - the guest's key pair (tee-pubkey)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rcar/tee_key.h"

#include "base/base64.h"
#include "base/digest.h"
#include "base/fail.h"
#include "crypto/jwk.h"

#include <string.h>

#define JWK_MAX ((size_t)8 << 10)

/*
 * What guests ask for and every released server can do (A.3). RSA1_5, where it is
 * not the only one, is a decryption oracle waiting to be asked: T19 in doc/threats.md.
 */
static coco_status
alg_for(enum coco_rcar_version version, const EVP_PKEY *key, const char **ret, coco_error **err)
{
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(key, &kind, err);
    if (status != COCO_OK)
        return status;
    if (!coco_rcar_has_jwe(version)) {
        if (kind != COCO_KEY_RSA)
            return coco_fail(err, COCO_ERR_NOTSUP,
                             "version %s of the KBS protocol has RSA keys only",
                             coco_rcar_version_name(version));
        *ret = "RSA1_5";
        return COCO_OK;
    }
    if (kind != COCO_KEY_RSA && kind != COCO_KEY_P256 && kind != COCO_KEY_P521)
        return coco_fail(err, COCO_ERR_NOTSUP, "tee-pubkey is not RSA, P-256 or P-521");
    *ret = kind == COCO_KEY_RSA ? "RSA-OAEP-256" : "ECDH-ES+A256KW";
    return COCO_OK;
}

coco_status
coco_rcar_tee_key_build(enum coco_rcar_version version, const EVP_PKEY *key, cJSON **ret,
                        coco_error **err)
{
    const char *alg = NULL;

    coco_status status = alg_for(version, key, &alg, err);
    if (status == COCO_OK)
        status = coco_jwk_public(key, alg, ret, err);
    return status;
}

static coco_status
check_jwk_members(const cJSON *jwk, coco_error **err)
{
    static const char *const ec[] = {"kty", "crv", "alg", "x", "y", NULL};
    static const char *const rsa[] = {"kty", "alg", "n", "e", NULL};
    const char *kty = NULL;

    coco_status status = coco_json_get_string(jwk, "kty", &kty, err);
    if (status != COCO_OK)
        return status;
    if (strcmp(kty, "EC") == 0)
        return coco_json_check_members(jwk, ec, err);
    if (strcmp(kty, "RSA") == 0)
        return coco_json_check_members(jwk, rsa, err);
    return coco_fail(err, COCO_ERR_NOTSUP, "kty '%.40s'", kty);
}

coco_status
coco_rcar_tee_key_parse(enum coco_rcar_version version, const cJSON *jwk, EVP_PKEY **ret,
                        coco_error **err)
{
    return coco_rcar_tee_key_parse_like(version, jwk, NULL, ret, err);
}

coco_status
coco_rcar_tee_key_parse_like(enum coco_rcar_version version, const cJSON *jwk, const EVP_PKEY *like,
                             EVP_PKEY **ret, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    const char *alg = NULL;
    const char *want = NULL;

    coco_status status = check_jwk_members(jwk, err);
    if (status == COCO_OK)
        status = coco_json_get_string(jwk, "alg", &alg, err);
    if (status == COCO_OK)
        status = coco_jwk_parse_like(jwk, like, &key, err);
    if (status == COCO_OK)
        status = alg_for(version, key, &want, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "tee-pubkey");
    if (strcmp(alg, want) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "tee-pubkey: alg '%.40s', not %s", alg, want);

    *ret = coco_steal(&key);
    return COCO_OK;
}

coco_status
coco_rcar_tee_key_id(const cJSON *jwk, struct coco_buf *buf, coco_error **err)
{
    static const char *const members[] = {"crv", "e", "kty", "n", "x", "y"};
    _cleanup_json_ cJSON *required = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = JWK_MAX};
    struct coco_digest digest;

    coco_status status = coco_json_new_object(&required, err);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]) && status == COCO_OK; i++) {
        const cJSON *member = cJSON_GetObjectItemCaseSensitive(jwk, members[i]);

        if (member)
            status = coco_json_add_copy(required, members[i], member, err);
    }
    if (status == COCO_OK)
        status = coco_json_write(required, COCO_JSON_CANONICAL, &text, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, text.data, text.len, &digest, err);
    if (status == COCO_OK)
        status =
            coco_base64_encode(COCO_BASE64URL, digest.bytes, coco_hash_size(COCO_SHA256), buf, err);
    return status;
}

static const cJSON *
find_object(const cJSON *from, const char *pointer)
{
    const cJSON *found = coco_json_at(from, pointer);

    return cJSON_IsObject(found) ? found : NULL;
}

coco_status
coco_rcar_tee_key_of_token(const cJSON *claims, const char *const *extra_paths, const cJSON **ret,
                           coco_error **err)
{
    static const char *const paths[] = {
        "/tdx/attester_runtime_data/tee-pubkey",
        "/tdx/attester_user_data/tee-pubkey",
        "/customized_claims/runtime_data/tee-pubkey",
        "/submods/cpu0/ear.veraison.annotated-evidence/runtime_data_claims/tee-pubkey",
        "/tee-pubkey",
        NULL,
    };
    const cJSON *found = NULL;

    for (size_t i = 0; !found && extra_paths && extra_paths[i]; i++)
        found = find_object(claims, extra_paths[i]);
    for (size_t i = 0; !found && paths[i]; i++)
        found = find_object(claims, paths[i]);
    if (!found)
        return coco_fail(err, COCO_ERR_PROTO, "token holds no tee-pubkey");

    *ret = found;
    return COCO_OK;
}
