/*
 * fuzz/evidence_se/target.c - requests to IBM Secure Execution, and evidence of it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/se.h"
#include "tests/verifier/bound.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
use_request(const cJSON *object)
{
    _cleanup_se_request_ struct coco_se_request request = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};

    if (coco_se_request_parse(object, &request, NULL) == COCO_OK
        && coco_se_request_format(&request, &text, NULL) != COCO_OK)
        abort();
}

/* Evidence that is read comes out as it went in. */
static void
use_evidence(const cJSON *object)
{
    _cleanup_se_evidence_ struct coco_se_evidence evidence = {0};
    _cleanup_se_evidence_ struct coco_se_evidence read = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};
    _cleanup_buf_ struct coco_buf again = {.limit = COCO_JSON_SIZE_MAX};
    _cleanup_json_ cJSON *back = NULL;

    if (coco_se_evidence_parse(object, &evidence, NULL) != COCO_OK)
        return;
    if (coco_se_evidence_format(&evidence, &text, NULL) != COCO_OK
        || coco_json_parse_object(coco_buf_text(&text), text.len, &back, NULL) != COCO_OK
        || coco_se_evidence_parse(back, &read, NULL) != COCO_OK
        || coco_se_evidence_format(&read, &again, NULL) != COCO_OK
        || strcmp(coco_buf_text(&text), coco_buf_text(&again)) != 0)
        abort();
}

/* This verifier has never asked anybody. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_free_ char *text = strndup((const char *)data, len);
    _cleanup_json_ cJSON *object = NULL;

    if (!text || coco_verifier_new(&verifier, NULL) != COCO_OK)
        abort();
    if (coco_json_parse_object(text, strlen(text), &object, NULL) == COCO_OK) {
        use_request(object);
        use_evidence(object);
    }
    if (verify_bound(verifier, "se", text, "nonce", 5, &verdict, NULL) == COCO_OK
        && coco_verdict_valid(verdict))
        abort();
    return 0;
}
