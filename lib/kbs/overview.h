/*
 * kbs/overview.h - what there is in a KBS, listed for its owner
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_OVERVIEW_H
#define COCO_KBS_OVERVIEW_H

#include "kbs/core.h"

/* The owner's requests; each checks who is asking first, and answers with an array. */
coco_kbs_handler coco_kbs_admin_list_policies;   /* {"id","about","time","size"} */
coco_kbs_handler coco_kbs_admin_list_references; /* {"name","time","value"} */
coco_kbs_handler coco_kbs_admin_list_traces;     /* of explanations: their beginnings */
coco_kbs_handler coco_kbs_admin_list_tenants;    /* {"name","resources","bytes", and its quota} */

#endif
