/*
 * fuzz/evidence_csv/target.c - evidence of Hygon CSV
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/csv.h"
#include "tests/verifier/bound.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Evidence that is read comes out as it went in, but for what is behind the body. */
static void
use(const struct coco_csv_evidence *evidence)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};
    _cleanup_buf_ struct coco_buf again = {.limit = COCO_JSON_SIZE_MAX};
    _cleanup_csv_evidence_ struct coco_csv_evidence read = {0};
    _cleanup_json_ cJSON *object = NULL;

    if (coco_csv_evidence_format(evidence, &text, NULL) != COCO_OK
        || coco_json_parse_object(coco_buf_text(&text), text.len, &object, NULL) != COCO_OK
        || coco_csv_evidence_parse(object, &read, NULL) != COCO_OK
        || coco_csv_evidence_format(&read, &again, NULL) != COCO_OK
        || strcmp(coco_buf_text(&text), coco_buf_text(&again)) != 0)
        abort();
}

/* There is no root here that would vouch for anything. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_csv_evidence_ struct coco_csv_evidence evidence = {0};
    _cleanup_free_ char *text = strndup((const char *)data, len);
    _cleanup_json_ cJSON *object = NULL;

    if (!text || coco_verifier_new(&verifier, NULL) != COCO_OK)
        abort();
    if (coco_json_parse_object(text, strlen(text), &object, NULL) == COCO_OK
        && coco_csv_evidence_parse(object, &evidence, NULL) == COCO_OK)
        use(&evidence);
    if (verify_bound(verifier, "csv", text, "nonce", 5, &verdict, NULL) == COCO_OK
        && coco_verdict_valid(verdict))
        abort();
    return 0;
}
