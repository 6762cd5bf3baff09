/*
 * tests/image/test_names.c - lib/image/names.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/names.h"

#include "tests/faults.h"

#include <stdio.h>

static coco_error *err;

static void
a_set_knows_what_was_added_and_nothing_else(void **state)
{
    struct coco_names names;
    char name[32];

    (void)state;
    assert_ok(coco_names_init(&names, &err), err);
    assert_false(coco_names_has(&names, 1, "a"));
    for (uint64_t i = 0; i < 10000; i++) {
        (void)snprintf(name, sizeof(name), "name-%llu", (unsigned long long)i);
        assert_ok(coco_names_add(&names, i % 7, name, &err), err);
        assert_ok(coco_names_add(&names, i % 7, name, &err), err);
    }
    assert_int_equal(names.n, 10000);
    for (uint64_t i = 0; i < 10000; i++) {
        (void)snprintf(name, sizeof(name), "name-%llu", (unsigned long long)i);
        assert_true(coco_names_has(&names, i % 7, name));
        assert_false(coco_names_has(&names, i % 7 + 7, name));
        assert_false(coco_names_has(&names, i % 7, name + 1));
    }
    coco_names_done(&names);
}

static void
every_set_has_its_own_key(void **state)
{
    struct coco_names a;
    struct coco_names b;

    (void)state;
    assert_ok(coco_names_init(&a, &err), err);
    assert_ok(coco_names_init(&b, &err), err);
    assert_memory_not_equal(a.key, b.key, sizeof(a.key));
    coco_names_done(&a);
    coco_names_done(&b);
}

static void
a_set_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        struct coco_names names;

        coco_status status = coco_names_init(&names, &err);
        if (status == COCO_OK)
            status = coco_names_add(&names, 1, "a", &err);
        fault_expect(status, err);
        coco_names_done(&names);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_knows_what_was_added_and_nothing_else),
        cmocka_unit_test(every_set_has_its_own_key),
        cmocka_unit_test(a_set_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/names", tests, NULL, NULL);
}
