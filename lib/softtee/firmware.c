/*
 * softtee/firmware.c - the firmware that a machine of software brings along
 *
 * What it looks like is in measure/firmware.h, which reads it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/firmware.h"

#include "measure/firmware.h"
#include "tee/guid.h"

#include <string.h>

#define SEV_AT 0x000
#define TDX_AT 0x100
#define TABLE_END (COCO_SOFTTEE_FIRMWARE_SIZE - 32)
#define ENTRY_SIZE 22 /* a number of 32 bits, and the head */
#define HEAD_SIZE 18
#define TOP 0xfffff000U /* where the image begins, for it ends at 4 GiB */

/* Little-endian. */
static void
put(uint8_t *p, size_t size, uint64_t value)
{
    for (size_t i = 0; i < size; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

static void
put_head(uint8_t *p, size_t size, const char *guid)
{
    uint8_t bytes[COCO_GUID_SIZE] = {0};

    (void)coco_guid_parse(guid, bytes);
    put(p, 2, size);
    coco_guid_swap(bytes, p + 2);
}

static void
put_table(uint8_t *image)
{
    static const struct {
        const char *guid;
        uint32_t value;
    } entries[] = {
        {"dc886566-984a-4798-a75e-5585a7bf67cc", COCO_SOFTTEE_FIRMWARE_SIZE - SEV_AT},
        {"e47a6535-984a-4798-865e-4685a7bf8ec2", COCO_SOFTTEE_FIRMWARE_SIZE - TDX_AT},
        {"7255371f-3a3b-4b04-927b-1da6efa8d454", 0x810c00}, /* where hashes of a kernel go */
        {"00f771de-1a7e-4fcb-890e-68c77e2fb44e", 0x80b004}, /* where other CPUs begin */
    };
    size_t n = sizeof(entries) / sizeof(entries[0]);
    uint8_t *p = image + TABLE_END - HEAD_SIZE - n * ENTRY_SIZE;

    for (size_t i = 0; i < n; i++, p += ENTRY_SIZE) {
        put(p, 4, entries[i].value);
        put_head(p + 4, ENTRY_SIZE, entries[i].guid);
    }
    put_head(p, HEAD_SIZE + n * ENTRY_SIZE, "96b582de-1fb2-45f7-baea-a366c55a082d");
}

static void
put_descriptor(uint8_t *p, const char *magic, size_t n, size_t section_size)
{
    memcpy(p, magic, 4);
    put(p + 4, 4, (16 + n * section_size));
    put(p + 8, 4, 1);
    put(p + 12, 4, n);
}

void
coco_softtee_firmware(uint8_t ret[COCO_SOFTTEE_FIRMWARE_SIZE])
{
    /* As OVMF's package AmdSev has them. */
    static const struct coco_sev_section sev[] = {
        {0x800000, 0x9000, COCO_SEV_SECTION_MEMORY},  {0x80a000, 0x3000, COCO_SEV_SECTION_MEMORY},
        {0x80d000, 0x1000, COCO_SEV_SECTION_SECRETS}, {0x80e000, 0x1000, COCO_SEV_SECTION_CPUID},
        {0x810000, 0x1000, COCO_SEV_SECTION_HASHES},
    };
    size_t n = sizeof(sev) / sizeof(sev[0]);

    memset(ret, 0, COCO_SOFTTEE_FIRMWARE_SIZE);
    put_descriptor(ret + SEV_AT, "ASEV", n, 12);
    for (size_t i = 0; i < n; i++) {
        put(ret + SEV_AT + 16 + 12 * i, 4, sev[i].address);
        put(ret + SEV_AT + 20 + 12 * i, 4, sev[i].size);
        put(ret + SEV_AT + 24 + 12 * i, 4, sev[i].type);
    }
    /* One section, of the whole image. */
    put_descriptor(ret + TDX_AT, "TDVF", 1, 32);
    put(ret + TDX_AT + 20, 4, COCO_SOFTTEE_FIRMWARE_SIZE);
    put(ret + TDX_AT + 24, 8, TOP);
    put(ret + TDX_AT + 32, 8, COCO_SOFTTEE_FIRMWARE_SIZE);
    put(ret + TDX_AT + 44, 4, COCO_TDX_SECTION_EXTEND);
    put_table(ret);
}
