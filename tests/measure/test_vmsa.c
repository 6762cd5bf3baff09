/*
 * tests/measure/test_vmsa.c - lib/measure/vmsa.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/vmsa.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

static uint64_t
number_at(const uint8_t *page, size_t offset, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value |= (uint64_t)page[offset + i] << (8 * i);
    return value;
}

static void
a_cpu_begins_as_after_a_reset(void **state)
{
    const struct coco_vmsa vmsa = {COCO_VMSA_FIRST_CPU, 0xa00f11, 0x21, COCO_VMM_QEMU};
    uint8_t page[COCO_PAGE_SIZE];

    (void)state;
    coco_vmsa_format(&vmsa, page);
    assert_int_equal(number_at(page, 0x10, 2), 0xf000);
    assert_int_equal(number_at(page, 0x12, 2), 0x9b);
    assert_int_equal(number_at(page, 0x14, 4), 0xffff);
    assert_int_equal(number_at(page, 0x18, 8), 0xffff0000);
    assert_int_equal(number_at(page, 0x178, 8), 0xfff0);
    assert_int_equal(number_at(page, 0x310, 8), 0xa00f11);
    assert_int_equal(number_at(page, 0x3b0, 8), 0x21);
    assert_int_equal(number_at(page, 0x408, 4), 0x1f80);
    assert_int_equal(number_at(page, 0x410, 2), 0x37f);
}

/* sevctl's own vectors, of a KVM that did not yet save the FPU's state in them. */
static void
cpus_are_those_that_were_recorded(void **state)
{
    static const char *const names[] = {"sev/sevctl/vmsa0.bin", "sev/sevctl/vmsa1.bin"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t len = 0;
        uint8_t *want = (uint8_t *)read_fixture(names[i], &len);
        uint8_t page[COCO_PAGE_SIZE];

        assert_int_equal(len, sizeof(page));
        const struct coco_vmsa vmsa = {
            .begin = (uint32_t)(number_at(want, 0x18, 8) + number_at(want, 0x178, 8)),
            .signature = (uint32_t)number_at(want, 0x310, 4),
        };
        coco_vmsa_format(&vmsa, page);
        memset(page + 0x408, 0, 4); /* mxcsr */
        memset(page + 0x410, 0, 2); /* x87_fcw */
        assert_memory_equal(page, want, sizeof(page));
        free(want);
    }
}

static void
signatures_are_those_of_cpuid(void **state)
{
    static const struct {
        const char *name;
        uint32_t signature;
    } cases[] = {
        {"EPYC", 0x800f12},       {"EPYC-v4", 0x800f12},    {"EPYC-IBPB", 0x800f12},
        {"EPYC-Rome", 0x830f10},  {"EPYC-Milan", 0xa00f11}, {"EPYC-Milan-v2", 0xa00f11},
        {"EPYC-Genoa", 0xa10f10}, {"EPYC-Turin", 0xb00f00}, {"25-1-1", 0xa00f11},
        {"6-26-5", 0x0106a5},     {"23-49-0", 0x830f10},
    };
    const char *name;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(coco_cpu_signature_of(cases[i].name), cases[i].signature);
    for (size_t i = 0; (name = coco_cpu_type(i)); i++)
        assert_int_not_equal(coco_cpu_signature_of(name), 0);
    assert_int_equal(coco_cpu_signature(6, 0x1a, 5), 0x0106a5);
}

static void
names_that_qemu_does_not_have_are_refused(void **state)
{
    static const char *const names[] = {
        "",        "epyc",        "EPYC-",       "EPYC-v",  "EPYC-v9", "EPYC-v10", "EPYC-IBPB-v1",
        "EPYCv1",  "EPYC-Milano", "EPYC-Milan-", "Skylake", "25",      "25-",      "25-1",
        "25-1-",   "25-1-16",     "25-256-1",    "271-1-1", "25-1-1-", "25-1-1 ",  " 25-1-1",
        "+25-1-1", "0025-1-1",    "-25-1-1"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(coco_cpu_signature_of(names[i]), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cpu_begins_as_after_a_reset),
        cmocka_unit_test(cpus_are_those_that_were_recorded),
        cmocka_unit_test(signatures_are_those_of_cpuid),
        cmocka_unit_test(names_that_qemu_does_not_have_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
