/*
 * fuzz/snp_report/target.c - SNP reports, as bytes and as upstream's JSON
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/snp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A report and its bytes are the same thing, and so are a report and its JSON. */
static void
use(const struct coco_snp_report *report)
{
    _cleanup_json_ cJSON *object = NULL;
    uint8_t bytes[COCO_SNP_REPORT_SIZE];
    uint8_t back[COCO_SNP_REPORT_SIZE];
    struct coco_snp_report again;

    coco_snp_report_format(report, bytes);
    if (coco_snp_report_parse(bytes, sizeof(bytes), &again, NULL) != COCO_OK)
        abort();
    coco_snp_report_format(&again, back);
    if (memcmp(bytes, back, sizeof(bytes)) != 0
        || coco_snp_product_of(report) != coco_snp_product_of(&again))
        abort();
    if (coco_json_new_object(&object, NULL) != COCO_OK
        || coco_snp_report_to_json(report, object, NULL) != COCO_OK
        || coco_snp_report_from_json(object, &again, NULL) != COCO_OK)
        abort();
    coco_snp_report_format(&again, back);
    if (memcmp(bytes, back, sizeof(bytes)) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_json_ cJSON *object = NULL;
    struct coco_snp_report report;
    uint8_t back[COCO_SNP_REPORT_SIZE];

    if (coco_snp_report_parse(data, len, &report, NULL) == COCO_OK) {
        coco_snp_report_format(&report, back);
        if (memcmp(data, back, sizeof(back)) != 0)
            abort();
        use(&report);
    }
    if (coco_json_parse_object((const char *)data, len, &object, NULL) == COCO_OK
        && coco_snp_report_from_json(object, &report, NULL) == COCO_OK)
        use(&report);
    return 0;
}
