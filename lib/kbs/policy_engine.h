/*
 * kbs/policy_engine.h - the process in which policies of owners are evaluated
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_POLICY_ENGINE_H
#define COCO_KBS_POLICY_ENGINE_H

#include "base/buf.h"

/*
 * A process of the program coco-policy, started when it is first needed and again when it was
 * ended. Reference counted; any thread, one at a time inside.
 */
struct coco_policy_engine;

/* Starts nothing yet. */
coco_status coco_policy_engine_new(struct coco_policy_engine **ret, coco_error **err);
struct coco_policy_engine *coco_policy_engine_ref(struct coco_policy_engine *engine);
void coco_policy_engine_unref(struct coco_policy_engine *engine);
COCO_DEFINE_CLEANUP(struct coco_policy_engine *, coco_policy_engine_unref);
#define _cleanup_policy_engine_ _cleanup_(coco_policy_engine_unrefp)

/* A number for a policy or for reference values, that nothing else in this process has. */
uint64_t coco_policy_engine_number(void);

struct coco_policy_question {
    uint64_t policy;
    const char *text; /* the policy */
    /* NULL: whether text is a policy is all that is asked. */
    const char *rules; /* names, with spaces between them */
    const char *input; /* JSON */
    const char *data;  /* JSON, or NULL */
    uint64_t values;   /* 0: there are none */
    /* Appends them, as JSON, when they must be told. */
    coco_status (*write_values)(const void *arg, struct coco_buf *buf, coco_error **err);
    const void *arg;
};

/*
 * Appends the answer, a JSON object, and stores the milliseconds of CPU that it took, or what
 * it may have taken where it was ended.
 *
 * COCO_ERR_PROTO with the engine's words for what is no policy; COCO_ERR_DENIED, with them, for
 * what cannot be evaluated; COCO_ERR_LIMIT where it took all time or memory there is for it;
 * COCO_ERR_IO without the program ($COCO_POLICY_ENGINE, or where it is installed), COCO_ERR_NOTSUP
 * for another version's.
 */
coco_status coco_policy_engine_ask(struct coco_policy_engine *engine,
                                   const struct coco_policy_question *question,
                                   struct coco_buf *ret, uint32_t *cost_ms, coco_error **err);

#endif
