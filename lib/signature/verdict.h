/*
 * signature/verdict.h - what was checked and what it came to, for people and programs
 *
 *     {"accepted": bool, "reason": text if not,
 *      "signatures": [{"where", "accepted", "reason", "checks": [{"check", "ok", "detail"}]}]}
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_VERDICT_H
#define COCO_SIGNATURE_VERDICT_H

#include "base/json.h"

#define COCO_REASON_MAX ((size_t)2 << 10)

/*
 * One thing that must hold of a signature. What it fails with is the reason; out of memory
 * and a call that was canceled are no reasons, but ends. detail may get a few words.
 */
struct coco_check {
    const char *name;
    coco_status (*run)(void *self, struct coco_buf *detail, coco_error **err);
};

/*
 * Runs checks, which {NULL} ends, until one fails, and writes "checks", "accepted" and
 * "reason" into verdict. *reason gets "name: why" of the one that fails.
 */
coco_status coco_checks_run(const struct coco_check *checks, void *self, cJSON *verdict,
                            bool *accepted, struct coco_buf *reason, coco_error **err);

/*
 * Takes an error that was kept. COCO_OK, with its message appended to reason, if it is a
 * reason for a refusal; any other is given on.
 */
coco_status coco_refusal(coco_status status, coco_error *kept, struct coco_buf *reason,
                         coco_error **err);

/* Adds "accepted", and "reason" unless it was accepted. */
coco_status coco_verdict_close(cJSON *verdict, bool accepted, const struct coco_buf *reason,
                               coco_error **err);

#endif
