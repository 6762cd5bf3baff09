/*
 * measure/boot.h - what firmware and kernel measure of a boot
 *
 * A TPM's registers, and TDX's RTMRs, which firmware treats as some of them
 * (UEFI 2.10, section 38.4.1). Of the boot of a kernel that QEMU hands to OVMF
 * these follow from the kernel's files alone:
 *
 *     PCR 4    the kernel as a program of UEFI; that it is called; a separator
 *     PCR 9    its command line and its initrd, by Linux's own stub (since 6.1)
 *     RTMR 1   the kernel; that it is called; a separator (since edk2-stable202411);
 *              that boot services ended
 *     RTMR 2   as PCR 9 (Linux since 6.9)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_MEASURE_BOOT_H
#define COCO_MEASURE_BOOT_H

#include "tee/sev_launch.h"
#include "tee/tcghash.h"

#define COCO_BOOT_EVENTS_MAX 8
#define COCO_CMDLINE_MAX ((size_t)64 << 10)

/* What two of the events are called. */
#define COCO_BOOT_KERNEL "kernel"
#define COCO_BOOT_OPTIONS "LOADED_IMAGE::LoadOptions"

/*
 * Releases of edk2 that changed what is measured. The command line is what OVMF makes the
 * program's load options of, with the initrd's name in front, or behind it before.
 */
#define COCO_EDK2_SEPARATES 202411U    /* RTMR 1, too: "Fix the SeparatorEvent issue in RTMRs" */
#define COCO_EDK2_INITRD_FIRST 202508U /* "Prefix initrd=initrd in cmdline" */
#define COCO_EDK2_NEWEST UINT32_MAX

/*
 * Which register an event goes to. The others depend on more: PCR 0-3, 5, 7 and RTMR 0 on the
 * firmware's variables, and on tables of ACPI and of memory that the VMM makes; RTMR 3 belongs
 * to who runs.
 */
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

/* What boots. */
struct coco_boot {
    const struct coco_sev_kernel *kernel;
    uint32_t edk2; /* release that the firmware was made of, such as 202411 */
};

/*
 * Of a TPM, and of TDX, always with SHA-384. The kernel must be as the firmware
 * sees it: a QEMU that fills in the kernel's setup header changes what is measured.
 * COCO_ERR_PROTO for what is no program of UEFI, COCO_ERR_NOTSUP for a command line
 * that is not ASCII, which OVMF does not pass on as it is.
 */
coco_status coco_boot_measure_tpm(const struct coco_boot *boot, uint16_t alg,
                                  struct coco_boot_log *ret, coco_error **err);
coco_status coco_boot_measure_tdx(const struct coco_boot *boot, struct coco_boot_log *ret,
                                  coco_error **err);

/* What reg is after log; zeros if nothing goes there. */
coco_status coco_boot_replay(const struct coco_boot_log *log, enum coco_boot_register reg,
                             uint8_t ret[COCO_TCG_HASH_SIZE_MAX], coco_error **err);

#endif
