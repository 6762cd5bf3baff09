/*
 * kbs/attest.h - what ends a handshake
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_ATTEST_H
#define COCO_KBS_ATTEST_H

#include "kbs/core.h"

/* POST /kbs/v0/attest: Attestation -> token, and a cookie with its sealed claims. */
coco_kbs_handler coco_kbs_attest;

#endif
