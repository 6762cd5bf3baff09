/*
 * kbs/appraise.h - how good proven claims are
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_APPRAISE_H
#define COCO_KBS_APPRAISE_H

#include "kbs/policies.h"

/* Evidence of one device, verified. */
struct coco_kbs_appraisal {
    const char *class; /* "cpu": names the policy, default_cpu, and the submod, cpu0 */
    const struct coco_policy_values *references;
    cJSON **evidence; /* what policies see as input: kbs-protocol A.9; the submod takes it */
};

/*
 * Appraises evidence and stores the submod of the token: status,
 * trustworthiness vector, policy id, the evidence, and what the policy adds.
 *
 * COCO_ERR_DENIED if the policy cannot be evaluated or answers with anything but
 * known claims from -128 to 127.
 */
coco_status coco_kbs_appraise(struct coco_kbs_policies *policies,
                              const struct coco_kbs_appraisal *appraisal, cJSON **ret,
                              coco_error **err);

#endif
