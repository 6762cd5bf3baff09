/*
 * cache/counters.h - what a cache has done
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CACHE_COUNTERS_H
#define COCO_CACHE_COUNTERS_H

#include "base/buf.h"

#include <stdatomic.h>

enum coco_cache_counter {
    COCO_CACHE_REQUESTS,      /* for manifests and blobs */
    COCO_CACHE_HITS,          /* answered from the directory */
    COCO_CACHE_MISSES,        /* that began a fetch */
    COCO_CACHE_JOINS,         /* that joined one under way */
    COCO_CACHE_REFUSALS,      /* of what the upstream, or the cache, does not give */
    COCO_CACHE_BYTES_FETCHED, /* of manifests and blobs, from upstreams */
    COCO_CACHE_BYTES_SERVED,  /* of the same, to clients */
    COCO_CACHE_CHECKS,        /* questions to upstreams that brought no bytes of an image */
    COCO_CACHE_FAILURES,      /* of fetches */
    COCO_CACHE_BAD_FETCHES,   /* whose digest was wrong */
    COCO_CACHE_BAD_ENTRIES,   /* of the directory, found to be wrong and removed */
    COCO_CACHE_EVICTIONS,
    COCO_CACHE_COUNTERS
};

/* All of it may be used by any thread. */
struct coco_cache_counters {
    _Atomic uint64_t values[COCO_CACHE_COUNTERS];
};

static inline void
coco_cache_count(struct coco_cache_counters *counters, enum coco_cache_counter which, uint64_t n)
{
    (void)atomic_fetch_add_explicit(&counters->values[which], n, memory_order_relaxed);
}

/* Appends them as Prometheus reads them (text exposition format 0.0.4), and gauges of the store. */
coco_status coco_cache_counters_format(const struct coco_cache_counters *counters, uint64_t used,
                                       uint64_t max, struct coco_buf *buf, coco_error **err);

#endif
