/*
 * crypto/jws.c - JSON Web Signatures and Tokens, compact form (RFC 7515, RFC 7519)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/jws.h"

#include "base/base64.h"
#include "base/fail.h"
#include "crypto/ossl.h"

#include <openssl/ecdsa.h>
#include <string.h>

#define SIGNATURE_MAX 1024 /* RSA of 8192 bits */

COCO_DEFINE_CLEANUP(ECDSA_SIG *, ECDSA_SIG_free);

/* What RFC 7518 section 3.1 and RFC 8037 section 3.1 call the signatures of our keys. */
static const struct alg {
    const char *name;
    enum coco_key_kind kind;
    size_t size; /* of r and of s (RFC 7518 section 3.4); 0 where the signature is one piece */
} algs[] = {
    {"ES256", COCO_KEY_P256, 32}, {"ES384", COCO_KEY_P384, 48},   {"ES512", COCO_KEY_P521, 66},
    {"RS256", COCO_KEY_RSA, 0},   {"EdDSA", COCO_KEY_ED25519, 0},
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

/* ECDSA-Sig-Value, as OpenSSL has it, to r || s. */
static coco_status
flatten(const struct coco_buf *der, size_t size, struct coco_buf *flat, coco_error **err)
{
    const uint8_t *p = der->data;
    _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der->len);
    uint8_t bytes[SIGNATURE_MAX];

    if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), bytes, (int)size) < 0
        || BN_bn2binpad(ECDSA_SIG_get0_s(sig), bytes + size, (int)size) < 0)
        return coco_fail_nomem(err);
    return coco_buf_append(flat, bytes, 2 * size, err);
}

/* The way back. */
static coco_status
unflatten(const struct coco_buf *flat, size_t size, struct coco_buf *der, coco_error **err)
{
    _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *sig = ECDSA_SIG_new();
    _cleanup_(BN_clear_freep) BIGNUM *r = BN_bin2bn(flat->data, (int)size, NULL);
    _cleanup_(BN_clear_freep) BIGNUM *s = BN_bin2bn(flat->data + size, (int)size, NULL);
    uint8_t *bytes = NULL;

    if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1)
        return coco_fail_nomem(err);
    r = NULL;
    s = NULL;
    int len = i2d_ECDSA_SIG(sig, &bytes);
    if (len < 0)
        return coco_fail_nomem(err);
    coco_status status = coco_buf_append(der, bytes, (size_t)len, err);
    OPENSSL_free(bytes);
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
append_header(const char *alg, const cJSON *further, struct coco_buf *buf, coco_error **err)
{
    _cleanup_json_ cJSON *header = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_new_object(&header, err);
    if (status == COCO_OK)
        status = coco_json_add_string(header, "typ", "JWT", err);
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
coco_jws_sign(EVP_PKEY *key, const cJSON *header, const cJSON *payload, struct coco_buf *buf,
              coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 2 * COCO_JSON_SIZE_MAX};
    _cleanup_buf_ struct coco_buf made = {.limit = SIGNATURE_MAX};
    _cleanup_buf_ struct coco_buf flat = {.limit = SIGNATURE_MAX};
    const struct alg *alg = NULL;

    coco_status status = alg_of(key, &alg, err);
    if (status == COCO_OK)
        status = append_header(alg->name, header, &text, err);
    if (status == COCO_OK)
        status = coco_buf_append(&text, ".", 1, err);
    if (status == COCO_OK)
        status = append_json(payload, &text, err);
    if (status == COCO_OK)
        status = coco_key_sign(key, text.data, text.len, &made, err);
    if (status == COCO_OK && alg->size > 0)
        status = flatten(&made, alg->size, &flat, err);
    if (status == COCO_OK)
        status = coco_buf_append(&text, ".", 1, err);
    if (status == COCO_OK) {
        const struct coco_buf *signature = alg->size > 0 ? &flat : &made;
        status = coco_base64_encode(COCO_BASE64URL, signature->data, signature->len, &text, err);
    }
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
    coco_ossl_errors_are_ours();
    _cleanup_buf_ struct coco_buf der = {.limit = SIGNATURE_MAX};
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

    if (alg->size > 0) {
        if (signature->len != 2 * alg->size)
            return coco_fail(err, COCO_ERR_VERIFY, "JWS signature has %zu bytes, not %zu",
                             signature->len, 2 * alg->size);
        status = unflatten(signature, alg->size, &der, err);
        if (status != COCO_OK)
            return status;
        signature = &der;
    }
    return coco_key_verify(key, jws->signed_text.data, jws->signed_text.len, signature->data,
                           signature->len, err);
}

/* Seconds of a claim; a number that is no integer is refused like one out of range. */
static coco_status
get_seconds(const cJSON *claims, const char *name, const cJSON **item, int64_t *ret,
            coco_error **err)
{
    *item = cJSON_GetObjectItemCaseSensitive(claims, name);
    if (*item && coco_json_i64(*item, ret, NULL) != COCO_OK)
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
