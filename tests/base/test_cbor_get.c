/*
 * tests/base/test_cbor_get.c - lib/base/cbor_get.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/cbor.h"

#include "base/text.h"
#include "tests/support.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static coco_error *err;
static uint8_t bytes[256];

/* The item that hex is, good until the next. */
static struct coco_cbor
item_of(const char *hex)
{
    struct coco_cbor item = {0};
    size_t len = strlen(hex) / 2;

    assert_true(len <= sizeof(bytes) && coco_unhex(hex, strlen(hex), bytes, len));
    assert_ok(coco_cbor_parse(bytes, len, "it", &item, &err), err);
    return item;
}

static void
integers_have_their_value_and_range(void **state)
{
    static const struct {
        const char *hex;
        int64_t value;
    } cases[] = {
        {"00", 0},
        {"1818", 24},
        {"20", -1},
        {"3863", -100},
        {"1b7fffffffffffffff", INT64_MAX},
        {"3b7fffffffffffffff", INT64_MIN},
    };
    uint64_t value = 0;
    int64_t number = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_ok(coco_cbor_i64(item_of(cases[i].hex), &number, &err), err);
        assert_true(number == cases[i].value);
    }
    assert_ok(coco_cbor_u64(item_of("1bffffffffffffffff"), &value, &err), err);
    assert_true(value == UINT64_MAX);
    assert_fails(coco_cbor_i64(item_of("1b8000000000000000"), &number, &err), err, COCO_ERR_PROTO,
                 "out of range");
    assert_fails(coco_cbor_i64(item_of("3b8000000000000000"), &number, &err), err, COCO_ERR_PROTO,
                 "out of range");
    assert_fails(coco_cbor_u64(item_of("20"), &value, &err), err, COCO_ERR_PROTO,
                 "is no unsigned integer");
    assert_fails(coco_cbor_i64(item_of("f4"), &number, &err), err, COCO_ERR_PROTO, "is no integer");
}

/* Each item asked for as all that it is not. */
static void
no_type_is_taken_for_another(void **state)
{
    static const char *const one_of_each[] = {
        "01", "20", "41aa", "6161", "8101", "a10102", "c101", "f4", "f6", "f93c00",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(one_of_each); i++) {
        struct coco_cbor item = item_of(one_of_each[i]);
        struct coco_cbor_string string;
        struct coco_cbor_items items;
        struct coco_cbor content;
        uint64_t value = 0;
        int64_t number = 0;
        bool boolean = false;

        assert_int_equal(coco_cbor_is_bool(item, &boolean), i == 7);
        assert_int_equal(coco_cbor_u64(item, &value, NULL) == COCO_OK, i == 0);
        assert_int_equal(coco_cbor_i64(item, &number, NULL) == COCO_OK, i <= 1);
        assert_int_equal(coco_cbor_is_int(item, &number), i <= 1);
        assert_int_equal(coco_cbor_is_bytes(item, &string), i == 2);
        assert_int_equal(coco_cbor_is_text(item, &string), i == 3);
        assert_int_equal(coco_cbor_bytes(item, &string, NULL) == COCO_OK, i == 2);
        assert_int_equal(coco_cbor_text(item, &string, NULL) == COCO_OK, i == 3);
        assert_int_equal(coco_cbor_array(item, &items, NULL) == COCO_OK, i == 4);
        assert_int_equal(coco_cbor_map(item, &items, NULL) == COCO_OK, i == 5);
        assert_int_equal(coco_cbor_tag(item, &value, &content), i == 6);
        assert_int_equal(coco_cbor_is_null(item), i == 8);
        assert_int_equal(coco_cbor_find(item, 1, &content), i == 5);
    }
}

static void
no_item_is_of_no_type(void **state)
{
    const struct coco_cbor none = {0};
    struct coco_cbor_string string;
    struct coco_cbor_items items;
    struct coco_cbor content;
    uint64_t value = 0;
    int64_t number = 0;
    bool boolean = false;

    (void)state;
    assert_false(coco_cbor_is_bool(none, &boolean));
    assert_false(coco_cbor_is_int(none, &number));
    assert_fails(coco_cbor_u64(none, &value, &err), err, COCO_ERR_PROTO, "is no");
    assert_fails(coco_cbor_i64(none, &number, &err), err, COCO_ERR_PROTO, "is no");
    assert_fails(coco_cbor_bytes(none, &string, &err), err, COCO_ERR_PROTO, "is no");
    assert_fails(coco_cbor_text(none, &string, &err), err, COCO_ERR_PROTO, "is no");
    assert_fails(coco_cbor_array(none, &items, &err), err, COCO_ERR_PROTO, "is no");
    assert_fails(coco_cbor_map(none, &items, &err), err, COCO_ERR_PROTO, "is no");
    assert_false(coco_cbor_tag(none, &value, &content));
    assert_false(coco_cbor_is_null(none));
    assert_false(coco_cbor_find(none, 0, &content));
    assert_false(coco_cbor_find_text(none, "", &content));
}

static void
strings_are_lent(void **state)
{
    struct coco_cbor_string string = {0};

    (void)state;
    assert_ok(coco_cbor_bytes(item_of("43aabbcc"), &string, &err), err);
    assert_int_equal(string.len, 3);
    assert_ptr_equal(string.data, bytes + 1);
    assert_ok(coco_cbor_text(item_of("6449455446"), &string, &err), err);
    assert_true(coco_cbor_string_is(string, "IETF"));
    assert_false(coco_cbor_string_is(string, "IET"));
    assert_false(coco_cbor_string_is(string, "IETF "));
    assert_ok(coco_cbor_text(item_of("60"), &string, &err), err);
    assert_true(coco_cbor_string_is(string, ""));
    assert_false(coco_cbor_string_is(string, "I"));
    assert_ok(coco_cbor_text(item_of("63410042"), &string, &err), err);
    assert_false(coco_cbor_string_is(string, "A"));
}

static void
elements_come_in_their_order(void **state)
{
    struct coco_cbor array = item_of("8501820203a10405c106f6");
    static const size_t lens[] = {1, 3, 3, 2, 1};
    struct coco_cbor_items items;
    struct coco_cbor element;

    (void)state;
    assert_ok(coco_cbor_array_of(array, 5, &items, &err), err);
    for (size_t i = 0; i < COUNT(lens); i++) {
        assert_true(coco_cbor_next(&items, &element));
        assert_int_equal(element.len, lens[i]);
    }
    assert_false(coco_cbor_next(&items, &element));
    assert_false(coco_cbor_next(&items, &element));
    assert_fails(coco_cbor_array_of(array, 4, &items, &err), err, COCO_ERR_PROTO,
                 "is an array of 5, not of 4");
    assert_fails(coco_cbor_array_of(item_of("a0"), 0, &items, &err), err, COCO_ERR_PROTO,
                 "is no array");
}

static void
tags_are_looked_through_by_number(void **state)
{
    struct coco_cbor item = item_of("d9018fc101");
    struct coco_cbor content = {0};
    uint64_t value = 0;

    (void)state;
    assert_true(coco_cbor_tag(item, &value, &content));
    assert_int_equal(value, 399);
    assert_ok(coco_cbor_untag(content, 1, &content, &err), err);
    assert_ok(coco_cbor_u64(content, &value, &err), err);
    assert_int_equal(value, 1);
    assert_fails(coco_cbor_untag(item, 1, &content, &err), err, COCO_ERR_PROTO,
                 "has not the tag 1");
    assert_fails(coco_cbor_untag(item_of("01"), 1, &content, &err), err, COCO_ERR_PROTO,
                 "has not the tag 1");
}

/* {1: 2, -1: 3, "a": 4, "1": 5, h'01': 6, [1]: 7} */
static void
values_are_found_by_their_key(void **state)
{
    struct coco_cbor map = item_of("a601022003616104613105410106810107");
    struct coco_cbor value = {0};
    uint64_t number = 0;

    (void)state;
    assert_true(coco_cbor_find(map, 1, &value));
    assert_ok(coco_cbor_u64(value, &number, &err), err);
    assert_int_equal(number, 2);
    assert_ok(coco_cbor_get_u64(map, -1, &number, &err), err);
    assert_int_equal(number, 3);
    assert_true(coco_cbor_find_text(map, "a", &value));
    assert_ok(coco_cbor_u64(value, &number, &err), err);
    assert_int_equal(number, 4);
    assert_true(coco_cbor_find_text(map, "1", &value));
    assert_ok(coco_cbor_u64(value, &number, &err), err);
    assert_int_equal(number, 5);
    assert_false(coco_cbor_find(map, 2, &value));
    assert_false(coco_cbor_find_text(map, "b", &value));
    assert_false(coco_cbor_find_text(map, "", &value));
}

static void
a_member_that_is_not_as_wanted_is_named(void **state)
{
    struct coco_cbor map = item_of("a201616202f6");
    struct coco_cbor_string string;
    struct coco_cbor value;
    uint64_t number = 0;
    int64_t signed_number = 0;

    (void)state;
    assert_fails(coco_cbor_get(map, 2395, &value, &err), err, COCO_ERR_PROTO, "has no 2395");
    assert_fails(coco_cbor_get_u64(map, -3, &number, &err), err, COCO_ERR_PROTO, "has no -3");
    assert_fails(coco_cbor_get_u64(map, 1, &number, &err), err, COCO_ERR_PROTO,
                 "1: is no unsigned integer");
    assert_fails(coco_cbor_get_i64(map, 2, &signed_number, &err), err, COCO_ERR_PROTO,
                 "2: is no integer");
    assert_fails(coco_cbor_get_bytes(map, 1, &string, &err), err, COCO_ERR_PROTO,
                 "1: is no byte string");
    assert_fails(coco_cbor_get_text(map, 2, &string, &err), err, COCO_ERR_PROTO, "2: is no text");
    assert_fails(coco_cbor_get(item_of("80"), 1, &value, &err), err, COCO_ERR_PROTO, "is no map");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_have_their_value_and_range),
        cmocka_unit_test(no_type_is_taken_for_another),
        cmocka_unit_test(no_item_is_of_no_type),
        cmocka_unit_test(strings_are_lent),
        cmocka_unit_test(elements_come_in_their_order),
        cmocka_unit_test(tags_are_looked_through_by_number),
        cmocka_unit_test(values_are_found_by_their_key),
        cmocka_unit_test(a_member_that_is_not_as_wanted_is_named),
    };

    return cmocka_run_group_tests_name("base/cbor_get", tests, NULL, NULL);
}
