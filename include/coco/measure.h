/*
 * coco/measure.h - what a launch will measure, before it boots
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_MEASURE_H
#define COCO_MEASURE_H

#include <coco/error.h>
#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Reference values of a guest, computed from the files that it is launched with.
 *
 * | TEE        | what is measured                          | needs                         |
 * |------------|-------------------------------------------|-------------------------------|
 * | "snp"      | launch digest                             | firmware, CPUs; kernel        |
 * | "sev"      | launch digest, with ::COCO_MEASURE_SEV_ES that of SEV-ES | firmware; kernel, CPUs
 * | | "tdx"      | MRTD; RTMR 1 and 2; digests of two events | firmware; kernel              | |
 * "tpm"      | PCR 4 and 9 of SHA-256                    | kernel                        | |
 * "software" | launch digest of a software TEE           | kernel: the file it booted    |
 *
 * The kernel is one that QEMU boots itself (`-kernel`), in OVMF, as the firmware
 * sees it: a QEMU that fills in the kernel's setup header changes what is measured.
 *
 * What depends on more than these files has no value and says why: RTMR 0 and PCR
 * 0-3, 5 and 7 are about the firmware's variables, and tables of ACPI and of memory
 * that the VMM makes; RTMR 3 is what the guest measures as it runs. Nor can TEEs behind a
 * paravisor (az-snp-vtpm, az-tdx-vtpm) be computed: its image is not published.
 *
 * Threads: a launch may be used by one thread at a time; a measurement never changes
 * and may be shared.
 */

/** A guest that is to be launched. */
typedef struct coco_launch coco_launch;

/** What will be measured of it. */
typedef struct coco_measurement coco_measurement;

/** What runs guests; in details of the CPUs' state and of the order of pages they differ. */
typedef enum coco_vmm {
    COCO_VMM_QEMU = 0, /**< and KVM */
    COCO_VMM_EC2 = 1,  /**< of AWS; SEV-SNP alone */
    COCO_VMM_GCE = 2,  /**< of Google; SEV-SNP alone */
} coco_vmm;

/** In which order a VMM adds pages to a TD and extends MRTD with them, which sees it. */
typedef enum coco_tdx_order {
    COCO_TDX_BY_PAGE = 0,    /**< a page, then the next: KVM of Linux 6.16 and later */
    COCO_TDX_BY_SECTION = 1, /**< all pages of a section, then their content: KVM of before */
} coco_tdx_order;

/** Of ::coco_measure_options, TEE "sev": SEV-ES, which measures the CPUs, too. */
#define COCO_MEASURE_SEV_ES 0x1U

/** How a guest is launched; what is 0 has its default. */
typedef struct coco_measure_options {
    size_t size;              /**< sizeof(coco_measure_options) */
    uint64_t guest_features;  /**< SEV-SNP: SEV_FEATURES; 0x1, which is SNP alone */
    uint32_t vcpus;           /**< number of CPUs, at most 4096; 1. Not measured by TDX and TPMs */
    uint32_t cpu_signature;   /**< SEV-SNP and SEV-ES of QEMU: eax of CPUID 1, no default;
                                   coco_cpu_signature_of() */
    coco_vmm vmm;             /**< QEMU */
    coco_tdx_order tdx_order; /**< by page */
    /**
     * TDX and TPM: the release that the firmware was made of, as 202411 of
     * edk2-stable202411; the newest. With 202411 a separator went to RTMR 1, with
     * 202508 the initrd's name before the command line.
     */
    uint32_t edk2;
    uint32_t flags; /**< of ::COCO_MEASURE_SEV_ES */
} coco_measure_options;

/** Name of TEE @p index that coco_measure() knows, or NULL past the last. Static. */
COCO_API const char *coco_measure_tee(size_t index);

/** Name of CPU type @p index that coco_cpu_signature_of() knows, or NULL past the last. Static. */
COCO_API const char *coco_cpu_type(size_t index);

/**
 * What CPUID 1 has in eax of the CPU @p type.
 *
 * @param type  "EPYC-Milan" or "EPYC-Milan-v2", as QEMU calls it, or family, model and stepping
 *              in decimal: "25-1-1"
 * @return      0 for what is neither
 */
COCO_API uint32_t coco_cpu_signature_of(const char *type);

/**
 * Creates a launch of nothing yet.
 *
 * @param ret  the launch; free with coco_launch_free()
 * @param err  ::COCO_ERR_NOMEM
 */
COCO_API COCO_MUST_CHECK coco_status coco_launch_new(coco_launch **ret, coco_error **err);

/** Frees @p launch; NULL is fine. */
COCO_API void coco_launch_free(coco_launch *launch);

/**
 * Sets the firmware, in place of what it was.
 *
 * @param launch  whose
 * @param data    an image of OVMF, as the VMM gets it; it is copied
 * @param len     number of its bytes, at most 64 MiB
 * @param err     ::COCO_ERR_PROTO for one that contradicts itself, ::COCO_ERR_NOTSUP for another
 *                version of its tables, ::COCO_ERR_LIMIT
 */
COCO_API COCO_MUST_CHECK coco_status coco_launch_set_firmware(coco_launch *launch,
                                                              const uint8_t *data, size_t len,
                                                              coco_error **err);

/** Sets the kernel, of at most 256 MiB, which is copied: else ::COCO_ERR_LIMIT. */
COCO_API COCO_MUST_CHECK coco_status coco_launch_set_kernel(coco_launch *launch,
                                                            const uint8_t *data, size_t len,
                                                            coco_error **err);

/** Sets the kernel's initrd, of at most 1 GiB, which is copied: else ::COCO_ERR_LIMIT. */
COCO_API COCO_MUST_CHECK coco_status coco_launch_set_initrd(coco_launch *launch,
                                                            const uint8_t *data, size_t len,
                                                            coco_error **err);

/** Sets the kernel's command line, of at most 64 KiB: else ::COCO_ERR_LIMIT. */
COCO_API COCO_MUST_CHECK coco_status coco_launch_set_cmdline(coco_launch *launch,
                                                             const char *cmdline, coco_error **err);

/**
 * Computes what will be measured of @p launch.
 *
 * @param launch  the guest
 * @param tee     a name of coco_measure_tee()
 * @param opts    how it is launched, or NULL for the defaults
 * @param ret     what is measured; free with coco_measurement_free()
 * @param err     ::COCO_ERR_NOTSUP for another TEE, and for what firmware or VMM do that is not
 *                known here, ::COCO_ERR_INVALID for a launch that lacks something or cannot be,
 *                ::COCO_ERR_PROTO for a kernel that is no program of UEFI
 */
COCO_API COCO_MUST_CHECK coco_status coco_measure(const coco_launch *launch, const char *tee,
                                                  const coco_measure_options *opts,
                                                  coco_measurement **ret, coco_error **err);

/** Frees @p measurement; NULL is fine. */
COCO_API void coco_measurement_free(coco_measurement *measurement);

/**
 * Name of value @p index, or NULL past the last: of the reference value as Trustee's
 * policies ask for it, such as "snp_launch_measurement", "rtmr_1" or "tpm_pcr04". Static.
 */
COCO_API const char *coco_measurement_name(const coco_measurement *measurement, size_t index);

/**
 * The claim of a verdict that value @p index is to be compared with, with dots into
 * objects, such as "quote.body.mr_td"; NULL past the last, and for a digest of an event
 * among the claim "uefi_event_logs". Static.
 */
COCO_API const char *coco_measurement_claim(const coco_measurement *measurement, size_t index);

/**
 * Value @p index in lower-case hex; NULL past the last, and if it cannot be known.
 * Valid as long as @p measurement.
 */
COCO_API const char *coco_measurement_value(const coco_measurement *measurement, size_t index);

/**
 * What value @p index takes for granted, or why it cannot be known, for people; NULL
 * past the last. Static.
 */
COCO_API const char *coco_measurement_note(const coco_measurement *measurement, size_t index);

/**
 * Whether policies compare value @p index itself, not a list that it is in; false past
 * the last.
 */
COCO_API bool coco_measurement_single(const coco_measurement *measurement, size_t index);

#ifdef __cplusplus
}
#endif

#endif
