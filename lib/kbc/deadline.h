/*
 * kbc/deadline.h - a context that is canceled when a time is over
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_DEADLINE_H
#define COCO_KBC_DEADLINE_H

#include <coco/context.h>
#include <coco/error.h>

#include <stdint.h>

/*
 * One that logs to parent and is canceled with it, or ms from now on. For calls of this
 * thread, until coco_deadline_end().
 */
struct coco_deadline;
coco_status coco_deadline_begin(coco_ctx *parent, uint64_t ms, struct coco_deadline **ret,
                                coco_error **err);

/* Lent. */
coco_ctx *coco_deadline_ctx(const struct coco_deadline *deadline);

/* Frees it; whether the time was over. */
bool coco_deadline_end(struct coco_deadline *deadline);

#endif
