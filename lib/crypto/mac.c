/*
 * crypto/mac.c - HMAC, and AES in counter mode, of short messages
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/mac.h"

#include "base/fail.h"
#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <stdio.h>

#define MESSAGE_MAX ((size_t)1 << 30)

COCO_DEFINE_CLEANUP(EVP_MAC *, EVP_MAC_free);
COCO_DEFINE_CLEANUP(EVP_MAC_CTX *, EVP_MAC_CTX_free);

coco_status
coco_hmac(const EVP_MD *md, const struct coco_secret *key, const void *data, size_t len,
          uint8_t *ret, coco_error **err)
{
    static const uint8_t nothing = 0;
    coco_ossl_errors_are_ours();
    _cleanup_(EVP_MAC_freep) EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    _cleanup_(EVP_MAC_CTX_freep) EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    size_t size = (size_t)EVP_MD_get_size(md);
    char name[32];

    (void)snprintf(name, sizeof(name), "%s", EVP_MD_get0_name(md));
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    /* A key of NULL would be the one that was there before. */
    if (!ctx || EVP_MAC_init(ctx, key->data ? key->data : &nothing, key->len, params) != 1
        || EVP_MAC_update(ctx, len > 0 ? data : &nothing, len) != 1
        || EVP_MAC_final(ctx, ret, &size, size) != 1)
        return coco_fail_nomem(err);
    return COCO_OK;
}

coco_status
coco_aes128_ctr(const struct coco_secret *key, const uint8_t iv[COCO_AES128_SIZE], const void *data,
                size_t len, uint8_t *ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;

    if (key->len != COCO_AES128_SIZE)
        return coco_fail(err, COCO_ERR_INVALID, "AES key of %zu bytes, not %zu", key->len,
                         COCO_AES128_SIZE);
    if (len > MESSAGE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "message is longer than %zu bytes", MESSAGE_MAX);
    if (!ctx || EVP_EncryptInit_ex2(ctx, EVP_aes_128_ctr(), key->data, iv, NULL) != 1
        || (len > 0 && EVP_EncryptUpdate(ctx, ret, &n, data, (int)len) != 1))
        return coco_fail_nomem(err);
    return COCO_OK;
}
