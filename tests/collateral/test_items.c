/*
 * tests/collateral/test_items.c - lib/collateral/items.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/items.h"

#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

static coco_error *err;

static coco_status
put(struct coco_items *items, const char *name, const char *text)
{
    return coco_items_put(items, name, text, strlen(text), NULL, &err);
}

static void
items_are_found_by_name_whatever_their_order(void **state)
{
    _cleanup_items_ struct coco_items items = {0};
    static const char *const names[] = {"m", "z", "a", "q/r", "b", "q/a", "y"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_ok(put(&items, names[i], names[i]), err);
    assert_int_equal(items.n, sizeof(names) / sizeof(names[0]));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_string_equal(coco_buf_text(&coco_items_find(&items, names[i])->data), names[i]);
    for (size_t i = 1; i < items.n; i++)
        assert_true(strcmp(items.list[i - 1].name, items.list[i].name) < 0);
    assert_null(coco_items_find(&items, "q"));
    assert_null(coco_items_find(&items, "zz"));
}

static void
what_is_put_again_takes_the_place(void **state)
{
    _cleanup_items_ struct coco_items items = {0};

    (void)state;
    assert_ok(put(&items, "a", "first"), err);
    assert_ok(put(&items, "a", "second one"), err);
    assert_int_equal(items.n, 1);
    assert_int_equal(items.bytes, strlen("second one"));
    coco_items_remove(&items, coco_items_find(&items, "a"));
    assert_int_equal(items.n, 0);
    assert_int_equal(items.bytes, 0);
}

static void
there_is_only_so_much_of_it(void **state)
{
    _cleanup_items_ struct coco_items items = {0};
    char name[32];

    (void)state;
    char *large = calloc(1, COCO_COLLATERAL_MAX + 1);
    assert_non_null(large);
    assert_fails(coco_items_put(&items, "a", large, COCO_COLLATERAL_MAX + 1, NULL, &err), err,
                 COCO_ERR_LIMIT, "collateral a");
    for (size_t i = 0; i < COCO_ITEMS_BYTES_MAX / COCO_COLLATERAL_MAX; i++) {
        (void)snprintf(name, sizeof(name), "large/%zu", i);
        assert_ok(coco_items_put(&items, name, large, COCO_COLLATERAL_MAX, NULL, &err), err);
    }
    assert_fails(put(&items, "b", "x"), err, COCO_ERR_LIMIT, "bytes");
    coco_items_done(&items);
    for (size_t i = 0; i < COCO_COLLATERAL_ITEMS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "%zu", i);
        assert_ok(put(&items, name, "x"), err);
    }
    assert_fails(put(&items, "x", "x"), err, COCO_ERR_LIMIT, "items");
    assert_ok(put(&items, "7", "y"), err);
    free(large);
}

static void
names_lead_nowhere_else(void **state)
{
    _cleanup_items_ struct coco_items items = {0};

    (void)state;
    assert_fails(put(&items, "../a", "x"), err, COCO_ERR_INVALID, "cannot be called");
    assert_fails(put(&items, "", "x"), err, COCO_ERR_INVALID, "cannot be called");
    assert_int_equal(items.n, 0);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_items_ struct coco_items items = {0};
        coco_status status = COCO_OK;
        char name[32];

        for (size_t i = 0; i < 20 && status == COCO_OK; i++) {
            (void)snprintf(name, sizeof(name), "%zu", i);
            status = put(&items, name, "x");
        }
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_found_by_name_whatever_their_order),
        cmocka_unit_test(what_is_put_again_takes_the_place),
        cmocka_unit_test(there_is_only_so_much_of_it),
        cmocka_unit_test(names_lead_nowhere_else),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
