/*
 * measure/pe.h - programs of UEFI, and what is measured of them
 *
 * Microsoft, "Windows Authenticode Portable Executable Signature Format": the
 * digest leaves out what a signature changes. TCG's PC Client Platform Firmware
 * Profile has firmware measure it of every program that it starts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_MEASURE_PE_H
#define COCO_MEASURE_PE_H

#include "tee/tcghash.h"

#define COCO_PE_SECTIONS_MAX 96 /* the format's own limit */

/* As edk2 computes it, which does not pad a file of odd size. COCO_ERR_PROTO for no such program.
 */
coco_status coco_pe_digest(uint16_t alg, const void *data, size_t len, uint8_t *ret,
                           coco_error **err);

#endif
