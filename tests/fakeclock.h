/*
 * tests/fakeclock.h - a clock that waits for nothing, and tells how long it would have
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_FAKECLOCK_H
#define COCO_TESTS_FAKECLOCK_H

#include "base/context.h"
#include "net/retry.h"

struct fake_clock {
    struct coco_clock clock; /* points to this */
    int64_t now;             /* seconds since 1970 */
    unsigned waits;
    unsigned cancel_at; /* the wait during which the context is canceled; 0: none */
    uint64_t last;      /* ms, of the last wait */
    uint64_t all;       /* and of all of them */
};

static inline int64_t
fake_clock_now(void *self)
{
    const struct fake_clock *clock = self;

    return clock->now;
}

static inline coco_status
fake_clock_wait(void *self, coco_ctx *ctx, uint64_t ms, coco_error **err)
{
    struct fake_clock *clock = self;

    clock->last = ms;
    clock->all += ms;
    if (++clock->waits == clock->cancel_at)
        coco_ctx_cancel(ctx);
    return coco_ctx_check(ctx, err);
}

/* Nothing has been waited for yet. */
static inline void
fake_clock_begin(struct fake_clock *clock)
{
    *clock = (struct fake_clock){
        .clock = {fake_clock_now, fake_clock_wait, clock},
        .now = 784111777,
    };
}

#endif
