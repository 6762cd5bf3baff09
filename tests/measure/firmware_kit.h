/*
 * tests/measure/firmware_kit.h - a firmware image to measure
 *
 * Two pages: descriptors in the first, the table of GUIDs at the end of the
 * second. What it says of SEV is what OVMF's AmdSev package of 2023 says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_MEASURE_FIRMWARE_KIT_H
#define COCO_TESTS_MEASURE_FIRMWARE_KIT_H

#include "measure/firmware.h"
#include "tee/guid.h"

#include "tests/support.h"

#include <string.h>

#define KIT_SIZE 8192
#define KIT_TABLE "96b582de-1fb2-45f7-baea-a366c55a082d"
#define KIT_RESET "00f771de-1a7e-4fcb-890e-68c77e2fb44e"
#define KIT_HASHES "7255371f-3a3b-4b04-927b-1da6efa8d454"
#define KIT_SEV "dc886566-984a-4798-a75e-5585a7bf67cc"
#define KIT_TDX "e47a6535-984a-4798-865e-4685a7bf8ec2"
#define KIT_SEV_AT 256
#define KIT_TDX_AT 1024
#define KIT_TDX_SECTIONS 3

struct firmware_kit {
    uint8_t image[KIT_SIZE];
    size_t at; /* where the table's lowest entry begins */
};

static inline void
kit_put(uint8_t *p, size_t n, uint64_t value)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

static inline void
kit_put_guid(uint8_t *p, const char *text)
{
    uint8_t guid[COCO_GUID_SIZE];

    assert_true(coco_guid_parse(text, guid));
    coco_guid_swap(guid, p);
}

/* Puts the head of the whole table, for the entries there are. */
static inline void
kit_close(struct firmware_kit *kit)
{
    uint8_t *head = kit->image + KIT_SIZE - 32 - 18;

    kit_put(head, 2, KIT_SIZE - 32 - kit->at);
    kit_put_guid(head + 2, KIT_TABLE);
}

static inline void
kit_open(struct firmware_kit *kit)
{
    for (size_t i = 0; i < KIT_SIZE; i++)
        kit->image[i] = (uint8_t)(i * 7 + i / 256);
    kit->at = KIT_SIZE - 32 - 18;
    kit_close(kit);
}

static inline void
kit_add(struct firmware_kit *kit, const char *guid, uint32_t value)
{
    kit->at -= 22;
    kit_put(kit->image + kit->at, 4, value);
    kit_put(kit->image + kit->at + 4, 2, 22);
    kit_put_guid(kit->image + kit->at + 6, guid);
    kit_close(kit);
}

static inline void
kit_put_descriptor(struct firmware_kit *kit, size_t at, const char *magic, size_t n, size_t size)
{
    memcpy(kit->image + at, magic, 4);
    kit_put(kit->image + at + 4, 4, 16 + n * size);
    kit_put(kit->image + at + 8, 4, 1);
    kit_put(kit->image + at + 12, 4, n);
}

static inline void
kit_add_sev(struct firmware_kit *kit, bool hashes)
{
    static const uint32_t with_hashes[][3] = {
        {0x800000, 0x9000, 1},    {0x80a000, 0x3000, 1}, {0x80d000, 0x1000, 2},
        {0x80e000, 0x1000, 3},    {0x80f000, 0x1000, 4}, {0x811000, 0xf000, 1},
        {0x810000, 0x1000, 0x10},
    };
    size_t n = hashes ? 7 : 6;

    kit_put_descriptor(kit, KIT_SEV_AT, "ASEV", n, 12);
    for (size_t i = 0; i < n; i++) {
        /* The hashes come before the last range of memory. */
        size_t from = hashes && i >= 5 ? 11 - i : i;

        for (size_t j = 0; j < 3; j++)
            kit_put(kit->image + KIT_SEV_AT + 16 + 12 * i + 4 * j, 4, with_hashes[from][j]);
    }
    kit_add(kit, KIT_RESET, 0x80b004);
    kit_add(kit, KIT_HASHES, hashes ? 0x810c00 : 0);
    kit_add(kit, KIT_SEV, KIT_SIZE - KIT_SEV_AT);
}

/* The second page is measured, the first is only there, and so is some memory. */
static inline void
kit_add_tdx(struct firmware_kit *kit)
{
    static const uint64_t sections[KIT_TDX_SECTIONS][6] = {
        {0x1000, 0x1000, 0xfffff000, 0x1000, 0, 1},
        {0, 0x1000, 0xffffe000, 0x1000, 1, 0},
        {0, 0, 0x809000, 0x2000, 2, 0},
    };

    kit_put_descriptor(kit, KIT_TDX_AT, "TDVF", KIT_TDX_SECTIONS, 32);
    for (size_t i = 0; i < KIT_TDX_SECTIONS; i++) {
        uint8_t *p = kit->image + KIT_TDX_AT + 16 + 32 * i;

        kit_put(p, 4, sections[i][0]);
        kit_put(p + 4, 4, sections[i][1]);
        kit_put(p + 8, 8, sections[i][2]);
        kit_put(p + 16, 8, sections[i][3]);
        kit_put(p + 24, 4, sections[i][4]);
        kit_put(p + 28, 4, sections[i][5]);
    }
    kit_add(kit, KIT_TDX, KIT_SIZE - KIT_TDX_AT);
}

#endif
