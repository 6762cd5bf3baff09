/*
 * tests/net/test_field.c - lib/net/field.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/field.h"

#include "tests/support.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
a_length_is_digits(void **state)
{
    static const char *const none[] = {
        "", "-1", "+1", "1 ", " 1", "1, 1", "0x1", "1.0", "18446744073709551616"};
    uint64_t length = 7;

    (void)state;
    for (size_t i = 0; i < COUNT(none); i++)
        assert_false(coco_content_length_parse(none[i], &length));
    assert_int_equal(length, 7);
    assert_true(coco_content_length_parse("18446744073709551615", &length));
    assert_int_equal(length, UINT64_MAX);
    assert_true(coco_content_length_parse("007", &length));
    assert_int_equal(length, 7);
}

static void
content_ranges_that_are_none_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "bytes",
        "bytes ",
        "bytes=0-1/2",
        "bytes  0-1/2",
        "lines 0-1/2",
        "bytes 0-1",
        "bytes 0-1/",
        "bytes -1/2",
        "bytes 0-/2",
        "bytes 1-0/2",
        "bytes 0-2/2",
        "bytes 0-1/1",
        "bytes 0-0/0",
        "bytes +0-1/2",
        "bytes 0--1/2",
        "bytes 0x0-1/2",
        "bytes 0-1/2 ",
        "bytes 0-1/2, bytes 3-4/5",
        "bytes 0-1,3-4/5",
        "bytes */*",
        "bytes *",
        "bytes */",
        "bytes **/2",
        "bytes 0-1/-1",
        "bytes 0-18446744073709551616/*",
        "bytes 0-1/99999999999999999999",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_content_range range = {.total = 7};

        print_message("# '%s'\n", cases[i]);
        assert_false(coco_content_range_parse(cases[i], &range));
        assert_int_equal(range.total, 7);
    }
}

static void
a_content_range_says_which_part_of_what_this_is(void **state)
{
    static const struct {
        const char *text;
        struct coco_content_range want;
    } cases[] = {
        {"bytes 0-0/1", {true, 0, 0, true, 1}},
        {"Bytes 10-19/20", {true, 10, 19, true, 20}},
        {"bytes 10-19/*", {true, 10, 19, false, 0}},
        {"bytes */20", {false, 0, 0, true, 20}},
        {"bytes 0-18446744073709551614/18446744073709551615",
         {true, 0, UINT64_MAX - 1, true, UINT64_MAX}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_content_range range = {0};

        assert_true(coco_content_range_parse(cases[i].text, &range));
        assert_int_equal(range.satisfied, cases[i].want.satisfied);
        assert_int_equal(range.first, cases[i].want.first);
        assert_int_equal(range.last, cases[i].want.last);
        assert_int_equal(range.complete, cases[i].want.complete);
        assert_int_equal(range.total, cases[i].want.total);
    }
}

static void
dates_that_are_none_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "now",
        "784111777",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Thu, 31 Nov 1994 08:49:37 GMT",
        "Tue, 29 Feb 2023 08:49:37 GMT",
        "Sun, 06 Nox 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
        "1994-11-06T08:49:37Z",
        "Sun, -6 Nov 1994 08:49:37 GMT",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t date = -7;

        print_message("# '%s'\n", cases[i]);
        assert_false(coco_http_date_parse(cases[i], &date));
        assert_int_equal(date, -7);
    }
}

/* The first three are the same moment in RFC 9110 section 5.6.7. */
static void
dates_come_in_three_forms(void **state)
{
    static const struct {
        const char *text;
        int64_t want;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Wed Nov 16 08:49:37 1994", 784975777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Thu, 29 Feb 2024 23:59:59 GMT", 1709251199},
        {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
        {"Wednesday, 01-Jan-20 00:00:00 GMT", 1577836800},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t date = -7;

        print_message("# '%s'\n", cases[i].text);
        assert_true(coco_http_date_parse(cases[i].text, &date));
        assert_int_equal(date, cases[i].want);
    }
}

static void
retry_after_is_seconds_or_a_date(void **state)
{
    static const struct {
        const char *text;
        int64_t now;
        bool valid;
        uint32_t want;
    } cases[] = {
        {"", 0, false, 0},
        {"-1", 0, false, 0},
        {"+1", 0, false, 0},
        {"1.5", 0, false, 0},
        {" 1", 0, false, 0},
        {"1 ", 0, false, 0},
        {"1s", 0, false, 0},
        {"0x10", 0, false, 0},
        {"1, 2", 0, false, 0},
        {"soon", 0, false, 0},
        {"never", 0, false, 0},
        {"Sun, 06 Nov 1994 08:49:37", 0, false, 0},
        {"0", 0, true, 0},
        {"120", 0, true, 120},
        {"0000120", 0, true, 120},
        {"4294967295", 0, true, UINT32_MAX},
        {"4294967296", 0, true, UINT32_MAX},
        {"99999999999999999999999999", 0, true, UINT32_MAX},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777 - 30, true, 30},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777, true, 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777 + 30, true, 0},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777 - 1, true, 1},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 0, true, UINT32_MAX},
        {"Fri, 01 Jan 0000 00:00:00 GMT", INT64_MAX / 2, true, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint32_t seconds = 0;

        print_message("# '%s'\n", cases[i].text);
        assert_int_equal(coco_retry_after_parse(cases[i].text, cases[i].now, &seconds),
                         cases[i].valid);
        assert_int_equal(seconds, cases[i].want);
    }
}

static void
a_max_age_is_the_least_or_nothing(void **state)
{
    static const struct {
        const char *text;
        bool valid;
        uint64_t want;
    } cases[] = {
        {"max-age=60", true, 60},
        {"private, max-age=60", true, 60},
        {"Max-Age=60 , private", true, 60},
        {"max-age=60, max-age=5", true, 5},
        {"max-age=5,max-age=60", true, 5},
        {"max-age=18446744073709551615", true, UINT64_MAX},
        {"max-age=0", true, 0},
        /* Who meant a limit gets the shortest. */
        {"max-age", true, 0},
        {"max-age=", true, 0},
        {"max-age=-1", true, 0},
        {"max-age=\"60\"", true, 0},
        {"max-age=60s", true, 0},
        {"max-age =60", true, 0},
        {"max-age=18446744073709551616", true, 0},
        {"max-age=60, max-age=x", true, 0},
        /* None at all. */
        {"", false, 0},
        {",", false, 0},
        {"no-store", false, 0},
        {"s-maxage=60", false, 0},
        {"max-ages=60", false, 0},
        {"x=max-age=60", false, 0},
        {"x=\"a, max-age=60\"", false, 0},
        {"x=\"a\\\", max-age=60\"", false, 0},
        {"x=\"a, max-age=60", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t got = 0;

        print_message("# %s\n", cases[i].text);
        assert_int_equal(coco_max_age_parse(cases[i].text, &got), cases[i].valid);
        assert_true(got == cases[i].want);
    }
}

static void
only_strong_etags_are_strong(void **state)
{
    static const char *const weak[] = {
        "",    "\"",       "a",       "W/\"a\"",   "w/\"a\"", "\"a",
        "a\"", "\"a\"b\"", "\"a b\"", "\"a\x7f\"", "'a'",
    };
    static const char *const strong[] = {"\"\"", "\"a\"", "\"sha256:0123\"", "\"W/a\"",
                                         "\"\xc3\xa4\""};
    char endless[2000];

    (void)state;
    for (size_t i = 0; i < COUNT(weak); i++)
        assert_false(coco_etag_is_strong(weak[i]));
    for (size_t i = 0; i < COUNT(strong); i++)
        assert_true(coco_etag_is_strong(strong[i]));
    memset(endless, 'a', sizeof(endless));
    endless[0] = '"';
    endless[sizeof(endless) - 2] = '"';
    endless[sizeof(endless) - 1] = '\0';
    assert_false(coco_etag_is_strong(endless));
}

static void
a_range_of_an_upload_is_from_its_first_byte_on(void **state)
{
    static const char *const none[] = {
        "",
        "0",
        "-",
        "0-",
        "-1",
        "1-2",
        "0-1/2",
        "0-1,3-4",
        "0--1",
        "+0-1",
        "0-+1",
        " 0-1",
        "0-1 ",
        "bytes 0-1",
        "bytes=",
        "bytes=1-2",
        "lines=0-1",
        "0-18446744073709551615",
        "0-18446744073709551616",
        "0x0-0x1",
    };
    static const struct {
        const char *text;
        uint64_t want;
    } some[] = {
        {"0-0", 0},
        {"0-1", 2},
        {"bytes=0-99", 100},
        {"0-18446744073709551614", UINT64_MAX},
    };
    uint64_t had = 7;

    (void)state;
    for (size_t i = 0; i < COUNT(none); i++) {
        print_message("# '%s'\n", none[i]);
        assert_false(coco_upload_range_parse(none[i], &had));
    }
    assert_int_equal(had, 7);
    for (size_t i = 0; i < COUNT(some); i++) {
        assert_true(coco_upload_range_parse(some[i].text, &had));
        assert_int_equal(had, some[i].want);
    }
}

static void
the_link_to_the_next_page_is_found(void **state)
{
    static const struct {
        const char *text, *target;
    } cases[] = {
        {"<a>; rel=next", "a"},
        {"<a>; rel=\"next\"", "a"},
        {"<a>;rel=NEXT", "a"},
        {" \t<a>  ;\trel = \"next\" ", "a"},
        {"<a>; title=\"x\"; rel=next; title*=UTF-8''x", "a"},
        {"<a>; rel=\"prev next\"", "a"},
        {"<a>; flag; rel=next", "a"},
        {"<a>; rel=prev, <b>; rel=next, <c>; rel=next", "b"},
        {",, <a>,<b>;rel=next", "b"},
        {"<a>; title=\"<c>; rel=next\", <b>; rel=next", "b"},
        {"<a>; title=\"x\\\"; rel=next\"; rel=last, <b>; rel=next", "b"},
        {"<a,b;c>; rel=next", "a,b;c"},
        {"<>; rel=next", ""},
        {"", NULL},
        {"<a>", NULL},
        {"<a", NULL},
        {"a; rel=next", NULL},
        {"<a>; rel=prev", NULL},
        {"<a>; rel=nextish", NULL},
        {"<a>; rel=\"nextish unnext\"", NULL},
        {"<a>; rel=prev; rel=next", NULL},
        {"<a>; xrel=next", NULL},
        {"<a>; rel", NULL},
        {"<a>; rel=", NULL},
        {"<a>; rel=\"", NULL},
        {"<a>; rel=prev; title=\"rel=next", NULL},
        {"<a>; rel=prev; title=\"\\", NULL},
        {"<a> junk, <b>; rel=next", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = 0;
        const char *got = coco_link_next(cases[i].text, &len);

        print_message("# case %zu\n", i);
        if (!cases[i].target) {
            assert_null(got);
            continue;
        }
        assert_non_null(got);
        assert_int_equal(len, strlen(cases[i].target));
        assert_memory_equal(got, cases[i].target, len);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_is_digits),
        cmocka_unit_test(content_ranges_that_are_none_are_refused),
        cmocka_unit_test(a_content_range_says_which_part_of_what_this_is),
        cmocka_unit_test(a_range_of_an_upload_is_from_its_first_byte_on),
        cmocka_unit_test(dates_that_are_none_are_refused),
        cmocka_unit_test(dates_come_in_three_forms),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(a_max_age_is_the_least_or_nothing),
        cmocka_unit_test(the_link_to_the_next_page_is_found),
        cmocka_unit_test(only_strong_etags_are_strong),
    };

    return cmocka_run_group_tests_name("net/field", tests, NULL, NULL);
}
