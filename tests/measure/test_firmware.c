/*
 * tests/measure/test_firmware.c - lib/measure/firmware.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/measure/firmware_kit.h"

#include "tests/faults.h"

#include <stdlib.h>

static coco_error *err;

static void
kit_make(struct firmware_kit *kit)
{
    kit_open(kit);
    kit_add(kit, "4c2eb361-7d9b-4cc3-8081-127c90d3d294", 1); /* where SEV's secrets go */
    kit_add_sev(kit, true);
    kit_add_tdx(kit);
}

static void
the_table_tells_what_is_launched(void **state)
{
    struct firmware_kit kit;
    struct coco_firmware firmware;

    (void)state;
    kit_make(&kit);
    assert_ok(coco_firmware_parse(kit.image, KIT_SIZE, &firmware, &err), err);
    assert_true(firmware.has_reset);
    assert_int_equal(firmware.reset, 0x80b004);
    assert_int_equal(firmware.hashes, 0x810c00);
    assert_int_equal(firmware.sev_n, 7);
    assert_int_equal(firmware.sev[5].address, 0x810000);
    assert_int_equal(firmware.sev[5].size, 0x1000);
    assert_int_equal(firmware.sev[5].type, COCO_SEV_SECTION_HASHES);
    assert_int_equal(firmware.tdx_n, 3);
    assert_int_equal(firmware.tdx[0].offset, 0x1000);
    assert_int_equal(firmware.tdx[0].address, 0xfffff000);
    assert_int_equal(firmware.tdx[0].attributes, COCO_TDX_SECTION_EXTEND);
    assert_int_equal(firmware.tdx[2].size, 0x2000);
}

static void
firmware_without_a_table_says_nothing(void **state)
{
    static uint8_t image[COCO_PAGE_SIZE];
    struct coco_firmware firmware;

    (void)state;
    assert_ok(coco_firmware_parse(image, sizeof(image), &firmware, &err), err);
    assert_false(firmware.has_reset);
    assert_int_equal(firmware.sev_n + firmware.tdx_n, 0);
}

static void
what_contradicts_itself_is_refused(void **state)
{
    const size_t head = KIT_SIZE - 32 - 18; /* of the table */
    const struct {
        size_t at;
        size_t n;
        uint64_t value;
        coco_status status;
        const char *says;
    } cases[] = {
        {head, 2, 17, COCO_ERR_PROTO, "entry of 17 bytes"},
        {head, 2, 0xffff, COCO_ERR_PROTO, "entry of 65535 bytes"},
        {head, 2, 19, COCO_ERR_PROTO, "1 bytes before its table's first entry"},
        {head - 18, 2, 0, COCO_ERR_PROTO, "entry of 0 bytes"},
        {head - 18, 2, 0x7fff, COCO_ERR_PROTO, "entry of 32767 bytes"},
        {KIT_SEV_AT, 1, 'B', COCO_ERR_PROTO, "no ASEV descriptor"},
        {KIT_SEV_AT + 4, 4, 16, COCO_ERR_PROTO, "7 sections in a ASEV descriptor of 16"},
        {KIT_SEV_AT + 8, 4, 2, COCO_ERR_NOTSUP, "ASEV descriptor of version 2"},
        {KIT_SEV_AT + 12, 4, 0xffffffff, COCO_ERR_LIMIT, "4294967295 sections"},
        {KIT_SEV_AT + 16, 4, 0x800001, COCO_ERR_PROTO, "whole pages"},
        {KIT_SEV_AT + 20, 4, 0x1001, COCO_ERR_PROTO, "whole pages"},
        {KIT_SEV_AT + 20, 4, 0xfffff000, COCO_ERR_LIMIT, "more than 268435456 bytes"},
        {KIT_TDX_AT, 1, 'B', COCO_ERR_PROTO, "no TDVF descriptor"},
        {KIT_TDX_AT + 12, 4, 33, COCO_ERR_LIMIT, "33 sections"},
        {KIT_TDX_AT + 16, 4, 0x1001, COCO_ERR_PROTO, "outside of the image"},
        {KIT_TDX_AT + 20, 4, 0x1001, COCO_ERR_PROTO, "outside of the image"},
        {KIT_TDX_AT + 24, 8, 0xfffff001, COCO_ERR_PROTO, "whole pages"},
        {KIT_TDX_AT + 24, 8, 0xfffffffffffff000, COCO_ERR_PROTO, "whole pages"},
        {KIT_TDX_AT + 32, 8, 1ULL << 40, COCO_ERR_LIMIT, "more than 268435456 bytes"},
    };
    struct firmware_kit kit;
    struct coco_firmware firmware;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        kit_make(&kit);
        kit_put(kit.image + cases[i].at, cases[i].n, cases[i].value);
        assert_fails(coco_firmware_parse(kit.image, KIT_SIZE, &firmware, &err), err,
                     cases[i].status, cases[i].says);
    }
    kit_make(&kit);
    assert_fails(coco_firmware_parse(kit.image, 0, &firmware, &err), err, COCO_ERR_LIMIT,
                 "of 0 bytes");
    assert_fails(coco_firmware_parse(kit.image, KIT_SIZE - 1, &firmware, &err), err, COCO_ERR_PROTO,
                 "not of whole pages");
    assert_fails(coco_firmware_parse(kit.image, COCO_FIRMWARE_SIZE_MAX + 1, &firmware, &err), err,
                 COCO_ERR_LIMIT, "67108865 bytes");
}

static void
entries_that_point_outside_or_stand_twice_are_refused(void **state)
{
    static const char *const guids[] = {KIT_RESET, KIT_HASHES, KIT_SEV, KIT_TDX};
    static const uint32_t outside[] = {0, 15, KIT_SIZE + 1, 0xffffffff};
    struct firmware_kit kit;
    struct coco_firmware firmware;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        kit_make(&kit);
        kit_add(&kit, guids[i], KIT_SIZE - (i == 2 ? KIT_SEV_AT : KIT_TDX_AT));
        assert_fails(coco_firmware_parse(kit.image, KIT_SIZE, &firmware, &err), err, COCO_ERR_PROTO,
                     "stands twice");
        kit_open(&kit);
        kit_add(&kit, KIT_SEV, outside[i]);
        assert_fails(coco_firmware_parse(kit.image, KIT_SIZE, &firmware, &err), err, COCO_ERR_PROTO,
                     "outside of the image");
    }
    /* An entry too short for its number. */
    kit_open(&kit);
    kit.at -= 18;
    kit_put(kit.image + kit.at, 2, 18);
    kit_put_guid(kit.image + kit.at + 2, KIT_SEV);
    kit_close(&kit);
    assert_fails(coco_firmware_parse(kit.image, KIT_SIZE, &firmware, &err), err, COCO_ERR_PROTO,
                 "ends after 0 bytes");
}

static void
a_bit_flipped_anywhere_does_no_harm(void **state)
{
    struct firmware_kit kit;
    struct coco_firmware firmware;

    (void)state;
    kit_make(&kit);
    for (size_t bit = 0; bit < (size_t)8 * KIT_SIZE; bit++) {
        kit.image[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (coco_firmware_parse(kit.image, KIT_SIZE, &firmware, NULL) == COCO_OK)
            assert_true(firmware.sev_n <= COCO_FIRMWARE_SECTIONS_MAX);
        kit.image[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

/* It needs no memory of its own: what is refused is refused without any, too. */
static void
a_failed_allocation_changes_nothing(void **state)
{
    struct firmware_kit kit;
    struct coco_firmware firmware;

    (void)state;
    kit_make(&kit);
    for_each_fault()
    {
        coco_error *failure = NULL;
        coco_status status = coco_firmware_parse(kit.image, KIT_SIZE, &firmware, &failure);

        fault_expect(status, failure);
        assert_int_equal(status, COCO_OK);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_tells_what_is_launched),
        cmocka_unit_test(firmware_without_a_table_says_nothing),
        cmocka_unit_test(what_contradicts_itself_is_refused),
        cmocka_unit_test(entries_that_point_outside_or_stand_twice_are_refused),
        cmocka_unit_test(a_bit_flipped_anywhere_does_no_harm),
        cmocka_unit_test(a_failed_allocation_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
