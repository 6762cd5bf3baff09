/*
 * base/context.h - inside of a coco_ctx
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_CONTEXT_H
#define COCO_BASE_CONTEXT_H

#include <coco/context.h>

#include "base/cleanup.h"
#include "base/traceparent.h"

COCO_DEFINE_CLEANUP(coco_ctx *, coco_ctx_free);

/* COCO_OK, or COCO_ERR_CANCELED. Call it once per bounded piece of work. */
coco_status coco_ctx_check(const coco_ctx *ctx, coco_error **err);

/* Readable as soon as the context is canceled, and ever after: poll it beside what is waited for.
 */
int coco_ctx_cancel_fd(const coco_ctx *ctx);

void coco_ctx_report(const coco_ctx *ctx, const coco_progress *progress);

/* The traceparent of a request that is made, or "" if there is no trace. */
coco_status coco_ctx_next_traceparent(const coco_ctx *ctx, char ret[COCO_TRACEPARENT_SIZE],
                                      coco_error **err);

/* All that ctx logs is logged by another one, which must outlive it. */
void coco_ctx_log_to(coco_ctx *ctx, coco_ctx *other);

/* Control bytes, DEL and invalid UTF-8 in the line become \xNN; lines are cut at 1 KiB. */
void coco_ctx_log(const coco_ctx *ctx, coco_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
