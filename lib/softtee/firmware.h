/*
 * softtee/firmware.h - the firmware that a machine of software brings along
 *
 * Nothing runs it. It is an image that says, as OVMF does, how AMD SEV-SNP and Intel TDX
 * launch with it, so that the same is measured as with firmware from a file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SOFTTEE_FIRMWARE_H
#define COCO_SOFTTEE_FIRMWARE_H

#include <stddef.h>
#include <stdint.h>

#define COCO_SOFTTEE_FIRMWARE_SIZE ((size_t)4096)

void coco_softtee_firmware(uint8_t ret[COCO_SOFTTEE_FIRMWARE_SIZE]);

#endif
