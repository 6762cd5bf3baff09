/*
 * attester/tpm.h - what attesters with a TPM have in common
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_TPM_H
#define COCO_ATTESTER_TPM_H

#include "attester/driver.h"
#include "attester/tpm_device.h"

/* extend, read_register and bind_init_data of a driver: PCRs of SHA-256, init data in PCR 8. */
coco_status coco_tpm_attester_extend(void *self, unsigned pcr, const uint8_t *digest,
                                     coco_error **err);
coco_status coco_tpm_attester_read(void *self, unsigned pcr, uint8_t *ret, coco_error **err);
coco_status coco_tpm_attester_bind(void *self, const uint8_t *digest, size_t len, coco_error **err);

#endif
