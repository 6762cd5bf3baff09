/*
 * crypto/sm2.c - signatures of SM2 with SM3 (GB/T 32918, GB/T 32905)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/sm2.h"

#include "base/fail.h"
#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <string.h>

#define DER_MAX 80
#define ID_MAX ((size_t)254)

COCO_DEFINE_CLEANUP(ECDSA_SIG *, ECDSA_SIG_free);

coco_status
coco_sm2_key_from_point(const uint8_t point[2 * COCO_SM2_SIZE], EVP_PKEY **ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    uint8_t octets[1 + 2 * COCO_SM2_SIZE] = {0x04}; /* uncompressed (SEC 1 section 2.3.3) */
    char group[] = "SM2";
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    memcpy(octets + 1, point, 2 * COCO_SM2_SIZE);
    _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "SM2", NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof(octets)),
        OSSL_PARAM_construct_end(),
    };
    if (!ctx)
        return coco_fail(err, COCO_ERR_NOTSUP, "no SM2 in this OpenSSL");
    if (EVP_PKEY_fromdata_init(ctx) != 1)
        return coco_fail_nomem(err);
    if (EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return coco_fail(err, COCO_ERR_PROTO, "no point of SM2's curve");

    _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *check = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (!check)
        return coco_fail_nomem(err);
    if (EVP_PKEY_public_check_quick(check) != 1)
        return coco_fail(err, COCO_ERR_PROTO, "no point of SM2's curve");
    *ret = coco_steal(&key);
    return COCO_OK;
}

coco_status
coco_sm2_key_point(const EVP_PKEY *key, uint8_t ret[2 * COCO_SM2_SIZE], coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(BN_clear_freep) BIGNUM *x = NULL;
    _cleanup_(BN_clear_freep) BIGNUM *y = NULL;

    if (EVP_PKEY_is_a(key, "SM2") != 1)
        return coco_fail(err, COCO_ERR_NOTSUP, "key is not one of SM2");
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) != 1
        || EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) != 1
        || BN_bn2binpad(x, ret, COCO_SM2_SIZE) < 0
        || BN_bn2binpad(y, ret + COCO_SM2_SIZE, COCO_SM2_SIZE) < 0)
        return coco_fail_nomem(err);
    return COCO_OK;
}

coco_status
coco_sm2_generate(EVP_PKEY **ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "SM2");

    if (!key)
        return coco_fail(err, COCO_ERR_NOTSUP, "no SM2 in this OpenSSL");
    *ret = key;
    return COCO_OK;
}

/* A context that knows key and id; both are freed by the caller, ctx after md. */
static coco_status
begin(EVP_MD_CTX *md, EVP_PKEY_CTX *ctx, const struct coco_sm2_id *id, coco_error **err)
{
    if (!md || !ctx || EVP_PKEY_CTX_set1_id(ctx, id->data, (int)id->len) != 1)
        return coco_fail_nomem(err);
    EVP_MD_CTX_set_pkey_ctx(md, ctx);
    return COCO_OK;
}

static coco_status
check_id(const struct coco_sm2_id *id, coco_error **err)
{
    /* With none OpenSSL would take that of the standard. */
    if (id->len == 0 || id->len > ID_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "id of an SM2 key has %zu bytes", id->len);
    return COCO_OK;
}

coco_status
coco_sm2_sign(EVP_PKEY *key, const struct coco_sm2_id *id, const void *data, size_t len,
              uint8_t ret[2 * COCO_SM2_SIZE], coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
    uint8_t der[DER_MAX];
    size_t der_len = sizeof(der);
    const uint8_t *p = der;

    coco_status status = check_id(id, err);
    if (status == COCO_OK)
        status = begin(md, ctx, id, err);
    if (status != COCO_OK)
        return status;
    if (EVP_DigestSignInit(md, NULL, EVP_sm3(), NULL, key) != 1
        || EVP_DigestSign(md, der, &der_len, data, len) != 1)
        return coco_fail(err, COCO_ERR_INVALID, "cannot sign with this key");
    _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der_len);
    if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, COCO_SM2_SIZE) < 0
        || BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + COCO_SM2_SIZE, COCO_SM2_SIZE) < 0)
        return coco_fail_nomem(err);
    return COCO_OK;
}

/* r || s to DER, which is not freed but with OPENSSL_free(). */
static coco_status
to_der(const uint8_t flat[2 * COCO_SM2_SIZE], uint8_t **ret, size_t *len, coco_error **err)
{
    _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *sig = ECDSA_SIG_new();
    _cleanup_(BN_clear_freep) BIGNUM *r = BN_bin2bn(flat, COCO_SM2_SIZE, NULL);
    _cleanup_(BN_clear_freep) BIGNUM *s = BN_bin2bn(flat + COCO_SM2_SIZE, COCO_SM2_SIZE, NULL);

    if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1)
        return coco_fail_nomem(err);
    r = NULL;
    s = NULL;
    int n = i2d_ECDSA_SIG(sig, ret);
    if (n < 0)
        return coco_fail_nomem(err);
    *len = (size_t)n;
    return COCO_OK;
}

coco_status
coco_sm2_verify(EVP_PKEY *key, const struct coco_sm2_id *id, const void *data, size_t len,
                const uint8_t sig[2 * COCO_SM2_SIZE], coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
    uint8_t *der = NULL;
    size_t der_len = 0;

    coco_status status = check_id(id, err);
    if (status == COCO_OK)
        status = begin(md, ctx, id, err);
    if (status == COCO_OK)
        status = to_der(sig, &der, &der_len, err);
    if (status != COCO_OK)
        return status;
    bool ok = EVP_DigestVerifyInit(md, NULL, EVP_sm3(), NULL, key) == 1
              && EVP_DigestVerify(md, der, der_len, data, len) == 1;
    OPENSSL_free(der);
    return ok ? COCO_OK : coco_fail(err, COCO_ERR_VERIFY, "signature does not fit");
}
