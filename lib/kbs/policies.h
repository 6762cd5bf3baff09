/*
 * kbs/policies.h - the policies of one KBS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_POLICIES_H
#define COCO_KBS_POLICIES_H

#include "base/resource.h"
#include "kbs/policy.h"
#include "kbs/store.h"

/*
 * Decides about all resources but those whose path, or the first parts of it, have a
 * policy of their own: "resource-policy/<repository>[/<type>[/<tag>]]".
 */
#define COCO_KBS_RESOURCE_POLICY "resource-policy"
/* Of an id, with its NUL. */
#define COCO_KBS_POLICY_ID_SIZE (sizeof(COCO_KBS_RESOURCE_POLICY) + COCO_RESOURCE_PARTS_SIZE)

/*
 * Those that were compiled, by id; what counts is the text in the store, whoever put it
 * there: each call below that decides or gives one asks whether the store has changed.
 */
struct coco_kbs_policies;

/* Whether id is that of such a policy, or would be if it named a path. */
bool coco_kbs_policy_is_of_resources(const char *id);

/* Those of store, which is lent, evaluated by engine, which is ref'd, but for those we ship. */
coco_status coco_kbs_policies_new(struct coco_kbs_store *store, struct coco_policy_engine *engine,
                                  struct coco_kbs_policies **ret, coco_error **err);
void coco_kbs_policies_free(struct coco_kbs_policies *policies);
COCO_DEFINE_CLEANUP(struct coco_kbs_policies *, coco_kbs_policies_free);

/*
 * Stores rego as policy id if it compiles and has the rule that is needed;
 * COCO_ERR_PROTO if not, COCO_ERR_NOTSUP without a policy engine or its program; COCO_ERR_LIMIT for
 * what takes too much time or memory, and for a while after one that took long.
 */
coco_status coco_kbs_policies_set(struct coco_kbs_policies *policies, const char *id,
                                  const char *rego, coco_error **err);

/* COCO_ERR_NOTFOUND if it is not set. */
coco_status coco_kbs_policies_remove(struct coco_kbs_policies *policies, const char *id,
                                     coco_error **err);

/* An array of the ids of all that decide about resources. */
coco_status coco_kbs_policies_list(struct coco_kbs_policies *policies, cJSON **ret,
                                   coco_error **err);

/*
 * An array of all policies: objects of "id", what it is "about" ("resources", "evidence"), and,
 * unless it is as shipped, the "time" when it was set, seconds since 1970, and its "size".
 */
coco_status coco_kbs_policies_describe(struct coco_kbs_policies *policies, cJSON **ret,
                                       coco_error **err);

/* A policy of resources, and in which generation of the store it was chosen. */
struct coco_kbs_chosen {
    char id[COCO_KBS_POLICY_ID_SIZE];
    uint64_t generation;
};

/* That which decides about the resource at path, at this moment: of several the most specific. */
coco_status coco_kbs_policies_choose(struct coco_kbs_policies *policies, const char *path,
                                     struct coco_kbs_chosen *ret, coco_error **err);

/*
 * The policy id, or its default if none was set: COCO_ERR_NOTFOUND if it has none.
 * Unref it.
 */
coco_status coco_kbs_policies_get(struct coco_kbs_policies *policies, const char *id,
                                  struct coco_policy **ret, coco_error **err);

/* What a resource policy says. */
struct coco_kbs_decision {
    bool allowed;
    uint64_t lease; /* s that what is allowed may be used for; 0: the policy does not say */
};

/*
 * The decision of the policy that was chosen for this; allowed is false unless the rule
 * allow is exactly true. COCO_ERR_DENIED if it could not be evaluated, or has a rule lease
 * that is no whole number of seconds from 1 on.
 */
coco_status coco_kbs_policies_allow(struct coco_kbs_policies *policies,
                                    const struct coco_kbs_chosen *chosen, const cJSON *claims,
                                    const cJSON *data, struct coco_kbs_decision *ret,
                                    coco_error **err);

#endif
