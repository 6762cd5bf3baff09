/*
 * native/callbacks.c - what C calls that are Go functions
 *
 * Go exports functions without const and takes a handle as a number, so each
 * is called by one of the right type.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "callbacks.h"

#include "_cgo_export.h"

static void
progress(void *user, const coco_progress *progress)
{
    coco_go_progress((uintptr_t)user, (char *)progress->what, (int)progress->phase, progress->done,
                     progress->total, progress->files);
}

static void
log_line(void *user, coco_log_level level, const char *message)
{
    coco_go_log((uintptr_t)user, (int)level, (char *)message);
}

static void
destroy(void *user)
{
    coco_go_destroy((uintptr_t)user);
}

void
coco_go_set_progress(coco_ctx *ctx, uintptr_t user)
{
    coco_ctx_set_progress(ctx, progress, (void *)user, destroy);
}

void
coco_go_set_log(coco_ctx *ctx, coco_log_level level, uintptr_t user)
{
    coco_ctx_set_log(ctx, level, log_line, (void *)user, destroy);
}

static void
get_resource(void *user, coco_ctx *ctx, const char *path, coco_kbc_answer *answer)
{
    (void)ctx;
    coco_go_get_resource((uintptr_t)user, (char *)path, answer);
}

static void
attest(void *user, coco_ctx *ctx, coco_kbc_answer *answer)
{
    (void)ctx;
    coco_go_attest((uintptr_t)user, answer);
}

static void
wrap_key(void *user, coco_ctx *ctx, const char *id, const uint8_t *key, size_t len,
         coco_kbc_answer *answer)
{
    (void)ctx;
    coco_go_wrap_key((uintptr_t)user, (char *)id, (uint8_t *)key, len, answer);
}

static void
unwrap_key(void *user, coco_ctx *ctx, const char *id, const uint8_t *wrapped, size_t len,
           coco_kbc_answer *answer)
{
    (void)ctx;
    coco_go_unwrap_key((uintptr_t)user, (char *)id, (uint8_t *)wrapped, len, answer);
}

coco_status
coco_go_new_plugin(const char *name, bool attests, bool wraps, uintptr_t user, coco_kbc **ret,
                   coco_error **err)
{
    const coco_kbc_plugin plugin = {
        .size = sizeof(plugin),
        .name = name,
        .get_resource = get_resource,
        .attest = attests ? attest : NULL,
        .destroy = destroy,
        .wrap_key = wraps ? wrap_key : NULL,
        .unwrap_key = wraps ? unwrap_key : NULL,
    };

    return coco_kbc_new_plugin(&plugin, (void *)user, ret, err);
}

static bool
watched(void *user, const uint8_t *data, size_t len)
{
    return coco_go_watched((uintptr_t)user, (uint8_t *)data, len);
}

coco_status
coco_go_watch(coco_kbc *kbc, coco_ctx *ctx, const char *uri, uint32_t seconds, uintptr_t user,
              coco_error **err)
{
    return coco_kbc_watch(kbc, ctx, uri, seconds, watched, (void *)user, err);
}
