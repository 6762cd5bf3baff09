/*
 * kbs/policies.h - the policies of one KBS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_POLICIES_H
#define COCO_KBS_POLICIES_H

#include "kbs/policy.h"
#include "kbs/store.h"

#define COCO_KBS_RESOURCE_POLICY "resource-policy"

/* Those that were compiled, by id; what counts is the text in the store. */
struct coco_kbs_policies;

coco_status coco_kbs_policies_new(struct coco_kbs_store *store, struct coco_kbs_policies **ret,
                                  coco_error **err);
void coco_kbs_policies_free(struct coco_kbs_policies *policies);
COCO_DEFINE_CLEANUP(struct coco_kbs_policies *, coco_kbs_policies_free);

/*
 * Stores rego as policy id if it compiles and has the rule that is needed;
 * COCO_ERR_PROTO if not, COCO_ERR_NOTSUP without a policy engine.
 */
coco_status coco_kbs_policies_set(struct coco_kbs_policies *policies, const char *id,
                                  const char *rego, coco_error **err);

/*
 * The policy id, or its default if none was set: COCO_ERR_NOTFOUND if it has none.
 * Unref it.
 */
coco_status coco_kbs_policies_get(struct coco_kbs_policies *policies, const char *id,
                                  struct coco_policy **ret, coco_error **err);

/*
 * The decision of the resource policy; allowed is false unless the rule allow is
 * exactly true. COCO_ERR_DENIED if it could not be evaluated.
 */
coco_status coco_kbs_policies_allow(struct coco_kbs_policies *policies, const cJSON *claims,
                                    const cJSON *data, bool *ret, coco_error **err);

#endif
