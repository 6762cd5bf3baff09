/*
 * attester/sgx.h - what is said to the library OS of an SGX enclave
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_SGX_H
#define COCO_ATTESTER_SGX_H

#include "attester/driver.h"
#include "attester/kernel.h"

/* Occlum, demos/remote_attestation/dcap: addresses are pointers of the enclave. */
struct coco_occlum_quote_request {
    uint64_t report_data;
    uint64_t quote_len; /* of a u32: room, and then what was taken of it */
    uint64_t quote;
};

#define COCO_OCCLUM_QUOTE_SIZE 0x80047307UL /* _IOR('s', 7, uint32_t) */
#define COCO_OCCLUM_QUOTE 0xc0187308UL      /* _IOWR('s', 8, struct coco_occlum_quote_request) */

_Static_assert(sizeof(struct coco_occlum_quote_request) == 24, "as Occlum has it");

extern const struct coco_attester_driver coco_sgx_attester;

#endif
