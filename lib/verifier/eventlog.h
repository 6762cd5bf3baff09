/*
 * verifier/eventlog.h - what an event log proves, and what it only says
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_EVENTLOG_H
#define COCO_VERIFIER_EVENTLOG_H

#include "tee/eventlog.h"
#include "verifier/driver.h"

/* A register that evidence vouches for. */
struct coco_log_register {
    const char *name; /* "RTMR1", lent for good */
    uint32_t index;   /* of its events */
    const uint8_t *value;
};

#define COCO_LOG_REGISTERS_MAX 24

/*
 * Adds "event-log": that replaying log gives each of the registers, and that each of
 * its events was measured into one of them, by no other digest than that of alg. Events
 * of type EV_NO_ACTION never are.
 *
 * COCO_ERR_INVALID for more than COCO_LOG_REGISTERS_MAX registers.
 */
coco_status coco_check_eventlog(coco_verdict *verdict, const struct coco_eventlog *log,
                                uint16_t alg, const struct coco_log_register *registers,
                                size_t count, coco_error **err);

/*
 * Adds "uefi_event_logs", event by event as upstream has them, and "boot"
 * (boot_claims.h). COCO_ERR_PROTO for an event whose type has no name.
 */
coco_status coco_claim_eventlog(cJSON *claims, const struct coco_eventlog *log, coco_error **err);

#endif
