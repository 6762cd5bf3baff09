/*
 * tests/cache/test_workers.c - lib/cache/workers.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/workers.h"

#include "tests/support.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

struct task {
    struct coco_cache_job job;
    struct coco_cache_workers *workers;
    struct task *more; /* that this one adds */
    sem_t *go;         /* it waits for, or NULL */
    sem_t *began;
};

static _Atomic unsigned running, most, ran;

static void
run(struct coco_cache_job *job)
{
    struct task *task = (struct task *)job;
    unsigned now = ++running;

    for (unsigned seen = most; now > seen && !atomic_compare_exchange_weak(&most, &seen, now);)
        ;
    if (task->began)
        (void)sem_post(task->began);
    if (task->go)
        (void)sem_wait(task->go);
    if (task->more)
        coco_cache_workers_add(task->workers, &task->more->job);
    running--;
    ran++;
}

static void
long_jobs_leave_room_for_short_ones(void **state)
{
    struct coco_cache_workers *workers = NULL;
    struct task longs[20] = {0};
    struct task shorts[3] = {0};
    sem_t go, began, short_began;
    coco_error *err = NULL;

    (void)state;
    most = ran = 0;
    assert_int_equal(sem_init(&go, 0, 0) | sem_init(&began, 0, 0) | sem_init(&short_began, 0, 0),
                     0);
    assert_ok(coco_cache_workers_start(2, &workers, &err), err);
    for (size_t i = 0; i < 20; i++) {
        longs[i] = (struct task){.job = {.run = run, .is_long = true}, .go = &go, .began = &began};
        coco_cache_workers_add(workers, &longs[i].job);
    }
    (void)sem_wait(&began);
    (void)sem_wait(&began);
    /* All that may be long are, and yet: */
    for (size_t i = 0; i < 3; i++) {
        shorts[i] = (struct task){.job = {.run = run}, .began = &short_began};
        coco_cache_workers_add(workers, &shorts[i].job);
        (void)sem_wait(&short_began);
    }
    assert_int_equal(sem_trywait(&began), -1);
    assert_in_range(most, 3, 5); /* two long ones and the short */
    for (size_t i = 0; i < 20; i++)
        (void)sem_post(&go);
    coco_cache_workers_stop(workers);
    assert_int_equal(ran, 23);
    (void)sem_destroy(&go);
    (void)sem_destroy(&began);
    (void)sem_destroy(&short_began);
}

/* A registry that does not answer must not keep those of another waiting. */
static void
one_lane_leaves_room_for_others(void **state)
{
    struct coco_cache_workers *workers = NULL;
    struct task slow[50] = {0};
    struct task other = {0};
    sem_t go, began, other_began;
    coco_error *err = NULL;

    (void)state;
    most = ran = 0;
    assert_int_equal(sem_init(&go, 0, 0) | sem_init(&began, 0, 0) | sem_init(&other_began, 0, 0),
                     0);
    assert_ok(coco_cache_workers_start(16, &workers, &err), err);
    for (size_t i = 0; i < 50; i++) {
        slow[i] = (struct task){.job = {.run = run, .lane = slow}, .go = &go, .began = &began};
        coco_cache_workers_add(workers, &slow[i].job);
    }
    for (size_t i = 0; i < COCO_CACHE_LANE_MAX; i++)
        (void)sem_wait(&began);
    other = (struct task){.job = {.run = run, .lane = &other}, .began = &other_began};
    coco_cache_workers_add(workers, &other.job);
    (void)sem_wait(&other_began);
    assert_int_equal(sem_trywait(&began), -1);
    for (size_t i = 0; i < 50; i++)
        (void)sem_post(&go);
    coco_cache_workers_stop(workers);
    assert_int_equal(ran, 51);
    assert_in_range(most, COCO_CACHE_LANE_MAX, COCO_CACHE_LANE_MAX + 1);
    (void)sem_destroy(&go);
    (void)sem_destroy(&began);
    (void)sem_destroy(&other_began);
}

static void
it_stops_when_all_jobs_have_run_and_those_that_they_add(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 100; round++) {
        struct coco_cache_workers *workers = NULL;
        struct task chain[8] = {0};
        coco_error *err = NULL;

        ran = 0;
        assert_ok(coco_cache_workers_start(1, &workers, &err), err);
        for (size_t i = 0; i < 8; i++)
            chain[i] = (struct task){
                .job = {.run = run, .is_long = i % 2 == 1},
                .workers = workers,
                .more = i < 7 ? &chain[i + 1] : NULL,
            };
        coco_cache_workers_add(workers, &chain[0].job);
        coco_cache_workers_stop(workers);
        assert_int_equal(ran, 8);
    }
    coco_cache_workers_stop(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_jobs_leave_room_for_short_ones),
        cmocka_unit_test(one_lane_leaves_room_for_others),
        cmocka_unit_test(it_stops_when_all_jobs_have_run_and_those_that_they_add),
    };

    return cmocka_run_group_tests_name("cache/workers", tests, NULL, NULL);
}
