/*
 * fuzz/token_claims/target.c - claims of a token: worse is never accepted where better is not
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token/appraisal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_json_ cJSON *claims = NULL;
    coco_error *err = NULL;
    coco_status before = COCO_ERR_DENIED;

    if (coco_json_parse_object((const char *)data, len, &claims, &err) != COCO_OK) {
        coco_error_free(err);
        return 0;
    }
    for (enum coco_token_tier worst = COCO_TOKEN_AFFIRMING; worst <= COCO_TOKEN_NONE; worst++) {
        coco_status status = coco_token_check_appraisal(claims, worst, &err);

        coco_error_free(err);
        err = NULL;
        if (before == COCO_OK && status != COCO_OK)
            abort();
        if (worst == COCO_TOKEN_NONE && status == COCO_ERR_DENIED)
            abort();
        before = status;
    }
    return 0;
}
