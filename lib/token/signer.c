/*
 * token/signer.c - who signed a token
 *
 *     "x5c" and roots          the first certificate, if the chain leads to one of them
 *     keys                     the one that "kid" names
 *     an issuer at https       the same of the keys that it publishes
 *
 * The "jwk" that Trustee puts into the header is nobody's word but the token's own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token/verifier.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/fail.h"
#include "token/issuer.h"

#include <string.h>

#define HTTPS "https://"

/* ---- certificates ---- */

static coco_status
find_x5c(const cJSON *header, const cJSON **ret, coco_error **err)
{
    const cJSON *jwk = NULL;

    coco_status status = coco_json_get_array_opt(header, "x5c", ret, err);
    if (status == COCO_OK && !*ret)
        status = coco_json_get_object_opt(header, "jwk", &jwk, err);
    if (status == COCO_OK && jwk)
        status = coco_json_get_array_opt(jwk, "x5c", ret, err);
    return status;
}

static coco_status
read_chain(const cJSON *x5c, struct coco_cert_chain *ret, coco_error **err)
{
    const cJSON *item = NULL;
    coco_status status = COCO_OK;

    cJSON_ArrayForEach(item, x5c) {
        _cleanup_buf_ struct coco_buf der = {.limit = COCO_CERT_SIZE_MAX};
        _cleanup_cert_ X509 *cert = NULL;

        if (!cJSON_IsString(item))
            return coco_fail(err, COCO_ERR_PROTO, "x5c: not a text");
        status = coco_base64_decode(COCO_BASE64, item->valuestring, strlen(item->valuestring), &der,
                                    err);
        if (status == COCO_OK)
            status = coco_cert_parse(der.data, der.len, &cert, err);
        if (status == COCO_OK)
            status = coco_cert_chain_add(ret, &cert, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "x5c");
    }
    return COCO_OK;
}

static coco_status
check_chain(const coco_token_verifier *verifier, const cJSON *x5c, int64_t now, EVP_PKEY **ret,
            coco_error **err)
{
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};

    coco_status status = read_chain(x5c, &chain, err);
    if (status == COCO_OK)
        status = coco_cert_chain_check_anchored(&chain, &verifier->roots, now, err);
    if (status == COCO_OK && !coco_cert_may_sign(chain.certs[0]))
        status = coco_fail(err, COCO_ERR_VERIFY, "the certificate's key is not for signatures");
    if (status == COCO_OK)
        status = coco_cert_key(chain.certs[0], ret, err);
    return status;
}

/* ---- keys ---- */

static coco_status
find_key(const struct coco_jwk_set *set, const char *kid, EVP_PKEY **ret, coco_error **err)
{
    EVP_PKEY *key = coco_jwk_set_find(set, kid);

    if (key && EVP_PKEY_up_ref(key) == 1) {
        *ret = key;
        return COCO_OK;
    }
    if (!kid)
        return coco_fail(err, COCO_ERR_VERIFY, "names no key, and there are %zu", set->n);
    return coco_fail(err, COCO_ERR_VERIFY, "is signed by '%.100s', which is not trusted", kid);
}

/* In what was fetched before; whether there is nothing better to be had. The lock is held. */
static bool
look_up(const coco_token_verifier *verifier, const char *kid, coco_status *status, EVP_PKEY **ret,
        coco_error **err)
{
    const uint64_t now = coco_clock_ms();
    const uint64_t age = now - verifier->fetched_ms;
    coco_error *why = NULL;

    if (verifier->fetched_ms != 0 && age < COCO_TOKEN_KEYS_FRESH_MS) {
        *status = find_key(&verifier->fetched, kid, ret, &why);
        if (*status == COCO_OK || age < COCO_TOKEN_KEYS_PAUSE_MS) {
            if (why)
                coco_error_give(err, why);
            return true;
        }
        coco_error_free(why);
    }
    if (!verifier->failure || now - verifier->failed_ms >= COCO_TOKEN_KEYS_RETRY_MS)
        return false;
    *status = coco_error_status(verifier->failure);
    coco_error_repeat(err, verifier->failure);
    return true;
}

/* What the issuer says now, for all; set has what it said before. */
static void
keep_keys(coco_token_verifier *verifier, struct coco_jwk_set *set)
{
    struct coco_jwk_set now = *set;

    (void)pthread_mutex_lock(&verifier->lock);
    coco_error *failure = verifier->failure;
    *set = verifier->fetched;
    verifier->fetched = now;
    verifier->fetched_ms = coco_clock_ms();
    verifier->failure = NULL;
    (void)pthread_mutex_unlock(&verifier->lock);
    coco_error_free(failure);
}

/* Why it says nothing. */
static void
keep_why(coco_token_verifier *verifier, coco_error *failure)
{
    (void)pthread_mutex_lock(&verifier->lock);
    coco_error *before = verifier->failure;
    verifier->failure = failure;
    verifier->failed_ms = coco_clock_ms();
    (void)pthread_mutex_unlock(&verifier->lock);
    coco_error_free(before);
}

/* Another's cancellation, or memory that was short for a moment, says nothing of the issuer. */
static coco_status
keep_failure(coco_token_verifier *verifier, coco_status status, coco_error *why, coco_error **err)
{
    coco_error *copy = NULL;

    if (status != COCO_ERR_CANCELED && status != COCO_ERR_NOMEM)
        coco_error_repeat(&copy, why);
    if (copy && coco_error_status(copy) == status)
        keep_why(verifier, coco_steal(&copy));
    coco_error_free(copy);
    coco_error_give(err, why);
    return status;
}

/* Several threads may ask at once: what each is told is as good as what the others are. */
static coco_status
fetch_key(coco_token_verifier *verifier, coco_ctx *ctx, const char *kid, EVP_PKEY **ret,
          coco_error **err)
{
    _cleanup_(coco_http_freep) struct coco_http *http = NULL;
    _cleanup_jwk_set_ struct coco_jwk_set set = {0};
    const struct coco_buf *ca = &verifier->tls_ca;
    coco_error *why = NULL;

    coco_status status = coco_issuer_open(ca->len > 0 ? ca->data : NULL, ca->len, &http, &why);
    if (status == COCO_OK)
        status = coco_issuer_discover(http, ctx, verifier->issuer, &set, &why);
    if (status != COCO_OK)
        return keep_failure(verifier, status, why, err);
    status = find_key(&set, kid, ret, err);
    keep_keys(verifier, &set);
    return status;
}

/* Of the issuer's. */
static coco_status
take_key(coco_token_verifier *verifier, coco_ctx *ctx, const char *kid, EVP_PKEY **ret,
         coco_error **err)
{
    coco_status status = COCO_OK;

    (void)pthread_mutex_lock(&verifier->lock);
    bool known = look_up(verifier, kid, &status, ret, err);
    (void)pthread_mutex_unlock(&verifier->lock);
    return known ? status : fetch_key(verifier, ctx, kid, ret, err);
}

coco_status
coco_token_signer(coco_token_verifier *verifier, coco_ctx *ctx, const struct coco_jws *jws,
                  int64_t now, EVP_PKEY **ret, coco_error **err)
{
    const cJSON *x5c = NULL;
    const char *kid = NULL;

    coco_status status = coco_json_get_string_opt(jws->header, "kid", &kid, err);
    if (status == COCO_OK)
        status = find_x5c(jws->header, &x5c, err);
    if (status != COCO_OK)
        return status;
    if (x5c && verifier->roots.n > 0)
        return check_chain(verifier, x5c, now, ret, err);
    if (verifier->keys.n > 0)
        return find_key(&verifier->keys, kid, ret, err);
    if (verifier->roots.n > 0)
        return coco_fail(err, COCO_ERR_VERIFY, "brings no certificates along");
    if (!verifier->issuer || strncmp(verifier->issuer, HTTPS, strlen(HTTPS)) != 0)
        return coco_fail(err, COCO_ERR_INVALID,
                         "nobody's tokens are trusted: neither keys nor roots are set, nor an "
                         "issuer at https");
    return take_key(verifier, ctx, kid, ret, err);
}
