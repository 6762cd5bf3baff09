/*
 * tee/tcghash.c - hash algorithms, numbered as TCG does
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/tcghash.h"

#include "base/fail.h"
#include "crypto/ossl.h"

#include <string.h>

COCO_DEFINE_CLEANUP(EVP_MD *, EVP_MD_free);

static const struct hash {
    uint16_t alg;
    size_t size;
    const char *name;
    const char *openssl;
    const char *word;
} hashes[COCO_TCG_HASHES] = {
    {COCO_TCG_SHA1, 20, "SHA-1", "SHA1", "sha1"},
    {COCO_TCG_SHA256, 32, "SHA-256", "SHA2-256", "sha256"},
    {COCO_TCG_SHA384, 48, "SHA-384", "SHA2-384", "sha384"},
    {COCO_TCG_SHA512, 64, "SHA-512", "SHA2-512", "sha512"},
    {COCO_TCG_SM3, 32, "SM3", "SM3", "sm3"},
};

static const struct hash *
find(uint16_t alg)
{
    for (size_t i = 0; i < COCO_TCG_HASHES; i++)
        if (hashes[i].alg == alg)
            return &hashes[i];
    return NULL;
}

size_t
coco_tcg_hash_size(uint16_t alg)
{
    const struct hash *hash = find(alg);

    return hash ? hash->size : 0;
}

const char *
coco_tcg_hash_name(uint16_t alg)
{
    const struct hash *hash = find(alg);

    return hash ? hash->name : NULL;
}

uint16_t
coco_tcg_hash_parse(const char *name)
{
    for (size_t i = 0; i < COCO_TCG_HASHES; i++)
        if (strcmp(hashes[i].word, name) == 0)
            return hashes[i].alg;
    return 0;
}

/* The hash of a, followed by b. */
static coco_status
hash_two(uint16_t alg, const void *a, size_t a_len, const void *b, size_t b_len, uint8_t *ret,
         coco_error **err)
{
    const struct hash *hash = find(alg);

    coco_ossl_errors_are_ours();

    if (!hash)
        return coco_fail(err, COCO_ERR_NOTSUP, "hash algorithm 0x%04x", (unsigned)alg);
    _cleanup_(EVP_MD_freep) EVP_MD *md = EVP_MD_fetch(NULL, hash->openssl, NULL);
    if (!md)
        return coco_fail(err, COCO_ERR_NOTSUP, "OpenSSL has no %s", hash->name);
    _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestInit_ex(ctx, md, NULL) != 1 || EVP_DigestUpdate(ctx, a, a_len) != 1
        || EVP_DigestUpdate(ctx, b, b_len) != 1 || EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
        return coco_fail_nomem(err);
    return COCO_OK;
}

coco_status
coco_tcg_hash(uint16_t alg, const void *data, size_t len, uint8_t *ret, coco_error **err)
{
    return hash_two(alg, data, len, NULL, 0, ret, err);
}

coco_status
coco_tcg_extend(uint16_t alg, uint8_t *reg, const uint8_t *digest, coco_error **err)
{
    size_t size = coco_tcg_hash_size(alg);

    return hash_two(alg, reg, size, digest, size, reg, err);
}
