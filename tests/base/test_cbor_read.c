/*
 * tests/base/test_cbor_read.c - lib/base/cbor_read.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/cbor.h"

#include "base/text.h"
#include "tests/support.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BYTES_MAX 256

static coco_error *err;

/* The bytes of a text of hex digits, in a block of its own of just their number. */
static uint8_t *
unhex(const char *hex, size_t *len)
{
    *len = strlen(hex) / 2;
    uint8_t *data = malloc(*len > 0 ? *len : 1);

    assert_non_null(data);
    assert_true(coco_unhex(hex, strlen(hex), data, *len));
    return data;
}

static coco_status
parse(const char *hex, coco_error **e)
{
    struct coco_cbor item = {0};
    size_t len = 0;
    _cleanup_free_ uint8_t *data = unhex(hex, &len);

    coco_status status = coco_cbor_parse(data, len, "it", &item, e);
    if (status == COCO_OK) {
        assert_ptr_equal(item.data, data);
        assert_int_equal(item.len, len);
    }
    return status;
}

/* RFC 8949 appendix A, but for what is of open length or has no meaning. */
static void
what_the_rfc_has_is_read(void **state)
{
    static const char *const cases[] = {
        "00",
        "01",
        "0a",
        "17",
        "1818",
        "1819",
        "1864",
        "1903e8",
        "1a000f4240",
        "1b000000e8d4a51000",
        "1bffffffffffffffff",
        "c249010000000000000000",
        "3bffffffffffffffff",
        "20",
        "29",
        "3863",
        "3903e7",
        "f90000",
        "fa47c35000",
        "fb7e37e43c8800759c",
        "f97e00",
        "f4",
        "f5",
        "f6",
        "f7",
        "c074323031332d30332d32315432303a30343a30305a",
        "c11a514b67b0",
        "c1fb41d452d9ec200000",
        "d74401020304",
        "d818456449455446",
        "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
        "40",
        "4401020304",
        "60",
        "6161",
        "6449455446",
        "62225c",
        "62c3bc",
        "63e6b0b4",
        "64f0908591",
        "80",
        "83010203",
        "8301820203820405",
        "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
        "a0",
        "a201020304",
        "a26161016162820203",
        "826161a161626163",
        "a56161614161626142616361436164614461656145",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_ok(parse(cases[i], &err), err);
}

static void
what_is_not_strict_is_refused(void **state)
{
    static const struct {
        const char *hex;
        const char *why;
    } cases[] = {
        /* Cut: of each kind of head. */
        {"", "ends after 0 bytes"},
        {"18", "ends after 1 bytes"},
        {"1901", "ends after 2 bytes"},
        {"1a010101", "ends after 4 bytes"},
        {"1b01010101010101", "ends after 8 bytes"},
        {"38", "ends after 1 bytes"},
        {"c1", "more items than what is left"},
        {"f9", "ends after 1 bytes"},
        {"fa0000", "ends after 3 bytes"},
        {"8201", "more items than what is left"},
        {"828101", "ends after 3 bytes"},
        {"82810102", NULL},
        {"a201020304", NULL},
        {"a1", "more items than what is left"},
        {"a101", "more items than what is left"},
        {"a2010203", "more items than what is left"},
        {"8281", "more items than what is left"},
        {"82810101ff", "too many"},
        /* More than there is, however large it says that is. */
        {"41", "string longer"},
        {"43aabb", "string longer"},
        {"6261", "string longer"},
        {"5bffffffffffffffff", "string longer"},
        {"7bffffffffffffffff61", "string longer"},
        {"9bffffffffffffffff00", "more items"},
        {"bb7fffffffffffffff0000", "more items"},
        {"bb80000000000000000000", "more items"},
        {"9a7fffffff00", "more items"},
        /* Behind the end. */
        {"0000", "1 bytes too many"},
        {"a000", "1 bytes too many"},
        {"f6ff", "1 bytes too many"},
        /* Open lengths (RFC 8949 section 3.2). */
        {"5f4101ff", "open or unknown length"},
        {"7f6161ff", "open or unknown length"},
        {"9f01ff", "open or unknown length"},
        {"bf0102ff", "open or unknown length"},
        {"9fff", "open or unknown length"},
        {"ff", "open or unknown length"},
        {"81ff", "open or unknown length"},
        {"a101ff", "open or unknown length"},
        {"dfff", "open or unknown length"},
        {"1f", "open or unknown length"},
        /* Reserved arguments (section 3). */
        {"1c", "open or unknown length"},
        {"1d", "open or unknown length"},
        {"1e", "open or unknown length"},
        {"3c", "open or unknown length"},
        {"5c", "open or unknown length"},
        {"9d", "open or unknown length"},
        {"be", "open or unknown length"},
        {"dc00", "open or unknown length"},
        {"fc", "open or unknown length"},
        {"fe", "open or unknown length"},
        /* Longer than need be (section 4.2.1). */
        {"1817", "longer form"},
        {"190017", "longer form"},
        {"1900ff", "longer form"},
        {"1a0000ffff", "longer form"},
        {"1b00000000ffffffff", "longer form"},
        {"3800", "longer form"},
        {"390001", "longer form"},
        {"580100", "longer form"},
        {"59000100", "longer form"},
        {"780161", "longer form"},
        {"980100", "longer form"},
        {"b8010000", "longer form"},
        {"d80100", "longer form"},
        {"d9001200", "longer form"},
        /* Simple values (section 3.3). */
        {"e0", "without a meaning"},
        {"f3", "without a meaning"},
        {"f800", "without a meaning"},
        {"f814", "without a meaning"},
        {"f818", "without a meaning"},
        {"f8ff", "without a meaning"},
        /* Text (section 3.1). */
        {"61ff", "not UTF-8"},
        {"62c080", "not UTF-8"},
        {"63eda080", "not UTF-8"},
        {"64f4908080", "not UTF-8"},
        {"61c3", "not UTF-8"},
        {"a161c300", "not UTF-8"},
        /* Keys (section 5.6). */
        {"a200010002", "same key twice"},
        {"a3000101020003", "same key twice"},
        {"a220012002", "same key twice"},
        {"a2616100616101", "same key twice"},
        {"a24000400a", "same key twice"},
        {"a2818000818001", "same key twice"},
        {"81a1a200010002f6", "same key twice"},
        {"a101a200010002", "same key twice"},
        {"c1a200010002", "same key twice"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (cases[i].why)
            assert_fails(parse(cases[i].hex, &err), err, COCO_ERR_PROTO, cases[i].why);
        else
            assert_ok(parse(cases[i].hex, &err), err);
    }
}

/* Keys that look alike and are not the same. */
static void
keys_of_other_types_are_others(void **state)
{
    (void)state;
    assert_ok(parse("a4010020006131006000", &err), err);
    assert_ok(parse("a3f400f500f600", &err), err);
    assert_ok(parse("a2410000610000", &err), err);
}

static void
nesting_has_a_limit(void **state)
{
    uint8_t data[64];
    struct coco_cbor item;

    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        static const uint8_t heads[3][2] = {{0x81, 0}, {0xa1, 0x00}, {0xc1, 0}};
        size_t size = kind == 1 ? 2 : 1;
        size_t len = 0;

        for (size_t depth = 0; depth < COCO_CBOR_DEPTH_MAX; depth++, len += size)
            memcpy(data + len, heads[kind], size);
        data[len] = 0x00;
        assert_ok(coco_cbor_parse(data, len + 1, "it", &item, &err), err);
        memcpy(data + len, heads[kind], size);
        data[len + size] = 0x00;
        assert_fails(coco_cbor_parse(data, len + size + 1, "it", &item, &err), err, COCO_ERR_LIMIT,
                     "more than 16 levels");
    }
    /* Side by side they do not add up. */
    assert_ok(parse("838180a10180c180", &err), err);
}

static void
size_and_pairs_have_limits(void **state)
{
    _cleanup_free_ uint8_t *data = calloc(1, COCO_CBOR_SIZE_MAX + 1);
    _cleanup_buf_ struct coco_buf buf = {.limit = 1 << 16};
    struct coco_cbor item;

    (void)state;
    assert_non_null(data);
    memcpy(data, "\x5a\x00\x0f\xff\xfb", 5);
    assert_ok(coco_cbor_parse(data, COCO_CBOR_SIZE_MAX, "it", &item, &err), err);
    assert_fails(coco_cbor_parse(data, COCO_CBOR_SIZE_MAX + 1, "it", &item, &err), err,
                 COCO_ERR_LIMIT, "more than 1048576 bytes");

    for (size_t n = COCO_CBOR_PAIRS_MAX; n <= COCO_CBOR_PAIRS_MAX + 1; n++) {
        coco_buf_reset(&buf);
        struct coco_cbor_writer w = coco_cbor_writer_of(&buf, &err);
        coco_cbor_put_map(&w, n);
        for (size_t i = n; i-- > 0;) {
            coco_cbor_put_u64(&w, i);
            coco_cbor_put_null(&w);
        }
        assert_ok(w.status, err);
        if (n == COCO_CBOR_PAIRS_MAX)
            assert_ok(coco_cbor_parse(buf.data, buf.len, "it", &item, &err), err);
        else
            assert_fails(coco_cbor_parse(buf.data, buf.len, "it", &item, &err), err, COCO_ERR_LIMIT,
                         "more than 256 pairs");
    }
}

static void
something_may_follow_if_that_is_asked_for(void **state)
{
    static const uint8_t data[] = {0x82, 0x01, 0x41, 0xaa, 0xff, 0xff};
    struct coco_cbor item;

    (void)state;
    assert_ok(coco_cbor_parse_first(data, sizeof(data), "it", &item, &err), err);
    assert_int_equal(item.len, 4);
    assert_fails(coco_cbor_parse(data, sizeof(data), "it", &item, &err), err, COCO_ERR_PROTO,
                 "2 bytes too many after 4");
    assert_fails(coco_cbor_parse_first(data, 3, "it", &item, &err), err, COCO_ERR_PROTO,
                 "string longer");
}

static coco_status
parse_open(const char *hex, struct coco_cbor *ret, uint8_t data[BYTES_MAX], coco_error **e)
{
    size_t len = strlen(hex) / 2;

    assert_true(len <= BYTES_MAX && coco_unhex(hex, strlen(hex), data, len));
    return coco_cbor_parse_open_map(data, len, "it", ret, e);
}

static void
one_map_may_be_open_and_nothing_in_it(void **state)
{
    static const struct {
        const char *hex;
        size_t pairs;
        const char *why;
    } cases[] = {
        {"bfff", 0, NULL},
        {"bf0102ff", 1, NULL},
        {"bf01020382f6f5ff", 2, NULL},
        {"bf01a1020303a10203ff", 2, NULL},
        {"a201020304", 2, NULL},
        {"a0", 0, NULL},
        {"", 0, "ends after 0 bytes"},
        {"bf", 0, "ends after"},
        {"bf01", 0, "ends after"},
        {"bf0102", 0, "ends after"},
        {"bf01ff", 0, "without a value"},
        {"bf010203ff", 0, "without a value"},
        {"bf0102ffff", 0, "1 bytes too many"},
        {"bf0102ff00", 0, "1 bytes too many"},
        {"bf01020103ff", 0, "same key twice"},
        {"bf01bfffff", 0, "open or unknown length"},
        {"bf019fffff", 0, "open or unknown length"},
        {"bf015fffff", 0, "open or unknown length"},
        {"bf0181ffff", 0, "open or unknown length"},
        {"9fff", 0, "open or unknown length"},
        {"5fff", 0, "open or unknown length"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_cbor_items items;
        struct coco_cbor map;
        struct coco_cbor key;
        struct coco_cbor value;
        uint8_t data[BYTES_MAX];
        size_t pairs = 0;

        if (cases[i].why) {
            assert_fails(parse_open(cases[i].hex, &map, data, &err), err, COCO_ERR_PROTO,
                         cases[i].why);
            continue;
        }
        assert_ok(parse_open(cases[i].hex, &map, data, &err), err);
        assert_ok(coco_cbor_map(map, &items, &err), err);
        while (coco_cbor_next_pair(&items, &key, &value))
            pairs++;
        assert_int_equal(pairs, cases[i].pairs);
    }
}

static void
an_open_map_has_limits(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 1 << 16};
    struct coco_cbor item;

    (void)state;
    assert_ok(coco_buf_append(&buf, "\xbf", 1, &err), err);
    struct coco_cbor_writer w = coco_cbor_writer_of(&buf, &err);
    for (size_t i = 0; i <= COCO_CBOR_PAIRS_MAX; i++) {
        coco_cbor_put_u64(&w, i);
        coco_cbor_put_u64(&w, i);
    }
    assert_ok(coco_buf_append(&buf, "\xff", 1, &err), err);
    assert_fails(coco_cbor_parse_open_map(buf.data, buf.len, "it", &item, &err), err,
                 COCO_ERR_LIMIT, "more than 256 pairs");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_rfc_has_is_read),
        cmocka_unit_test(what_is_not_strict_is_refused),
        cmocka_unit_test(keys_of_other_types_are_others),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(size_and_pairs_have_limits),
        cmocka_unit_test(something_may_follow_if_that_is_asked_for),
        cmocka_unit_test(one_map_may_be_open_and_nothing_in_it),
        cmocka_unit_test(an_open_map_has_limits),
    };

    return cmocka_run_group_tests_name("base/cbor_read", tests, NULL, NULL);
}
