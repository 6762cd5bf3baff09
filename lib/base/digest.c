/*
 * base/digest.c - digests, and their "sha256:<hex>" form
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/digest.h"

#include "base/fail.h"
#include "base/text.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
    const EVP_MD *(*md)(void);
} algs[] = {
    [COCO_SHA256] = {"sha256", 32, EVP_sha256},
    [COCO_SHA384] = {"sha384", 48, EVP_sha384},
    [COCO_SHA512] = {"sha512", 64, EVP_sha512},
};

#define N_ALGS (sizeof(algs) / sizeof(algs[0]))

size_t
coco_hash_size(enum coco_hash_alg alg)
{
    return algs[alg].size;
}

const char *
coco_hash_name(enum coco_hash_alg alg)
{
    return algs[alg].name;
}

const EVP_MD *
coco_hash_md(enum coco_hash_alg alg)
{
    return algs[alg].md();
}

coco_status
coco_hash_alg_parse(const char *name, enum coco_hash_alg *ret, coco_error **err)
{
    for (size_t i = COCO_SHA256; i < N_ALGS; i++) {
        if (strcmp(name, algs[i].name) == 0) {
            *ret = (enum coco_hash_alg)i;
            return COCO_OK;
        }
    }
    return coco_fail(err, COCO_ERR_NOTSUP, "hash '%.32s' is not sha256, sha384 or sha512", name);
}

coco_status
coco_digest_parse(const char *text, struct coco_digest *ret, coco_error **err)
{
    for (size_t i = COCO_SHA256; i < N_ALGS; i++) {
        struct coco_digest digest = {.alg = (enum coco_hash_alg)i};
        size_t prefix = strlen(algs[i].name);

        if (strncmp(text, algs[i].name, prefix) != 0 || text[prefix] != ':')
            continue;
        const char *hex = text + prefix + 1;
        /* Upper case would give one digest two names (image-spec, descriptor.md). */
        if (strspn(hex, "0123456789abcdef") != strlen(hex)
            || !coco_unhex(hex, strlen(hex), digest.bytes, algs[i].size))
            break;
        *ret = digest;
        return COCO_OK;
    }
    return coco_fail(err, COCO_ERR_PROTO, "'%.140s' is not a digest", text);
}

void
coco_digest_format(const struct coco_digest *digest, char buf[COCO_DIGEST_TEXT_SIZE])
{
    char hex[2 * COCO_DIGEST_SIZE_MAX + 1];

    coco_hex(digest->bytes, algs[digest->alg].size, hex);
    (void)snprintf(buf, COCO_DIGEST_TEXT_SIZE, "%s:%s", algs[digest->alg].name, hex);
}

bool
coco_digest_equal(const struct coco_digest *a, const struct coco_digest *b)
{
    return a->alg == b->alg && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

coco_status
coco_digest_check(const struct coco_digest *got, const struct coco_digest *want, coco_error **err)
{
    char got_text[COCO_DIGEST_TEXT_SIZE];
    char want_text[COCO_DIGEST_TEXT_SIZE];

    if (coco_digest_equal(got, want))
        return COCO_OK;
    coco_digest_format(got, got_text);
    coco_digest_format(want, want_text);
    return coco_fail(err, COCO_ERR_VERIFY, "want %s, got %s", want_text, got_text);
}

coco_status
coco_digest_of(enum coco_hash_alg alg, const void *data, size_t len, struct coco_digest *ret,
               coco_error **err)
{
    _cleanup_hash_ struct coco_hash hash = {0};

    coco_status status = coco_hash_begin(&hash, alg, err);
    if (status == COCO_OK)
        status = coco_hash_add(&hash, data, len, err);
    if (status == COCO_OK)
        status = coco_hash_end(&hash, ret, err);
    return status;
}

coco_status
coco_hash_begin(struct coco_hash *ret, enum coco_hash_alg alg, coco_error **err)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();

    if (!md || EVP_DigestInit_ex(md, coco_hash_md(alg), NULL) != 1) {
        EVP_MD_CTX_free(md);
        return coco_fail_nomem(err);
    }
    *ret = (struct coco_hash){.md = md, .alg = alg};
    return COCO_OK;
}

coco_status
coco_hash_add(struct coco_hash *hash, const void *data, size_t len, coco_error **err)
{
    if (EVP_DigestUpdate(hash->md, data, len) != 1)
        return coco_fail_nomem(err);
    return COCO_OK;
}

coco_status
coco_hash_end(struct coco_hash *hash, struct coco_digest *ret, coco_error **err)
{
    struct coco_digest digest = {.alg = hash->alg};

    if (EVP_DigestFinal_ex(hash->md, digest.bytes, NULL) != 1)
        return coco_fail_nomem(err);
    *ret = digest;
    return COCO_OK;
}

void
coco_hash_done(struct coco_hash *hash)
{
    EVP_MD_CTX_free(hash->md);
    hash->md = NULL;
}
