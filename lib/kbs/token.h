/*
 * kbs/token.h - attestation tokens: EAR in a JWT
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_TOKEN_H
#define COCO_KBS_TOKEN_H

#include "base/json.h"
#include "kbs/core.h"
#include "rcar/version.h"

/* What a token says. */
struct coco_kbs_token_facts {
    enum coco_rcar_version version; /* that the guest speaks */
    cJSON **submods;                /* the token takes them */
    const cJSON *tee_pubkey;
    const char *audience; /* whom it is for; NULL: this KBS, and whoever else takes it */
    int64_t now;
};

/*
 * The claims of a token, with copies of the facts: draft-fv-rats-ear as upstream
 * fills it (kbs-protocol A.9), and cnf (RFC 7800).
 */
coco_status coco_kbs_token_claims(const struct coco_kbs_core *core,
                                  const struct coco_kbs_token_facts *facts, cJSON **ret,
                                  coco_error **err);

/* The version that the guest of these claims speaks. */
coco_status coco_kbs_token_version(const cJSON *claims, enum coco_rcar_version *ret,
                                   coco_error **err);

/*
 * Appends the signed token of claims, which are text. The key is in the header as "jwk", as
 * upstream has it, and named, "kid", for those who took it from a place that they trust
 * (kbs/issuer.h).
 */
coco_status coco_kbs_token_sign(const struct coco_kbs_core *core, const struct coco_buf *claims,
                                struct coco_buf *buf, coco_error **err);

/*
 * The claims of a token that this KBS issued, not for somebody else, and that is still
 * valid; COCO_ERR_VERIFY or COCO_ERR_PROTO for any other. The key in its header is not
 * looked at: anybody can put one there.
 */
coco_status coco_kbs_token_verify(const struct coco_kbs_core *core, const char *token, size_t len,
                                  cJSON **ret, coco_error **err);

#endif
