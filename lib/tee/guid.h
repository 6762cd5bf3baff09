/*
 * tee/guid.h - GUIDs, as texts and as the bytes of the two orders there are
 *
 * RFC 4122 has the bytes as the text has them; UEFI (and so OVMF and QEMU) has
 * the first three numbers little-endian.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_GUID_H
#define COCO_TEE_GUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COCO_GUID_SIZE ((size_t)16)
#define COCO_GUID_LEN 36 /* of the text */

/* Bytes in the order of the text; false for what is no GUID. */
bool coco_guid_parse(const char *text, uint8_t ret[COCO_GUID_SIZE]);
void coco_guid_format(const uint8_t guid[COCO_GUID_SIZE], char ret[COCO_GUID_LEN + 1]);

/* From one order to the other; ret may be guid. */
void coco_guid_swap(const uint8_t guid[COCO_GUID_SIZE], uint8_t ret[COCO_GUID_SIZE]);

#endif
