/*
 * measure/firmware.h - what a firmware image says about how it is launched
 *
 * OVMF has a table of GUIDs that ends 32 bytes before the end of the image
 * (edk2, OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.asm). A VMM finds there what to
 * put into the guest's memory before it starts, which is what is measured.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_MEASURE_FIRMWARE_H
#define COCO_MEASURE_FIRMWARE_H

#include <coco/error.h>

#define COCO_FIRMWARE_SIZE_MAX ((size_t)64 << 20)
#define COCO_FIRMWARE_SECTIONS_MAX 32
#define COCO_FIRMWARE_MEMORY_MAX ((uint64_t)256 << 20) /* of all sections of one kind */
#define COCO_PAGE_SIZE ((size_t)4096)

/* A range of memory that AMD SEV-SNP launches with (OvmfPkg/ResetVector/X64/OvmfSevMetadata.asm).
 */
enum coco_sev_section_type {
    COCO_SEV_SECTION_MEMORY = 0x01,
    COCO_SEV_SECTION_SECRETS = 0x02,
    COCO_SEV_SECTION_CPUID = 0x03,
    COCO_SEV_SECTION_CAA = 0x04, /* calling area of an SVSM */
    COCO_SEV_SECTION_HASHES = 0x10,
};

struct coco_sev_section {
    uint32_t address;
    uint32_t size;
    uint32_t type;
};

/* The same of Intel TDX ("Intel TDX Virtual Firmware Design Guide", TDVF metadata). */
#define COCO_TDX_SECTION_EXTEND 0x01U  /* its content is measured, not only where it is */
#define COCO_TDX_SECTION_AUGMENT 0x02U /* added only when the guest runs */

struct coco_tdx_section {
    uint32_t offset; /* of its content in the image */
    uint32_t len;
    uint64_t address;
    uint64_t size;
    uint32_t type;
    uint32_t attributes;
};

struct coco_firmware {
    const uint8_t *data; /* lent */
    size_t len;
    bool has_reset;
    uint32_t reset;  /* where the CPUs after the first begin, with SEV-ES and SEV-SNP */
    uint32_t hashes; /* where the hashes of a kernel go; 0 if it does not look at any */
    struct coco_sev_section sev[COCO_FIRMWARE_SECTIONS_MAX];
    size_t sev_n;
    struct coco_tdx_section tdx[COCO_FIRMWARE_SECTIONS_MAX];
    size_t tdx_n;
};

/*
 * Reads the table, if there is one. COCO_ERR_PROTO for what contradicts itself or
 * is not in whole pages, COCO_ERR_LIMIT, COCO_ERR_NOTSUP for another version.
 */
coco_status coco_firmware_parse(const void *data, size_t len, struct coco_firmware *ret,
                                coco_error **err);

#endif
