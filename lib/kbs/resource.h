/*
 * kbs/resource.h - secrets for those who may have them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_RESOURCE_H
#define COCO_KBS_RESOURCE_H

#include "kbs/core.h"

/* GET /kbs/v0/resource/<repository>/<type>/<tag>: a JWE to the guest's key. */
coco_kbs_handler coco_kbs_get_guest_resource;

/* The path behind /resource/; a malformed one is 404 InvalidRequestPath. */
coco_status coco_kbs_resource_name(struct coco_kbs_call *call, const char **ret, coco_error **err);

#endif
