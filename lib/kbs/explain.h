/*
 * kbs/explain.h - why a guest was let in, or not
 *
 * A guest learns the id of a decision and nothing else; the owner gets the whole
 * trace: what was claimed, which rule decided, what was expected.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_EXPLAIN_H
#define COCO_KBS_EXPLAIN_H

#include "base/buf.h"
#include "base/json.h"

#include <coco/verifier.h>

#define COCO_KBS_TRACE_ID_SIZE 33 /* 32 hex digits and a NUL */
#define COCO_KBS_TRACE_MAX ((size_t)64 << 10)

/* The last decisions; older ones are forgotten. Any thread. */
struct coco_kbs_traces;

coco_status coco_kbs_traces_new(size_t entries, struct coco_kbs_traces **ret, coco_error **err);
void coco_kbs_traces_free(struct coco_kbs_traces *traces);
COCO_DEFINE_CLEANUP(struct coco_kbs_traces *, coco_kbs_traces_free);

/*
 * Begins a trace of what ("attest", "resource"): an object with a fresh id and
 * the time, to which the caller adds what it finds. trace_id is W3C's, or "".
 */
coco_status coco_kbs_trace_begin(const char *what, const char *trace_id, int64_t now, cJSON **ret,
                                 coco_error **err);

/* Adds each check of verdict: {"name","ok","expected","got"}, of failing ones "allowed", "hint". */
coco_status coco_kbs_trace_verdict(cJSON *trace, const coco_verdict *verdict, coco_error **err);

/*
 * Adds each reference value that evidence, {"<tee>": {claims}}, has a claim for, which
 * policies compare with it or which is called so: {"name","ok","expected","got"} and, where
 * texts were expected, the nearest.
 */
coco_status coco_kbs_trace_references(cJSON *trace, const cJSON *evidence, const cJSON *references,
                                      coco_error **err);

/* Keeps trace with its end: decision ("allowed", "denied"), rule and reason (or NULL). */
coco_status coco_kbs_traces_add(struct coco_kbs_traces *traces, cJSON *trace, const char *decision,
                                const char *rule, const char *reason,
                                char id[COCO_KBS_TRACE_ID_SIZE], coco_error **err);

/* Appends the trace as JSON; COCO_ERR_NOTFOUND if id is unknown or forgotten. */
coco_status coco_kbs_traces_get(const struct coco_kbs_traces *traces, const char *id,
                                struct coco_buf *buf, coco_error **err);

/*
 * The last of them, the newest first and at most COCO_KBS_TRACES_LISTED: of each "id", "time",
 * "what", "decision", "rule", "reason", "tee" and "resource", if it has that.
 */
#define COCO_KBS_TRACES_LISTED 100
coco_status coco_kbs_traces_list(const struct coco_kbs_traces *traces, cJSON **ret,
                                 coco_error **err);

#endif
