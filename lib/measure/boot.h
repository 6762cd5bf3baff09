/*
 * measure/boot.h - what firmware and kernel measure of a boot
 *
 * A TPM's registers, and TDX's RTMRs, which firmware treats as some of them
 * (UEFI 2.10, section 38.4.1). Of the boot of a kernel that QEMU hands to OVMF
 * these follow from the kernel's files alone:
 *
 *     PCR 4    the kernel as a program of UEFI; that it is called; a separator
 *     PCR 9    its command line and its initrd, by Linux's own stub (since 6.2)
 *     RTMR 1   the kernel; that it is called; that boot services ended
 *     RTMR 2   as PCR 9
 *
 * The others depend on more: PCR 0-3, 5, 7 and RTMR 0 on the firmware's variables,
 * and on tables of ACPI and of memory that the VMM makes; RTMR 3 belongs to who runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_MEASURE_BOOT_H
#define COCO_MEASURE_BOOT_H

#include "tee/sev_launch.h"
#include "tee/tcghash.h"

#define COCO_BOOT_EVENTS_MAX 8

/* Which register an event goes to. */
enum coco_boot_register {
    COCO_BOOT_PCR4,
    COCO_BOOT_PCR9,
    COCO_BOOT_RTMR1,
    COCO_BOOT_RTMR2,
};

struct coco_boot_event {
    enum coco_boot_register reg;
    const char *what; /* in the words of the event log; constant */
    uint8_t digest[COCO_TCG_HASH_SIZE_MAX];
};

struct coco_boot_log {
    uint16_t alg;
    struct coco_boot_event events[COCO_BOOT_EVENTS_MAX];
    size_t n;
};

/*
 * Of a TPM, and of TDX, always with SHA-384. The kernel must be as the firmware
 * sees it: a QEMU that fills in the kernel's setup header changes what is measured.
 * COCO_ERR_PROTO for what is no program of UEFI, COCO_ERR_NOTSUP for a command line
 * that is not ASCII, which OVMF does not pass on as it is.
 */
coco_status coco_boot_measure_tpm(const struct coco_sev_kernel *kernel, uint16_t alg,
                                  struct coco_boot_log *ret, coco_error **err);
coco_status coco_boot_measure_tdx(const struct coco_sev_kernel *kernel, struct coco_boot_log *ret,
                                  coco_error **err);

/* What reg is after log; zeros if nothing goes there. */
coco_status coco_boot_replay(const struct coco_boot_log *log, enum coco_boot_register reg,
                             uint8_t ret[COCO_TCG_HASH_SIZE_MAX], coco_error **err);

#endif
