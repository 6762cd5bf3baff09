/*
 * crypto/aead.c - AES-GCM for short messages
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/aead.h"

#include "base/fail.h"
#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <string.h>

/* EVP counts in int. */
#define MESSAGE_MAX ((size_t)1 << 30)

COCO_DEFINE_CLEANUP(EVP_KDF *, EVP_KDF_free);
COCO_DEFINE_CLEANUP(EVP_KDF_CTX *, EVP_KDF_CTX_free);

/* Everything up to the tag; encrypts or decrypts len bytes of in to out. */
static coco_status
run(EVP_CIPHER_CTX *gcm, const struct coco_buf *aad, const void *in, size_t len, uint8_t *out,
    coco_error **err)
{
    int n = 0;

    if (len > MESSAGE_MAX || (aad && aad->len > MESSAGE_MAX))
        return coco_fail(err, COCO_ERR_LIMIT, "message is longer than %zu bytes", MESSAGE_MAX);
    if (aad && aad->len > 0 && EVP_CipherUpdate(gcm, NULL, &n, aad->data, (int)aad->len) != 1)
        return coco_fail_nomem(err);
    if (len > 0 && EVP_CipherUpdate(gcm, out, &n, in, (int)len) != 1)
        return coco_fail_nomem(err);
    return COCO_OK;
}

static const EVP_CIPHER *
cipher_for(const struct coco_secret *key)
{
    switch (key->len) {
    case 16:
        return EVP_aes_128_gcm();
    case 24:
        return EVP_aes_192_gcm();
    case 32:
        return EVP_aes_256_gcm();
    default:
        return NULL;
    }
}

static coco_status
begin(const struct coco_gcm *gcm, int encrypt, EVP_CIPHER_CTX **ret, coco_error **err)
{
    _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = cipher_for(gcm->key);

    if (!cipher)
        return coco_fail(err, COCO_ERR_INVALID, "AES key of %zu bytes", gcm->key->len);
    if (!ctx || EVP_CipherInit_ex2(ctx, cipher, gcm->key->data, gcm->iv, encrypt, NULL) != 1)
        return coco_fail_nomem(err);
    *ret = coco_steal(&ctx);
    return COCO_OK;
}

coco_status
coco_gcm_seal(const struct coco_gcm *gcm, const void *data, size_t len, struct coco_buf *ciphertext,
              uint8_t tag[COCO_AEAD_TAG_SIZE], coco_error **err)
{
    _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = NULL;
    _cleanup_secret_ struct coco_secret out = {0};
    uint8_t made[COCO_AEAD_TAG_SIZE];
    int n = 0;

    coco_status status = begin(gcm, 1, &ctx, err);
    if (status == COCO_OK)
        status = coco_secret_alloc(len, &out, err);
    if (status == COCO_OK)
        status = run(ctx, gcm->aad, data, len, out.data, err);
    if (status != COCO_OK)
        return status;

    if (EVP_EncryptFinal_ex(ctx, out.data + len, &n) != 1
        || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, sizeof(made), made) != 1)
        return coco_fail_nomem(err);
    status = coco_buf_append(ciphertext, out.data, out.len, err);
    if (status == COCO_OK)
        memcpy(tag, made, sizeof(made));
    return status;
}

coco_status
coco_gcm_open(const struct coco_gcm *gcm, const void *ciphertext, size_t len,
              const uint8_t tag[COCO_AEAD_TAG_SIZE], struct coco_secret *ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = NULL;
    _cleanup_secret_ struct coco_secret out = {0};
    uint8_t want[COCO_AEAD_TAG_SIZE];
    int n = 0;

    coco_status status = begin(gcm, 0, &ctx, err);
    if (status == COCO_OK)
        status = coco_secret_alloc(len, &out, err);
    if (status == COCO_OK)
        status = run(ctx, gcm->aad, ciphertext, len, out.data, err);
    if (status != COCO_OK)
        return status;

    memcpy(want, tag, sizeof(want));
    if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof(want), want) != 1
        || EVP_DecryptFinal_ex(ctx, out.data + len, &n) != 1)
        return coco_fail(err, COCO_ERR_VERIFY, "authentication failed");
    *ret = coco_secret_steal(&out);
    return COCO_OK;
}

coco_status /* NOLINTNEXTLINE(readability-function-size): these are RFC 5116's arguments */
coco_aead_seal(const uint8_t key[COCO_AEAD_KEY_SIZE], const uint8_t iv[COCO_AEAD_IV_SIZE],
               const struct coco_buf *aad, const void *data, size_t len,
               struct coco_buf *ciphertext, uint8_t tag[COCO_AEAD_TAG_SIZE], coco_error **err)
{
    const struct coco_secret lent = {.data = (uint8_t *)(uintptr_t)key, .len = COCO_AEAD_KEY_SIZE};
    const struct coco_gcm gcm = {.key = &lent, .iv = iv, .aad = aad};

    return coco_gcm_seal(&gcm, data, len, ciphertext, tag, err);
}

coco_status /* NOLINTNEXTLINE(readability-function-size): these are RFC 5116's arguments */
coco_aead_open(const uint8_t key[COCO_AEAD_KEY_SIZE], const uint8_t iv[COCO_AEAD_IV_SIZE],
               const struct coco_buf *aad, const void *ciphertext, size_t len,
               const uint8_t tag[COCO_AEAD_TAG_SIZE], struct coco_secret *ret, coco_error **err)
{
    const struct coco_secret lent = {.data = (uint8_t *)(uintptr_t)key, .len = COCO_AEAD_KEY_SIZE};
    const struct coco_gcm gcm = {.key = &lent, .iv = iv, .aad = aad};

    return coco_gcm_open(&gcm, ciphertext, len, tag, ret, err);
}

coco_status
coco_hkdf(const struct coco_secret *key, const char *info, size_t len, struct coco_secret *ret,
          coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_free_ char *info_copy = strdup(info); /* for parameters that are not const */
    char sha256[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key->data, key->len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info_copy, strlen(info)),
        OSSL_PARAM_construct_end(),
    };
    _cleanup_(EVP_KDF_freep) EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    _cleanup_(EVP_KDF_CTX_freep) EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    _cleanup_secret_ struct coco_secret out = {0};

    if (!ctx || !info_copy)
        return coco_fail_nomem(err);
    coco_status status = coco_secret_alloc(len, &out, err);
    if (status != COCO_OK)
        return status;
    if (EVP_KDF_derive(ctx, out.data, out.len, params) != 1)
        return coco_fail(err, COCO_ERR_INVALID, "cannot derive a key of %zu bytes", len);
    *ret = coco_secret_steal(&out);
    return COCO_OK;
}
