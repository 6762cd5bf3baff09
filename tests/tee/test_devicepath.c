/*
 * tests/tee/test_devicepath.c - lib/tee/devicepath.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/devicepath.h"

#include "base/text.h"
#include "tests/faults.h"

#include <string.h>

#define ZEROS_16 "00000000000000000000000000000000"

/* Nodes behind their head, in hex; the texts are what section 10.6.1.6 of UEFI makes of them. */
static const struct {
    uint8_t type, subtype;
    const char *hex, *want;
} nodes[] = {
    {1, 1, "0001", "Pci(0,1)"},
    {1, 1, "07ff", "Pci(7,255)"},
    {2, 1, "d041030a00000000", "ACPI(PNP0A03,0)"},
    {2, 1, "d041080a02000000", "ACPI(PNP0A08,2)"},
    {3, 5, "0203", "USB(2,3)"},
    {3, 11,
     "021122334455" ZEROS_16 "0000000000000000000001"
     "01",
     "Path(3,11,"},
    {3, 11,
     "5254001234ab" ZEROS_16 "00000000000000000000"
     "01",
     "Mac(5254001234AB,0x01)"},
    {3, 12,
     "0102a8c00302a8c0"
     "00000000"
     "0600"
     "01"
     "00000000"
     "00000000",
     "IPv4(192.168.2.3,TCP,Static,192.168.2.1)"},
    {3, 12,
     "0102a8c00302a8c0"
     "00000000"
     "1100"
     "00"
     "01000000"
     "02000000",
     "IPv4(192.168.2.3,UDP,DHCP,192.168.2.1,1,2)"},
    {3, 12,
     "0000000000000000"
     "00000000"
     "0000"
     "02"
     "00000000"
     "00000000",
     "IPv4(0.0.0.0,,,0.0.0.0)"},
    {3, 21, "00112233445566778899aabbccddeeff", "FibreEx(0x0011223344556677,0x8899aabbccddeeff)"},
    {4, 1,
     "03000000"
     "0008000000000000"
     "0010000000000000"
     "78563412bc9af0de0102030405060708"
     "0202",
     "HD(3,GPT,12345678-9ABC-DEF0-0102-030405060708,0x800,0x1000)"},
    {4, 1,
     "01000000"
     "0100000000000000"
     "0200000000000000"
     "78563412000000000000000000000000"
     "0101",
     "HD(1,MBR,0x12345678,0x1,0x2)"},
    {4, 1,
     "00000000"
     "0100000000000000"
     "0200000000000000"
     "78563412000000000000000000000000"
     "0101",
     "HD(0,MBR,0x12345678)"},
    {4, 3, "78563412bc9af0de0102030405060708", "VenMedia(12345678-9ABC-DEF0-0102-030405060708,)"},
    {4, 3, "78563412bc9af0de0102030405060708cafe",
     "VenMedia(12345678-9ABC-DEF0-0102-030405060708,cafe)"},
    {4, 4, "6b00650072006e0065006c000000", "File(kernel)"},
    {4, 4, "5c004500460049000000", "File(\\EFI)"},
    {4, 4, "0000", "File()"},
    {4, 4, "00d80000", "File(\xef\xbf\xbd)"},
    {5, 1, "05000000", "BBS(USB,,0)"},
    {5, 1, "80000100414200", "BBS(DEV,AB,1)"},
    {5, 1, "f0ff0000", "BBS(65520,,0)"},
    /* others, and those that are not as they should be */
    {3, 23, "010000000000000000000000", "Path(3,23,010000000000000000000000)"},
    {9, 7, "", "Path(9,7,)"},
    {1, 1, "00", "Path(1,1,00)"},
    {2, 1, "d041030a000000", "Path(2,1,d041030a000000)"},
    {3, 5, "", "Path(3,5,)"},
    {3, 12, "00", "Path(3,12,00)"},
    {3, 21, "00", "Path(3,21,00)"},
    {4, 1, "03000000", "Path(4,1,03000000)"},
    {4, 1,
     "03000000"
     "0008000000000000"
     "0010000000000000"
     "78563412bc9af0de0102030405060708"
     "0302",
     "Path(4,1,03000000000800000000000000100000000000007856"},
    {4, 3, "00", "Path(4,3,00)"},
    {4, 4, "", "Path(4,4,)"},
    {4, 4, "6b", "Path(4,4,6b)"},
    {4, 4, "6b00000061000000", "Path(4,4,6b00000061000000)"},
    {5, 1, "050000", "Path(5,1,050000)"},
    {5, 1, "05000000ff", "Path(5,1,05000000ff)"},
};

static void
nodes_have_the_text_that_upstream_has(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};
        uint8_t data[64];
        size_t len = strlen(nodes[i].hex) / 2;
        struct coco_device_node node = {nodes[i].type, nodes[i].subtype, data, len};
        coco_error *err = NULL;

        assert_true(coco_unhex(nodes[i].hex, 2 * len, data, len));
        assert_ok(coco_device_node_format(&node, &text, &err), err);
        /* A text that is cut here goes on with the hex of the node. */
        if (nodes[i].want[strlen(nodes[i].want) - 1] != ')')
            assert_contains(coco_buf_text(&text), nodes[i].want);
        else
            assert_string_equal(coco_buf_text(&text), nodes[i].want);
    }
}

static void
nodes_follow_each_other(void **state)
{
    static const uint8_t path[] = "\1\1\6\0\2\3\x7f\xff\4\0";
    struct coco_reader r = coco_reader_of(path, sizeof(path) - 1);
    struct coco_device_node node = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_device_node_read(&r, &node, &err), err);
    assert_int_equal(node.type, 1);
    assert_int_equal(node.subtype, 1);
    assert_int_equal(node.len, 2);
    assert_memory_equal(node.data, "\2\3", 2);
    assert_ok(coco_device_node_read(&r, &node, &err), err);
    assert_int_equal(node.type, 0x7f);
    assert_int_equal(node.len, 0);
    assert_int_equal(r.len, 0);
}

static void
hostile_nodes_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"", 0},         {"\1", 1},       {"\1\1\4", 3},           {"\1\1\0\0", 4},
        {"\1\1\3\0", 4}, {"\1\1\5\0", 4}, {"\1\1\xff\xff\0\0", 6},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_reader r = coco_reader_of(cases[i].bytes, cases[i].len);
        struct coco_device_node node = {.type = 77};

        assert_int_equal(coco_device_node_read(&r, &node, NULL), COCO_ERR_PROTO);
        assert_int_equal(node.type, 77);
    }
}

static void
formatting_survives_every_failing_allocation(void **state)
{
    static const uint8_t file[] = "k\0e\0\0";
    static const struct coco_device_node node = {4, 4, file, 6};

    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};
        coco_error *err = NULL;

        coco_status status = coco_device_node_format(&node, &text, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_have_the_text_that_upstream_has),
        cmocka_unit_test(nodes_follow_each_other),
        cmocka_unit_test(hostile_nodes_are_refused),
        cmocka_unit_test(formatting_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests_name("tee/devicepath", tests, NULL, NULL);
}
