/*
 * cache/core.c - a cache without its sockets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/core.h"

#include "base/context.h"
#include "base/fail.h"
#include "cache/access.h"
#include "cache/fetch.h"

#include <string.h>
#include <sys/eventfd.h>

void
coco_cache_core_wake(const struct coco_cache_core *core)
{
    (void)eventfd_write(core->wake, 1);
}

void
coco_cache_core_log_failure(const struct coco_cache_core *core, const char *name,
                            const coco_error *err)
{
    coco_ctx_log(core->ctx, COCO_LOG_WARN, "%s: %s", name,
                 err ? coco_error_message(err) : "out of memory");
}

coco_status
coco_cache_core_find(struct coco_cache_core *core, const struct coco_cache_request *request,
                     struct coco_cache_content **ret, coco_error **err)
{
    const struct coco_cache_key key = coco_cache_access_key(request);

    *ret = NULL;
    if (!request->digest.alg)
        return COCO_OK;
    /* In this order: what ends in between is found in the store. */
    *ret = coco_cache_fetch_find(core, request->upstream, &key);
    if (*ret) {
        coco_cache_count(&core->counters, COCO_CACHE_JOINS, 1);
        return COCO_OK;
    }
    coco_status status = coco_cache_access_find_open(core, request->upstream, &key, ret, err);
    if (*ret)
        coco_cache_count(&core->counters, COCO_CACHE_HITS, 1);
    return status;
}

static coco_status
set_up(struct coco_cache_core *core, const char *config, coco_error **err)
{
    coco_status status = coco_cache_config_parse(config, strlen(config), &core->config, err);

    if (status == COCO_OK)
        status = coco_ctx_new(&core->work, err);
    if (status != COCO_OK)
        return status;
    coco_ctx_log_to(core->work, core->ctx);
    core->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (core->wake < 0)
        return coco_fail_errno(err, errno, "eventfd");
    status = coco_cache_store_open(core->config.directory, core->config.max_bytes, core->ctx,
                                   &core->counters, &core->store, err);
    if (status == COCO_OK)
        status = coco_cache_upstreams_new(&core->config, &core->upstreams, err);
    if (status == COCO_OK)
        status = coco_cache_workers_start(core->config.max_fetches, &core->workers, err);
    return status;
}

coco_status
coco_cache_core_new(coco_ctx *ctx, const char *config, struct coco_cache_core **ret,
                    coco_error **err)
{
    struct coco_cache_core *made = calloc(1, sizeof(*made));

    if (!made)
        return coco_fail_nomem(err);
    made->ctx = ctx;
    made->wake = -1;
    (void)pthread_mutex_init(&made->lock, NULL);
    _cleanup_(coco_cache_core_freep) struct coco_cache_core *core = made;

    coco_status status = set_up(core, config, err);
    if (status == COCO_OK)
        *ret = coco_steal(&core);
    return status;
}

void
coco_cache_core_cancel(struct coco_cache_core *core)
{
    coco_ctx_cancel(core->work);
}

void
coco_cache_core_free(struct coco_cache_core *core)
{
    if (!core)
        return;
    if (core->work)
        coco_ctx_cancel(core->work);
    coco_cache_workers_stop(core->workers);
    coco_cache_upstreams_free(core->upstreams);
    coco_cache_store_close(core->store);
    coco_ctx_free(core->work);
    if (core->wake >= 0)
        (void)close(core->wake);
    coco_cache_config_done(&core->config);
    (void)pthread_mutex_destroy(&core->lock);
    free(core);
}
