/*
 * base/digest.h - digests, and their "sha256:<hex>" form
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_DIGEST_H
#define COCO_BASE_DIGEST_H

#include "base/cleanup.h"

#include <coco/error.h>
#include <openssl/types.h>

#define COCO_DIGEST_SIZE_MAX ((size_t)64)
#define COCO_DIGEST_TEXT_SIZE (sizeof("sha512:") + 2 * COCO_DIGEST_SIZE_MAX)

enum coco_hash_alg {
    COCO_SHA256 = 1, /* so that {0} is no digest */
    COCO_SHA384,
    COCO_SHA512,
};

/* Compared and looked up in this form, never as text: T8 in doc/threats.md. */
struct coco_digest {
    enum coco_hash_alg alg;
    uint8_t bytes[COCO_DIGEST_SIZE_MAX]; /* coco_digest_size() of them, the rest 0 */
};

size_t coco_hash_size(enum coco_hash_alg alg);
const char *coco_hash_name(enum coco_hash_alg alg); /* "sha256" */
const EVP_MD *coco_hash_md(enum coco_hash_alg alg); /* for functions of OpenSSL */
coco_status coco_hash_alg_parse(const char *name, enum coco_hash_alg *ret, coco_error **err);

/* Parses "sha256:<64 lower-case hex digits>" and its longer kin; COCO_ERR_PROTO for all else. */
coco_status coco_digest_parse(const char *text, struct coco_digest *ret, coco_error **err);
void coco_digest_format(const struct coco_digest *digest, char buf[COCO_DIGEST_TEXT_SIZE]);
bool coco_digest_equal(const struct coco_digest *a, const struct coco_digest *b);
/* COCO_ERR_VERIFY with both digests unless they are equal. */
coco_status coco_digest_check(const struct coco_digest *got, const struct coco_digest *want,
                              coco_error **err);
coco_status coco_digest_of(enum coco_hash_alg alg, const void *data, size_t len,
                           struct coco_digest *ret, coco_error **err);

/* A digest in the making; {0} is one that coco_hash_done() may see. */
struct coco_hash {
    void *md; /* EVP_MD_CTX */
    enum coco_hash_alg alg;
};

coco_status coco_hash_begin(struct coco_hash *ret, enum coco_hash_alg alg, coco_error **err);
coco_status coco_hash_add(struct coco_hash *hash, const void *data, size_t len, coco_error **err);
coco_status coco_hash_end(struct coco_hash *hash, struct coco_digest *ret, coco_error **err);
void coco_hash_done(struct coco_hash *hash);

#define _cleanup_hash_ _cleanup_(coco_hash_done)

#endif
