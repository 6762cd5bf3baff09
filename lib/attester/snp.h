/*
 * attester/snp.h - what is said to the kernel of an SEV-SNP guest
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_SNP_H
#define COCO_ATTESTER_SNP_H

#include "attester/driver.h"
#include "attester/kernel.h"

/* Linux, include/uapi/linux/sev-guest.h, in its words. */
struct coco_sev_request {
    uint8_t msg_version; /* 1 */
    uint8_t reserved[7];
    uint64_t req_data;
    uint64_t resp_data;
    uint32_t fw_err;
    uint32_t vmm_err;
};

struct coco_sev_report_request {
    uint8_t user_data[64];
    uint32_t vmpl;
    uint8_t reserved[28];
};

struct coco_sev_ext_report_request {
    struct coco_sev_report_request data;
    uint64_t certs_address;
    uint32_t certs_len;
    uint32_t reserved;
};

#define COCO_SEV_RESPONSE_SIZE 4000
#define COCO_SEV_GET_EXT_REPORT 0xc0205302UL /* _IOWR('S', 2, struct coco_sev_request) */
#define COCO_SEV_VMM_INVALID_LEN 1
#define COCO_SEV_VMM_BUSY 2

_Static_assert(sizeof(struct coco_sev_request) == 32, "as the kernel has it");
_Static_assert(sizeof(struct coco_sev_report_request) == 96, "as the kernel has it");
_Static_assert(sizeof(struct coco_sev_ext_report_request) == 112, "as the kernel has it");

extern const struct coco_attester_driver coco_snp_attester;

#endif
