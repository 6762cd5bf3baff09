/*
 * tests/base/test_crew.c - lib/base/crew.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/crew.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <stdatomic.h>

#define MANY 200

static void
count_one(void *self)
{
    atomic_fetch_add((atomic_uint *)self, 1);
}

/* What a thread keeps for itself is freed by its very last step, which is waited for. */
static pthread_key_t key;

static void
count_exit(void *value)
{
    atomic_fetch_add((atomic_uint *)value, 1);
}

static void
leave_something(void *self)
{
    (void)pthread_setspecific(key, self);
}

static void
all_have_ended_when_a_crew_was_waited_for(void **state)
{
    struct coco_crew crew;
    coco_error *err = NULL;
    atomic_uint exits = 0;

    (void)state;
    assert_int_equal(pthread_key_create(&key, count_exit), 0);
    coco_crew_init(&crew);
    for (unsigned i = 0; i < MANY; i++)
        assert_ok(coco_crew_start(&crew, leave_something, &exits, &err), err);
    coco_crew_wait(&crew);
    assert_int_equal(coco_crew_count(&crew), 0);
    assert_int_equal(exits, MANY);
    assert_ok(coco_crew_start(&crew, leave_something, &exits, &err), err);
    coco_crew_done(&crew);
    assert_int_equal(exits, MANY + 1);
    assert_int_equal(pthread_key_delete(key), 0);
}

struct parent {
    struct coco_crew crew;
    atomic_uint ran;
};

static void
start_another(void *self)
{
    struct parent *parent = self;

    if (atomic_fetch_add(&parent->ran, 1) < MANY)
        (void)coco_crew_start(&parent->crew, start_another, parent, NULL);
}

static void
who_is_started_by_one_of_them_is_waited_for_too(void **state)
{
    struct parent parent = {.ran = 0};

    (void)state;
    coco_crew_init(&parent.crew);
    assert_int_equal(coco_crew_start(&parent.crew, start_another, &parent, NULL), COCO_OK);
    coco_crew_done(&parent.crew);
    assert_int_equal(parent.ran, MANY + 1);
}

static void
wait_for_lock(void *self)
{
    (void)pthread_mutex_lock(self);
    (void)pthread_mutex_unlock(self);
}

static void
those_who_are_there_are_counted(void **state)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct coco_crew crew;

    (void)state;
    coco_crew_init(&crew);
    assert_int_equal(coco_crew_count(&crew), 0);
    assert_int_equal(pthread_mutex_lock(&gate), 0);
    assert_int_equal(coco_crew_start(&crew, wait_for_lock, &gate, NULL), COCO_OK);
    assert_int_equal(coco_crew_start(&crew, wait_for_lock, &gate, NULL), COCO_OK);
    assert_int_equal(coco_crew_count(&crew), 2);
    assert_int_equal(pthread_mutex_unlock(&gate), 0);
    coco_crew_wait(&crew);
    assert_int_equal(coco_crew_count(&crew), 0);
    coco_crew_done(&crew);
}

static void
memory_that_is_not_to_be_had_is_an_error(void **state)
{
    coco_error *err = NULL;
    coco_status status = COCO_OK;
    atomic_uint ran = 0;

    (void)state;
    for_each_fault()
    {
        struct coco_crew crew;

        atomic_store(&ran, 0);
        coco_crew_init(&crew);
        status = coco_crew_start(&crew, count_one, &ran, &err);
        coco_crew_done(&crew);
        assert_int_equal(ran, status == COCO_OK ? 1 : 0);
        fault_expect(status, err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_have_ended_when_a_crew_was_waited_for),
        cmocka_unit_test(who_is_started_by_one_of_them_is_waited_for_too),
        cmocka_unit_test(those_who_are_there_are_counted),
        cmocka_unit_test(memory_that_is_not_to_be_had_is_an_error),
    };

    return cmocka_run_group_tests_name("base/crew", tests, NULL, NULL);
}
