/*
 * tests/softtee/launchkit.h - what boots in tests, whole or with one bit changed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_SOFTTEE_LAUNCHKIT_H
#define COCO_TESTS_SOFTTEE_LAUNCHKIT_H

#include "softtee/firmware.h"
#include "softtee/launch.h"
#include "tests/measure/pe_kit.h"

#define KIT_INIT_DATA "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n\"aa.toml\" = \"one\"\n"

struct launch_kit {
    uint8_t firmware[COCO_SOFTTEE_FIRMWARE_SIZE];
    uint8_t kernel[PE_SIZE];
    char initrd[8];
    char cmdline[8];
    char init_data[sizeof(KIT_INIT_DATA)];
};

static inline void
launch_kit_make(struct launch_kit *kit)
{
    coco_softtee_firmware(kit->firmware);
    pe_make(kit->kernel);
    memcpy(kit->initrd, "initrd", sizeof("initrd"));
    memcpy(kit->cmdline, "quiet", sizeof("quiet"));
    memcpy(kit->init_data, KIT_INIT_DATA, sizeof(KIT_INIT_DATA));
}

/* Everything there is, lent by kit. */
static inline struct coco_softtee_launch
launch_kit_of(const struct launch_kit *kit)
{
    return (struct coco_softtee_launch){
        .firmware = {kit->firmware, sizeof(kit->firmware)},
        .has_kernel = true,
        .kernel = {{kit->kernel, sizeof(kit->kernel)},
                   {kit->initrd, strlen(kit->initrd)},
                   kit->cmdline},
        .init_data = kit->init_data,
    };
}

enum launch_part { PART_FIRMWARE, PART_KERNEL, PART_INITRD, PART_CMDLINE, PART_INIT_DATA, PARTS };

/* Flips one bit; twice is as before. */
static inline void
launch_kit_flip(struct launch_kit *kit, enum launch_part part)
{
    switch (part) {
    case PART_FIRMWARE:
        kit->firmware[0x800] ^= 1;
        return;
    case PART_KERNEL:
        kit->kernel[600] ^= 1;
        return;
    case PART_INITRD:
        kit->initrd[0] ^= 1;
        return;
    case PART_CMDLINE:
        kit->cmdline[0] ^= 1;
        return;
    default:
        kit->init_data[sizeof(KIT_INIT_DATA) - 4] ^= 1; /* of the text "one" */
        return;
    }
}

#endif
