/*
 * tests/image/test_sparse.c - lib/image/sparse.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/sparse.h"

#include "tests/faults.h"

static coco_error *err;

static void
runs_come_back_in_order_without_the_empty_ones(void **state)
{
    struct coco_sparse sparse = {0};
    uint64_t offset;

    (void)state;
    assert_ok(coco_sparse_add(&sparse, 0, 0, &err), err);
    assert_ok(coco_sparse_add(&sparse, 10, 5, &err), err);
    assert_ok(coco_sparse_add(&sparse, 15, 1, &err), err);
    assert_ok(coco_sparse_add(&sparse, 100, 0, &err), err);
    assert_ok(coco_sparse_check(&sparse, 100, 6, &err), err);

    assert_int_equal(coco_sparse_next(&sparse, &offset), 5);
    assert_int_equal(offset, 10);
    coco_sparse_advance(&sparse, 2);
    assert_int_equal(coco_sparse_next(&sparse, &offset), 3);
    assert_int_equal(offset, 12);
    coco_sparse_advance(&sparse, 3);
    assert_int_equal(coco_sparse_next(&sparse, &offset), 1);
    assert_int_equal(offset, 15);
    coco_sparse_advance(&sparse, 1);
    assert_int_equal(coco_sparse_next(&sparse, &offset), 0);
    coco_sparse_done(&sparse);
}

static void
runs_that_contradict_each_other_or_the_file_are_refused(void **state)
{
    struct coco_sparse sparse = {0};

    (void)state;
    assert_fails(coco_sparse_add(&sparse, UINT64_MAX, 1, &err), err, COCO_ERR_PROTO, "not fit");
    assert_ok(coco_sparse_add(&sparse, 10, 5, &err), err);
    assert_fails(coco_sparse_add(&sparse, 14, 5, &err), err, COCO_ERR_PROTO, "overlap");
    assert_fails(coco_sparse_add(&sparse, 0, 5, &err), err, COCO_ERR_PROTO, "overlap");
    assert_fails(coco_sparse_check(&sparse, 14, 5, &err), err, COCO_ERR_PROTO, "behind the end");
    assert_fails(coco_sparse_check(&sparse, 20, 6, &err), err, COCO_ERR_PROTO, "not what is");
    assert_ok(coco_sparse_check(&sparse, 15, 5, &err), err);
    coco_sparse_done(&sparse);
}

static void
a_map_has_a_limit(void **state)
{
    struct coco_sparse sparse = {0};

    (void)state;
    for (size_t i = 0; i < COCO_SPARSE_RUNS_MAX; i++)
        assert_ok(coco_sparse_add(&sparse, i, 1, &err), err);
    assert_fails(coco_sparse_add(&sparse, COCO_SPARSE_RUNS_MAX, 1, &err), err, COCO_ERR_LIMIT,
                 "more than 65536 runs");
    coco_sparse_done(&sparse);
}

static void
a_map_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        struct coco_sparse sparse = {0};

        coco_status status = coco_sparse_add(&sparse, 0, 1, &err);
        fault_expect(status, err);
        coco_sparse_done(&sparse);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_come_back_in_order_without_the_empty_ones),
        cmocka_unit_test(runs_that_contradict_each_other_or_the_file_are_refused),
        cmocka_unit_test(a_map_has_a_limit),
        cmocka_unit_test(a_map_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/sparse", tests, NULL, NULL);
}
