/*
 * kbs/versions.h - versions of resources, for their owner
 *
 * Guests get the newest alone: an earlier one may have been replaced because
 * somebody knows it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_VERSIONS_H
#define COCO_KBS_VERSIONS_H

#include "kbs/core.h"

coco_kbs_handler coco_kbs_admin_list_versions;
coco_kbs_handler coco_kbs_admin_purge_resource;

/* The query may say "version=N"; without it, what was deleted or replaced last. */
coco_kbs_handler coco_kbs_admin_restore_resource;

#endif
