/*
 * tests/references/test_references.c - lib/references/references.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "references/references.h"

#include "tests/faults.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define YEAR ((int64_t)365 * 86400)

static coco_error *err;

static coco_references *
empty(void)
{
    coco_references *references = NULL;

    assert_ok(coco_references_new(&references, &err), err);
    return references;
}

static void
lists_take_more_items_once(void **state)
{
    _cleanup_references_ coco_references *r = empty();

    (void)state;
    assert_ok(coco_references_add(r, "a", "[\"1\"]", 100, false, &err), err);
    assert_ok(coco_references_add(r, "b", "7", 200, false, &err), err);
    assert_ok(coco_references_add(r, "a", "[\"2\",\"1\"]", 0, false, &err), err);
    assert_ok(coco_references_add(r, "a", "\"3\"", 300, false, &err), err);
    assert_string_equal(coco_references_name(r, 0), "a");
    assert_string_equal(coco_references_value(r, 0), "[\"1\",\"2\",\"3\"]");
    assert_int_equal(coco_references_expires(r, 0), 300);
    assert_string_equal(coco_references_value(r, 1), "7");
    assert_int_equal(coco_references_expires(r, 1), 200);
    assert_null(coco_references_name(r, 2));
    assert_null(coco_references_value(r, 2));
    assert_int_equal(coco_references_expires(r, 2), 0);
    assert_null(coco_references_signer(r));
}

static void
what_is_no_list_is_replaced_only_when_that_is_said(void **state)
{
    _cleanup_references_ coco_references *r = empty();

    (void)state;
    assert_ok(coco_references_add(r, "a", "{\"x\":1}", 100, false, &err), err);
    assert_ok(coco_references_add(r, "a", "{\"x\":1}", 200, false, &err), err);
    assert_int_equal(coco_references_expires(r, 0), 200);
    assert_fails(coco_references_add(r, "a", "{\"x\":2}", 300, false, &err), err, COCO_ERR_INVALID,
                 "replace it");
    assert_string_equal(coco_references_value(r, 0), "{\"x\":1}");
    assert_int_equal(coco_references_expires(r, 0), 200);
    assert_ok(coco_references_add(r, "a", "true", 0, true, &err), err);
    assert_string_equal(coco_references_value(r, 0), "true");
    assert_int_equal(coco_references_expires(r, 0), 200);
    assert_null(coco_references_name(r, 1));
}

static void
a_value_ends_in_a_year_unless_somebody_says_otherwise(void **state)
{
    _cleanup_references_ coco_references *r = empty();
    int64_t before = (int64_t)time(NULL);

    (void)state;
    assert_ok(coco_references_add(r, "a", "1", 0, false, &err), err);
    assert_in_range(coco_references_expires(r, 0), before + YEAR, (int64_t)time(NULL) + YEAR);
}

static void
values_are_removed_by_name(void **state)
{
    _cleanup_references_ coco_references *r = empty();
    static const char *const names[] = {"a", "b", "c"};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_ok(coco_references_add(r, names[i], "1", 0, false, &err), err);
    assert_ok(coco_references_remove(r, "b", &err), err);
    assert_fails(coco_references_remove(r, "b", &err), err, COCO_ERR_NOTFOUND, "'b'");
    assert_string_equal(coco_references_name(r, 0), "a");
    assert_string_equal(coco_references_name(r, 1), "c");
    assert_null(coco_references_name(r, 2));
}

static void
what_is_no_value_is_refused(void **state)
{
    static const struct {
        const char *name, *value;
        int64_t expires;
        coco_status status;
    } cases[] = {
        {"", "1", 0, COCO_ERR_INVALID},
        {"\xff", "1", 0, COCO_ERR_INVALID},
        {"a\nb", "1", 0, COCO_ERR_INVALID},
        {"a\x7f", "1", 0, COCO_ERR_INVALID},
        {"a", "", 0, COCO_ERR_PROTO},
        {"a", "x", 0, COCO_ERR_PROTO},
        {"a", "1 2", 0, COCO_ERR_PROTO},
        {"a", "null", 0, COCO_ERR_INVALID},
        {"a", "1", -1, COCO_ERR_INVALID},
        {"a", "1", INT64_MAX, COCO_ERR_INVALID},
        {"a", "1", 253402300800, COCO_ERR_INVALID},
        {"a", "{\"b\":1,\"b\":2}", 0, COCO_ERR_PROTO},
    };
    _cleanup_references_ coco_references *r = empty();
    _cleanup_free_ char *huge = malloc(COCO_REFERENCE_VALUE_MAX + 2);
    char name[COCO_REFERENCE_NAME_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        coco_status status =
            coco_references_add(r, cases[i].name, cases[i].value, cases[i].expires, false, NULL);
        if (status != cases[i].status)
            fail_msg("case %zu gives %s", i, coco_status_name(status));
    }
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_fails(coco_references_add(r, name, "1", 0, false, &err), err, COCO_ERR_INVALID,
                 "1023 bytes");
    assert_non_null(huge);
    memset(huge, '1', COCO_REFERENCE_VALUE_MAX + 1);
    huge[COCO_REFERENCE_VALUE_MAX + 1] = '\0';
    assert_fails(coco_references_add(r, "a", huge, 0, false, &err), err, COCO_ERR_LIMIT, "65537");
    assert_null(coco_references_name(r, 0));
    assert_ok(coco_references_add(r, "mr_td", "1", 0, false, &err), err);
    assert_fails(coco_references_add(r, "MR_td", "1", 0, false, &err), err, COCO_ERR_INVALID,
                 "'MR_td' is 'mr_td' but for case");
}

static void
their_number_is_bounded(void **state)
{
    _cleanup_references_ coco_references *r = empty();
    char name[16];

    (void)state;
    for (unsigned i = 0; i < COCO_REFERENCES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "v%u", i);
        assert_ok(coco_references_add(r, name, "1", 100, false, &err), err);
    }
    assert_fails(coco_references_add(r, "one more", "1", 100, false, &err), err, COCO_ERR_LIMIT,
                 "more than 4096");
}

static void
ended_values_are_named(void **state)
{
    _cleanup_references_ coco_references *r = empty();

    (void)state;
    assert_ok(coco_references_check(r, 1, &err), err);
    assert_ok(coco_references_add(r, "a", "1", 1000, false, &err), err);
    assert_ok(coco_references_add(r, "b", "1", 86400, false, &err), err);
    assert_ok(coco_references_check(r, 1000, &err), err);
    assert_fails(coco_references_check(r, 1001, &err), err, COCO_ERR_VERIFY,
                 "'a' ended at 1970-01-01T00:16:40Z");
    r->not_before = 500;
    assert_fails(coco_references_check(r, 499, &err), err, COCO_ERR_VERIFY, "not good yet");
}

static void
times_have_one_form(void **state)
{
    static const char *const bad[] = {
        "",
        "2027-11-28",
        "2027-02-31T12:00:00Z",
        "2027-11-28T12:00:00",
        "2027-11-28T12:00:00Z ",
        " 2027-11-28T12:00:00Z",
        "2027-11-28T12:00:00+00:00",
        "2027-1-28T12:00:00Z",
        "2027-11-28T24:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
    };
    char text[COCO_REFERENCE_TIME_SIZE];
    int64_t time = 0;

    (void)state;
    assert_ok(coco_reference_time_parse("2027-11-28T12:00:00Z", &time, &err), err);
    assert_int_equal(time, 1827403200);
    assert_ok(coco_reference_time_format(time, text, &err), err);
    assert_string_equal(text, "2027-11-28T12:00:00Z");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(coco_reference_time_parse(bad[i], &time, NULL), COCO_ERR_PROTO);
}

static void
a_failed_allocation_changes_nothing(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_references_ coco_references *r = NULL;
        coco_error *failure = NULL;

        coco_status status = coco_references_new(&r, &failure);
        if (status == COCO_OK)
            status = coco_references_add(r, "a", "[\"1\"]", 100, false, &failure);
        if (status == COCO_OK) {
            status = coco_references_add(r, "a", "[\"2\"]", 200, false, &failure);
            if (status != COCO_OK) {
                assert_string_equal(coco_references_value(r, 0), "[\"1\"]");
                assert_int_equal(coco_references_expires(r, 0), 100);
            }
        }
        if (status == COCO_OK)
            status = coco_references_add(r, "a", "3", 0, true, &failure);
        if (status == COCO_OK)
            status = coco_references_check(r, 1, &failure);
        if (status == COCO_OK)
            status = coco_references_remove(r, "a", &failure);
        fault_expect(status, failure);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_take_more_items_once),
        cmocka_unit_test(what_is_no_list_is_replaced_only_when_that_is_said),
        cmocka_unit_test(a_value_ends_in_a_year_unless_somebody_says_otherwise),
        cmocka_unit_test(values_are_removed_by_name),
        cmocka_unit_test(what_is_no_value_is_refused),
        cmocka_unit_test(their_number_is_bounded),
        cmocka_unit_test(ended_values_are_named),
        cmocka_unit_test(times_have_one_form),
        cmocka_unit_test(a_failed_allocation_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
