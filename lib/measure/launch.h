/*
 * measure/launch.h - a guest that is to be launched
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_MEASURE_LAUNCH_H
#define COCO_MEASURE_LAUNCH_H

#include "base/cleanup.h"
#include "measure/firmware.h"
#include "tee/sev_launch.h"

#include <coco/measure.h>

#define COCO_KERNEL_SIZE_MAX ((size_t)256 << 20)
#define COCO_INITRD_SIZE_MAX ((size_t)1 << 30)

struct coco_launch {
    uint8_t *image; /* of the firmware, NULL without; what firmware lends */
    struct coco_firmware firmware;
    uint8_t *kernel; /* NULL without */
    size_t kernel_len;
    uint8_t *initrd;
    size_t initrd_len;
    char *cmdline;
};

COCO_DEFINE_CLEANUP(coco_launch *, coco_launch_free);

/* The kernel as QEMU has it, lent by launch. */
struct coco_sev_kernel coco_launch_kernel(const coco_launch *launch);

#endif
