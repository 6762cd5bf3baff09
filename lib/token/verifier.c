/*
 * token/verifier.c - who relies on attestation tokens
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token/verifier.h"

#include "base/base64.h"
#include "base/bytes.h"
#include "base/context.h"
#include "base/fail.h"
#include "net/url.h"
#include "token/issuer.h"

#include <string.h>
#include <time.h>

coco_status
coco_token_verifier_new(coco_token_verifier **ret, coco_error **err)
{
    coco_token_verifier *verifier = calloc(1, sizeof(*verifier));

    if (!verifier)
        return coco_fail_nomem(err);
    (void)pthread_mutex_init(&verifier->lock, NULL);
    verifier->tls_ca.limit = COCO_PEER_PEM_MAX;
    *ret = verifier;
    return COCO_OK;
}

/* What an issuer said, or did not, before it was another one or vouched for by others. */
static void
forget_keys(coco_token_verifier *verifier)
{
    coco_jwk_set_done(&verifier->fetched);
    verifier->fetched_ms = 0;
    coco_error_free(verifier->failure);
    verifier->failure = NULL;
}

void
coco_token_verifier_free(coco_token_verifier *verifier)
{
    if (!verifier)
        return;
    coco_jwk_set_done(&verifier->keys);
    forget_keys(verifier);
    coco_cert_chain_done(&verifier->roots);
    coco_buf_done(&verifier->tls_ca);
    (void)pthread_mutex_destroy(&verifier->lock);
    free(verifier->issuer);
    free(verifier->audience);
    free(verifier);
}

/* ---- whom it trusts ---- */

coco_status
coco_token_verifier_set_keys(coco_token_verifier *verifier, const uint8_t *json, size_t len,
                             coco_error **err)
{
    struct coco_jwk_set keys = {0};

    coco_status status = coco_jwk_set_parse((const char *)json, len, &keys, err);
    if (status != COCO_OK)
        return status;
    coco_jwk_set_done(&verifier->keys);
    verifier->keys = keys;
    return COCO_OK;
}

coco_status
coco_token_verifier_set_roots(coco_token_verifier *verifier, const uint8_t *pem, size_t len,
                              coco_error **err)
{
    _cleanup_cert_chain_ struct coco_cert_chain roots = {0};

    coco_status status = coco_cert_chain_parse(pem, len, &roots, err);
    if (status != COCO_OK)
        return status;
    coco_cert_chain_done(&verifier->roots);
    verifier->roots = roots;
    roots = (struct coco_cert_chain){0};
    return COCO_OK;
}

coco_status
coco_token_verifier_set_tls_ca(coco_token_verifier *verifier, const uint8_t *pem, size_t len,
                               coco_error **err)
{
    _cleanup_(coco_http_freep) struct coco_http *http = NULL;

    coco_status status = coco_issuer_open(pem, len, &http, err); /* whether it is one */
    if (status != COCO_OK)
        return status;
    forget_keys(verifier);
    coco_buf_reset(&verifier->tls_ca);
    return coco_buf_append(&verifier->tls_ca, pem, len, err);
}

/* ---- what it demands ---- */

static coco_status
set_text(char **to, const char *text, const char *what, coco_error **err)
{
    char *copy = NULL;

    if (text && !*text)
        return coco_fail(err, COCO_ERR_INVALID, "%s is empty", what);
    if (text) {
        copy = strdup(text);
        if (!copy)
            return coco_fail_nomem(err);
    }
    free(*to);
    *to = copy;
    return COCO_OK;
}

/*
 * OpenID Connect Discovery 1.0 section 3: an address has no query and no fragment; with a
 * user it would stand in messages, with the password. Which one it is is not said here.
 */
static coco_status
check_address(const char *issuer, coco_error **err)
{
    _cleanup_url_ struct coco_url url = {0};

    if (!issuer || !strstr(issuer, "://"))
        return COCO_OK; /* a name, as Trustee's is */
    coco_status status = coco_url_parse(issuer, &url, NULL);
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (status != COCO_OK || strpbrk(issuer, "?#"))
        return coco_fail(err, COCO_ERR_INVALID,
                         "issuer is no address without a user, a query and a fragment");
    return COCO_OK;
}

coco_status
coco_token_verifier_set_issuer(coco_token_verifier *verifier, const char *issuer, coco_error **err)
{
    coco_status status = check_address(issuer, err);

    if (status == COCO_OK)
        status = set_text(&verifier->issuer, issuer, "issuer", err);
    if (status != COCO_OK)
        return status;
    forget_keys(verifier);
    return COCO_OK;
}

coco_status
coco_token_verifier_set_audience(coco_token_verifier *verifier, const char *audience,
                                 coco_error **err)
{
    return set_text(&verifier->audience, audience, "audience", err);
}

coco_status
coco_token_verifier_accept(coco_token_verifier *verifier, const char *status, coco_error **err)
{
    return coco_token_tier_parse(status, &verifier->worst, err);
}

void
coco_token_verifier_set_time(coco_token_verifier *verifier, int64_t now)
{
    verifier->now = now;
}

/* ---- tokens ---- */

static coco_status
check_issuer(const coco_token_verifier *verifier, const cJSON *claims, coco_error **err)
{
    const char *issuer = NULL;

    if (!verifier->issuer)
        return COCO_OK;
    coco_status status = coco_json_get_string_opt(claims, "iss", &issuer, err);
    if (status != COCO_OK)
        return status;
    if (!issuer || !coco_issuer_is(issuer, verifier->issuer))
        return coco_fail(err, COCO_ERR_VERIFY, "is of another issuer than %.200s",
                         verifier->issuer);
    return COCO_OK;
}

static coco_status
check_audience(const coco_token_verifier *verifier, const cJSON *claims, coco_error **err)
{
    if (verifier->audience)
        return coco_jwt_check_audience(claims, verifier->audience, err);
    if (cJSON_GetObjectItemCaseSensitive(claims, "aud"))
        return coco_fail(err, COCO_ERR_VERIFY, "is for somebody else: it has an audience");
    return COCO_OK;
}

static coco_status
check_claims(const coco_token_verifier *verifier, const cJSON *claims, int64_t now,
             coco_error **err)
{
    coco_status status = coco_jwt_check_times(claims, now, err);

    if (status == COCO_OK)
        status = check_issuer(verifier, claims, err);
    if (status == COCO_OK)
        status = check_audience(verifier, claims, err);
    if (status == COCO_OK)
        status = coco_token_check_appraisal(claims, verifier->worst, err);
    return status;
}

/* The second part, in the letters that were signed. */
static coco_status
copy_claims(const struct coco_jws *jws, coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};
    const char *payload = strchr(coco_buf_text(&jws->signed_text), '.') + 1;

    coco_status status = coco_base64_decode(COCO_BASE64URL, payload, strlen(payload), &text, err);
    return status == COCO_OK ? coco_bytes_take(&text, ret, err) : status;
}

coco_status
coco_token_verify(coco_token_verifier *verifier, coco_ctx *ctx, const uint8_t *token, size_t len,
                  coco_bytes **ret, coco_error **err)
{
    const int64_t now = verifier->now ? verifier->now : (int64_t)time(NULL);
    _cleanup_jws_ struct coco_jws jws = {0};
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    coco_status status = coco_ctx_check(ctx, err);
    if (status != COCO_OK)
        return status;
    status = coco_jws_parse((const char *)token, len, &jws, err);
    if (status == COCO_OK)
        status = coco_token_signer(verifier, ctx, &jws, now, &key, err);
    if (status == COCO_OK)
        status = coco_jws_verify(&jws, key, err);
    if (status == COCO_OK)
        status = check_claims(verifier, jws.payload, now, err);
    if (status == COCO_OK)
        status = copy_claims(&jws, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "token");
}
