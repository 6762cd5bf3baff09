/*
 * cache/cache.h - a cache of images that serves
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CACHE_CACHE_H
#define COCO_CACHE_CACHE_H

#include <coco/context.h>

struct coco_cache;

/* Serves as config, JSON, has it: doc/coco-cache.md. ctx is lent until the end. */
coco_status coco_cache_start(coco_ctx *ctx, const char *config, struct coco_cache **ret,
                             coco_error **err);

/* Ends within seconds whatever is under way, and frees; NULL is fine. */
void coco_cache_stop(struct coco_cache *cache);

/* Of the first address it listens at: "http://127.0.0.1:5050", "unix:/path". */
const char *coco_cache_url(const struct coco_cache *cache);

#endif
