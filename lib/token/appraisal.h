/*
 * token/appraisal.h - what the parts of a guest came to (draft-ietf-rats-ear section 3)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TOKEN_APPRAISAL_H
#define COCO_TOKEN_APPRAISAL_H

#include "base/json.h"

/* The tiers of AR4SI (draft-ietf-rats-ar4si section 2.3.2), best first. */
enum coco_token_tier {
    COCO_TOKEN_AFFIRMING,
    COCO_TOKEN_WARNING,
    COCO_TOKEN_CONTRAINDICATED,
    COCO_TOKEN_NONE, /* nothing is known */
};

/* COCO_ERR_INVALID for another word. */
coco_status coco_token_tier_parse(const char *word, enum coco_token_tier *ret, coco_error **err);

/*
 * COCO_ERR_DENIED unless each of the "submods" of claims is as good as worst or better.
 * COCO_ERR_PROTO where there is none, or one says nothing of what it came to.
 */
coco_status coco_token_check_appraisal(const cJSON *claims, enum coco_token_tier worst,
                                       coco_error **err);

#endif
