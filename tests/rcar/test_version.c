/*
 * tests/rcar/test_version.c - lib/rcar/version.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rcar/version.h"

#include "tests/support.h"

static void
every_version_is_read_as_it_is_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < COCO_RCAR_VERSIONS; i++) {
        enum coco_rcar_version version = COCO_RCAR_OLDEST;

        assert_true(
            coco_rcar_version_parse(coco_rcar_version_name((enum coco_rcar_version)i), &version));
        assert_int_equal(version, i);
    }
}

static void
no_other_text_is_a_version(void **state)
{
    static const char *const cases[] = {
        "",       "0.4",    "0.4.1",  "0.5.0",     "0.0.9",  "0.1.2",   " 0.4.0",
        "0.4.0 ", "00.4.0", "0.04.0", "0.4.0-rc1", "v0.4.0", "0.4.0+x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum coco_rcar_version version = COCO_RCAR_0_2_0;

        assert_false(coco_rcar_version_parse(cases[i], &version));
        assert_int_equal(version, COCO_RCAR_0_2_0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_is_read_as_it_is_written),
        cmocka_unit_test(no_other_text_is_a_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
