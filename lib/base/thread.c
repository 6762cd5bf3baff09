/*
 * base/thread.c - threads that the program does not know of
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/thread.h"

#include "base/fail.h"

#include <signal.h>

coco_status
coco_thread_start(void *(*fn)(void *self), void *self, pthread_t *ret, coco_error **err)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    int code = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (code == 0) {
        code = pthread_create(ret, NULL, fn, self);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return code == 0 ? COCO_OK : coco_fail_errno(err, code, "start a thread");
}
