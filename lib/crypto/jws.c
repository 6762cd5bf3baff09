/*
 * crypto/jws.c - JSON Web Signatures and Tokens, compact form (RFC 7515, RFC 7519)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/jws.h"

#include "base/base64.h"
#include "base/fail.h"
#include "crypto/ecdsa.h"

#include <string.h>

#define SIGNATURE_MAX 1024 /* RSA of 8192 bits */

/* What RFC 7518 section 3.1 and RFC 8037 section 3.1 call the signatures of our keys. */
static const struct alg {
    const char *name;
    enum coco_key_kind kind;
} algs[] = {
    {"ES256", COCO_KEY_P256}, {"ES384", COCO_KEY_P384},    {"ES512", COCO_KEY_P521},
    {"RS256", COCO_KEY_RSA},  {"EdDSA", COCO_KEY_ED25519},
};

static coco_status
alg_of(const EVP_PKEY *key, const struct alg **ret, coco_error **err)
{
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(key, &kind, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        if (algs[i].kind == kind) {
            *ret = &algs[i];
            return COCO_OK;
        }
    }
    return coco_fail(err, COCO_ERR_NOTSUP, "no JWS algorithm for this kind of key");
}

coco_status
coco_jws_alg_of(const EVP_PKEY *key, const char **ret, coco_error **err)
{
    const struct alg *alg = NULL;

    coco_status status = alg_of(key, &alg, err);
    if (status == COCO_OK)
        *ret = alg->name;
    return status;
}

static coco_status
append_json(const cJSON *value, struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};

    coco_status status = coco_json_write(value, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = coco_base64_encode(COCO_BASE64URL, text.data, text.len, buf, err);
    return status;
}

static coco_status
append_header(const char *typ, const char *alg, const cJSON *further, struct coco_buf *buf,
              coco_error **err)
{
    _cleanup_json_ cJSON *header = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_new_object(&header, err);
    if (status == COCO_OK && typ)
        status = coco_json_add_string(header, "typ", typ, err);
    if (status == COCO_OK)
        status = coco_json_add_string(header, "alg", alg, err);
    if (status != COCO_OK)
        return status;
    cJSON_ArrayForEach(item, further) {
        if (cJSON_GetObjectItemCaseSensitive(header, item->string)
            || strcmp(item->string, "crit") == 0)
            return coco_fail(err, COCO_ERR_INVALID, "header member '%.32s' is not the caller's",
                             item->string);
        status = coco_json_add_copy(header, item->string, item, err);
        if (status != COCO_OK)
            return status;
    }
    return append_json(header, buf, err);
}

coco_status
coco_jws_header(const EVP_PKEY *key, const char *typ, const cJSON *header, struct coco_buf *buf,
                coco_error **err)
{
    const struct alg *alg = NULL;

    coco_status status = alg_of(key, &alg, err);
    return status == COCO_OK ? append_header(typ, alg->name, header, buf, err) : status;
}

coco_status
coco_jws_sign(EVP_PKEY *key, const cJSON *header, const cJSON *payload, struct coco_buf *buf,
              coco_error **err)
{
    return coco_jws_sign_typed(key, "JWT", header, payload, buf, err);
}

coco_status
coco_jws_sign_typed(EVP_PKEY *key, const char *typ, const cJSON *header, const cJSON *payload,
                    struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf head = {.limit = COCO_JSON_SIZE_MAX};
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};

    coco_status status = coco_jws_header(key, typ, header, &head, err);
    if (status == COCO_OK)
        status = coco_json_write(payload, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = coco_jws_sign_text(key, coco_buf_text(&head), &text, buf, err);
    return status;
}

coco_status
coco_jws_sign_text(EVP_PKEY *key, const char *header, const struct coco_buf *payload,
                   struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 2 * COCO_JSON_SIZE_MAX};
    _cleanup_buf_ struct coco_buf made = {.limit = SIGNATURE_MAX};
    const struct alg *alg = NULL;

    coco_status status = alg_of(key, &alg, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(&text, header, err);
    if (status == COCO_OK)
        status = coco_buf_append(&text, ".", 1, err);
    if (status == COCO_OK)
        status = coco_base64_encode(COCO_BASE64URL, payload->data, payload->len, &text, err);
    /* RFC 7518 section 3.4: of ECDSA, r || s. */
    if (status == COCO_OK)
        status = coco_ec_size(alg->kind) > 0 ? coco_ecdsa_sign(key, text.data, text.len, &made, err)
                                             : coco_key_sign(key, text.data, text.len, &made, err);
    if (status == COCO_OK)
        status = coco_buf_append(&text, ".", 1, err);
    if (status == COCO_OK)
        status = coco_base64_encode(COCO_BASE64URL, made.data, made.len, &text, err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, text.data, text.len, err);
    return status;
}

void
coco_jws_done(struct coco_jws *jws)
{
    coco_json_free(jws->header);
    coco_json_free(jws->payload);
    coco_buf_done(&jws->signed_text);
    coco_buf_done(&jws->signature);
    *jws = (struct coco_jws){0};
}

static coco_status
decode_object(const char *what, const char *text, size_t len, cJSON **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf json = {.limit = COCO_JSON_SIZE_MAX};

    coco_status status = coco_base64_decode(COCO_BASE64URL, text, len, &json, err);
    if (status == COCO_OK)
        status = coco_json_parse_object(coco_buf_text(&json), json.len, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "JWS %s", what);
    return COCO_OK;
}

coco_status
coco_jws_parse(const char *text, size_t len, struct coco_jws *ret, coco_error **err)
{
    _cleanup_jws_ struct coco_jws jws = {
        .signed_text = {.limit = COCO_JSON_SIZE_MAX},
        .signature = {.limit = SIGNATURE_MAX},
    };
    const char *end = text + len;
    const char *first = memchr(text, '.', len);
    const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;

    if (len > COCO_JSON_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "JWS of more than %zu bytes", COCO_JSON_SIZE_MAX);
    if (!second || memchr(second + 1, '.', (size_t)(end - second - 1)))
        return coco_fail(err, COCO_ERR_PROTO, "JWS has not three parts");

    coco_status status = decode_object("header", text, (size_t)(first - text), &jws.header, err);
    if (status == COCO_OK)
        status =
            decode_object("payload", first + 1, (size_t)(second - first - 1), &jws.payload, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64URL, second + 1, (size_t)(end - second - 1),
                                    &jws.signature, err);
    if (status == COCO_OK)
        status = coco_buf_append(&jws.signed_text, text, (size_t)(second - text), err);
    if (status != COCO_OK)
        return status;
    *ret = jws;
    jws = (struct coco_jws){0};
    return COCO_OK;
}

coco_status
coco_jws_verify(const struct coco_jws *jws, EVP_PKEY *key, coco_error **err)
{
    const struct coco_buf *signature = &jws->signature;
    const struct alg *alg = NULL;
    const char *named = NULL;

    coco_status status = alg_of(key, &alg, err);
    if (status != COCO_OK)
        return status;
    if (cJSON_GetObjectItemCaseSensitive(jws->header, "crit"))
        return coco_fail(err, COCO_ERR_VERIFY, "JWS has critical extensions");
    /* The key decides, never the message: RFC 8725 section 3.1. */
    status = coco_json_get_string(jws->header, "alg", &named, NULL);
    if (status != COCO_OK || strcmp(named, alg->name) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "alg of the JWS is not %s, the key's", alg->name);

    const struct coco_buf *text = &jws->signed_text;
    if (coco_ec_size(alg->kind) > 0)
        return coco_ecdsa_verify(key, text->data, text->len, signature->data, signature->len, err);
    return coco_key_verify(key, text->data, text->len, signature->data, signature->len, err);
}

static coco_status
get_seconds(const cJSON *claims, const char *name, const cJSON **item, int64_t *ret,
            coco_error **err)
{
    *item = cJSON_GetObjectItemCaseSensitive(claims, name);
    if (*item && coco_json_seconds(*item, ret, NULL) != COCO_OK)
        return coco_fail(err, COCO_ERR_VERIFY, "claim '%s' is no time", name);
    return COCO_OK;
}

coco_status
coco_jwt_check_times(const cJSON *claims, int64_t now, coco_error **err)
{
    static const char *const starts[] = {"nbf", "iat"};
    const cJSON *item = NULL;
    int64_t at = 0;

    coco_status status = get_seconds(claims, "exp", &item, &at, err);
    if (status != COCO_OK)
        return status;
    if (!item)
        return coco_fail(err, COCO_ERR_VERIFY, "token has no exp");
    if (at <= now - COCO_JWT_LEEWAY_S)
        return coco_fail(err, COCO_ERR_VERIFY, "token has expired");
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        status = get_seconds(claims, starts[i], &item, &at, err);
        if (status != COCO_OK)
            return status;
        if (item && at > now + COCO_JWT_LEEWAY_S)
            return coco_fail(err, COCO_ERR_VERIFY, "token is not valid yet: %s", starts[i]);
    }
    return COCO_OK;
}

/* RFC 7519 section 4.1.3: one text, or an array of them. */
coco_status
coco_jwt_check_audience(const cJSON *claims, const char *audience, coco_error **err)
{
    const cJSON *aud = cJSON_GetObjectItemCaseSensitive(claims, "aud");
    bool found = cJSON_IsString(aud) && strcmp(aud->valuestring, audience) == 0;
    const cJSON *item;

    if (cJSON_IsArray(aud))
        cJSON_ArrayForEach(item, aud)
            if (cJSON_IsString(item) && strcmp(item->valuestring, audience) == 0)
                found = true;
    return found ? COCO_OK : coco_fail(err, COCO_ERR_VERIFY, "token for another audience");
}
