/*
 * crypto/rsa.c - RSA as formats other than X.509 and JOSE have it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/rsa.h"

#include "base/fail.h"
#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#define SIZE_MAX_BYTES ((size_t)1024) /* 8192 bits, as in crypto/key.c */

static OSSL_PARAM *
params_of(const BIGNUM *n, const BIGNUM *e)
{
    _cleanup_(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();

    if (!bld || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1
        || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) != 1)
        return NULL;
    return OSSL_PARAM_BLD_to_param(bld);
}

coco_status
coco_rsa_key_from_numbers(const uint8_t *modulus, size_t modulus_len, const uint8_t *exponent,
                          size_t exponent_len, EVP_PKEY **ret, coco_error **err)
{
    coco_ossl_errors_are_ours();

    if (modulus_len > SIZE_MAX_BYTES || exponent_len > SIZE_MAX_BYTES)
        return coco_fail(err, COCO_ERR_LIMIT, "RSA key of more than %zu bytes", SIZE_MAX_BYTES);
    _cleanup_(BN_clear_freep) BIGNUM *n = BN_bin2bn(modulus, (int)modulus_len, NULL);
    _cleanup_(BN_clear_freep) BIGNUM *e = BN_bin2bn(exponent, (int)exponent_len, NULL);
    _cleanup_(OSSL_PARAM_freep) OSSL_PARAM *params = n && e ? params_of(n, e) : NULL;
    _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1)
        return coco_fail_nomem(err);
    if (EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return coco_fail(err, COCO_ERR_PROTO, "no RSA key");
    coco_status status = coco_key_check(key, false, err);
    if (status == COCO_OK)
        *ret = coco_steal(&key);
    return status;
}

static bool
set_pss(EVP_PKEY_CTX *ctx)
{
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1
           && EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

coco_status
coco_rsa_pss_sign(EVP_PKEY *key, enum coco_hash_alg alg, const void *data, size_t len,
                  struct coco_buf *buf, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pss = NULL; /* of ctx */
    uint8_t sig[SIZE_MAX_BYTES];
    size_t sig_len = sizeof(sig);

    if (!ctx)
        return coco_fail_nomem(err);
    if (EVP_DigestSignInit(ctx, &pss, coco_hash_md(alg), NULL, key) != 1 || !set_pss(pss)
        || EVP_DigestSign(ctx, sig, &sig_len, data, len) != 1)
        return coco_fail(err, COCO_ERR_INVALID, "cannot sign with this key");
    return coco_buf_append(buf, sig, sig_len, err);
}

coco_status
coco_rsa_pss_verify(EVP_PKEY *key, enum coco_hash_alg alg, const void *data, size_t len,
                    const uint8_t *sig, size_t sig_len, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pss = NULL; /* of ctx */

    if (!ctx)
        return coco_fail_nomem(err);
    if (EVP_DigestVerifyInit(ctx, &pss, coco_hash_md(alg), NULL, key) != 1 || !set_pss(pss))
        return coco_fail(err, COCO_ERR_VERIFY, "key is not RSA");
    if (EVP_DigestVerify(ctx, sig, sig_len, data, len) != 1)
        return coco_fail(err, COCO_ERR_VERIFY, "signature does not fit");
    return COCO_OK;
}

coco_status
coco_rsa_pkcs1_wrap(EVP_PKEY *key, const struct coco_secret *secret, struct coco_buf *buf,
                    coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    uint8_t out[SIZE_MAX_BYTES];
    size_t len = sizeof(out);

    if (!ctx)
        return coco_fail_nomem(err);
    if (EVP_PKEY_encrypt_init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1
        || EVP_PKEY_encrypt(ctx, out, &len, secret->data, secret->len) != 1)
        return coco_fail(err, COCO_ERR_INVALID, "cannot encrypt to this key");
    return coco_buf_append(buf, out, len, err);
}

coco_status
coco_rsa_pkcs1_unwrap(EVP_PKEY *key, const struct coco_buf *wrapped, size_t len,
                      struct coco_secret *ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    _cleanup_secret_ struct coco_secret out = {0};

    if (!ctx)
        return coco_fail_nomem(err);
    coco_status status = coco_secret_alloc(SIZE_MAX_BYTES, &out, err);
    if (status != COCO_OK)
        return status;
    size_t got = out.len;
    if (EVP_PKEY_decrypt_init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1
        || EVP_PKEY_decrypt(ctx, out.data, &got, wrapped->data, wrapped->len) != 1 || got != len)
        return coco_fail(err, COCO_ERR_VERIFY, "cannot decrypt");
    return coco_secret_copy(out.data, len, ret, err);
}
