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

struct coco_cache_workers {
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t news;
    struct queue shorts;
    struct queue longs;
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

static struct coco_cache_job *
pop(struct queue *queue)
{
    struct coco_cache_job *job = queue->first;

    queue->first = job->next;
    if (!queue->first)
        queue->end = &queue->first;
    return job;
}

/* The next job, or NULL when there will be none; the lock is held. */
static struct coco_cache_job *
next_job(struct coco_cache_workers *workers)
{
    for (;;) {
        if (workers->shorts.first)
            return pop(&workers->shorts);
        if (workers->longs.first && workers->n_long < workers->max_long)
            return pop(&workers->longs);
        if (workers->stopping && !workers->longs.first && workers->n_running == 0)
            return NULL;
        (void)pthread_cond_wait(&workers->news, &workers->lock);
    }
}

static void *
work(void *arg)
{
    struct coco_cache_workers *workers = arg;
    struct coco_cache_job *job;

    (void)pthread_mutex_lock(&workers->lock);
    while ((job = next_job(workers))) {
        bool is_long = job->is_long;

        workers->n_running++;
        workers->n_long += is_long;
        (void)pthread_mutex_unlock(&workers->lock);
        job->run(job);
        (void)pthread_mutex_lock(&workers->lock);
        workers->n_running--;
        workers->n_long -= is_long;
        (void)pthread_cond_broadcast(&workers->news);
    }
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
