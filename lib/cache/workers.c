/*
 * cache/workers.c - threads that wait for registries, a fixed number of them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/workers.h"

#include "base/fail.h"

#include <pthread.h>

struct queue {
    struct coco_cache_job *first;
    struct coco_cache_job **end;
};

/* A short job that runs. */
struct turn {
    const void *lane;
    struct turn *next;
};

struct coco_cache_workers {
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t news;
    struct queue shorts;
    struct queue longs;
    struct turn *turns;
    size_t n_long; /* that run */
    size_t max_long;
    size_t n_running;
    bool stopping;

    pthread_t *threads;
    size_t n_threads;
};

static void
push(struct queue *queue, struct coco_cache_job *job)
{
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
}

/* Takes out the job that *at leads to. */
static struct coco_cache_job *
take(struct queue *queue, struct coco_cache_job **at)
{
    struct coco_cache_job *job = *at;

    *at = job->next;
    if (!*at)
        queue->end = at;
    return job;
}

static bool
has_turn(const struct coco_cache_workers *workers, const void *lane)
{
    size_t n = 0;

    for (const struct turn *at = workers->turns; at; at = at->next)
        n += at->lane == lane;
    return n < COCO_CACHE_LANE_MAX;
}

/* The first short job whose lane is not full, or NULL. */
static struct coco_cache_job *
next_short(struct coco_cache_workers *workers)
{
    const void *full = workers;

    for (struct coco_cache_job **at = &workers->shorts.first; *at; at = &(*at)->next) {
        if ((*at)->lane == full) /* as the one before: most wait for the same */
            continue;
        if (has_turn(workers, (*at)->lane))
            return take(&workers->shorts, at);
        full = (*at)->lane;
    }
    return NULL;
}

/* The next job, or NULL when there will be none; the lock is held. */
static struct coco_cache_job *
next_job(struct coco_cache_workers *workers)
{
    for (;;) {
        struct coco_cache_job *job = next_short(workers);

        if (job)
            return job;
        if (workers->longs.first && workers->n_long < workers->max_long)
            return take(&workers->longs, &workers->longs.first);
        if (workers->stopping && !workers->shorts.first && !workers->longs.first
            && workers->n_running == 0)
            return NULL;
        (void)pthread_cond_wait(&workers->news, &workers->lock);
    }
}

/* Runs job, which is gone then; the lock is held before and after. */
static void
run_job(struct coco_cache_workers *workers, struct coco_cache_job *job)
{
    struct turn turn = {.lane = job->lane, .next = workers->turns};
    bool is_long = job->is_long;

    workers->n_running++;
    workers->n_long += is_long;
    if (!is_long)
        workers->turns = &turn;
    (void)pthread_mutex_unlock(&workers->lock);
    job->run(job);
    (void)pthread_mutex_lock(&workers->lock);
    for (struct turn **at = &workers->turns; *at; at = &(*at)->next)
        if (*at == &turn) {
            *at = turn.next;
            break;
        }
    workers->n_running--;
    workers->n_long -= is_long;
    (void)pthread_cond_broadcast(&workers->news);
}

static void *
work(void *arg)
{
    struct coco_cache_workers *workers = arg;
    struct coco_cache_job *job;

    (void)pthread_mutex_lock(&workers->lock);
    while ((job = next_job(workers)))
        run_job(workers, job);
    (void)pthread_mutex_unlock(&workers->lock);
    return NULL;
}

coco_status
coco_cache_workers_start(size_t n_long, struct coco_cache_workers **ret, coco_error **err)
{
    struct coco_cache_workers *made = calloc(1, sizeof(*made));
    size_t n = n_long + COCO_CACHE_SHORT_THREADS;

    if (!made)
        return coco_fail_nomem(err);
    (void)pthread_mutex_init(&made->lock, NULL);
    (void)pthread_cond_init(&made->news, NULL);
    made->shorts.end = &made->shorts.first;
    made->longs.end = &made->longs.first;
    made->max_long = n_long;
    _cleanup_(coco_cache_workers_stopp) struct coco_cache_workers *workers = made;

    workers->threads = calloc(n, sizeof(*workers->threads));
    if (!workers->threads)
        return coco_fail_nomem(err);
    while (workers->n_threads < n) {
        int code = pthread_create(&workers->threads[workers->n_threads], NULL, work, workers);

        if (code != 0)
            return coco_fail_errno(err, code, "thread");
        workers->n_threads++;
    }
    *ret = coco_steal(&workers);
    return COCO_OK;
}

void
coco_cache_workers_add(struct coco_cache_workers *workers, struct coco_cache_job *job)
{
    (void)pthread_mutex_lock(&workers->lock);
    push(job->is_long ? &workers->longs : &workers->shorts, job);
    (void)pthread_cond_broadcast(&workers->news);
    (void)pthread_mutex_unlock(&workers->lock);
}

void
coco_cache_workers_stop(struct coco_cache_workers *workers)
{
    if (!workers)
        return;
    (void)pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    (void)pthread_cond_broadcast(&workers->news);
    (void)pthread_mutex_unlock(&workers->lock);
    for (size_t i = 0; i < workers->n_threads; i++)
        (void)pthread_join(workers->threads[i], NULL);
    free(workers->threads);
    (void)pthread_cond_destroy(&workers->news);
    (void)pthread_mutex_destroy(&workers->lock);
    free(workers);
}
