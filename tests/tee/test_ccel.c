/*
 * tests/tee/test_ccel.c - lib/tee/ccel.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/ccel.h"

#include "base/cleanup.h"
#include "tests/support.h"

#include <string.h>

static const struct coco_ccel some = {
    .type = COCO_CC_TDX,
    .subtype = 1,
    .log_size = 0x0102030405060708,
    .log_address = 0x1112131415161718,
};

static void
a_table_has_every_field_at_its_place(void **state)
{
    uint8_t bytes[COCO_CCEL_SIZE];
    uint8_t sum = 0;

    (void)state;
    coco_ccel_format(&some, bytes);
    assert_memory_equal(bytes, "CCEL\x38\0\0\0\1", 9);
    assert_memory_equal(bytes + 36, "\2\1\0\0\x08\7\6\5\4\3\2\1\x18\x17\x16\x15\x14\x13\x12\x11",
                        20);
    for (size_t i = 0; i < sizeof(bytes); i++)
        sum = (uint8_t)(sum + bytes[i]);
    assert_int_equal(sum, 0);
}

static void
a_table_is_read_as_it_was_written(void **state)
{
    uint8_t bytes[COCO_CCEL_SIZE];
    struct coco_ccel read = {0};
    coco_error *err = NULL;

    (void)state;
    coco_ccel_format(&some, bytes);
    assert_ok(coco_ccel_parse(bytes, sizeof(bytes), &read, &err), err);
    assert_int_equal(read.type, some.type);
    assert_int_equal(read.subtype, some.subtype);
    assert_int_equal(read.log_size, some.log_size);
    assert_int_equal(read.log_address, some.log_address);
}

/* The sum of all bytes is another, whatever the bit. */
static void
a_table_with_any_bit_flipped_is_refused(void **state)
{
    uint8_t bytes[COCO_CCEL_SIZE];
    struct coco_ccel read;

    (void)state;
    coco_ccel_format(&some, bytes);
    for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(coco_ccel_parse(bytes, sizeof(bytes), &read, NULL), COCO_ERR_PROTO);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

/* With the sum right: byte from becomes to, and the checksum makes up for it. */
static void
other_tables_are_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t to;
    } cases[] = {{0, 'D'}, {3, 'l'}, {4, 0x37}, {5, 1}, {8, 0}, {8, 2}};
    struct coco_ccel read;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t bytes[COCO_CCEL_SIZE];

        coco_ccel_format(&some, bytes);
        bytes[9] = (uint8_t)(bytes[9] + bytes[cases[i].at] - cases[i].to);
        bytes[cases[i].at] = cases[i].to;
        assert_fails(coco_ccel_parse(bytes, sizeof(bytes), &read, &err), err, COCO_ERR_PROTO,
                     "no CCEL table");
    }
}

static void
a_table_of_another_size_is_refused(void **state)
{
    uint8_t bytes[COCO_CCEL_SIZE + 1] = {0};
    struct coco_ccel read;

    (void)state;
    coco_ccel_format(&some, bytes);
    for (size_t len = 0; len <= sizeof(bytes); len++)
        assert_int_equal(coco_ccel_parse(bytes, len, &read, NULL),
                         len == COCO_CCEL_SIZE ? COCO_OK : COCO_ERR_PROTO);
}

static void
the_table_of_a_machine_is_read(void **state)
{
    size_t len = 0;
    _cleanup_free_ char *bytes = read_fixture("tdx/gotdx_ccel_table.dat", &len);
    struct coco_ccel table = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ccel_parse(bytes, len, &table, &err), err);
    assert_int_equal(table.type, COCO_CC_TDX);
    assert_int_equal(table.subtype, 0);
    assert_int_equal(table.log_size, 262144);
    assert_int_equal(table.log_address, 3202084864);
}

static void
pcrs_have_their_registers(void **state)
{
    static const uint32_t want[24] = {4, 1, 2, 2, 2, 2, 2, 1, 3, 3, 3, 3,
                                      3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4};

    (void)state;
    for (unsigned pcr = 0; pcr < 24; pcr++)
        assert_int_equal(coco_ccmr_of_pcr(pcr), want[pcr]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_has_every_field_at_its_place),
        cmocka_unit_test(a_table_is_read_as_it_was_written),
        cmocka_unit_test(a_table_with_any_bit_flipped_is_refused),
        cmocka_unit_test(other_tables_are_refused),
        cmocka_unit_test(a_table_of_another_size_is_refused),
        cmocka_unit_test(pcrs_have_their_registers),
        cmocka_unit_test(the_table_of_a_machine_is_read),
    };

    return cmocka_run_group_tests_name("tee/ccel", tests, NULL, NULL);
}
