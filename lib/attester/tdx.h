/*
 * attester/tdx.h - what is said to the kernel of a TDX guest
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_TDX_H
#define COCO_ATTESTER_TDX_H

#include "attester/driver.h"
#include "attester/kernel.h"
#include "tee/tdreport.h"

/* Linux, include/uapi/linux/tdx-guest.h */
struct coco_tdx_report_request {
    uint8_t report_data[64];
    uint8_t report[COCO_TDREPORT_SIZE];
};

#define COCO_TDX_GET_REPORT0 0xc4405401UL /* _IOWR('T', 1, struct coco_tdx_report_request) */

extern const struct coco_attester_driver coco_tdx_attester;

#endif
