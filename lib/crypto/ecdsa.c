/*
 * crypto/ecdsa.c - ECDSA as formats other than DER have it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/ecdsa.h"

#include "base/fail.h"
#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <string.h>

#define DER_MAX 160 /* of two numbers on P-521 */

COCO_DEFINE_CLEANUP(ECDSA_SIG *, ECDSA_SIG_free);

static const struct curve {
    enum coco_key_kind kind;
    char name[6];
    size_t size;
} curves[] = {
    {COCO_KEY_P256, "P-256", 32},
    {COCO_KEY_P384, "P-384", 48},
    {COCO_KEY_P521, "P-521", COCO_EC_SIZE_MAX},
};

static const struct curve *
curve_of(enum coco_key_kind kind)
{
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        if (curves[i].kind == kind)
            return &curves[i];
    return NULL;
}

size_t
coco_ec_size(enum coco_key_kind kind)
{
    const struct curve *curve = curve_of(kind);

    return curve ? curve->size : 0;
}

static coco_status
curve_of_key(const EVP_PKEY *key, const struct curve **ret, coco_error **err)
{
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(key, &kind, err);
    if (status != COCO_OK)
        return status;
    *ret = curve_of(kind);
    return *ret ? COCO_OK : coco_fail(err, COCO_ERR_NOTSUP, "key is not EC");
}

coco_status
coco_ec_key_from_point(enum coco_key_kind kind, const uint8_t *point, EVP_PKEY **ret,
                       coco_error **err)
{
    coco_ossl_errors_are_ours();
    const struct curve *curve = curve_of(kind);
    uint8_t octets[1 + 2 * COCO_EC_SIZE_MAX] = {0x04}; /* uncompressed (SEC 1 section 2.3.3) */
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    char group[sizeof(curve->name)];

    if (!curve)
        return coco_fail(err, COCO_ERR_NOTSUP, "key is not EC");
    memcpy(octets + 1, point, 2 * curve->size);
    memcpy(group, curve->name, sizeof(group));

    _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, octets, 1 + 2 * curve->size),
        OSSL_PARAM_construct_end(),
    };
    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1)
        return coco_fail_nomem(err);
    if (EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return coco_fail(err, COCO_ERR_PROTO, "no point of %s", curve->name);
    coco_status status = coco_key_check(key, false, err);
    if (status == COCO_OK)
        *ret = coco_steal(&key);
    return status;
}

coco_status
coco_ec_key_point(const EVP_PKEY *key, struct coco_buf *buf, coco_error **err)
{
    coco_ossl_errors_are_ours();
    const struct curve *curve = NULL;
    _cleanup_(BN_clear_freep) BIGNUM *x = NULL;
    _cleanup_(BN_clear_freep) BIGNUM *y = NULL;
    uint8_t point[2 * COCO_EC_SIZE_MAX];

    coco_status status = curve_of_key(key, &curve, err);
    if (status != COCO_OK)
        return status;
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) != 1
        || EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) != 1
        || BN_bn2binpad(x, point, (int)curve->size) < 0
        || BN_bn2binpad(y, point + curve->size, (int)curve->size) < 0)
        return coco_fail_nomem(err);
    return coco_buf_append(buf, point, 2 * curve->size, err);
}

/* ECDSA-Sig-Value, as OpenSSL has it, to r || s. */
static coco_status
flatten(const struct coco_buf *der, size_t size, struct coco_buf *flat, coco_error **err)
{
    const uint8_t *p = der->data;
    _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der->len);
    uint8_t bytes[2 * COCO_EC_SIZE_MAX];

    if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), bytes, (int)size) < 0
        || BN_bn2binpad(ECDSA_SIG_get0_s(sig), bytes + size, (int)size) < 0)
        return coco_fail_nomem(err);
    return coco_buf_append(flat, bytes, 2 * size, err);
}

/* The way back. */
static coco_status
unflatten(const uint8_t *flat, size_t size, struct coco_buf *der, coco_error **err)
{
    _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *sig = ECDSA_SIG_new();
    _cleanup_(BN_clear_freep) BIGNUM *r = BN_bin2bn(flat, (int)size, NULL);
    _cleanup_(BN_clear_freep) BIGNUM *s = BN_bin2bn(flat + size, (int)size, NULL);
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
sign(EVP_PKEY *key, const EVP_MD *md, const void *data, size_t len, struct coco_buf *buf,
     coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_buf_ struct coco_buf der = {.limit = DER_MAX};
    const struct curve *curve = NULL;

    coco_status status = curve_of_key(key, &curve, err);
    if (status == COCO_OK)
        status = coco_key_sign_with(key, md, data, len, &der, err);
    if (status == COCO_OK)
        status = flatten(&der, curve->size, buf, err);
    return status;
}

static coco_status
verify(EVP_PKEY *key, const EVP_MD *md, const void *data, size_t len, const uint8_t *sig,
       size_t sig_len, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_buf_ struct coco_buf der = {.limit = DER_MAX};
    const struct curve *curve = NULL;

    coco_status status = curve_of_key(key, &curve, err);
    if (status != COCO_OK)
        return status;
    if (sig_len != 2 * curve->size)
        return coco_fail(err, COCO_ERR_VERIFY, "signature has %zu bytes, not %zu", sig_len,
                         2 * curve->size);
    status = unflatten(sig, curve->size, &der, err);
    if (status == COCO_OK)
        status = coco_key_verify_with(key, md, data, len, der.data, der.len, err);
    return status;
}

coco_status
coco_ecdsa_sign(EVP_PKEY *key, const void *data, size_t len, struct coco_buf *buf, coco_error **err)
{
    return sign(key, NULL, data, len, buf, err);
}

coco_status
coco_ecdsa_verify(EVP_PKEY *key, const void *data, size_t len, const uint8_t *sig, size_t sig_len,
                  coco_error **err)
{
    return verify(key, NULL, data, len, sig, sig_len, err);
}

coco_status
coco_ecdsa_sign_with(EVP_PKEY *key, enum coco_hash_alg alg, const void *data, size_t len,
                     struct coco_buf *buf, coco_error **err)
{
    return sign(key, coco_hash_md(alg), data, len, buf, err);
}

coco_status
coco_ecdsa_verify_with(EVP_PKEY *key, enum coco_hash_alg alg, const void *data, size_t len,
                       const uint8_t *sig, size_t sig_len, coco_error **err)
{
    return verify(key, coco_hash_md(alg), data, len, sig, sig_len, err);
}

coco_status
coco_ecdsa_to_der(const EVP_PKEY *key, const uint8_t *sig, size_t sig_len, struct coco_buf *buf,
                  coco_error **err)
{
    const struct curve *curve = NULL;

    coco_status status = curve_of_key(key, &curve, err);
    if (status != COCO_OK)
        return status;
    if (sig_len != 2 * curve->size)
        return coco_fail(err, COCO_ERR_PROTO, "signature has %zu bytes, not %zu", sig_len,
                         2 * curve->size);
    return unflatten(sig, curve->size, buf, err);
}
