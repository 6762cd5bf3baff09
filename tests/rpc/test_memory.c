/*
 * tests/rpc/test_memory.c - lib/rpc/memory.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/memory.h"

#include "tests/canary.h"
#include "tests/faults.h"

#include <string.h>

static void
more_than_the_limit_is_not_had(void **state)
{
    struct coco_rpc_memory memory = {.left = 100};

    (void)state;
    void *a = coco_rpc_malloc(60, &memory);
    assert_non_null(a);
    assert_false(memory.exceeded);
    assert_null(coco_rpc_malloc(41, &memory));
    assert_true(memory.exceeded);
    void *b = coco_rpc_malloc(40, &memory);
    assert_non_null(b);
    coco_rpc_free(a, &memory);
    assert_int_equal(memory.left, 60);
    coco_rpc_free(b, &memory);
    coco_rpc_free(NULL, &memory);
    assert_int_equal(memory.left, 100);
    assert_null(coco_rpc_calloc((size_t)-1, 2, &memory));
    assert_null(coco_rpc_malloc((size_t)-1, &memory));
    assert_false(memory.failed);
}

static void
a_block_that_grows_or_shrinks_keeps_its_content(void **state)
{
    struct coco_rpc_memory memory = {.left = 1000};
    char *p = NULL;

    (void)state;
    p = coco_rpc_realloc(NULL, 4, &memory);
    assert_non_null(p);
    memcpy(p, "abc", 4);
    p = coco_rpc_realloc(p, 500, &memory);
    assert_non_null(p);
    assert_string_equal(p, "abc");
    assert_null(coco_rpc_realloc(p, 501, &memory));
    assert_string_equal(p, "abc");
    p = coco_rpc_realloc(p, 2, &memory);
    assert_non_null(p);
    assert_memory_equal(p, "ab", 2);
    coco_rpc_free(p, &memory);
    char *zeros = coco_rpc_calloc(3, 4, &memory);
    assert_non_null(zeros);
    for (int i = 0; i < 12; i++)
        assert_int_equal(zeros[i], 0);
    coco_rpc_free(zeros, &memory);
    assert_int_equal(memory.left, 1000);
}

static void
what_is_given_back_is_wiped(void **state)
{
    static const char secret[] = "bytes that a library had";
    struct coco_rpc_memory memory = {.left = 1000};

    (void)state;
    canary_begin(secret, sizeof(secret));
    char *p = coco_rpc_malloc(sizeof(secret), &memory);
    assert_non_null(p);
    memcpy(p, secret, sizeof(secret));
    p = coco_rpc_realloc(p, 100, &memory);
    coco_rpc_free(p, &memory);
    assert_int_equal(canary_end(), 0);
}

static void
a_system_without_memory_is_told_from_a_limit(void **state)
{
    struct coco_rpc_memory memory = {.left = 1000};

    (void)state;
    faults_begin();
    assert_true(faults_next());
    assert_null(coco_rpc_malloc(8, &memory));
    assert_true(memory.failed);
    assert_false(memory.exceeded);
    assert_int_equal(memory.left, 1000);
    (void)faults_next();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_than_the_limit_is_not_had),
        cmocka_unit_test(a_block_that_grows_or_shrinks_keeps_its_content),
        cmocka_unit_test(what_is_given_back_is_wiped),
        cmocka_unit_test(a_system_without_memory_is_told_from_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
