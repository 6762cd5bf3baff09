/*
 * base/pulse.h - telling that a call is alive
 *
 * Whoever waits for a call may give it up when it hears nothing: work that takes its
 * time is told of about once a second at least, and no more than five times.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_PULSE_H
#define COCO_BASE_PULSE_H

#include <coco/context.h>

struct coco_pulse {
    const coco_ctx *ctx;
    coco_progress progress; /* as it is by now: whoever works keeps it so; what is lent */
    uint64_t told_ms;       /* when it was reported last */
};

/* The phase begins: the first report. */
struct coco_pulse coco_pulse_begin(const coco_ctx *ctx, const char *what, coco_phase phase);

/* Between two pieces of the work: reports, unless it was done a moment ago. */
void coco_pulse_beat(struct coco_pulse *pulse);

/* Work that is one long call, and how far it is. */
struct coco_pulse_work {
    coco_status (*run)(void *self, coco_error **err);
    void (*look)(void *self, coco_progress *ret); /* while it runs, or NULL */
    void *self;
};
/*
 * Does it on a thread of its own and reports meanwhile, on the caller's; a cancellation
 * is seen by the work itself or by whoever looks next. Returns what it came to.
 */
coco_status coco_pulse_during(struct coco_pulse *pulse, const struct coco_pulse_work *work,
                              coco_error **err);

/* The phase is over. */
void coco_pulse_end(struct coco_pulse *pulse);

#endif
