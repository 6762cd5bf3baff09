/*
 * attester/software_register.h - the runtime register of a software TEE
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_SOFTWARE_REGISTER_H
#define COCO_ATTESTER_SOFTWARE_REGISTER_H

#include "tee/software.h"

#define COCO_SOFTWARE_REGISTER_FILE "register"

/* What it holds: zeros, and *extended false, until something was measured. */
coco_status coco_software_register_read(const char *dir,
                                        uint8_t ret[COCO_SOFTWARE_MEASUREMENT_SIZE], bool *extended,
                                        coco_error **err);

/* Several processes may extend it at once. */
coco_status coco_software_register_extend(const char *dir,
                                          const uint8_t digest[COCO_SOFTWARE_MEASUREMENT_SIZE],
                                          coco_error **err);

/* As at the start of the machine. */
coco_status coco_software_register_reset(const char *dir, coco_error **err);

#endif
