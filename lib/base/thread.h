/*
 * base/thread.h - threads that the program does not know of
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_THREAD_H
#define COCO_BASE_THREAD_H

#include <coco/error.h>

#include <pthread.h>

/*
 * Starts one with all signals blocked: they are for the threads of the program, which
 * knows what it does in a handler. COCO_ERR_IO where no thread can be had.
 */
coco_status coco_thread_start(void *(*fn)(void *self), void *self, pthread_t *ret,
                              coco_error **err);

#endif
