/*
 * kbc/watch.h - a resource that is looked at from time to time
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_WATCH_H
#define COCO_KBC_WATCH_H

#include "net/retry.h"

#include <coco/kbc.h>

struct coco_watch {
    coco_kbc *kbc;
    const char *uri;
    uint32_t seconds;
    coco_kbc_watch_fn *fn;
    void *user;
    const struct coco_clock *clock; /* lent */
    uint64_t grace_ms;              /* for an answer that comes when a lease is over */
};

/* Of coco_kbc_watch(): since the boot, for the host may turn back the time of day (T22). */
extern const struct coco_clock coco_watch_clock;

/* As coco_kbc_watch(). */
coco_status coco_watch_run(const struct coco_watch *watch, coco_ctx *ctx, coco_error **err);

#endif
