/*
 * kbs/caller.h - the guest that asks for something
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_CALLER_H
#define COCO_KBS_CALLER_H

#include "kbs/core.h"
#include "kbs/guest.h"

/*
 * The guest that calls, from its cookie or its bearer token; COCO_ERR_VERIFY, with
 * what the reply needs, if it has neither. Unref it.
 */
coco_status coco_kbs_guest_of(struct coco_kbs_call *call, struct coco_kbs_guest **ret,
                              coco_error **err);

#endif
