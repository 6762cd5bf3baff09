/*
 * tests/base/test_rfc3339.c - lib/base/rfc3339.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/rfc3339.h"

#include "tests/support.h"

static void
dates_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t want;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2021-01-12T11:53:27Z", 1610452407},
        {"2021-01-12T11:53:27.000Z", 1610452407},
        {"2021-01-12T11:53:27.999999999Z", 1610452407},
        {"2024-02-29T23:59:59Z", 1709251199},
        {"1969-12-31T23:59:59Z", -1},
        {"9999-12-31T23:59:59Z", 253402300799},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t got = 42;

        assert_ok(coco_rfc3339_parse(cases[i].text, &got, &err), err);
        assert_true(got == cases[i].want);
    }
}

static void
what_is_no_date_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "2021-01-12",
        "2021-01-12T11:53:27",
        "2021-01-12 11:53:27Z",
        "2021-01-12T11:53:27z",
        "2021-01-12T11:53:27+00:00",
        "2021-01-12T11:53:27.Z",
        "2021-01-12T11:53:27.0000000000Z",
        "2021-01-12T11:53:27Zx",
        "2021-02-29T00:00:00Z",
        "2021-13-01T00:00:00Z",
        "2021-00-01T00:00:00Z",
        "2021-01-00T00:00:00Z",
        "2021-01-01T24:00:00Z",
        "2021-01-01T00:60:00Z",
        "2021-01-01T00:00:60Z",
        "-021-01-01T00:00:00Z",
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t got = 42;

        assert_fails(coco_rfc3339_parse(cases[i], &got, &err), err, COCO_ERR_PROTO, "is no date");
        assert_true(got == 42);
    }
}

static void
offsets_are_read_where_they_are_expected(void **state)
{
    static const struct {
        const char *text;
        int64_t want;
    } cases[] = {
        {"2021-01-12T11:53:27Z", 1610452407},      {"2021-01-12T11:53:27+00:00", 1610452407},
        {"2021-01-12T13:53:27+02:00", 1610452407}, {"2021-01-12T06:23:27.5-05:30", 1610452407},
        {"1970-01-01T00:00:00+23:59", -86340},     {"2021-01-12T11:53:27-00:00", 1610452407},
    };
    static const char *const wrong[] = {
        "2021-01-12T11:53:27",        "2021-01-12T11:53:27+0200",   "2021-01-12T11:53:27+02",
        "2021-01-12T11:53:27+2:00",   "2021-01-12T11:53:27 02:00",  "2021-01-12T11:53:27+24:00",
        "2021-01-12T11:53:27+00:60",  "2021-01-12T11:53:27+02:00Z", "2021-01-12T11:53:27+",
        "2021-01-12T11:53:27Z+02:00", "2021-02-30T11:53:27+02:00",
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t got = 42;

        assert_ok(coco_rfc3339_parse_local(cases[i].text, &got, &err), err);
        assert_true(got == cases[i].want);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        int64_t got = 42;

        assert_fails(coco_rfc3339_parse_local(wrong[i], &got, &err), err, COCO_ERR_PROTO,
                     "is no date");
        assert_true(got == 42);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_read),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(offsets_are_read_where_they_are_expected),
    };

    return cmocka_run_group_tests_name("base/rfc3339", tests, NULL, NULL);
}
