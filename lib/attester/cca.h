/*
 * attester/cca.h - Arm CCA: tokens of a realm
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_CCA_H
#define COCO_ATTESTER_CCA_H

#include "attester/driver.h"
#include "attester/kernel.h"

extern const struct coco_attester_driver coco_cca_attester;

#endif
