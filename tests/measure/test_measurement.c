/*
 * tests/measure/test_measurement.c - lib/measure/measurement.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/measurement.h"

#include "tests/faults.h"

static void
values_are_told_in_their_order(void **state)
{
    static const struct coco_measured first = {"a", "x.a", "why", true};
    static const struct coco_measured second = {"b", NULL, "why not", false};
    _cleanup_(coco_measurement_freep) coco_measurement *measurement = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_measurement_new(&measurement, &err), err);
    coco_measurement_add(measurement, &first, "\x01\xfe", 2);
    coco_measurement_add(measurement, &second, NULL, 0);
    assert_string_equal(coco_measurement_name(measurement, 0), "a");
    assert_string_equal(coco_measurement_claim(measurement, 0), "x.a");
    assert_string_equal(coco_measurement_value(measurement, 0), "01fe");
    assert_string_equal(coco_measurement_note(measurement, 0), "why");
    assert_true(coco_measurement_single(measurement, 0));
    assert_string_equal(coco_measurement_name(measurement, 1), "b");
    assert_null(coco_measurement_claim(measurement, 1));
    assert_null(coco_measurement_value(measurement, 1));
    assert_string_equal(coco_measurement_note(measurement, 1), "why not");
    assert_false(coco_measurement_single(measurement, 1));
    for (size_t i = 2; i < 20; i += 17) {
        assert_null(coco_measurement_name(measurement, i));
        assert_null(coco_measurement_claim(measurement, i));
        assert_null(coco_measurement_value(measurement, i));
        assert_null(coco_measurement_note(measurement, i));
        assert_false(coco_measurement_single(measurement, i));
    }
    coco_measurement_free(NULL);
}

static void
a_failed_allocation_is_reported(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_(coco_measurement_freep) coco_measurement *measurement = NULL;
        coco_error *err = NULL;

        coco_status status = coco_measurement_new(&measurement, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_told_in_their_order),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
