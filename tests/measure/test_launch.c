/*
 * tests/measure/test_launch.c - lib/measure/launch.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/launch.h"

#include "measure/boot.h"
#include "tests/faults.h"
#include "tests/measure/firmware_kit.h"

static struct firmware_kit kit;
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    kit_open(&kit);
    kit_add_sev(&kit, true);
    return 0;
}

static void
a_launch_keeps_copies(void **state)
{
    _cleanup_(coco_launch_freep) coco_launch *launch = NULL;
    uint8_t data[] = "kernel";
    char cmdline[] = "quiet";

    (void)state;
    assert_ok(coco_launch_new(&launch, &err), err);
    assert_ok(coco_launch_set_firmware(launch, kit.image, KIT_SIZE, &err), err);
    assert_ok(coco_launch_set_kernel(launch, data, 6, &err), err);
    assert_ok(coco_launch_set_initrd(launch, data, 1, &err), err);
    assert_ok(coco_launch_set_cmdline(launch, cmdline, &err), err);
    memset(data, 'x', 6);
    memset(cmdline, 'x', 5);
    kit.image[0] ^= 1;
    struct coco_sev_kernel kernel = coco_launch_kernel(launch);
    assert_int_equal(kernel.kernel.len, 6);
    assert_memory_equal(kernel.kernel.data, "kernel", 6);
    assert_int_equal(kernel.initrd.len, 1);
    assert_memory_equal(kernel.initrd.data, "k", 1);
    assert_string_equal(kernel.cmdline, "quiet");
    assert_int_equal(launch->firmware.sev_n, 7);
    assert_int_equal(launch->firmware.data[0], kit.image[0] ^ 1);
    kit.image[0] ^= 1;
}

static void
what_is_set_again_takes_its_place(void **state)
{
    _cleanup_(coco_launch_freep) coco_launch *launch = NULL;
    const uint8_t old[] = "old kernel";

    (void)state;
    assert_ok(coco_launch_new(&launch, &err), err);
    for (unsigned i = 0; i < 2; i++) {
        size_t len = i == 0 ? 10 : 3;

        assert_ok(coco_launch_set_kernel(launch, old, len, &err), err);
        assert_ok(coco_launch_set_initrd(launch, old, len, &err), err);
        assert_ok(coco_launch_set_cmdline(launch, i == 0 ? "a" : "b", &err), err);
        assert_ok(coco_launch_set_firmware(launch, kit.image, KIT_SIZE, &err), err);
    }
    assert_int_equal(launch->kernel_len, 3);
    assert_int_equal(launch->initrd_len, 3);
    assert_string_equal(launch->cmdline, "b");
}

/* Sizes alone: nothing is read of what is too large. */
static void
what_cannot_be_set_changes_nothing(void **state)
{
    _cleanup_(coco_launch_freep) coco_launch *launch = NULL;
    _cleanup_free_ char *cmdline = malloc(COCO_CMDLINE_MAX + 2);
    const uint8_t byte[] = "x";
    struct firmware_kit bad = kit;

    (void)state;
    assert_non_null(cmdline);
    memset(cmdline, 'x', COCO_CMDLINE_MAX + 1);
    cmdline[COCO_CMDLINE_MAX + 1] = '\0';
    assert_ok(coco_launch_new(&launch, &err), err);
    assert_ok(coco_launch_set_firmware(launch, kit.image, KIT_SIZE, &err), err);
    assert_ok(coco_launch_set_cmdline(launch, "a", &err), err);
    assert_fails(coco_launch_set_firmware(launch, byte, COCO_FIRMWARE_SIZE_MAX + 1, &err), err,
                 COCO_ERR_LIMIT, "firmware of 67108865 bytes");
    assert_fails(coco_launch_set_kernel(launch, byte, COCO_KERNEL_SIZE_MAX + 1, &err), err,
                 COCO_ERR_LIMIT, "kernel of 268435457 bytes");
    assert_fails(coco_launch_set_initrd(launch, byte, COCO_INITRD_SIZE_MAX + 1, &err), err,
                 COCO_ERR_LIMIT, "initrd of 1073741825 bytes");
    assert_fails(coco_launch_set_cmdline(launch, cmdline, &err), err, COCO_ERR_LIMIT,
                 "command line of 65537 bytes");
    assert_fails(coco_launch_set_firmware(launch, kit.image, 0, &err), err, COCO_ERR_LIMIT,
                 "of 0 bytes");
    bad.image[KIT_SEV_AT] = 'B';
    assert_fails(coco_launch_set_firmware(launch, bad.image, KIT_SIZE, &err), err, COCO_ERR_PROTO,
                 "no ASEV descriptor");
    assert_int_equal(launch->firmware.sev_n, 7);
    assert_string_equal(launch->cmdline, "a");
    assert_null(launch->kernel);
    assert_null(launch->initrd);
    coco_launch_free(NULL);
}

static void
a_failed_allocation_is_reported(void **state)
{
    const uint8_t byte[] = "x";

    (void)state;
    for_each_fault()
    {
        _cleanup_(coco_launch_freep) coco_launch *launch = NULL;
        coco_error *failure = NULL;

        coco_status status = coco_launch_new(&launch, &failure);
        if (status == COCO_OK)
            status = coco_launch_set_firmware(launch, kit.image, KIT_SIZE, &failure);
        if (status == COCO_OK)
            status = coco_launch_set_kernel(launch, byte, 1, &failure);
        if (status == COCO_OK)
            status = coco_launch_set_initrd(launch, byte, 1, &failure);
        if (status == COCO_OK)
            status = coco_launch_set_cmdline(launch, "a", &failure);
        fault_expect(status, failure);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_launch_keeps_copies),
        cmocka_unit_test(what_is_set_again_takes_its_place),
        cmocka_unit_test(what_cannot_be_set_changes_nothing),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
