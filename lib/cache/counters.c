/*
 * cache/counters.c - what a cache has done
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/counters.h"

#include "httpd/exposition.h"

#include <stdio.h>

static const struct {
    const char *name, *help;
} names[COCO_CACHE_COUNTERS] = {
    [COCO_CACHE_REQUESTS] = {"requests", "Requests for manifests and blobs."},
    [COCO_CACHE_HITS] = {"hits", "Requests answered from the directory."},
    [COCO_CACHE_MISSES] = {"misses", "Requests that began a fetch."},
    [COCO_CACHE_JOINS] = {"joins", "Requests that joined a fetch under way."},
    [COCO_CACHE_REFUSALS] = {"refusals", "Requests for what is not given."},
    [COCO_CACHE_BYTES_FETCHED] = {"upstream_bytes", "Bytes of images from upstreams."},
    [COCO_CACHE_BYTES_SERVED] = {"served_bytes", "Bytes of images to clients."},
    [COCO_CACHE_CHECKS] = {"upstream_checks", "Questions to upstreams without bytes of images."},
    [COCO_CACHE_FAILURES] = {"fetch_failures", "Fetches that failed."},
    [COCO_CACHE_BAD_FETCHES] = {"fetch_digest_mismatches", "Fetches with a wrong digest."},
    [COCO_CACHE_BAD_ENTRIES] = {"bad_entries", "Entries found to be wrong and removed."},
    [COCO_CACHE_EVICTIONS] = {"evictions", "Entries that made room for others."},
};

coco_status
coco_cache_counters_format(const struct coco_cache_counters *counters, uint64_t used, uint64_t max,
                           struct coco_buf *buf, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < COCO_CACHE_COUNTERS && status == COCO_OK; i++) {
        char name[64];

        (void)snprintf(name, sizeof(name), "coco_cache_%s_total", names[i].name);
        status = coco_exposition_metric(
            name, names[i].help, "counter",
            atomic_load_explicit(&counters->values[i], memory_order_relaxed), buf, err);
    }
    if (status == COCO_OK)
        status = coco_exposition_metric("coco_cache_store_bytes", "Bytes that the directory holds.",
                                        "gauge", used, buf, err);
    if (status == COCO_OK)
        status = coco_exposition_metric("coco_cache_store_max_bytes", "Bytes that it may hold.",
                                        "gauge", max, buf, err);
    return status;
}
