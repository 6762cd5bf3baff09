/*
 * token/verifier.h - inside of a coco_token_verifier
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TOKEN_VERIFIER_H
#define COCO_TOKEN_VERIFIER_H

#include "crypto/cert.h"
#include "crypto/jwk_set.h"
#include "crypto/jws.h"
#include "token/appraisal.h"

#include <coco/token.h>

#include <pthread.h>

/* ms for which the keys of an issuer are good, and at least between two requests for them. */
#define COCO_TOKEN_KEYS_FRESH_MS 300000
#define COCO_TOKEN_KEYS_PAUSE_MS 30000
/* The latter where the first of the two failed. */
#define COCO_TOKEN_KEYS_RETRY_MS 5000

struct coco_token_verifier {
    struct coco_jwk_set keys;
    struct coco_cert_chain roots;
    char *issuer;
    char *audience;
    struct coco_buf tls_ca;
    enum coco_token_tier worst;
    int64_t now; /* 0: the machine's */

    pthread_mutex_t lock;        /* of what follows */
    struct coco_jwk_set fetched; /* the issuer's */
    uint64_t fetched_ms;         /* of coco_clock_ms(); 0: never */
    coco_error *failure;         /* why they could not be had lately, or NULL */
    uint64_t failed_ms;
};

/*
 * Who signed jws, if that is somebody whom verifier trusts; its signature is still to be
 * verified. A reference. Errors of coco_token_verify().
 */
coco_status coco_token_signer(coco_token_verifier *verifier, coco_ctx *ctx,
                              const struct coco_jws *jws, int64_t now, EVP_PKEY **ret,
                              coco_error **err);

#endif
