/*
 * cache/workers.h - threads that wait for registries, a fixed number of them
 *
 * Short jobs, which are questions, come before long ones, which bring blobs, and some
 * threads do short ones only: a host that fetches much still answers. Of one lane there
 * are but some short jobs at a time, so that a registry that keeps them waiting does not
 * keep those of others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CACHE_WORKERS_H
#define COCO_CACHE_WORKERS_H

#include "base/cleanup.h"

#include <coco/error.h>

/* Threads beside those that may do long jobs. */
#define COCO_CACHE_SHORT_THREADS 24
/* Short jobs of one lane that run at the same time. */
#define COCO_CACHE_LANE_MAX 8

/* Part of whatever is to be done; run takes it over. */
struct coco_cache_job {
    void (*run)(struct coco_cache_job *job);
    bool is_long;
    const void *lane; /* of a short one: whom it waits for */
    struct coco_cache_job *next;
};

struct coco_cache_workers;

coco_status coco_cache_workers_start(size_t n_long, struct coco_cache_workers **ret,
                                     coco_error **err);
void coco_cache_workers_add(struct coco_cache_workers *workers, struct coco_cache_job *job);
/* Ends when all jobs have run; jobs may add jobs until then. NULL is fine. */
void coco_cache_workers_stop(struct coco_cache_workers *workers);
COCO_DEFINE_CLEANUP(struct coco_cache_workers *, coco_cache_workers_stop);

#endif
