/*
 * attester/nitro.h - what is said to the security module of AWS Nitro Enclaves
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_NITRO_H
#define COCO_ATTESTER_NITRO_H

#include "attester/driver.h"
#include "attester/kernel.h"

/* Linux, include/uapi/linux/nsm.h: a request and room for the response, both CBOR. */
struct coco_nsm_message {
    uint64_t request_addr;
    uint64_t request_len;
    uint64_t response_addr;
    uint64_t response_len; /* room, and then what was taken of it */
};

#define COCO_NSM_REQUEST_MAX ((size_t)0x1000)
#define COCO_NSM_RESPONSE_MAX ((size_t)0x3000)
#define COCO_NSM_RAW 0xc0200a00UL /* _IOWR(0x0a, 0, struct coco_nsm_message) */

_Static_assert(sizeof(struct coco_nsm_message) == 32, "as the kernel has it");

extern const struct coco_attester_driver coco_nitro_attester;

#endif
