/*
 * base/dial.c - connecting to a server that is near: on this machine or on its host
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/dial.h"

#include "base/cleanup.h"
#include "base/context.h"
#include "base/fail.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

/* Longer than any address: a path of a socket has 107 bytes. */
#define ADDRESS_TEXT_MAX ((size_t)160)

static coco_status
fail(const struct coco_address *address, int errnum, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = ADDRESS_TEXT_MAX};
    char reason[128];

    coco_status status = coco_address_format(address, &text, err);
    if (status != COCO_OK)
        return status;
    return coco_fail(err, COCO_ERR_NET, "connect to %s: %s", coco_buf_text(&text),
                     strerror_r(errnum, reason, sizeof(reason)));
}

/* Waits until the connection is there or is not; *ret is its errno. */
static coco_status
wait_for_it(int fd, coco_ctx *ctx, uint32_t timeout, int *ret, coco_error **err)
{
    struct pollfd fds[] = {{fd, POLLOUT, 0}, {coco_ctx_cancel_fd(ctx), POLLIN, 0}};
    socklen_t len = sizeof(*ret);

    int n;

    do {
        n = poll(fds, sizeof(fds) / sizeof(fds[0]), (int)timeout * 1000);
        coco_status status = coco_ctx_check(ctx, err);
        if (status != COCO_OK)
            return status;
    } while (n < 0 && errno == EINTR);
    *ret = n == 0 ? ETIMEDOUT : errno;
    if (n > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, ret, &len) < 0)
        *ret = errno;
    return COCO_OK;
}

coco_status
coco_dial(const struct coco_address *address, coco_ctx *ctx, uint32_t timeout, int *ret,
          coco_error **err)
{
    _cleanup_close_ int fd =
        socket(address->data.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    coco_status status = COCO_OK;
    int errnum = 0;

    if (fd < 0)
        return fail(address, errno, err);
    if (connect(fd, (const struct sockaddr *)&address->data, address->len) < 0)
        errnum = errno;
    if (errnum == EINPROGRESS || errnum == EINTR)
        status = wait_for_it(fd, ctx, timeout, &errnum, err);
    if (status != COCO_OK)
        return status;
    if (errnum != 0)
        return fail(address, errnum, err);
    *ret = fd;
    fd = -1;
    return COCO_OK;
}
