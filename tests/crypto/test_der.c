/*
 * tests/crypto/test_der.c - lib/crypto/der.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/der.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <string.h>

static void
what_is_written_is_read(void **state)
{
    static const size_t sizes[] = {0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff};
    static uint8_t bytes[0x10000];
    coco_error *err = NULL;

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 1 << 20};

        assert_ok(coco_der_write(&buf, COCO_DER_OCTETS, bytes, sizes[i], &err), err);
        struct coco_reader r = coco_reader_of(buf.data, buf.len);
        assert_true(coco_der_is_next(&r, COCO_DER_OCTETS));
        assert_false(coco_der_is_next(&r, COCO_DER_SEQUENCE));
        struct coco_reader copy = r;
        struct coco_reader whole = coco_der_read_any(&copy, COCO_DER_OCTETS);
        assert_int_equal(whole.len, buf.len);
        assert_ptr_equal(whole.data, buf.data);
        assert_int_equal(copy.len, 0);
        copy = r;
        assert_true(coco_der_read_expected(&copy, COCO_DER_OCTETS, bytes, sizes[i]));
        copy = r;
        assert_false(coco_der_read_expected(&copy, COCO_DER_OCTETS, bytes, sizes[i] + 1));
        assert_true(copy.exhausted);
        struct coco_reader value = coco_der_read(&r, COCO_DER_OCTETS);
        assert_int_equal(value.len, sizes[i]);
        assert_ok(coco_reader_finish(&r, "element", &err), err);
        assert_false(coco_der_is_next(&r, COCO_DER_OCTETS));
    }
    struct coco_buf buf = {.limit = 1 << 20};
    assert_fails(coco_der_write(&buf, COCO_DER_OCTETS, bytes, sizeof(bytes), &err), err,
                 COCO_ERR_LIMIT, "65536");
    coco_buf_done(&buf);
}

/* X.690 section 10.1: BER has many forms of a length, DER one. */
static void
what_is_no_der_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"", 0},
        {"\x04", 1},
        {"\x04\x01", 2},
        {"\x05\x01x", 3},
        {"\x04\x80x\0\0", 5},
        {"\x04\x81\x01x", 4},
        {"\x04\x82\x00\x01x", 5},
        {"\x04\x83\x00\x00\x01x", 6},
        {"\x04\x84\x00\x00\x00\x01x", 7},
        {"\x04\xffx", 3},
        {"\x04\x81", 2},
        {"\x04\x82\x01", 3},
        {"\x04\x82\xff\xffx", 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_reader r = coco_reader_of(cases[i].bytes, cases[i].len);
        struct coco_reader copy = r;

        struct coco_reader value = coco_der_read(&r, COCO_DER_OCTETS);
        if (!r.exhausted || !value.exhausted)
            fail_msg("case %zu is read", i);
        value = coco_der_read_any(&copy, COCO_DER_OCTETS);
        assert_true(value.exhausted && copy.exhausted);
    }
}

static void
writing_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = 64};
        coco_error *err = NULL;

        coco_status status = coco_der_write(&buf, COCO_DER_NULL, NULL, 0, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_is_no_der_is_refused),
        cmocka_unit_test(writing_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
