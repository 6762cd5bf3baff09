/*
 * tee/csv_page.h - what a guest of Hygon CSV asks its firmware, and what it gets
 *
 * Both lie in one page: Linux, drivers/virt/coco/csv-guest/csv-guest.h, and csv-rs,
 * api/guest/types.rs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_CSV_PAGE_H
#define COCO_TEE_CSV_PAGE_H

#include "tee/csv.h"

#define COCO_CSV_REPORT_DATA_SIZE ((size_t)64)
#define COCO_CSV_MNONCE_SIZE ((size_t)16)

struct coco_csv_request {
    uint8_t report_data[COCO_CSV_REPORT_DATA_SIZE];
    uint8_t mnonce[COCO_CSV_MNONCE_SIZE]; /* random: by it the answer is known to be one */
    uint32_t version;                     /* of the report that is asked for: 1 or 2 */
};

coco_status coco_csv_request_format(const struct coco_csv_request *request,
                                    uint8_t page[COCO_CSV_REPORT_SIZE], coco_error **err);

/*
 * Report, PEK, serial number and MAC out of the answer; all else of *ret is left alone.
 * COCO_ERR_PROTO for what is no such page, COCO_ERR_VERIFY for one that does not answer this
 * request or whose MAC is wrong. The report's signature is for the verifier.
 */
coco_status coco_csv_page_read(const uint8_t page[COCO_CSV_REPORT_SIZE],
                               const struct coco_csv_request *request,
                               struct coco_csv_evidence *ret, coco_error **err);

#endif
