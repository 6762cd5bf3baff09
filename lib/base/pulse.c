/*
 * base/pulse.c - telling that a call is alive
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/pulse.h"

#include "base/clock.h"
#include "base/context.h"
#include "base/thread.h"

#include <errno.h>
#include <time.h>

#define BEAT_MS 200
#define HEARTBEAT_S 1

struct coco_pulse
coco_pulse_begin(const coco_ctx *ctx, const char *what, coco_phase phase)
{
    const struct coco_pulse pulse = {
        .ctx = ctx,
        .progress = {.what = what, .phase = phase},
        .told_ms = coco_clock_ms(),
    };

    coco_ctx_report(ctx, &pulse.progress);
    return pulse;
}

void
coco_pulse_beat(struct coco_pulse *pulse)
{
    uint64_t now = coco_clock_ms();

    if (now - pulse->told_ms < BEAT_MS)
        return;
    pulse->told_ms = now;
    coco_ctx_report(pulse->ctx, &pulse->progress);
}

void
coco_pulse_end(struct coco_pulse *pulse)
{
    pulse->progress.total = pulse->progress.done;
    coco_ctx_report(pulse->ctx, &pulse->progress);
}

struct run {
    const struct coco_pulse_work *work;
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool done;
    coco_status status;
    coco_error **err;
};

static void *
run(void *self)
{
    struct run *run = self;
    coco_status status = run->work->run(run->work->self, run->err);

    pthread_mutex_lock(&run->lock);
    run->status = status;
    run->done = true;
    pthread_cond_signal(&run->over);
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

/* With the lock held; whether it is over within a heartbeat. */
static bool
wait_for_it(struct run *run)
{
    struct timespec until = {0};
    int code = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += HEARTBEAT_S;
    while (!run->done && code != ETIMEDOUT)
        code = pthread_cond_clockwait(&run->over, &run->lock, CLOCK_MONOTONIC, &until);
    return run->done;
}

coco_status
coco_pulse_during(struct coco_pulse *pulse, const struct coco_pulse_work *work, coco_error **err)
{
    struct run one = {.work = work, .err = err};
    pthread_t thread;

    (void)pthread_mutex_init(&one.lock, NULL);
    (void)pthread_cond_init(&one.over, NULL);
    bool started = coco_thread_start(run, &one, &thread, NULL) == COCO_OK;
    if (!started)
        (void)run(&one);
    pthread_mutex_lock(&one.lock);
    while (!wait_for_it(&one)) {
        pthread_mutex_unlock(&one.lock);
        if (work->look)
            work->look(work->self, &pulse->progress);
        coco_pulse_beat(pulse);
        pthread_mutex_lock(&one.lock);
    }
    pthread_mutex_unlock(&one.lock);
    if (started)
        (void)pthread_join(thread, NULL);
    pthread_cond_destroy(&one.over);
    pthread_mutex_destroy(&one.lock);
    return one.status;
}
