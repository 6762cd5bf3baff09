/*
 * coco/context.h - what a call needs besides its own arguments
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CONTEXT_H
#define COCO_CONTEXT_H

#include <coco/error.h>
#include <coco/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Contexts: progress, log and cancellation.
 *
 * A context is one unit of cancellation and cheap to make. Set its sinks before
 * the first call that uses it. Calls on one context may run on several threads
 * as long as its sinks can.
 */

/** How much a log line matters. Errors are returned, never logged. */
typedef enum coco_log_level {
    COCO_LOG_DEBUG = 0, /**< For whoever looks for a bug. */
    COCO_LOG_INFO = 1,  /**< For whoever operates the program. */
    COCO_LOG_WARN = 2,  /**< Something was worked around. */
} coco_log_level;

/**
 * Takes one line of the log, without newline and with all foreign bytes
 * escaped. It never holds a secret. Runs on the thread that logs.
 */
typedef void coco_log_fn(void *user, coco_log_level level, const char *message);

/**
 * Reports progress of a running call.
 *
 * Runs on the thread of that call, with no lock held, and never after the call
 * has returned. @p total is 0 while unknown. Both counts are bytes.
 *
 * While a layer of an image is waited for, what was reported last is reported again
 * once a second: whoever waits for the call can tell that it is alive.
 */
typedef void coco_progress_fn(void *user, const char *what, uint64_t done, uint64_t total);

/** Creates a context that logs nothing and reports to nobody. */
COCO_API COCO_MUST_CHECK coco_status coco_ctx_new(coco_ctx **ret, coco_error **err);

/** Frees @p ctx; NULL is fine. No call may be using it. */
COCO_API void coco_ctx_free(coco_ctx *ctx);

/** Sets the progress sink; @p fn NULL removes it. @p ctx then owns @p user. */
COCO_API void coco_ctx_set_progress(coco_ctx *ctx, coco_progress_fn *fn, void *user,
                                    coco_destroy_fn *destroy);

/**
 * Sets the log sink for lines of at least @p level; @p fn NULL removes it.
 * @p ctx then owns @p user.
 */
COCO_API void coco_ctx_set_log(coco_ctx *ctx, coco_log_level level, coco_log_fn *fn, void *user,
                               coco_destroy_fn *destroy);

/**
 * Makes the running calls, and every later one on @p ctx, fail with
 * ::COCO_ERR_CANCELED soon, also those that wait for the network.
 *
 * The one function that any thread, or a signal handler, may call at any time.
 */
COCO_API void coco_ctx_cancel(coco_ctx *ctx);

/** Whether coco_ctx_cancel() was called. */
COCO_API bool coco_ctx_canceled(const coco_ctx *ctx);

#ifdef __cplusplus
}
#endif

#endif
