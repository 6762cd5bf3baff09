/*
 * kbs/initdata.h - init data that a guest says it was started with
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_INITDATA_H
#define COCO_KBS_INITDATA_H

#include "base/digest.h"
#include "base/json.h"

/*
 * Reads a document (kbs-protocol A.5): its digest, over the text as it came, and
 * what a token says of it: the map "data", with aa.toml and cdh.toml read, and
 * the policy_data of policy.rego as "agent_policy_claims".
 *
 * COCO_ERR_PROTO for anything but version 0.1.0 and SHA-2, and for claims of
 * which two have the same name, but for case; COCO_ERR_NOTSUP for another hash.
 */
coco_status coco_kbs_initdata_parse(const char *text, struct coco_digest *digest, cJSON **claims,
                                    coco_error **err);

#endif
