/*
 * kbc/watch.c - a resource that is looked at from time to time
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/watch.h"

#include "base/context.h"
#include "base/digest.h"
#include "base/fail.h"
#include "base/secret.h"
#include "kbc/deadline.h"
#include "kbc/driver.h"

#include <string.h>
#include <time.h>

#define SECONDS_DEFAULT 60
#define SECONDS_MAX 86400
#define GRACE_MS 10000
/* Of a lease: more is no limit that anybody waits for, and the sum fits. */
#define LEASE_MAX ((uint64_t)UINT32_MAX)

static int64_t
watch_now(void *self)
{
    struct timespec now = {0};

    (void)self;
    (void)clock_gettime(CLOCK_BOOTTIME, &now); /* cannot fail */
    return now.tv_sec;
}

static coco_status
watch_wait(void *self, coco_ctx *ctx, uint64_t ms, coco_error **err)
{
    (void)self;
    return coco_clock_machine.wait(coco_clock_machine.self, ctx, ms, err);
}

const struct coco_clock coco_watch_clock = {.now = watch_now, .wait = watch_wait};

/* What was seen last, and its digest, for not every broker knows tags. */
struct seen {
    struct coco_kbc_held held;
    struct coco_digest digest; /* {0}: nothing yet */
    int64_t until;             /* when the lease ends, if there is one */
};

/* Tells of what is new; *more says whether somebody wants to hear of the next. */
static coco_status
tell(const struct coco_watch *watch, const coco_bytes *bytes, struct seen *seen, bool *more,
     coco_error **err)
{
    const uint8_t *data = coco_bytes_data(bytes);
    size_t len = coco_bytes_size(bytes);
    struct coco_digest digest = {0};

    coco_status status = coco_digest_of(COCO_SHA256, data, len, &digest, err);
    if (status != COCO_OK || coco_digest_equal(&digest, &seen->digest))
        return status;
    seen->digest = digest;
    *more = watch->fn(watch->user, data, len);
    return COCO_OK;
}

static bool
is_over(const struct seen *seen, int64_t now)
{
    return seen->held.leased && now >= seen->until;
}

/*
 * What whoever is on the way can bring about: no answer, one under another certificate, or one
 * that is none. Nothing of it is the broker's word.
 */
static bool
is_of_the_way(coco_status status)
{
    return status == COCO_ERR_NET || status == COCO_ERR_VERIFY || status == COCO_ERR_PROTO
           || status == COCO_ERR_LIMIT;
}

static bool
holds_something(const struct seen *seen)
{
    return seen->digest.alg != 0;
}

/* What is held is not taken away by who is on the way to the broker, before its lease is over. */
static coco_status
bear_with(const struct coco_watch *watch, const struct seen *seen, coco_status status,
          coco_error **err)
{
    if (!holds_something(seen) || !is_of_the_way(status))
        return status;
    if (!is_over(seen, watch->clock->now(watch->clock->self)))
        return COCO_OK;
    return coco_wrap(err, status, "the lease is over");
}

/* At the end: a refusal is the broker's, and what is lent is nobody's who looks no longer. */
static void
take_back(const struct coco_watch *watch, coco_ctx *ctx, const struct seen *seen,
          coco_status status)
{
    const bool refused = status == COCO_ERR_DENIED || status == COCO_ERR_NOTFOUND;
    const bool lent = seen->held.leased && status != COCO_OK && status != COCO_ERR_CANCELED;

    if (!holds_something(seen) || (!refused && !lent))
        return;
    (void)watch->fn(watch->user, NULL, 0);
    coco_ctx_log(ctx, COCO_LOG_WARN, "%s may not be used any longer", watch->uri);
}

/* Until when, counted from before it was asked for: the answer may have taken its time. */
static void
renew(struct seen *seen, int64_t asked)
{
    uint64_t lease = seen->held.lease < LEASE_MAX ? seen->held.lease : LEASE_MAX;

    seen->until = asked + (int64_t)lease;
}

/* Who lets an answer trickle in must not make a lease last as long as that. */
static coco_status
get_in_time(const struct coco_watch *watch, coco_ctx *ctx, struct seen *seen, int64_t now,
            coco_bytes **ret, coco_error **err)
{
    const uint64_t left = seen->until > now ? (uint64_t)(seen->until - now) * 1000 : 0;
    struct coco_deadline *deadline = NULL;

    if (!seen->held.leased)
        return coco_kbc_get_newer(watch->kbc, ctx, watch->uri, &seen->held, ret, err);
    coco_status status = coco_deadline_begin(ctx, left + watch->grace_ms, &deadline, err);
    if (status != COCO_OK)
        return status;
    coco_error *why = NULL;
    status = coco_kbc_get_newer(watch->kbc, coco_deadline_ctx(deadline), watch->uri, &seen->held,
                                ret, &why);
    if (coco_deadline_end(deadline) && status == COCO_ERR_CANCELED) {
        coco_error_free(why);
        return coco_fail(err, COCO_ERR_NET, "no answer in time");
    }
    if (why)
        coco_error_give(err, why);
    return status;
}

static coco_status
look(const struct coco_watch *watch, coco_ctx *ctx, struct seen *seen, bool *more, coco_error **err)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    const int64_t asked = watch->clock->now(watch->clock->self);
    coco_error *why = NULL;

    coco_status status = get_in_time(watch, ctx, seen, asked, &bytes, &why);
    if (status == COCO_OK) {
        renew(seen, asked);
        return bytes ? tell(watch, bytes, seen, more, err) : COCO_OK;
    }
    status = bear_with(watch, seen, status, &why);
    if (status != COCO_OK) {
        coco_error_give(err, why);
        return status;
    }
    coco_ctx_log(ctx, COCO_LOG_WARN, "watching goes on: %s", coco_error_message(why));
    coco_error_free(why);
    return COCO_OK;
}

/*
 * At most until a third of a lease is left, and from there on half of what is: a broker that
 * is away for a moment is asked again before the end, and right at it.
 */
static uint64_t
longest_pause(const struct seen *seen, int64_t now)
{
    if (!seen->held.leased)
        return UINT64_MAX;
    uint64_t left = seen->until > now ? (uint64_t)(seen->until - now) : 0;
    uint64_t third = seen->held.lease / 3;
    uint64_t seconds = left > third ? left - third : (left + 1) / 2;

    return (seconds > 0 ? seconds : 1) * 1000;
}

/* Three to five quarters of the time. */
static coco_status
wait_a_while(const struct coco_watch *watch, const struct seen *seen, coco_ctx *ctx,
             coco_error **err)
{
    const struct coco_clock *clock = watch->clock;
    uint64_t ms = (uint64_t)(watch->seconds > 0 ? watch->seconds : SECONDS_DEFAULT) * 1000;
    uint64_t longest = longest_pause(seen, clock->now(clock->self));
    uint64_t random = 0;

    coco_status status = coco_random(&random, sizeof(random), err);
    if (status != COCO_OK)
        return status;
    ms = ms - ms / 4 + random % (ms / 2 + 1);
    if (ms > longest)
        ms = longest - random % (longest / 4 + 1);
    return clock->wait(clock->self, ctx, ms, err);
}

coco_status
coco_watch_run(const struct coco_watch *watch, coco_ctx *ctx, coco_error **err)
{
    struct seen seen = {0};
    bool more = true;

    if (watch->seconds > SECONDS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "watching every more than %d seconds", SECONDS_MAX);
    coco_status status = look(watch, ctx, &seen, &more, err);
    while (status == COCO_OK && more) {
        status = wait_a_while(watch, &seen, ctx, err);
        if (status == COCO_OK)
            status = look(watch, ctx, &seen, &more, err);
    }
    take_back(watch, ctx, &seen, status);
    explicit_bzero(&seen, sizeof(seen));
    return status;
}

coco_status
coco_kbc_watch(coco_kbc *kbc, coco_ctx *ctx, const char *uri, uint32_t seconds,
               coco_kbc_watch_fn *fn, void *user, coco_error **err)
{
    const struct coco_watch watch = {
        .kbc = kbc,
        .uri = uri,
        .seconds = seconds,
        .fn = fn,
        .user = user,
        .clock = &coco_watch_clock,
        .grace_ms = GRACE_MS,
    };

    return coco_watch_run(&watch, ctx, err);
}
