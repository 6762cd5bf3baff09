/*
 * softtee/intel.h - an Intel that is nobody's: quotes, and its word on them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SOFTTEE_INTEL_H
#define COCO_SOFTTEE_INTEL_H

#include "softtee/pki.h"
#include "tee/quote.h"

struct coco_intel {
    struct coco_pki root;
    struct coco_pki ca;
    struct coco_pki pck;
    struct coco_pki signer; /* of TCB info and identities */
    EVP_PKEY *key;          /* of attestation */
    struct coco_buf chain;  /* of the PCK, PEM */
};

void coco_intel_done(struct coco_intel *intel);

/* Certificates that dir keeps, or new ones; the attestation key is always new. */
coco_status coco_intel_open(const char *dir, struct coco_intel *ret, coco_error **err);

/*
 * Writes all that a verifier asks for to dir, by the names of coco/collateral.h: as of
 * now, and good for a month.
 */
coco_status coco_intel_publish(const struct coco_intel *intel, const char *dir, coco_error **err);

/* Appends a quote of td, version 4; what Intel's firmware says of itself is filled in. */
coco_status coco_intel_quote(const struct coco_intel *intel, const struct coco_td_report *td,
                             struct coco_buf *ret, coco_error **err);

#endif
