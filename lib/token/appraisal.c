/*
 * token/appraisal.c - what the parts of a guest came to (draft-ietf-rats-ear section 3)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token/appraisal.h"

#include "base/fail.h"

#include <string.h>

static const struct {
    const char *word;
    uint64_t number; /* in its other form, of CBOR */
} tiers[] = {
    [COCO_TOKEN_AFFIRMING] = {"affirming", 2},
    [COCO_TOKEN_WARNING] = {"warning", 32},
    [COCO_TOKEN_CONTRAINDICATED] = {"contraindicated", 96},
    [COCO_TOKEN_NONE] = {"none", 0},
};

#define N_TIERS (sizeof(tiers) / sizeof(tiers[0]))

coco_status
coco_token_tier_parse(const char *word, enum coco_token_tier *ret, coco_error **err)
{
    for (size_t i = 0; i < N_TIERS; i++) {
        if (strcmp(word, tiers[i].word) != 0)
            continue;
        *ret = (enum coco_token_tier)i;
        return COCO_OK;
    }
    return coco_fail(err, COCO_ERR_INVALID,
                     "'%.32s' is not affirming, warning, contraindicated or none", word);
}

static bool
read_tier(const cJSON *status, enum coco_token_tier *ret)
{
    const char *word = cJSON_GetStringValue(status);
    uint64_t number = 0;
    bool is_number = cJSON_IsNumber(status) && coco_json_u64(status, &number, NULL) == COCO_OK;

    for (size_t i = 0; i < N_TIERS; i++) {
        if ((!is_number || number != tiers[i].number)
            && (!word || strcmp(word, tiers[i].word) != 0))
            continue;
        *ret = (enum coco_token_tier)i;
        return true;
    }
    return false;
}

static coco_status
check_part(const cJSON *part, enum coco_token_tier worst, coco_error **err)
{
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(part, "ear.status");
    enum coco_token_tier tier = COCO_TOKEN_NONE;

    if (!cJSON_IsObject(part) || !read_tier(status, &tier))
        return coco_fail(err, COCO_ERR_PROTO, "submods: %.64s does not say what it came to",
                         part->string);
    if (tier > worst)
        return coco_fail(err, COCO_ERR_DENIED, "%.64s is %s", part->string, tiers[tier].word);
    return COCO_OK;
}

coco_status
coco_token_check_appraisal(const cJSON *claims, enum coco_token_tier worst, coco_error **err)
{
    const cJSON *submods = NULL;
    const cJSON *part = NULL;

    coco_status status = coco_json_get_object_opt(claims, "submods", &submods, err);
    if (status != COCO_OK)
        return status;
    if (!submods || !submods->child)
        return coco_fail(err, COCO_ERR_PROTO, "is no attestation result: it has no submods");
    cJSON_ArrayForEach(part, submods) {
        status = check_part(part, worst, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}
