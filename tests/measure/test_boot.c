/*
 * tests/measure/test_boot.c - lib/measure/boot.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/boot.h"

#include "base/text.h"
#include "measure/pe.h"
#include "tests/faults.h"
#include "tests/measure/pe_kit.h"

#define OLD 202408U /* release of edk2 */

static uint8_t program[PE_SIZE];
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    pe_make(program);
    return 0;
}

static void
assert_register(const struct coco_boot_log *log, enum coco_boot_register reg, size_t size,
                const char *want)
{
    uint8_t value[COCO_TCG_HASH_SIZE_MAX];
    char hex[2 * COCO_TCG_HASH_SIZE_MAX + 1];

    assert_ok(coco_boot_replay(log, reg, value, &err), err);
    coco_hex(value, size, hex);
    assert_string_equal(hex, want);
}

/*
 * The recorded log of OVMF and Linux in a TD (trustee, deps/eventlog, CCEL_data_ovmf)
 * has a kernel of this digest, and its RTMR 1 is what upstream expects.
 */
static void
a_boot_in_a_td_is_what_was_recorded(void **state)
{
    const struct coco_sev_kernel kernel = {{program, PE_SIZE}, {"i", 1}, "quiet"};
    static const char *const whats[] = {
        "kernel",
        "Calling EFI Application from Boot Option",
        "LOADED_IMAGE::LoadOptions",
        "Linux initrd",
        "Exit Boot Services Invocation",
        "Exit Boot Services Returned with Success",
    };
    const struct coco_boot boot = {&kernel, OLD};
    struct coco_boot_log log;

    (void)state;
    assert_ok(coco_boot_measure_tdx(&boot, &log, &err), err);
    assert_int_equal(log.n, 6);
    for (size_t i = 0; i < log.n; i++)
        assert_string_equal(log.events[i].what, whats[i]);
    assert_true(coco_unhex("a2ccae1e7d6c668ca325bb09c882d8ce44d26d714ba6f58d"
                           "2e8083fe291a704646afe24a2368bca3341728d78ec80a80",
                           96, log.events[0].digest, 48));
    assert_true(coco_unhex("4230f84885a6f3f305e91a1955045398bd9edd8ffd2aaf2a"
                           "ab8ad3ac53476c4ac82a3675ef559c4ae949a06e84119fc2",
                           96, log.events[2].digest, 48));
    assert_true(coco_unhex("b15af9286108d3d8c9f794a51409e55bad6334f5d96a1e44"
                           "69f8df2d75fd69aac648d939e13daf6800e82e6c1f6628c4",
                           96, log.events[3].digest, 48));
    assert_register(&log, COCO_BOOT_RTMR1, 48,
                    "775b9f6bfe99f8a31396f0d0218e67ffa796d3b96ccf961c"
                    "bb0deba48c79c00f082cda1a5567c1c16305f1fc210c13c6");
    assert_register(&log, COCO_BOOT_RTMR2, 48,
                    "94eaf7a7bf398ed8d888c91057ae0261802e4f3df084213a"
                    "76ca7f0b5055ac9d2241de43cd58d9e8b49c503bbf25f34a");
}

/* OvmfPkg/TdTcg2Dxe of edk2-stable202411 and later: the recorded boot with one event more. */
static void
newer_firmware_separates_rtmr_1(void **state)
{
    const struct coco_sev_kernel kernel = {{program, PE_SIZE}, {"i", 1}, "quiet"};
    static const uint32_t releases[] = {OLD, 202410, 202411, 202412, COCO_EDK2_NEWEST};
    struct coco_boot_log log;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        const struct coco_boot boot = {&kernel, releases[i]};

        assert_ok(coco_boot_measure_tdx(&boot, &log, &err), err);
        assert_int_equal(log.n, i < 2 ? 6 : 7);
        assert_string_equal(log.events[2].what, i < 2 ? "LOADED_IMAGE::LoadOptions" : "separator");
    }
    assert_int_equal(log.events[2].reg, COCO_BOOT_RTMR1);
    assert_true(coco_unhex("a2ccae1e7d6c668ca325bb09c882d8ce44d26d714ba6f58d"
                           "2e8083fe291a704646afe24a2368bca3341728d78ec80a80",
                           96, log.events[0].digest, 48));
    /* Computed in another language. */
    assert_register(&log, COCO_BOOT_RTMR1, 48,
                    "489286664b0d67321a4c3fc9c2825152f4430d11a5fec22f"
                    "114c50b768e73c5ec6dd6f398e842c29508185a8501f6d89");
}

static void
a_command_line_is_measured_as_ovmf_passes_it_on(void **state)
{
    const struct coco_sev_kernel kernel = {{program, PE_SIZE}, {"initrd", 6}, "console=ttyS0"};
    const struct coco_boot old = {&kernel, 202505};
    const struct coco_boot boot = {&kernel, 202508};
    struct coco_boot_log log;
    char hex[97];

    (void)state;
    assert_ok(coco_boot_measure_tdx(&old, &log, &err), err);
    coco_hex(log.events[3].digest, 48, hex);
    /* SHA-384 of "console=ttyS0 initrd=initrd" in UTF-16, with its NUL */
    assert_string_equal(hex, "1d26f8aff8992fdfc37e88b4fdf4a1a0ebb815a2ce925ea3"
                             "046b3ba1f24a933e75a163af2af579268c20ca5f476f5386");
    assert_ok(coco_boot_measure_tpm(&old, COCO_TCG_SHA256, &log, &err), err);
    assert_register(&log, COCO_BOOT_PCR9, 32,
                    "316d1b22c6f5ac9391977a0c9014c5a4611bc450abec64a7328b40a00451a815");
    /* "initrd=initrd console=ttyS0" */
    assert_ok(coco_boot_measure_tdx(&boot, &log, &err), err);
    coco_hex(log.events[3].digest, 48, hex);
    assert_string_equal(hex, "f9f8fb4b0e1dce36006d4f4a67381bc02cb5fb2fe7143f30"
                             "91569254993fb8edfa15f5b55ebdbf24cb189af4c6dbb8ff");
    assert_ok(coco_boot_measure_tpm(&boot, COCO_TCG_SHA256, &log, &err), err);
    assert_register(&log, COCO_BOOT_PCR9, 32,
                    "026d76972278f65cbc5002bb99ed9ba51368b294544d805b2d36967c88bc37b6");
}

static void
what_is_not_there_is_not_measured(void **state)
{
    const struct coco_sev_kernel kernel = {{program, PE_SIZE}, {"", 0}, ""};
    const struct coco_boot boot = {&kernel, COCO_EDK2_NEWEST};
    struct coco_boot_log log;

    (void)state;
    assert_ok(coco_boot_measure_tpm(&boot, COCO_TCG_SHA256, &log, &err), err);
    assert_int_equal(log.n, 3);
    assert_register(&log, COCO_BOOT_PCR9, 32,
                    "0000000000000000000000000000000000000000000000000000000000000000");
}

static void
pcr_4_is_the_kernel_the_call_and_a_separator(void **state)
{
    const struct coco_sev_kernel kernel = {{program, PE_SIZE}, {"", 0}, ""};
    const struct coco_boot boot = {&kernel, COCO_EDK2_NEWEST};
    uint8_t value[COCO_TCG_HASH_SIZE_MAX] = {0};
    uint8_t digest[COCO_TCG_HASH_SIZE_MAX];
    static const char call[] = "Calling EFI Application from Boot Option";
    struct coco_boot_log log;
    char hex[65];

    (void)state;
    assert_ok(coco_pe_digest(COCO_TCG_SHA256, program, PE_SIZE, digest, &err), err);
    assert_ok(coco_tcg_extend(COCO_TCG_SHA256, value, digest, &err), err);
    assert_ok(coco_tcg_hash(COCO_TCG_SHA256, call, sizeof(call) - 1, digest, &err), err);
    assert_ok(coco_tcg_extend(COCO_TCG_SHA256, value, digest, &err), err);
    assert_ok(coco_tcg_hash(COCO_TCG_SHA256, "\0\0\0", 4, digest, &err), err);
    assert_ok(coco_tcg_extend(COCO_TCG_SHA256, value, digest, &err), err);
    coco_hex(value, 32, hex);
    assert_ok(coco_boot_measure_tpm(&boot, COCO_TCG_SHA256, &log, &err), err);
    assert_register(&log, COCO_BOOT_PCR4, 32, hex);
}

static void
what_cannot_be_known_is_refused(void **state)
{
    struct coco_sev_kernel kernel = {{program, PE_SIZE}, {"", 0}, "caf\xc3\xa9"};
    const struct coco_boot boot = {&kernel, COCO_EDK2_NEWEST};
    struct coco_boot_log log;

    (void)state;
    assert_fails(coco_boot_measure_tdx(&boot, &log, &err), err, COCO_ERR_NOTSUP, "not ASCII");
    kernel.kernel.len = 3;
    assert_fails(coco_boot_measure_tpm(&boot, COCO_TCG_SHA256, &log, &err), err, COCO_ERR_PROTO,
                 "no header of one");
    kernel.kernel.len = PE_SIZE;
    assert_fails(coco_boot_measure_tpm(&boot, 0x99, &log, &err), err, COCO_ERR_NOTSUP, "");
}

static void
a_failed_allocation_is_reported(void **state)
{
    const struct coco_sev_kernel kernel = {{program, PE_SIZE}, {"initrd", 6}, "console=ttyS0"};
    const struct coco_boot boot = {&kernel, COCO_EDK2_NEWEST};
    struct coco_boot_log log;

    (void)state;
    for_each_fault()
    {
        coco_error *failure = NULL;
        coco_status status = coco_boot_measure_tdx(&boot, &log, &failure);

        fault_expect(status, failure);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_boot_in_a_td_is_what_was_recorded),
        cmocka_unit_test(newer_firmware_separates_rtmr_1),
        cmocka_unit_test(a_command_line_is_measured_as_ovmf_passes_it_on),
        cmocka_unit_test(what_is_not_there_is_not_measured),
        cmocka_unit_test(pcr_4_is_the_kernel_the_call_and_a_separator),
        cmocka_unit_test(what_cannot_be_known_is_refused),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
