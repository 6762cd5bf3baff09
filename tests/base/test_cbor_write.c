/*
 * tests/base/test_cbor_write.c - lib/base/cbor_write.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/cbor.h"

#include "base/text.h"
#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static coco_error *err;

static void
assert_written(const struct coco_buf *buf, const char *hex)
{
    char got[512];

    assert_true(buf->len < sizeof(got) / 2);
    coco_hex(buf->data, buf->len, got);
    assert_string_equal(got, hex);
}

static void
integers_take_as_little_room_as_they_can(void **state)
{
    static const struct {
        int64_t value;
        const char *hex;
    } cases[] = {
        {0, "00"},
        {23, "17"},
        {24, "1818"},
        {255, "18ff"},
        {256, "190100"},
        {65535, "19ffff"},
        {65536, "1a00010000"},
        {UINT32_MAX, "1affffffff"},
        {(int64_t)UINT32_MAX + 1, "1b0000000100000000"},
        {INT64_MAX, "1b7fffffffffffffff"},
        {-1, "20"},
        {-24, "37"},
        {-25, "3818"},
        {-256, "38ff"},
        {-257, "390100"},
        {INT64_MIN, "3b7fffffffffffffff"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 64};
        struct coco_cbor_writer w = coco_cbor_writer_of(&buf, &err);

        coco_cbor_put_int(&w, cases[i].value);
        assert_ok(w.status, err);
        assert_written(&buf, cases[i].hex);
    }
}

static coco_status
write_some(struct coco_buf *buf, coco_error **e)
{
    struct coco_cbor_writer w = coco_cbor_writer_of(buf, e);

    coco_cbor_put_tag(&w, 399);
    coco_cbor_put_map(&w, 3);
    coco_cbor_put_int(&w, -2);
    coco_cbor_put_bytes(&w, "\xaa\xbb", 2);
    coco_cbor_put_string(&w, "list");
    coco_cbor_put_array(&w, 4);
    coco_cbor_put_null(&w);
    coco_cbor_put_u64(&w, UINT64_MAX);
    coco_cbor_put_bytes(&w, NULL, 0);
    coco_cbor_put_text(&w, "\xc3\xbc", 2);
    coco_cbor_put_int(&w, 5);
    coco_cbor_put_item(&w, (struct coco_cbor){(const uint8_t *)"\x81\x01", 2});
    return w.status;
}

static void
what_is_written_can_be_read(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 256};
    struct coco_cbor item;

    (void)state;
    assert_ok(write_some(&buf, &err), err);
    assert_written(&buf, "d9018fa32142aabb646c69737484f61bffffffffffffffff4062c3bc058101");
    assert_ok(coco_cbor_parse(buf.data, buf.len, "it", &item, &err), err);
}

static void
the_first_failure_is_kept(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 4};
    struct coco_cbor_writer w = coco_cbor_writer_of(&buf, &err);

    (void)state;
    coco_cbor_put_string(&w, "\xff");
    coco_cbor_put_u64(&w, UINT64_MAX);
    assert_fails(w.status, err, COCO_ERR_INVALID, "not UTF-8");
    assert_int_equal(buf.len, 0);

    w = coco_cbor_writer_of(&buf, &err);
    coco_cbor_put_u64(&w, UINT64_MAX);
    coco_cbor_put_u64(&w, 1);
    assert_fails(w.status, err, COCO_ERR_LIMIT, "4 bytes");
    assert_int_equal(buf.len, 0);
}

static void
writing_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = 256};
        coco_error *e = NULL;

        coco_status status = write_some(&buf, &e);
        fault_expect(status, e);
        coco_error_free(e);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_take_as_little_room_as_they_can),
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(the_first_failure_is_kept),
        cmocka_unit_test(writing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("base/cbor_write", tests, NULL, NULL);
}
