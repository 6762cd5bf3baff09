/*
 * signature/sigstore.h - who has signed what cosign attaches to an image, and when
 *
 *     form -> signature -> log -> time stamp -> certificate
 *
 * of a payload or an envelope with annotations, or of a Sigstore bundle. What nobody is trusted for
 * is left out; what is signed is for the caller.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_SIGSTORE_H
#define COCO_SIGNATURE_SIGSTORE_H

#include "signature/bundle.h"
#include "signature/verdict.h"

#define COCO_SIGSTORE_CHECKS_MAX 5

/* One signature on its way through the checks: the first member of what they are given. */
struct coco_sigstore_look {
    const struct coco_trust *trust;
    const cJSON *requirement;
    int64_t now;
    const struct coco_signature *signature;
    /* Found on the way. */
    struct coco_buf raw;                /* the signature's bytes, of a payload */
    struct coco_sigstore_bundle bundle; /* of a payload the signer alone */
};

/* Of one whose other members are set. */
void coco_sigstore_look_begin(struct coco_sigstore_look *look);
void coco_sigstore_look_done(struct coco_sigstore_look *look);

/* Writes those that trust has somebody for to ret, which has room for all, and says how many. */
size_t coco_sigstore_checks(const struct coco_trust *trust, struct coco_check *ret);

#endif
