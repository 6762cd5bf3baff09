/*
 * kbs/attest.h - challenge and judgement
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_ATTEST_H
#define COCO_KBS_ATTEST_H

#include "kbs/core.h"
#include "kbs/guest.h"

/* POST /kbs/v0/auth: Request -> Challenge, and a cookie with the sealed challenge. */
coco_kbs_handler coco_kbs_auth;

/* POST /kbs/v0/attest: Attestation -> token, and a cookie with its sealed claims. */
coco_kbs_handler coco_kbs_attest;

/*
 * The guest that calls, from its cookie or its bearer token; COCO_ERR_VERIFY, with
 * what the reply needs, if it has neither. Unref it.
 */
coco_status coco_kbs_guest_of(struct coco_kbs_call *call, struct coco_kbs_guest **ret,
                              coco_error **err);

#endif
