/*
 * measure/vmsa.h - a CPU of a guest on AMD SEV-ES or SEV-SNP before it starts
 *
 * AMD64 Architecture Programmer's Manual, volume 2, table B-4: the save area,
 * whose page is measured. What a VMM puts there is what a CPU has after a reset;
 * VMMs differ in details.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_MEASURE_VMSA_H
#define COCO_MEASURE_VMSA_H

#include "measure/firmware.h"

#include <coco/measure.h>

#define COCO_VMSA_FIRST_CPU 0xfffffff0U /* where the first CPU begins */

struct coco_vmsa {
    uint32_t begin;     /* address of the first instruction */
    uint32_t signature; /* of the CPU: eax of CPUID 1 */
    uint64_t features;  /* SEV_FEATURES; 0 with SEV-ES */
    coco_vmm vmm;
};

void coco_vmsa_format(const struct coco_vmsa *vmsa, uint8_t ret[COCO_PAGE_SIZE]);

/* As CPUID has it (AMD, publication 25481, Fn0000_0001_EAX). */
uint32_t coco_cpu_signature(unsigned family, unsigned model, unsigned stepping);

#endif
