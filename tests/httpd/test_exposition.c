/*
 * tests/httpd/test_exposition.c - lib/httpd/exposition.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/exposition.h"

#include "tests/faults.h"

static void
a_metric_is_help_type_and_samples(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_exposition_metric("a_total", "As.", "counter", UINT64_MAX, &buf, &err), err);
    assert_ok(coco_exposition_head("b", "Bs.", "gauge", &buf, &err), err);
    assert_ok(coco_exposition_sample("b{c=\"d\"}", 0, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), "# HELP a_total As.\n"
                                             "# TYPE a_total counter\n"
                                             "a_total 18446744073709551615\n"
                                             "# HELP b Bs.\n"
                                             "# TYPE b gauge\n"
                                             "b{c=\"d\"} 0\n");
}

static void
writing_survives_failed_allocations(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
        coco_error *err = NULL;

        coco_status status = coco_exposition_metric("a", "As.", "gauge", 1, &buf, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_metric_is_help_type_and_samples),
        cmocka_unit_test(writing_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("httpd/exposition", tests, NULL, NULL);
}
