/*
 * signature/judge.h - whether an image is what a policy demands, and why not
 *
 * Each type of requirement is judged by a row of a table. The verdict says of each what
 * was checked and what it came to, so that whoever wrote the policy need not guess.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_JUDGE_H
#define COCO_SIGNATURE_JUDGE_H

#include "signature/dsse.h"
#include "signature/policy.h"
#include "signature/signature.h"
#include "signature/verdict.h"

/* What is judged; all of it is lent. */
struct coco_judged_image {
    struct coco_policy_image asked;
    /* Of what was got: the manifest's, and of the indexes on the way, which name it. */
    const struct coco_digest *digests;
    size_t n_digests;
    const struct coco_signature_source *source;
    int64_t now; /* seconds since 1970 */
};

/* A signature of the image itself, not of another: COCO_ERR_VERIFY with the digest it is of. */
coco_status coco_judged_is(const struct coco_judged_image *image,
                           const struct coco_digest *signed_digest, coco_error **err);

/* The same of a statement: one of its subjects must be the image. */
coco_status coco_judged_is_stated(const struct coco_judged_image *image,
                                  const struct coco_statement *statement, coco_error **err);

/* Writes what a requirement comes to into verdict, all but its type. */
typedef coco_status coco_judge_fn(const struct coco_judged_image *image, const cJSON *requirement,
                                  cJSON *verdict, bool *accepted, struct coco_buf *reason,
                                  coco_error **err);

coco_judge_fn coco_judge_sigstore_signed;
coco_judge_fn coco_judge_signed_by;
coco_judge_fn coco_judge_notation_signed;
coco_judge_fn coco_judge_in_toto_attested;

/*
 * Judges each signature of list by one, until one is accepted, and writes "signatures".
 * An empty list is refused.
 */
typedef coco_status coco_judge_one_fn(void *self, const struct coco_signature *signature,
                                      cJSON *verdict, bool *accepted, struct coco_buf *reason,
                                      coco_error **err);
coco_status coco_judge_each(const struct coco_signatures *list, coco_judge_one_fn *one, void *self,
                            cJSON *verdict, bool *accepted, struct coco_buf *reason,
                            coco_error **err);

/*
 * Judges image by every requirement of the scopes it is in, and appends what that came to to
 * verdict, an array. COCO_OK however it ends: *accepted is the answer, and *why, unless
 * it is yes, what refuses. Without a policy (NULL) it is yes for an image asked for by its
 * digest.
 */
coco_status coco_policy_judge(const struct coco_policy *policy,
                              const struct coco_judged_image *image, cJSON *verdict, bool *accepted,
                              struct coco_buf *why, coco_error **err);

#endif
