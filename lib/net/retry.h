/*
 * net/retry.h - when to try again, and when to give up
 *
 * Exponential backoff with full jitter: many guests that lost one registry at
 * once do not come back to it at once. A server that says when it wants to be
 * asked again is believed within bounds; all waits end when the context is
 * canceled (T12 in doc/threats.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_NET_RETRY_H
#define COCO_NET_RETRY_H

#include <coco/context.h>

/* Tries after a first one that failed, with nothing gained in between, unless told otherwise. */
#define COCO_RETRIES_DEFAULT 4
/* As retries of a policy: none at all. */
#define COCO_RETRIES_NONE UINT32_MAX
/* Waits of one request together, in ms. */
#define COCO_RETRY_WAIT_MAX ((uint64_t)15 * 60 * 1000)
/* A Retry-After counts up to this many seconds. */
#define COCO_RETRY_AFTER_MAX 60
/* Tries of one request, however much it gains; each MiB gained allows for one more. */
#define COCO_RETRY_TOTAL 100

/* The machine's time, or a test's. */
struct coco_clock {
    int64_t (*now)(void *self); /* seconds since 1970 */
    /* COCO_ERR_CANCELED as soon as ctx is. */
    coco_status (*wait)(void *self, coco_ctx *ctx, uint64_t ms, coco_error **err);
    void *self;
};

extern const struct coco_clock coco_clock_machine;

/* Zero is the default of each. */
struct coco_retry_policy {
    uint32_t retries;               /* 0: COCO_RETRIES_DEFAULT */
    const struct coco_clock *clock; /* lent; NULL: this machine's */
};

/* One request's tries so far. */
struct coco_retry {
    struct coco_retry_policy policy;
    uint32_t in_vain; /* since something was gained */
    uint64_t tries;   /* all */
    uint64_t gained;  /* bytes */
    uint64_t waited;  /* ms */
};

/* As a policy has it, for who says 0 and means it. */
static inline uint32_t
coco_retries(uint32_t retries)
{
    return retries == 0 ? COCO_RETRIES_NONE : retries;
}

struct coco_http_response;

/* Whether a status may be another one soon: 408, 429, 500, 502, 503 and 504. */
bool coco_retry_status(long status);

/* The last try has brought us further, if not to the end. */
void coco_retry_gain(struct coco_retry *retry, uint64_t bytes);

/*
 * After a try that failed, with an answer or with none (NULL): waits, and *ret
 * says that it is worth another one; or it is not, and nothing was waited for.
 * why goes to the log. COCO_ERR_CANCELED when ctx was.
 */
coco_status coco_retry_wait(struct coco_retry *retry, coco_ctx *ctx,
                            const struct coco_http_response *response, const char *why, bool *ret,
                            coco_error **err);

#endif
