/*
 * fuzz/hcl/target.c - reports that Azure's confidential VMs find in their TPM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/hcl.h"

#include <stdlib.h>
#include <string.h>

#define AFTER_VERSION 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is read is written as it was, but for the version and what fills it up. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_hcl_runtime_ struct coco_hcl_runtime runtime = {0};
    _cleanup_buf_ struct coco_buf again = {.limit = COCO_HCL_REPORT_MAX};
    struct coco_hcl_report report;

    if (coco_hcl_report_parse(data, len, &report, NULL) != COCO_OK)
        return 0;
    if (coco_hcl_report_format(&report, &again, NULL) != COCO_OK || again.len > len
        || memcmp(again.data + AFTER_VERSION, data + AFTER_VERSION, again.len - AFTER_VERSION) != 0)
        abort();
    if (coco_hcl_runtime_parse(&report, &runtime, NULL) == COCO_OK && !runtime.ak)
        abort();
    return 0;
}
