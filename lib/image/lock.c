/*
 * image/lock.c - waiting for other processes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/lock.h"

#include "base/cleanup.h"
#include "base/context.h"
#include "base/fail.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

/* There is nothing to poll for a lock. */
#define LOOK_AGAIN_MS 50
#define LOOKS_PER_SECOND (1000 / LOOK_AGAIN_MS)

static coco_status
wait_for(coco_ctx *ctx, int fd, int operation, const char *what, coco_error **err)
{
    struct pollfd canceled = {coco_ctx_cancel_fd(ctx), POLLIN, 0};

    for (unsigned looks = 1;; looks++) {
        coco_status status = coco_ctx_check(ctx, err);
        if (status != COCO_OK)
            return status;
        if (flock(fd, operation | LOCK_NB) == 0)
            return COCO_OK;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return coco_fail_errno(err, errno, "lock '%s'", what);
        if (looks % LOOKS_PER_SECOND == 0)
            coco_ctx_report(ctx, &(coco_progress){.what = what, .phase = COCO_PHASE_WAIT});
        (void)poll(&canceled, 1, LOOK_AGAIN_MS);
    }
}

coco_status
coco_lock(coco_ctx *ctx, int dir, const char *name, bool alone, int *ret, coco_error **err)
{
    _cleanup_close_ int fd =
        openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);

    if (fd < 0)
        return coco_fail_errno(err, errno, "open the lock '%s'", name);
    coco_status status = wait_for(ctx, fd, alone ? LOCK_EX : LOCK_SH, name, err);
    if (status != COCO_OK)
        return status;
    *ret = fd;
    fd = -1;
    return COCO_OK;
}
