/*
 * native/callbacks.c - sinks of a coco_ctx that are Go functions
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
