/*
 * fuzz/csv_page/target.c - the answer of a firmware of Hygon CSV
 *
 * Input: the page. It answers the request that it says it answers; its MAC is made right where
 * the first byte of what is reserved in it is odd.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/csv_page.h"

#include "crypto/mac.h"

#include <stdlib.h>
#include <string.h>

#define MASKED (COCO_CSV_CERT_SIZE + COCO_CSV_SERIAL_SIZE + 32)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(uint8_t *page, uint32_t version)
{
    _cleanup_csv_evidence_ struct coco_csv_evidence evidence = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};
    struct coco_csv_request request = {.version = version};
    struct coco_csv_report report;

    if (coco_csv_report_parse(page, COCO_CSV_REPORT_SIZE, version, &report, NULL) != COCO_OK)
        return;
    memcpy(request.mnonce, report.mnonce, sizeof(request.mnonce));
    memcpy(request.report_data, report.report_data, sizeof(request.report_data));
    const struct coco_secret key = {.data = request.mnonce, .len = sizeof(request.mnonce)};
    uint8_t *signer = page + coco_csv_report_size(&report);
    if ((signer[MASKED - 32] & 1)
        && coco_hmac(EVP_sm3(), &key, signer, MASKED, signer + MASKED, NULL) != COCO_OK)
        abort();
    if (coco_csv_page_read(page, &request, &evidence, NULL) == COCO_OK
        && coco_csv_evidence_format(&evidence, &text, NULL) != COCO_OK)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t page[COCO_CSV_REPORT_SIZE];

    for (uint32_t version = 1; version <= 2; version++) {
        memset(page, 0, sizeof(page));
        memcpy(page, data, len < sizeof(page) ? len : sizeof(page));
        check(page, version);
    }
    return 0;
}
