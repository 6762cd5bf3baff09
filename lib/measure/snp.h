/*
 * measure/snp.h - what AMD SEV-SNP measures of a launch
 *
 * AMD, "SEV Secure Nested Paging Firmware ABI" (56860), section 8.17: the launch
 * digest is a chain of SHA-384 over what is known of each page that the VMM adds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_MEASURE_SNP_H
#define COCO_MEASURE_SNP_H

#include "measure/vmsa.h"
#include "tee/sev_launch.h"

#define COCO_SNP_DIGEST_SIZE ((size_t)48)
#define COCO_MEASURE_VCPUS_MAX 4096U

struct coco_snp_launch {
    const struct coco_firmware *firmware;
    const uint8_t *begun; /* digest after the firmware's own pages, where these are not at hand */
    const struct coco_sev_kernel *kernel; /* which the VMM boots; NULL for none */
    uint32_t vcpus;
    uint32_t signature; /* of the CPUs */
    uint64_t features;  /* SEV_FEATURES; 1 is SNP itself */
    coco_vmm vmm;
};

/* What the chain is after the firmware's own pages; begun of another launch. */
coco_status coco_snp_firmware_digest(const struct coco_firmware *firmware,
                                     uint8_t ret[COCO_SNP_DIGEST_SIZE], coco_error **err);

/* COCO_ERR_INVALID for a kernel or CPUs that the firmware has no place for. */
coco_status coco_snp_launch_digest(const struct coco_snp_launch *launch,
                                   uint8_t ret[COCO_SNP_DIGEST_SIZE], coco_error **err);

#endif
