/*
 * base/context.c - log, progress and cancellation of a call
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/context.h"

#include "base/fail.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#define LOG_LINE_MAX 1024

struct coco_ctx {
    atomic_bool canceled;
    int wake; /* eventfd, readable once canceled */

    coco_progress_fn *progress;
    void *progress_user;
    coco_destroy_fn *progress_destroy;

    coco_log_level log_level;
    coco_log_fn *log;
    void *log_user;
    coco_destroy_fn *log_destroy;

    char traceparent[COCO_TRACEPARENT_SIZE]; /* or "" */
};

coco_status
coco_ctx_new(coco_ctx **ret, coco_error **err)
{
    _cleanup_free_ coco_ctx *ctx = calloc(1, sizeof(*ctx));
    if (!ctx)
        return coco_fail_nomem(err);

    ctx->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ctx->wake < 0)
        return coco_fail_errno(err, errno, "eventfd");

    *ret = coco_steal(&ctx);
    return COCO_OK;
}

void
coco_ctx_free(coco_ctx *ctx)
{
    if (!ctx)
        return;
    coco_ctx_set_progress(ctx, NULL, NULL, NULL);
    coco_ctx_set_log(ctx, COCO_LOG_DEBUG, NULL, NULL, NULL);
    (void)close(ctx->wake);
    free(ctx);
}

void
coco_ctx_set_progress(coco_ctx *ctx, coco_progress_fn *fn, void *user, coco_destroy_fn *destroy)
{
    if (ctx->progress_destroy)
        ctx->progress_destroy(ctx->progress_user);
    ctx->progress = fn;
    ctx->progress_user = user;
    ctx->progress_destroy = destroy;
}

void
coco_ctx_report(const coco_ctx *ctx, const coco_progress *progress)
{
    if (ctx->progress)
        ctx->progress(ctx->progress_user, progress);
}

const char *
coco_phase_name(coco_phase phase)
{
    static const char *const names[] = {"fetch", "unpack", "wait", "copy", "verify", "sync"};

    return (size_t)phase < sizeof(names) / sizeof(names[0]) ? names[phase] : "unknown";
}

void
coco_ctx_set_log(coco_ctx *ctx, coco_log_level level, coco_log_fn *fn, void *user,
                 coco_destroy_fn *destroy)
{
    if (ctx->log_destroy)
        ctx->log_destroy(ctx->log_user);
    ctx->log_level = level;
    ctx->log = fn;
    ctx->log_user = user;
    ctx->log_destroy = destroy;
}

coco_status
coco_ctx_set_traceparent(coco_ctx *ctx, const char *traceparent, coco_error **err)
{
    if (!traceparent)
        ctx->traceparent[0] = '\0';
    else if (!coco_traceparent_parse(traceparent, ctx->traceparent))
        return coco_fail(err, COCO_ERR_INVALID, "traceparent is none of W3C's");
    return COCO_OK;
}

coco_status
coco_ctx_next_traceparent(const coco_ctx *ctx, char ret[COCO_TRACEPARENT_SIZE], coco_error **err)
{
    if (ctx->traceparent[0])
        return coco_traceparent_next(ctx->traceparent, ret, err);
    ret[0] = '\0';
    return COCO_OK;
}

void
coco_ctx_log(const coco_ctx *ctx, coco_log_level level, const char *fmt, ...)
{
    char raw[LOG_LINE_MAX];
    char line[LOG_LINE_MAX];
    va_list args;

    if (!ctx->log || level < ctx->log_level)
        return;

    va_start(args, fmt);
    int n = vsnprintf(raw, sizeof(raw), fmt, args);
    va_end(args);
    if (n < 0)
        return;

    coco_text_escape(raw, strlen(raw), line, sizeof(line));
    ctx->log(ctx->log_user, level, line);
}

void
coco_ctx_cancel(coco_ctx *ctx)
{
    const uint64_t one = 1;
    int saved = errno;

    atomic_store(&ctx->canceled, true);
    /* Only fails when the counter is full, and then it is readable already. */
    ssize_t n = write(ctx->wake, &one, sizeof(one));
    (void)n;
    errno = saved;
}

bool
coco_ctx_canceled(const coco_ctx *ctx)
{
    return atomic_load(&ctx->canceled);
}

coco_status
coco_ctx_check(const coco_ctx *ctx, coco_error **err)
{
    if (coco_ctx_canceled(ctx))
        return coco_fail(err, COCO_ERR_CANCELED, "canceled");
    return COCO_OK;
}

int
coco_ctx_cancel_fd(const coco_ctx *ctx)
{
    return ctx->wake;
}

static void
pass_on(void *user, coco_log_level level, const char *message)
{
    coco_ctx_log(user, level, "%s", message);
}

void
coco_ctx_log_to(coco_ctx *ctx, coco_ctx *other)
{
    coco_ctx_set_log(ctx, COCO_LOG_DEBUG, pass_on, other, NULL);
}
