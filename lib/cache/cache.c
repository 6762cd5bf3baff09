/*
 * cache/cache.c - a cache of images that serves
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/cache.h"

#include "base/fail.h"
#include "cache/router.h"
#include "httpd/server.h"

#include <time.h>

struct coco_cache {
    struct coco_cache_core *core;
    struct coco_httpd_server *server;
};

static int64_t
now(void)
{
    return (int64_t)time(NULL);
}

static void
handle(void *self, const struct coco_httpd_request *request, struct coco_httpd_reply *reply)
{
    coco_cache_handle(self, request, reply);
}

static void
refuse(void *self, const char *detail, struct coco_httpd_reply *reply)
{
    (void)self;
    coco_cache_refuse(detail, reply);
}

static coco_status
serve(struct coco_cache *cache, coco_error **err)
{
    const struct coco_cache_config *config = &cache->core->config;
    const struct coco_httpd_handler handler = {
        .handle = handle, .refuse = refuse, .self = cache->core};
    const struct coco_httpd_options opts = {
        .ctx = cache->core->ctx,
        .now = now,
        .sockets = config->listen,
        .n_sockets = config->n_listen,
        .insecure_http = config->insecure_http,
        .tls =
            {
                .certificate = config->certificate.len ? coco_buf_text(&config->certificate) : NULL,
                .private_key = coco_buf_text(&config->private_key),
            },
        .max_connections = config->max_connections,
        .body_max = 0,
        .bodies_max = (uint64_t)COCO_HTTPD_BODIES_MIB << 20, /* of long heads, for it */
        .head_timeout = COCO_HTTPD_HEAD_SECONDS,
        .body_timeout = COCO_HTTPD_BODY_SECONDS,
        .write_timeout = COCO_HTTPD_WRITE_SECONDS,
        .idle_timeout = COCO_HTTPD_IDLE_SECONDS,
        .unix_mode = config->unix_mode,
        .wake = &cache->core->wake,
    };

    return coco_httpd_server_start(&opts, &handler, &cache->server, err);
}

coco_status
coco_cache_start(coco_ctx *ctx, const char *config, struct coco_cache **ret, coco_error **err)
{
    struct coco_cache *cache = calloc(1, sizeof(*cache));

    if (!cache)
        return coco_fail_nomem(err);
    coco_status status = coco_cache_core_new(ctx, config, &cache->core, err);
    if (status == COCO_OK)
        status = serve(cache, err);
    if (status == COCO_OK)
        *ret = cache;
    else
        coco_cache_stop(cache);
    return status;
}

void
coco_cache_stop(struct coco_cache *cache)
{
    if (!cache)
        return;
    /* First those who wait for registries, or replies would be waited for in vain. */
    if (cache->core)
        coco_cache_core_cancel(cache->core);
    coco_httpd_server_stop(cache->server);
    coco_cache_core_free(cache->core);
    free(cache);
}

const char *
coco_cache_url(const struct coco_cache *cache)
{
    return coco_httpd_server_url(cache->server);
}
