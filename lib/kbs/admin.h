/*
 * kbs/admin.h - who may change what a KBS holds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_ADMIN_H
#define COCO_KBS_ADMIN_H

#include "kbs/core.h"

/* The token of "Bearer <token>" (RFC 6750), or NULL if header is something else. */
const char *coco_kbs_bearer(const char *header);

/*
 * COCO_OK if the call carries a token that a configured key signed, and whose
 * role may use the path; COCO_ERR_VERIFY (who is that?) or COCO_ERR_DENIED (not
 * that) with what the reply needs. Without configured keys it is always no.
 */
coco_status coco_kbs_admin_check(struct coco_kbs_call *call, coco_error **err);

/* COCO_OK when the owner asks and call->rest is the name of a resource, which goes to *name. */
coco_status coco_kbs_admin_resource(struct coco_kbs_call *call, const char **name,
                                    coco_error **err);

/* The owner's requests; each checks who is asking first. */
coco_kbs_handler coco_kbs_admin_put_resource;
coco_kbs_handler coco_kbs_admin_delete_resource;
coco_kbs_handler coco_kbs_admin_list_resources;
coco_kbs_handler coco_kbs_admin_set_resource_policy;
coco_kbs_handler coco_kbs_admin_list_resource_policies;
coco_kbs_handler coco_kbs_admin_remove_resource_policy;
coco_kbs_handler coco_kbs_admin_set_attestation_policy;
coco_kbs_handler coco_kbs_admin_set_reference_value;
coco_kbs_handler coco_kbs_admin_get_reference_value;
coco_kbs_handler coco_kbs_admin_explain;
coco_kbs_handler coco_kbs_admin_rotate_keys;

#endif
