/*
 * tests/softtee/test_firmware.c - lib/softtee/firmware.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/firmware.h"

#include "measure/firmware.h"
#include "tests/support.h"

/* By whoever reads that of OVMF. */
static void
it_says_how_it_is_launched(void **state)
{
    uint8_t image[COCO_SOFTTEE_FIRMWARE_SIZE];
    struct coco_firmware firmware;
    coco_error *err = NULL;
    unsigned types = 0;

    (void)state;
    coco_softtee_firmware(image);
    assert_ok(coco_firmware_parse(image, sizeof(image), &firmware, &err), err);
    assert_true(firmware.has_reset);
    assert_int_equal(firmware.reset, 0x80b004);
    assert_int_equal(firmware.hashes, 0x810c00);
    assert_int_equal(firmware.sev_n, 5);
    for (size_t i = 0; i < firmware.sev_n; i++)
        types |= 1U << firmware.sev[i].type;
    assert_int_equal(types, 1U << COCO_SEV_SECTION_MEMORY | 1U << COCO_SEV_SECTION_SECRETS
                                | 1U << COCO_SEV_SECTION_CPUID | 1U << COCO_SEV_SECTION_HASHES);
    assert_int_equal(firmware.tdx_n, 1);
    assert_int_equal(firmware.tdx[0].offset, 0);
    assert_int_equal(firmware.tdx[0].len, sizeof(image));
    assert_int_equal(firmware.tdx[0].address, 0x100000000ULL - sizeof(image));
    assert_int_equal(firmware.tdx[0].size, sizeof(image));
    assert_int_equal(firmware.tdx[0].attributes, COCO_TDX_SECTION_EXTEND);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_how_it_is_launched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
