/*
 * tests/tee/test_guid.c - lib/tee/guid.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/guid.h"

#include "tests/support.h"

#include <string.h>

#define TEXT "00112233-4455-6677-8899-aabbccddeeff"

static void
a_guid_is_its_text(void **state)
{
    static const uint8_t want[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                   0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    uint8_t guid[COCO_GUID_SIZE];
    char text[COCO_GUID_LEN + 1];

    (void)state;
    assert_true(coco_guid_parse(TEXT, guid));
    assert_memory_equal(guid, want, sizeof(want));
    coco_guid_format(guid, text);
    assert_string_equal(text, TEXT);
}

static void
what_is_no_guid_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "00112233-4455-6677-8899-aabbccddeef",
        "00112233-4455-6677-8899-aabbccddeeff0",
        "00112233-4455-6677-8899-aabbccddeefg",
        "0011223-34455-6677-8899-aabbccddeeff",
        "00112233-4455-6677-8899_aabbccddeeff",
        "00112233445566778899aabbccddeeff0000",
        "{0112233-4455-6677-8899-aabbccddeef}",
    };
    uint8_t guid[COCO_GUID_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(coco_guid_parse(texts[i], guid));
}

static void
uefi_turns_three_numbers_round(void **state)
{
    static const uint8_t want[] = {0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
                                   0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    uint8_t guid[COCO_GUID_SIZE];

    (void)state;
    assert_true(coco_guid_parse(TEXT, guid));
    coco_guid_swap(guid, guid);
    assert_memory_equal(guid, want, sizeof(want));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guid_is_its_text),
        cmocka_unit_test(what_is_no_guid_is_refused),
        cmocka_unit_test(uefi_turns_three_numbers_round),
    };

    return cmocka_run_group_tests_name("tee/guid", tests, NULL, NULL);
}
