/*
 * tests/base/test_options.c - lib/base/options.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/options.h"

#include "tests/support.h"

#include <string.h>

/* The same structure as three versions of the library know it. */
struct v1 {
    size_t size;
    uint64_t a;
};

struct v2 {
    size_t size;
    uint64_t a;
    uint64_t b;
};

struct v3 {
    size_t size;
    uint64_t a;
    uint64_t b;
    uint64_t c;
};

/* What v2 of the library makes of the caller's structure. */
static coco_status
take(const void *theirs, struct v2 *ours, coco_error **err)
{
    *ours = (struct v2){.size = sizeof(*ours), .a = 10, .b = 20};
    return coco_options_copy(ours, sizeof(*ours), sizeof(struct v1), theirs, err);
}

static void
null_means_the_defaults(void **state)
{
    struct v2 ours;
    coco_error *err = NULL;

    (void)state;
    assert_ok(take(NULL, &ours, &err), err);
    assert_int_equal(ours.a, 10);
    assert_int_equal(ours.b, 20);
}

static void
same_age_is_copied_whole(void **state)
{
    struct v2 theirs = {.size = sizeof(theirs), .a = 1, .b = 0};
    struct v2 ours;
    coco_error *err = NULL;

    (void)state;
    assert_ok(take(&theirs, &ours, &err), err);
    assert_int_equal(ours.a, 1);
    assert_int_equal(ours.b, 0);
}

static void
older_caller_keeps_the_default_of_what_it_lacks(void **state)
{
    struct v1 theirs = {.size = sizeof(theirs), .a = 1};
    struct v2 ours;
    coco_error *err = NULL;

    (void)state;
    assert_ok(take(&theirs, &ours, &err), err);
    assert_int_equal(ours.a, 1);
    assert_int_equal(ours.b, 20);
}

static void
newer_caller_may_not_ask_for_more(void **state)
{
    struct v3 theirs = {.size = sizeof(theirs), .a = 1, .b = 2};
    struct v2 ours;
    coco_error *err = NULL;

    (void)state;
    assert_ok(take(&theirs, &ours, &err), err);
    assert_int_equal(ours.b, 2);

    for (size_t byte = 0; byte < sizeof(theirs.c); byte++) {
        theirs.c = (uint64_t)1 << (8 * byte);
        assert_fails(take(&theirs, &ours, &err), err, COCO_ERR_NOTSUP, "newer");
        assert_int_equal(ours.a, 10); /* untouched on failure */
        assert_int_equal(ours.b, 20);
    }
}

static void
size_must_make_sense(void **state)
{
    static const size_t sizes[] = {0, 1, sizeof(size_t), sizeof(struct v1) - 1, 4097, SIZE_MAX};
    struct v3 theirs = {0};
    struct v2 ours;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        theirs.size = sizes[i];
        assert_fails(take(&theirs, &ours, &err), err, COCO_ERR_INVALID, "makes no sense");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_means_the_defaults),
        cmocka_unit_test(same_age_is_copied_whole),
        cmocka_unit_test(older_caller_keeps_the_default_of_what_it_lacks),
        cmocka_unit_test(newer_caller_may_not_ask_for_more),
        cmocka_unit_test(size_must_make_sense),
    };

    return cmocka_run_group_tests_name("base/options", tests, NULL, NULL);
}
