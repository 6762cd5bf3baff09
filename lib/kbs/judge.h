/*
 * kbs/judge.h - what evidence is worth
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_JUDGE_H
#define COCO_KBS_JUDGE_H

#include "kbs/challenge.h"
#include "kbs/policy.h"
#include "rcar/messages.h"

/* One judgement on its way. */
struct coco_kbs_judgement {
    struct coco_kbs_call *call;
    int64_t now;
    uint64_t epoch; /* of the sessions, when it began */
    struct coco_kbs_challenge challenge;
    struct coco_rcar_attestation sent;
    cJSON *trace;   /* where what does not hold is put down */
    cJSON *submods; /* of what does: the token's */

    /* While it is judged. */
    struct coco_policy_values *references;
    struct coco_digest init_digest;
    cJSON *init_claims; /* or NULL */
};

void coco_kbs_judgement_done(struct coco_kbs_judgement *j);

/*
 * Verifies the evidence that was sent, of every device, has policies appraise it, and uses up the
 * nonce of its challenge. COCO_ERR_NET where collateral is being fetched: it may be sent again.
 */
coco_status coco_kbs_judge(struct coco_kbs_judgement *j, coco_error **err);

#endif
