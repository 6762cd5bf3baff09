/*
 * measure/vmsa.c - a CPU of a guest on AMD SEV-ES or SEV-SNP before it starts
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/vmsa.h"

#include <string.h>

/* Offsets in the save area. */
enum {
    ES = 0x00,
    CS = 0x10,
    SS = 0x20,
    DS = 0x30,
    FS = 0x40,
    GS = 0x50,
    GDTR = 0x60,
    LDTR = 0x70,
    IDTR = 0x80,
    TR = 0x90,
    EFER = 0xd0,
    CR4 = 0x148,
    CR0 = 0x158,
    DR7 = 0x160,
    DR6 = 0x168,
    RFLAGS = 0x170,
    RIP = 0x178,
    G_PAT = 0x268,
    RDX = 0x310,
    SEV_FEATURES = 0x3b0,
    XCR0 = 0x3e8,
    MXCSR = 0x408,
    X87_FCW = 0x410,
};

#define LIMIT 0xffffU
#define SEGMENT_DATA 0x93U
#define CODE_OF_EC2 0x9aU /* of its first CPU */

/* In what VMMs differ. */
struct habits {
    uint32_t code;
    uint32_t stack;
    uint32_t task;
    uint64_t pat;
    uint32_t rdx;
    uint32_t mxcsr;
    uint32_t fcw;
};

static void
put(uint8_t *page, size_t offset, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        page[offset + i] = (uint8_t)(value >> (8 * i));
}

static void
put_segment(uint8_t *page, size_t offset, uint64_t selector, uint64_t attributes, uint64_t base)
{
    put(page, offset, selector | attributes << 16 | (uint64_t)LIMIT << 32);
    put(page, offset + 8, base);
}

static struct habits
habits_of(const struct coco_vmsa *vmsa)
{
    switch (vmsa->vmm) {
    case COCO_VMM_EC2:
        return (struct habits){
            .code = vmsa->begin == COCO_VMSA_FIRST_CPU ? CODE_OF_EC2 : 0x9b,
            .stack = 0x92,
            .task = 0x83,
            .pat = 0x0007040600070406,
            .rdx = 0x600,
        };
    case COCO_VMM_GCE:
        return (struct habits){
            .code = 0x9b, .stack = SEGMENT_DATA, .task = 0x8b, .pat = 0x00070106, .rdx = 0x600};
    case COCO_VMM_QEMU:
        break;
    }
    return (struct habits){
        .code = 0x9b,
        .stack = SEGMENT_DATA,
        .task = 0x8b,
        .pat = 0x0007040600070406,
        .rdx = vmsa->signature,
        .mxcsr = 0x1f80,
        .fcw = 0x37f,
    };
}

void
coco_vmsa_format(const struct coco_vmsa *vmsa, uint8_t ret[COCO_PAGE_SIZE])
{
    const struct habits habits = habits_of(vmsa);

    memset(ret, 0, COCO_PAGE_SIZE);
    put_segment(ret, ES, 0, SEGMENT_DATA, 0);
    put_segment(ret, CS, 0xf000, habits.code, vmsa->begin & 0xffff0000U);
    put_segment(ret, SS, 0, habits.stack, 0);
    put_segment(ret, DS, 0, SEGMENT_DATA, 0);
    put_segment(ret, FS, 0, SEGMENT_DATA, 0);
    put_segment(ret, GS, 0, SEGMENT_DATA, 0);
    put_segment(ret, GDTR, 0, 0, 0);
    put_segment(ret, LDTR, 0, 0x82, 0);
    put_segment(ret, IDTR, 0, 0, 0);
    put_segment(ret, TR, 0, habits.task, 0);
    put(ret, EFER, 0x1000); /* KVM sets SVME */
    put(ret, CR4, 0x40);    /* and MCE */
    put(ret, CR0, 0x10);
    put(ret, DR7, 0x400);
    put(ret, DR6, 0xffff0ff0);
    put(ret, RFLAGS, 0x2);
    put(ret, RIP, vmsa->begin & 0xffffU);
    put(ret, G_PAT, habits.pat);
    put(ret, RDX, habits.rdx);
    put(ret, SEV_FEATURES, vmsa->features);
    put(ret, XCR0, 0x1);
    put(ret, MXCSR, habits.mxcsr);
    put(ret, X87_FCW, habits.fcw);
}

uint32_t
coco_cpu_signature(unsigned family, unsigned model, unsigned stepping)
{
    uint32_t low = family > 0xf ? 0xf : family;
    uint32_t high = family > 0xf ? (family - 0xf) & 0xff : 0;

    return high << 20 | (model >> 4 & 0xf) << 16 | low << 8 | (model & 0xf) << 4 | (stepping & 0xf);
}

/* The types of QEMU's that are of SEV (target/i386/cpu.c), with the versions it has of them. */
static const struct {
    const char *name;
    const char *versions;
    uint8_t family;
    uint8_t model;
    uint8_t stepping;
} cpus[] = {
    {"EPYC", "12345", 23, 1, 2},       {"EPYC-IBPB", "", 23, 1, 2},
    {"EPYC-Rome", "12345", 23, 49, 0}, {"EPYC-Milan", "123", 25, 1, 1},
    {"EPYC-Genoa", "12", 25, 17, 0},   {"EPYC-Turin", "1", 26, 0, 0},
};

#define CPUS (sizeof(cpus) / sizeof(cpus[0]))

const char *
coco_cpu_type(size_t index)
{
    return index < CPUS ? cpus[index].name : NULL;
}

/* Takes a number of up to three digits off *text; false if it begins with none, or max is less. */
static bool
take_number(const char **text, unsigned max, unsigned *ret)
{
    const char *p = *text;
    unsigned value = 0;

    for (; *p >= '0' && *p <= '9' && p - *text < 3; p++)
        value = value * 10 + (unsigned)(*p - '0');
    if (p == *text || value > max)
        return false;
    *text = p;
    *ret = value;
    return true;
}

static bool
is_version(const char *rest, const char *versions)
{
    return strncmp(rest, "-v", 2) == 0 && rest[2] != '\0' && rest[3] == '\0'
           && strchr(versions, rest[2]);
}

uint32_t
coco_cpu_signature_of(const char *type)
{
    unsigned family, model, stepping;
    const char *p = type;

    if (take_number(&p, 0xf + 0xff, &family) && *p++ == '-' && take_number(&p, 0xff, &model)
        && *p++ == '-' && take_number(&p, 0xf, &stepping) && *p == '\0')
        return coco_cpu_signature(family, model, stepping);
    for (size_t i = 0; i < CPUS; i++) {
        size_t len = strlen(cpus[i].name);

        if (strncmp(type, cpus[i].name, len) == 0
            && (type[len] == '\0' || is_version(type + len, cpus[i].versions)))
            return coco_cpu_signature(cpus[i].family, cpus[i].model, cpus[i].stepping);
    }
    return 0;
}
