/*
 * image/lock.h - waiting for other processes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_LOCK_H
#define COCO_IMAGE_LOCK_H

#include <coco/context.h>

/*
 * Opens name in the directory dir, which is made if need be, and locks it: for one
 * process alone, or for any number of them. *ret is a descriptor; the lock is gone once
 * it is closed, by whatever. ctx is told once a second that what is waited for.
 */
coco_status coco_lock(coco_ctx *ctx, int dir, const char *name, bool alone, int *ret,
                      coco_error **err);

#endif
