/*
 * attester/se.h - what is said to the ultravisor of IBM Secure Execution
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_SE_H
#define COCO_ATTESTER_SE_H

#include "attester/driver.h"
#include "attester/kernel.h"

/* Linux, arch/s390/include/uapi/asm/uvdevice.h, in its words. */
struct coco_uv_block {
    uint32_t flags;
    uint16_t rc; /* of the ultravisor call, and why */
    uint16_t rrc;
    uint64_t argument_addr;
    uint32_t argument_len;
    uint8_t reserved[44];
};

struct coco_uv_attest {
    uint64_t arcb_addr;
    uint64_t meas_addr;
    uint64_t add_data_addr;
    uint8_t user_data[256];
    uint8_t config_uid[16];
    uint32_t arcb_len;
    uint32_t meas_len;
    uint32_t add_data_len;
    uint16_t user_data_len;
    uint16_t reserved;
};

_Static_assert(sizeof(struct coco_uv_block) == 64, "as the kernel has it");
_Static_assert(sizeof(struct coco_uv_attest) == 312, "as the kernel has it");

#define COCO_UV_ATTEST 0xc0407501UL /* _IOWR('u', 1, struct coco_uv_block) */
#define COCO_UV_DONE 1

extern const struct coco_attester_driver coco_se_attester;

#endif
