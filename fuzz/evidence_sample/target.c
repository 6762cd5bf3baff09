/*
 * fuzz/evidence_sample/target.c - evidence that anybody can make
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/verifier/bound.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define REPORT_DATA "nonce"

static bool
is_valid(const coco_verifier *verifier, const char *evidence)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_json_ cJSON *claims = NULL;

    if (verify_bound(verifier, "sample", evidence, REPORT_DATA, strlen(REPORT_DATA), &verdict, NULL)
        != COCO_OK)
        return false;
    const char *text = coco_verdict_claims(verdict);
    if (coco_json_parse_object(text, strlen(text), &claims, NULL) != COCO_OK)
        abort();
    return coco_verdict_valid(verdict);
}

/* Valid is only what holds the nonce, and nothing where sample is not allowed. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_free_ char *evidence = strndup((const char *)data, len);
    coco_status status = coco_verifier_new(&verifier, NULL);

    if (status != COCO_OK || !evidence)
        abort();
    if (is_valid(verifier, evidence))
        abort();
    coco_verifier_allow_sample(verifier);
    (void)is_valid(verifier, evidence);
    return 0;
}
