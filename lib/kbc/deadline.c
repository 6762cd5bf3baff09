/*
 * kbc/deadline.c - a context that is canceled when a time is over
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/deadline.h"

#include "base/clock.h"
#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/thread.h"

#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>

struct coco_deadline {
    coco_ctx *parent; /* lent */
    coco_ctx *own;
    int done; /* eventfd: the call is over */
    uint64_t end_ms;
    bool passed;
    pthread_t thread;
};

static void
deadline_free(struct coco_deadline *deadline)
{
    coco_ctx_free(deadline->own);
    if (deadline->done >= 0)
        (void)close(deadline->done);
    free(deadline);
}

static void *
guard(void *self)
{
    struct coco_deadline *deadline = self;
    struct pollfd fds[] = {
        {.fd = deadline->done, .events = POLLIN},
        {.fd = coco_ctx_cancel_fd(deadline->parent), .events = POLLIN},
    };

    while (!fds[0].revents && !fds[1].revents && !deadline->passed) {
        uint64_t now = coco_clock_ms();
        uint64_t left = deadline->end_ms > now ? deadline->end_ms - now : 0;

        (void)poll(fds, 2, left < INT_MAX ? (int)left : INT_MAX);
        deadline->passed = !fds[0].revents && !fds[1].revents && left == 0;
    }
    if (!fds[0].revents)
        coco_ctx_cancel(deadline->own);
    return NULL;
}

static coco_status
set_up(struct coco_deadline *deadline, coco_error **err)
{
    char trace[COCO_TRACEPARENT_SIZE];

    deadline->done = eventfd(0, EFD_CLOEXEC);
    if (deadline->done < 0)
        return coco_fail_errno(err, errno, "eventfd");
    coco_status status = coco_ctx_new(&deadline->own, err);
    if (status == COCO_OK)
        status = coco_ctx_next_traceparent(deadline->parent, trace, err);
    if (status == COCO_OK && trace[0])
        status = coco_ctx_set_traceparent(deadline->own, trace, err);
    if (status != COCO_OK)
        return status;
    coco_ctx_log_to(deadline->own, deadline->parent);
    return coco_thread_start(guard, deadline, &deadline->thread, err);
}

coco_status
coco_deadline_begin(coco_ctx *parent, uint64_t ms, struct coco_deadline **ret, coco_error **err)
{
    struct coco_deadline *deadline = calloc(1, sizeof(*deadline));

    if (!deadline)
        return coco_fail_nomem(err);
    deadline->parent = parent;
    deadline->end_ms = coco_clock_ms() + ms;
    coco_status status = set_up(deadline, err);
    if (status != COCO_OK) {
        deadline_free(deadline);
        return status;
    }
    *ret = deadline;
    return COCO_OK;
}

coco_ctx *
coco_deadline_ctx(const struct coco_deadline *deadline)
{
    return deadline->own;
}

bool
coco_deadline_end(struct coco_deadline *deadline)
{
    (void)eventfd_write(deadline->done, 1);
    (void)pthread_join(deadline->thread, NULL);
    bool passed = deadline->passed;
    deadline_free(deadline);
    return passed;
}
