/*
 * measure/tdx.h - what the Intel TDX module measures of a launch
 *
 * "Intel TDX Module Base Architecture Specification", version 1.5, section 12.2.1
 * ("MRTD: Build-Time Measurement Register"): it is a SHA-384 over where each page is
 * that the VMM adds, and what is in those that it says to extend. What the firmware
 * measures as it runs is of measure/boot.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_MEASURE_TDX_H
#define COCO_MEASURE_TDX_H

#include "measure/firmware.h"

#include <coco/measure.h>

#define COCO_TDX_DIGEST_SIZE ((size_t)48)

/* The module sees the calls in the order in which a VMM makes them. COCO_ERR_INVALID for firmware
 * that is not made for TDX. */
coco_status coco_tdx_mrtd(const struct coco_firmware *firmware, coco_tdx_order order,
                          uint8_t ret[COCO_TDX_DIGEST_SIZE], coco_error **err);

#endif
