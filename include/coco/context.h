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

/** What is being done to a thing. A layer is unpacked while it is fetched. */
typedef enum coco_phase {
    COCO_PHASE_FETCH = 0,  /**< Its bytes come; they are those of the blob. */
    COCO_PHASE_UNPACK = 1, /**< Its files are written; bytes are those of their content. */
    COCO_PHASE_WAIT = 2,   /**< Another process does it, and is waited for. */
    COCO_PHASE_COPY = 3,   /**< Its files are linked or copied from a store. */
    COCO_PHASE_VERIFY = 4, /**< Its files are read again. */
    COCO_PHASE_SYNC = 5,   /**< What was written is made to outlive a loss of power. */
} coco_phase;

/** The phase as one word, such as "fetch"; "unknown" for any other value. */
COCO_API const char *coco_phase_name(coco_phase phase);

/** How far one thing is in one of its phases. */
typedef struct coco_progress {
    const char *what; /**< A blob's digest, a tree's ChainID or the name of a directory. */
    coco_phase phase; /**< What is being done to it. */
    uint64_t done;    /**< Bytes; 0 in phases that count none. */
    uint64_t total;   /**< Bytes it will be; 0 while unknown. @c done once the phase is over. */
    uint64_t files;   /**< Files; 0 in phases that count none. */
} coco_progress;

/**
 * Reports progress of a running call.
 *
 * Runs on the thread of that call, with no lock held, and never after the call
 * has returned. @p progress lives as long as this takes.
 *
 * While an image is pulled there is a report at least once a second, if only what
 * was reported before: whoever waits for the call can tell that it is alive.
 */
typedef void coco_progress_fn(void *user, const coco_progress *progress);

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
 * Makes requests to key brokers part of a trace (W3C Trace Context): each is sent
 * with a `traceparent` of that trace and a parent id of its own.
 *
 * @param ctx          which; no call may be using it
 * @param traceparent  what the program was called with; NULL ends that
 * @param err          ::COCO_ERR_INVALID for what is none; then nothing has changed
 */
COCO_API COCO_MUST_CHECK coco_status coco_ctx_set_traceparent(coco_ctx *ctx,
                                                              const char *traceparent,
                                                              coco_error **err);

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
