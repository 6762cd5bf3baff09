/*
 * kbs/resource.h - secrets for those who may have them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_RESOURCE_H
#define COCO_KBS_RESOURCE_H

#include "kbs/core.h"
#include "kbs/guest.h"
#include "kbs/policies.h"

/* GET /kbs/v0/resource/<repository>/<type>/<tag>: a JWE to the guest's key. */
coco_kbs_handler coco_kbs_get_guest_resource;

/* The path behind /resource/; a malformed one is 404 InvalidRequestPath. */
coco_status coco_kbs_resource_name(struct coco_kbs_call *call, const char **ret, coco_error **err);

/* What policies see of the call as data (kbs-protocol C.2); its path is well formed. */
coco_status coco_kbs_policy_data(struct coco_kbs_call *call, cJSON **ret, coco_error **err);

/*
 * COCO_OK, and the ruling, if the policy lets a guest with these claims do what it asks for;
 * COCO_ERR_DENIED, with what the reply needs, if not, or if the policy cannot tell.
 */
coco_status coco_kbs_check_policy(struct coco_kbs_call *call, const cJSON *claims,
                                  const cJSON *data, struct coco_kbs_decision *ruling,
                                  coco_error **err);

/* Replies with len bytes of secret, encrypted to the guest's key. */
coco_status coco_kbs_give_to(struct coco_kbs_call *call, const struct coco_kbs_guest *guest,
                             const void *secret, size_t len, coco_error **err);

#endif
