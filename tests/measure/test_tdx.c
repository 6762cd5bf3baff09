/*
 * tests/measure/test_tdx.c - lib/measure/tdx.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/tdx.h"

#include "base/text.h"
#include "tests/faults.h"
#include "tests/measure/firmware_kit.h"

#define HEX_SIZE 97

static struct firmware_kit kit;
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    kit_open(&kit);
    kit_add_tdx(&kit);
    return 0;
}

static void
assert_mrtd(const struct firmware_kit *of, coco_tdx_order order, const char *want)
{
    struct coco_firmware firmware;
    uint8_t digest[COCO_TDX_DIGEST_SIZE];
    char hex[HEX_SIZE];

    assert_ok(coco_firmware_parse(of->image, KIT_SIZE, &firmware, &err), err);
    assert_ok(coco_tdx_mrtd(&firmware, order, digest, &err), err);
    coco_hex(digest, sizeof(digest), hex);
    assert_string_equal(hex, want);
}

/* Computed from the specification, in another language, for the same image. */
static void
pages_and_what_is_in_them_are_measured(void **state)
{
    (void)state;
    for (int order = COCO_TDX_BY_PAGE; order <= COCO_TDX_BY_SECTION; order++)
        assert_mrtd(&kit, (coco_tdx_order)order,
                    "eedd600047b1fc3b2e8bbd98d8ba0a40ad28ef748a5c94e5"
                    "13e3f6fda8add5e25d194fcbabd61d3de724dbb5c528e251");
}

/* The same, with both pages in a section that is extended. */
static void
the_order_of_the_calls_matters_where_there_are_several_pages(void **state)
{
    struct firmware_kit both = kit;
    uint8_t *section = both.image + KIT_TDX_AT + 16;

    (void)state;
    kit_put(section, 4, 0);
    kit_put(section + 4, 4, 0x2000);
    kit_put(section + 8, 8, 0xffffe000);
    kit_put(section + 16, 8, 0x2000);
    assert_mrtd(&both, COCO_TDX_BY_PAGE,
                "332e2c276fa530765f76bad7bb4270c620430a6370c1baaf"
                "1425b035c2f000febeb35784a36ce67d0bd7eded83d2585e");
    assert_mrtd(&both, COCO_TDX_BY_SECTION,
                "80b18c23c58165bcb70d0476db77bad4fb45463d6ab34d65"
                "d1e826becb369be3d314913329596896ccdd793b8b7209d5");
}

static void
only_what_is_extended_matters_of_an_image(void **state)
{
    struct firmware_kit changed = kit;
    struct coco_firmware firmware;
    uint8_t before[COCO_TDX_DIGEST_SIZE];
    uint8_t after[COCO_TDX_DIGEST_SIZE];

    (void)state;
    assert_ok(coco_firmware_parse(changed.image, KIT_SIZE, &firmware, &err), err);
    assert_ok(coco_tdx_mrtd(&firmware, COCO_TDX_BY_PAGE, before, &err), err);
    changed.image[0] ^= 1;
    assert_ok(coco_tdx_mrtd(&firmware, COCO_TDX_BY_PAGE, after, &err), err);
    assert_memory_equal(after, before, sizeof(before));
    changed.image[COCO_PAGE_SIZE] ^= 1;
    assert_ok(coco_tdx_mrtd(&firmware, COCO_TDX_BY_PAGE, after, &err), err);
    assert_memory_not_equal(after, before, sizeof(before));
    firmware.tdx[2].attributes = COCO_TDX_SECTION_AUGMENT;
    assert_ok(coco_tdx_mrtd(&firmware, COCO_TDX_BY_PAGE, before, &err), err);
    assert_memory_not_equal(after, before, sizeof(before));
}

static void
what_is_not_in_the_image_cannot_be_measured(void **state)
{
    struct coco_firmware firmware;
    uint8_t digest[COCO_TDX_DIGEST_SIZE];

    (void)state;
    assert_ok(coco_firmware_parse(kit.image, KIT_SIZE, &firmware, &err), err);
    firmware.tdx[2].attributes = COCO_TDX_SECTION_EXTEND;
    assert_fails(coco_tdx_mrtd(&firmware, COCO_TDX_BY_PAGE, digest, &err), err, COCO_ERR_NOTSUP,
                 "section 2 is measured, but not all of it");
    firmware.tdx[0].attributes = COCO_TDX_SECTION_EXTEND | COCO_TDX_SECTION_AUGMENT;
    assert_fails(coco_tdx_mrtd(&firmware, COCO_TDX_BY_PAGE, digest, &err), err, COCO_ERR_NOTSUP,
                 "section 0");
    firmware.tdx_n = 0;
    assert_fails(coco_tdx_mrtd(&firmware, COCO_TDX_BY_PAGE, digest, &err), err, COCO_ERR_INVALID,
                 "not made for TDX");
}

static void
a_failed_allocation_is_reported(void **state)
{
    struct coco_firmware firmware;
    uint8_t digest[COCO_TDX_DIGEST_SIZE];

    (void)state;
    assert_ok(coco_firmware_parse(kit.image, KIT_SIZE, &firmware, &err), err);
    for_each_fault()
    {
        coco_error *failure = NULL;
        coco_status status = coco_tdx_mrtd(&firmware, COCO_TDX_BY_SECTION, digest, &failure);

        fault_expect(status, failure);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_and_what_is_in_them_are_measured),
        cmocka_unit_test(the_order_of_the_calls_matters_where_there_are_several_pages),
        cmocka_unit_test(only_what_is_extended_matters_of_an_image),
        cmocka_unit_test(what_is_not_in_the_image_cannot_be_measured),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
