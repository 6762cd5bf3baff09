/*
 * kbs/policy.h - the policies that decide about guests
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_POLICY_H
#define COCO_KBS_POLICY_H

#include "base/buf.h"
#include "base/json.h"
#include "kbs/policy_engine.h"

#define COCO_POLICY_SIZE_MAX ((size_t)1 << 20)

/*
 * A policy whose evaluation took this long, in CPU, rests so many times as long: it denies. A
 * server has one thread, and one owner's policy may have but a small part of it.
 */
#define COCO_POLICY_LONG_MS 100
#define COCO_POLICY_REST_FACTOR 20

/*
 * A Rego module of package policy, parsed once; its evaluations, from whatever
 * thread, come one after the other. Reference counted, so that a policy may be
 * replaced while it decides.
 */
struct coco_policy;

/*
 * Of an owner's text, who may mean ill: engine, which is ref'd, evaluates it. NULL for a text of
 * ours, which is evaluated here.
 *
 * COCO_ERR_PROTO, with the engine's words, for what is no such module; COCO_ERR_LIMIT past
 * COCO_POLICY_SIZE_MAX, or for what takes too long to read; COCO_ERR_NOTSUP if this build has no
 * engine.
 */
coco_status coco_policy_new(struct coco_policy_engine *engine, const char *rego,
                            struct coco_policy **ret, coco_error **err);
struct coco_policy *coco_policy_ref(struct coco_policy *policy);
void coco_policy_unref(struct coco_policy *policy);
COCO_DEFINE_CLEANUP(struct coco_policy *, coco_policy_unref);
#define _cleanup_policy_ _cleanup_(coco_policy_unrefp)

/*
 * Reference values, read for policies once. Reference counted, and not changed once made;
 * any number of threads.
 */
struct coco_policy_values;

/* Of values, an object, which is taken in any case. COCO_ERR_PROTO if it is none. */
coco_status coco_policy_values_new(cJSON *values, struct coco_policy_values **ret,
                                   coco_error **err);
struct coco_policy_values *coco_policy_values_ref(struct coco_policy_values *values);
void coco_policy_values_unref(struct coco_policy_values *values);
COCO_DEFINE_CLEANUP(struct coco_policy_values *, coco_policy_values_unref);
#define _cleanup_policy_values_ _cleanup_(coco_policy_values_unrefp)

/* What they were made of; NULL for NULL. Lent. */
const cJSON *coco_policy_values_json(const struct coco_policy_values *values);

/*
 * Evaluates rules, names with spaces between them, and stores an object with
 * those that are defined. data and references may be NULL.
 *
 * COCO_ERR_DENIED, with the engine's words, when the evaluation fails, takes too much time or
 * memory, or rests: no answer is not yes.
 */
coco_status coco_policy_eval(struct coco_policy *policy, const char *rules, const cJSON *input,
                             const cJSON *data, const struct coco_policy_values *references,
                             cJSON **ret, coco_error **err);

/* The text it was made from. */
const char *coco_policy_text(const struct coco_policy *policy);

/* Whether this build can evaluate Rego. */
bool coco_policy_supported(void);

#endif
