/*
 * crypto/keywrap.c - wrapping keys: OAEP, AES key wrap, ECDH-ES (RFC 7518 section 4)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/keywrap.h"

#include "base/fail.h"
#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/rsa.h>
#include <string.h>

#define PARTY_INFO_MAX ((size_t)1 << 10)
#define WRAPPED_MAX ((size_t)1 << 10) /* an RSA modulus of 8192 bits */
#define WRAP_OVERHEAD 8

COCO_DEFINE_CLEANUP(EVP_KDF *, EVP_KDF_free);
COCO_DEFINE_CLEANUP(EVP_KDF_CTX *, EVP_KDF_CTX_free);

static coco_status
append_u32(struct coco_buf *buf, size_t value, coco_error **err)
{
    const uint8_t bytes[] = {
        (uint8_t)(value >> 24),
        (uint8_t)(value >> 16),
        (uint8_t)(value >> 8),
        (uint8_t)value,
    };

    return coco_buf_append(buf, bytes, sizeof(bytes), err);
}

/* Datalen || Data. */
static coco_status
append_sized(struct coco_buf *buf, const void *data, size_t len, coco_error **err)
{
    coco_status status = append_u32(buf, len, err);

    if (status == COCO_OK)
        status = coco_buf_append(buf, data, len, err);
    return status;
}

static coco_status
append_party(struct coco_buf *buf, const struct coco_buf *party, coco_error **err)
{
    return party ? append_sized(buf, party->data, party->len, err) : append_u32(buf, 0, err);
}

/* AlgorithmID || PartyUInfo || PartyVInfo || SuppPubInfo, with no SuppPrivInfo. */
static coco_status
other_info(const struct coco_agreement *agreement, struct coco_buf *buf, coco_error **err)
{
    coco_status status = append_sized(buf, agreement->alg, strlen(agreement->alg), err);

    if (status == COCO_OK)
        status = append_party(buf, agreement->apu, err);
    if (status == COCO_OK)
        status = append_party(buf, agreement->apv, err);
    if (status == COCO_OK)
        status = append_u32(buf, agreement->key_size * 8, err);
    return status;
}

coco_status
coco_concat_kdf(const struct coco_secret *z, const struct coco_agreement *agreement,
                struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf info = {.limit = 3 * PARTY_INFO_MAX};
    _cleanup_secret_ struct coco_secret out = {0};
    char sha256[] = "SHA256";

    coco_status status = other_info(agreement, &info, err);
    if (status == COCO_OK)
        status = coco_secret_alloc(agreement->key_size, &out, err);
    if (status != COCO_OK)
        return status;

    /* The one-step KDF of SP 800-56C is what RFC 7518 calls Concat KDF. */
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, z->data, z->len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data, info.len),
        OSSL_PARAM_construct_end(),
    };
    _cleanup_(EVP_KDF_freep) EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SSKDF", NULL);
    _cleanup_(EVP_KDF_CTX_freep) EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    if (!ctx || EVP_KDF_derive(ctx, out.data, out.len, params) != 1)
        return coco_fail_nomem(err);
    *ret = coco_secret_steal(&out);
    return COCO_OK;
}

coco_status
coco_ecdh(EVP_PKEY *own, EVP_PKEY *peer, struct coco_secret *ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    _cleanup_secret_ struct coco_secret z = {0};
    size_t len = 0;

    if (!ctx || EVP_PKEY_derive_init(ctx) != 1)
        return coco_fail(err, COCO_ERR_VERIFY, "key is not for key agreement");
    /* That a point is on its curve is all there is to check where the cofactor is 1 (SP 800-56A
       section 5.6.2.3.4), and was when the key was read: coco_key_check(). OpenSSL would
       multiply it by the order, too. */
    if (EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) != 1 || EVP_PKEY_derive(ctx, NULL, &len) != 1)
        return coco_fail(err, COCO_ERR_VERIFY, "the peer's key does not fit");
    coco_status status = coco_secret_alloc(len, &z, err);
    if (status != COCO_OK)
        return status;
    if (EVP_PKEY_derive(ctx, z.data, &z.len) != 1)
        return coco_fail(err, COCO_ERR_VERIFY, "key agreement failed");
    *ret = coco_secret_steal(&z);
    return COCO_OK;
}

coco_status
coco_ecdh_es(EVP_PKEY *own, EVP_PKEY *peer, const struct coco_agreement *agreement,
             struct coco_secret *ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret z = {0};

    coco_status status = coco_ecdh(own, peer, &z, err);
    return status == COCO_OK ? coco_concat_kdf(&z, agreement, ret, err) : status;
}

/* OAEP with md, or PKCS#1 v1.5 if that is NULL. */
static coco_status
set_padding(EVP_PKEY_CTX *ctx, const EVP_MD *md, coco_error **err)
{
    if (!md) {
        if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1)
            return coco_fail(err, COCO_ERR_NOTSUP, "no PKCS#1 v1.5 padding");
        return COCO_OK;
    }
    if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1
        || EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) != 1)
        return coco_fail(err, COCO_ERR_NOTSUP, "no OAEP with %s", EVP_MD_get0_name(md));
    return COCO_OK;
}

static coco_status
rsa_wrap(EVP_PKEY *key, const EVP_MD *md, const struct coco_secret *secret, struct coco_buf *buf,
         coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    uint8_t out[WRAPPED_MAX];
    size_t len = sizeof(out);

    if (!ctx || EVP_PKEY_encrypt_init(ctx) != 1)
        return coco_fail(err, COCO_ERR_INVALID, "key is not for encryption");
    coco_status status = set_padding(ctx, md, err);
    if (status != COCO_OK)
        return status;
    if (EVP_PKEY_encrypt(ctx, out, &len, secret->data, secret->len) != 1)
        return coco_fail(err, COCO_ERR_INVALID, "cannot encrypt with this key");
    return coco_buf_append(buf, out, len, err);
}

static coco_status
rsa_unwrap(EVP_PKEY *key, const EVP_MD *md, const struct coco_buf *wrapped, struct coco_secret *ret,
           coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    _cleanup_secret_ struct coco_secret out = {0};
    size_t len = WRAPPED_MAX;

    if (!ctx || EVP_PKEY_decrypt_init(ctx) != 1)
        return coco_fail(err, COCO_ERR_VERIFY, "key is not for decryption");
    coco_status status = set_padding(ctx, md, err);
    if (status == COCO_OK)
        status = coco_secret_alloc(WRAPPED_MAX, &out, err);
    if (status != COCO_OK)
        return status;
    if (EVP_PKEY_decrypt(ctx, out.data, &len, wrapped->data, wrapped->len) != 1)
        return coco_fail(err, COCO_ERR_VERIFY, "wrapped key does not open");
    return coco_secret_copy(out.data, len, ret, err);
}

coco_status
coco_oaep_wrap(EVP_PKEY *key, const EVP_MD *md, const struct coco_secret *secret,
               struct coco_buf *buf, coco_error **err)
{
    return rsa_wrap(key, md, secret, buf, err);
}

coco_status
coco_oaep_unwrap(EVP_PKEY *key, const EVP_MD *md, const struct coco_buf *wrapped,
                 struct coco_secret *ret, coco_error **err)
{
    return rsa_unwrap(key, md, wrapped, ret, err);
}

coco_status
coco_pkcs1_wrap(EVP_PKEY *key, const struct coco_secret *secret, struct coco_buf *buf,
                coco_error **err)
{
    return rsa_wrap(key, NULL, secret, buf, err);
}

/* The random secret is made in any case, so that making it tells nothing. */
coco_status
coco_pkcs1_unwrap(EVP_PKEY *key, const struct coco_buf *wrapped, size_t size,
                  struct coco_secret *ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret random = {0};
    _cleanup_secret_ struct coco_secret opened = {0};

    coco_status status = coco_secret_random(size, &random, err);
    if (status != COCO_OK)
        return status;
    status = rsa_unwrap(key, NULL, wrapped, &opened, NULL);
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    *ret = coco_secret_steal(status == COCO_OK && opened.len == size ? &opened : &random);
    return COCO_OK;
}

static const EVP_CIPHER *
wrap_cipher(size_t key_size)
{
    if (key_size == 16)
        return EVP_aes_128_wrap();
    if (key_size == 24)
        return EVP_aes_192_wrap();
    return key_size == COCO_KEK_SIZE ? EVP_aes_256_wrap() : NULL;
}

static coco_status
begin_wrap(const struct coco_secret *kek, int encrypt, EVP_CIPHER_CTX **ret, coco_error **err)
{
    _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    const EVP_CIPHER *cipher = wrap_cipher(kek->len);

    if (!cipher)
        return coco_fail(err, COCO_ERR_INVALID, "key of %zu bytes, which AES does not have",
                         kek->len);
    if (!ctx)
        return coco_fail_nomem(err);
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_CipherInit_ex2(ctx, cipher, kek->data, NULL, encrypt, NULL) != 1)
        return coco_fail_nomem(err);
    *ret = coco_steal(&ctx);
    return COCO_OK;
}

coco_status
coco_aes_wrap(const struct coco_secret *kek, const struct coco_secret *secret, struct coco_buf *buf,
              coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = NULL;
    uint8_t out[WRAPPED_MAX];
    int n = 0;

    coco_status status = begin_wrap(kek, 1, &ctx, err);
    if (status != COCO_OK)
        return status;
    if (secret->len > sizeof(out) - WRAP_OVERHEAD
        || EVP_EncryptUpdate(ctx, out, &n, secret->data, (int)secret->len) != 1)
        return coco_fail(err, COCO_ERR_INVALID, "cannot wrap %zu bytes", secret->len);
    return coco_buf_append(buf, out, (size_t)n, err);
}

coco_status
coco_aes_unwrap(const struct coco_secret *kek, const struct coco_buf *wrapped,
                struct coco_secret *ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = NULL;
    _cleanup_secret_ struct coco_secret out = {0};
    int n = 0;

    coco_status status = begin_wrap(kek, 0, &ctx, err);
    if (status == COCO_OK)
        status = coco_secret_alloc(WRAPPED_MAX, &out, err);
    if (status != COCO_OK)
        return status;
    if (wrapped->len > WRAPPED_MAX
        || EVP_DecryptUpdate(ctx, out.data, &n, wrapped->data, (int)wrapped->len) != 1 || n == 0)
        return coco_fail(err, COCO_ERR_VERIFY, "wrapped key does not open");
    return coco_secret_copy(out.data, (size_t)n, ret, err);
}
