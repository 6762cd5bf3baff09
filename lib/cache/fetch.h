/*
 * cache/fetch.h - a blob on its way from a registry
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CACHE_FETCH_H
#define COCO_CACHE_FETCH_H

#include "cache/core.h"

/* A blob on its way that anybody may have from upstream, or NULL. */
struct coco_cache_content *coco_cache_fetch_find(struct coco_cache_core *core,
                                                 const struct coco_cache_upstream *upstream,
                                                 const struct coco_cache_key *key);

/*
 * The content of ask, of which the registry has just said that its client may have it:
 * what is there, or comes, or is fetched from now on; then lease is taken over.
 */
coco_status coco_cache_fetch_blob(struct coco_cache_ask *ask, struct coco_cache_lease **lease,
                                  coco_error **err);

#endif
