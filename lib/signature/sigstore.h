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
#include "signature/judge.h"

#define COCO_SIGSTORE_OWN_MAX 3

/* A requirement with what it names read in. */
struct coco_sigstore_demand {
    const struct coco_judged_image *image;
    const cJSON *requirement;
    struct coco_trust trust;
};

/* What is looked for, and how each is judged: by one, whose self is the demand. */
struct coco_sigstore_kind {
    enum coco_signature_family family;
    coco_judge_one_fn *one;
};

/* A coco_judge_fn, but for kind. */
coco_status coco_sigstore_judge(const struct coco_sigstore_kind *kind,
                                const struct coco_judged_image *image, const cJSON *requirement,
                                cJSON *verdict, bool *accepted, struct coco_buf *reason,
                                coco_error **err);

/* One signature on its way through the checks: the first member of what they are given. */
struct coco_sigstore_look {
    const struct coco_sigstore_demand *demand;
    const struct coco_signature *signature;
    /* Found on the way. */
    struct coco_buf raw;                /* the signature's bytes, of a payload */
    struct coco_sigstore_bundle bundle; /* of a payload the signer alone */
};

void coco_sigstore_look_done(struct coco_sigstore_look *look);

/*
 * Checks who has signed, for what the demand trusts somebody for, and then the n own checks, up to
 * COCO_SIGSTORE_OWN_MAX, of the caller, whose structure begins with look.
 */
coco_status coco_sigstore_run(struct coco_sigstore_look *look, const struct coco_check *own,
                              size_t n, cJSON *verdict, bool *accepted, struct coco_buf *reason,
                              coco_error **err);

#endif
