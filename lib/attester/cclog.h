/*
 * attester/cclog.h - the log of what was measured, as evidence has it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_CCLOG_H
#define COCO_ATTESTER_CCLOG_H

#include "attester/kernel.h"

/* With its base64 it fits into evidence. */
#define COCO_CCLOG_MAX ((size_t)512 << 10)

/*
 * Appends what the firmware logged (CCEL) and, behind it, what was measured since
 * (AAEL); nothing if there is neither. AAEL_PATH names another place of the latter,
 * as it does for upstream's agent.
 */
coco_status coco_cclog_read(const struct coco_kernel *kernel, struct coco_buf *log,
                            coco_error **err);

#endif
