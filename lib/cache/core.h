/*
 * cache/core.h - a cache without its sockets
 *
 *     what is there and may be had by anybody -> content, at once
 *     all else -> a question to the registry -> content that is there, or comes, or a refusal
 *
 * Who asks what others are just asking waits with them, and a blob is fetched once
 * whoever wants it. Who may have what is in cache/access.h: what came without a client's
 * credential is for all that reach the cache, what came with one is for those to whom
 * the registry says yes, each time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CACHE_CORE_H
#define COCO_CACHE_CORE_H

#include "cache/content.h"
#include "cache/counters.h"
#include "cache/request.h"
#include "cache/upstream.h"
#include "cache/workers.h"

#include <pthread.h>

struct coco_cache_core {
    coco_ctx *ctx;  /* lent, for the log */
    coco_ctx *work; /* canceled when it is to end */
    struct coco_cache_config config;
    struct coco_cache_counters counters;
    struct coco_cache_store *store;
    struct coco_cache_upstreams *upstreams;
    struct coco_cache_workers *workers;
    int wake; /* an eventfd: something that is waited for may be there */

    pthread_mutex_t lock;             /* of what follows */
    struct coco_cache_ask *asks;      /* that others may join */
    struct coco_cache_fetch *fetches; /* the same */
};

coco_status coco_cache_core_new(coco_ctx *ctx, const char *config, struct coco_cache_core **ret,
                                coco_error **err);
/* Something that is waited for may be there. */
void coco_cache_core_wake(const struct coco_cache_core *core);
/* err, of what is called name, goes to the log; NULL is want of memory. */
void coco_cache_core_log_failure(const struct coco_cache_core *core, const char *name,
                                 const coco_error *err);
/* Questions and fetches end soon, with a failure. */
void coco_cache_core_cancel(struct coco_cache_core *core);
/* Nobody waits for an ask any more. */
void coco_cache_core_free(struct coco_cache_core *core);
COCO_DEFINE_CLEANUP(struct coco_cache_core *, coco_cache_core_free);

/* What request names by digest, if it is there and for everybody; else *ret is NULL. */
coco_status coco_cache_core_find(struct coco_cache_core *core,
                                 const struct coco_cache_request *request,
                                 struct coco_cache_content **ret, coco_error **err);

/* A question that was put. All members but refs are constant once done is true. */
struct coco_cache_ask {
    struct coco_cache_job job;
    struct coco_cache_core *core;
    struct coco_cache_ask *next;
    _Atomic unsigned refs;
    struct coco_cache_request request;
    char *accept;
    struct coco_buf authorization; /* empty: the operator's credential, or none */

    _Atomic bool done;
    struct coco_cache_answer answer;    /* its status is what the client gets */
    struct coco_cache_content *content; /* of 200, unless it was HEAD that was asked */
};

/*
 * Asks, or joins who asks; request is taken over on success. authorization is that of
 * the client, or NULL.
 */
coco_status coco_cache_core_ask(struct coco_cache_core *core, struct coco_cache_request *request,
                                const char *accept, const char *authorization,
                                struct coco_cache_ask **ret, coco_error **err);
void coco_cache_ask_unref(struct coco_cache_ask *ask);
COCO_DEFINE_CLEANUP(struct coco_cache_ask *, coco_cache_ask_unref);

#endif
