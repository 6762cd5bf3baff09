/*
 * tests/base/test_traceparent.c - lib/base/traceparent.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/traceparent.h"

#include "tests/support.h"

#include <string.h>

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
#define RIGHT "00-" TRACE "-" PARENT "-01"

static void
what_is_one_is_read(void **state)
{
    static const char *const cases[][2] = {
        {RIGHT, RIGHT},
        {"00-" TRACE "-" PARENT "-00", "00-" TRACE "-" PARENT "-00"},
        /* Flags that nobody knows yet are not passed on (section 3.2.2.5). */
        {"00-" TRACE "-" PARENT "-fe", "00-" TRACE "-" PARENT "-00"},
        {"00-" TRACE "-" PARENT "-ff", RIGHT},
        {"cc-" TRACE "-" PARENT "-01", RIGHT},
        {"01-" TRACE "-" PARENT "-01-what-comes-then", RIGHT},
    };
    char id[COCO_TRACE_ID_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char got[COCO_TRACEPARENT_SIZE];

        print_message("# case %zu\n", i);
        assert_true(coco_traceparent_parse(cases[i][0], got));
        assert_string_equal(got, cases[i][1]);
        coco_traceparent_id(got, id);
        assert_string_equal(id, TRACE);
    }
}

static void
hostile_values_are_none(void **state)
{
    static const char *const cases[] = {
        NULL,
        "",
        "00",
        "00-" TRACE "-" PARENT "-0",
        "00-" TRACE "-" PARENT "-011",
        "00-" TRACE "-" PARENT "-01-",
        "00-" TRACE "-" PARENT "-01 ",
        " 00-" TRACE "-" PARENT "-01",
        "01-" TRACE "-" PARENT "-01.x",
        "ff-" TRACE "-" PARENT "-01",
        "0-0" TRACE "-" PARENT "-01",
        "0G-" TRACE "-" PARENT "-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01",
        "00-" TRACE "-B7AD6B7169203331-01",
        "00-00000000000000000000000000000000-" PARENT "-01",
        "00-" TRACE "-0000000000000000-01",
        "00_" TRACE "-" PARENT "-01",
        "00-" TRACE "_" PARENT "-01",
        "00-" TRACE "-" PARENT "_01",
        "00-" TRACE "-" PARENT "-0x",
        "00-" TRACE "0-"
        "7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c8031\n9-" PARENT "-01",
        RIGHT "," RIGHT,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char got[COCO_TRACEPARENT_SIZE] = "as before";

        print_message("# case %zu\n", i);
        assert_false(coco_traceparent_parse(cases[i], got));
        assert_string_equal(got, "as before");
    }
}

static void
a_new_one_is_one_and_no_two_are_alike(void **state)
{
    char one[COCO_TRACEPARENT_SIZE];
    char two[COCO_TRACEPARENT_SIZE];
    char next[COCO_TRACEPARENT_SIZE];
    char read[COCO_TRACEPARENT_SIZE];
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_traceparent_new(one, &err), err);
    assert_ok(coco_traceparent_new(two, &err), err);
    assert_true(coco_traceparent_parse(one, read));
    assert_string_equal(one, read);
    assert_string_not_equal(one, two);
    /* The next step is another one of the same trace. */
    assert_ok(coco_traceparent_next(one, next, &err), err);
    assert_true(coco_traceparent_parse(next, read));
    assert_memory_equal(one, next, 3 + 32 + 1);
    assert_string_not_equal(one, next);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_one_is_read),
        cmocka_unit_test(hostile_values_are_none),
        cmocka_unit_test(a_new_one_is_one_and_no_two_are_alike),
    };

    return cmocka_run_group_tests_name("base/traceparent", tests, NULL, NULL);
}
