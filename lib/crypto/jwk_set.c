/*
 * crypto/jwk_set.c - sets of keys that verify signatures (RFC 7517 section 5)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/jwk_set.h"

#include "base/fail.h"
#include "crypto/jwk.h"
#include "crypto/jws.h"

#include <string.h>

void
coco_jwk_set_done(struct coco_jwk_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        free(set->keys[i].kid);
        EVP_PKEY_free(set->keys[i].key);
    }
    *set = (struct coco_jwk_set){0};
}

/* RFC 7517 section 4.3: what the key may be used for, if it says so. */
static coco_status
may_verify(const cJSON *jwk, bool *ret, coco_error **err)
{
    const cJSON *ops = cJSON_GetObjectItemCaseSensitive(jwk, "key_ops");
    const char *use = NULL;
    const cJSON *op;

    coco_status status = coco_json_get_string_opt(jwk, "use", &use, err);
    if (status != COCO_OK)
        return status;
    *ret = !use || strcmp(use, "sig") == 0;
    if (!ops || !*ret)
        return COCO_OK;
    if (!cJSON_IsArray(ops))
        return coco_fail(err, COCO_ERR_PROTO, "key_ops is not a list");
    *ret = false;
    cJSON_ArrayForEach(op, ops)
        if (cJSON_IsString(op) && strcmp(op->valuestring, "verify") == 0)
            *ret = true;
    return COCO_OK;
}

/* Whether the key is for the one algorithm that keys of its kind have here. */
static coco_status
has_our_alg(const cJSON *jwk, const EVP_PKEY *key, bool *ret, coco_error **err)
{
    const char *alg = NULL;
    const char *ours = NULL;

    coco_status status = coco_json_get_string_opt(jwk, "alg", &alg, err);
    if (status == COCO_OK)
        status = coco_jws_alg_of(key, &ours, err);
    if (status == COCO_OK)
        *ret = !alg || strcmp(alg, ours) == 0;
    return status;
}

static coco_status
check_kid(const struct coco_jwk_set *set, const char *kid, coco_error **err)
{
    if (!kid)
        return COCO_OK;
    if (!*kid || strlen(kid) > COCO_JWK_KID_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "kid is empty or longer than %d bytes",
                         COCO_JWK_KID_MAX);
    for (size_t i = 0; i < set->n; i++)
        if (set->keys[i].kid && strcmp(set->keys[i].kid, kid) == 0)
            return coco_fail(err, COCO_ERR_PROTO, "two keys have one kid");
    return COCO_OK;
}

/* Puts jwk to set, unless it is for something else. */
static coco_status
add(struct coco_jwk_set *set, const cJSON *jwk, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    coco_error *why = NULL;
    const char *kid = NULL;
    bool wanted = false;
    bool unknown = false;

    if (!cJSON_IsObject(jwk))
        return coco_fail(err, COCO_ERR_PROTO, "is not an object");
    coco_status status = may_verify(jwk, &wanted, err);
    if (status != COCO_OK || !wanted)
        return status;
    if (coco_jwk_parse(jwk, &key, &why) != COCO_OK)
        return coco_forgive(why, COCO_ERR_NOTSUP, &unknown, err);
    /* Whoever can read the set could sign. */
    if (cJSON_GetObjectItemCaseSensitive(jwk, "d"))
        return coco_fail(err, COCO_ERR_PROTO, "is a private key");
    status = has_our_alg(jwk, key, &wanted, err);
    if (status != COCO_OK || !wanted)
        return status;
    status = coco_json_get_string_opt(jwk, "kid", &kid, err);
    if (status == COCO_OK)
        status = check_kid(set, kid, err);
    if (status != COCO_OK)
        return status;
    char *copy = kid ? strdup(kid) : NULL;
    if (kid && !copy)
        return coco_fail_nomem(err);
    set->keys[set->n++] = (struct coco_jwk_of_set){.kid = copy, .key = coco_steal(&key)};
    return COCO_OK;
}

coco_status
coco_jwk_set_parse(const char *text, size_t len, struct coco_jwk_set *ret, coco_error **err)
{
    _cleanup_jwk_set_ struct coco_jwk_set set = {0};
    _cleanup_json_ cJSON *root = NULL;
    const cJSON *jwk;
    size_t i = 0;

    if (len > COCO_JWK_SET_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "JWK set of more than %zu bytes",
                         COCO_JWK_SET_SIZE_MAX);
    coco_status status = coco_json_parse_object(text, len, &root, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "JWK set");
    const cJSON *keys = cJSON_GetObjectItemCaseSensitive(root, "keys");
    if (!cJSON_IsArray(keys))
        return coco_fail(err, COCO_ERR_PROTO, "JWK set has no list of keys");
    if (cJSON_GetArraySize(keys) > COCO_JWK_SET_KEYS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "JWK set of more than %d keys",
                         COCO_JWK_SET_KEYS_MAX);
    cJSON_ArrayForEach(jwk, keys) {
        status = add(&set, jwk, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "JWK set: key %zu", i);
        i++;
    }
    if (set.n == 0)
        return coco_fail(err, COCO_ERR_PROTO, "JWK set has no key that verifies signatures");
    *ret = set;
    set = (struct coco_jwk_set){0};
    return COCO_OK;
}

EVP_PKEY *
coco_jwk_set_find(const struct coco_jwk_set *set, const char *kid)
{
    if (!kid)
        return set->n == 1 ? set->keys[0].key : NULL;
    for (size_t i = 0; i < set->n; i++)
        if (set->keys[i].kid && strcmp(set->keys[i].kid, kid) == 0)
            return set->keys[i].key;
    return NULL;
}
