/*
 * tee/ccel.h - the ACPI table that says where firmware keeps its log
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_CCEL_H
#define COCO_TEE_CCEL_H

#include <coco/error.h>

/* ACPI 6.5, section 5.2.34, table 5.161. */
#define COCO_CCEL_SIZE 56

/* UEFI 2.11, section 38.2.2 */
enum coco_cc_type {
    COCO_CC_SEV = 1,
    COCO_CC_TDX = 2,
};

struct coco_ccel {
    uint8_t type; /* enum coco_cc_type, or one that was given since */
    uint8_t subtype;
    uint64_t log_size; /* bytes of the area, of which the log need not fill all */
    uint64_t log_address;
};

/*
 * Index in the log of the register that plays the part of a PCR (UEFI 2.11, section
 * 38.4.1), 1 to 4. Upstream's attester has PCR 0, too, in the last, for MRTD is none.
 */
uint32_t coco_ccmr_of_pcr(unsigned pcr);

/* COCO_ERR_PROTO for another table, length or checksum. */
coco_status coco_ccel_parse(const void *data, size_t len, struct coco_ccel *ret, coco_error **err);

void coco_ccel_format(const struct coco_ccel *table, uint8_t ret[COCO_CCEL_SIZE]);

#endif
