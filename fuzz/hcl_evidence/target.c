/*
 * fuzz/hcl_evidence/target.c - evidence of Azure's confidential VMs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/hcl_evidence.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
is_same(const struct coco_buf *a, const struct coco_buf *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* What is read is the same when it is written and read again, in the newest form. */
static void
try_hardware(const cJSON *object, enum coco_hcl_hardware hardware)
{
    _cleanup_hcl_evidence_ struct coco_hcl_evidence evidence = {0};
    _cleanup_hcl_evidence_ struct coco_hcl_evidence again = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};
    _cleanup_json_ cJSON *read = NULL;

    if (coco_hcl_evidence_parse(object, hardware, &evidence, NULL) != COCO_OK)
        return;
    if (evidence.version == 0)
        evidence.version = 1;
    if (coco_hcl_evidence_format(&evidence, hardware, &text, NULL) != COCO_OK
        || coco_json_parse_object(coco_buf_text(&text), text.len, &read, NULL) != COCO_OK
        || coco_hcl_evidence_parse(read, hardware, &again, NULL) != COCO_OK
        || !is_same(&evidence.report, &again.report) || !is_same(&evidence.voucher, &again.voucher)
        || !is_same(&evidence.quote.message, &again.quote.message)
        || !is_same(&evidence.quote.signature, &again.quote.signature)
        || memcmp(evidence.quote.pcrs, again.quote.pcrs, sizeof(again.quote.pcrs)) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_json_ cJSON *object = NULL;

    if (coco_json_parse_object((const char *)data, len, &object, NULL) != COCO_OK)
        return 0;
    try_hardware(object, COCO_HCL_SNP);
    try_hardware(object, COCO_HCL_TDX);
    return 0;
}
