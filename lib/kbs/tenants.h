/*
 * kbs/tenants.h - who shares a KBS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_TENANTS_H
#define COCO_KBS_TENANTS_H

#include "kbs/core.h"

/* What the paths of a tenant's requests begin with; its name and another "/" follow. */
#define COCO_KBS_TENANTS_PATH "/tenants/"

struct coco_kbs_tenants;

/* Reads the configurations of the tenants that root's names; root must outlive them. */
coco_status coco_kbs_tenants_open(struct coco_kbs_core *root, struct coco_kbs_tenants **ret,
                                  coco_error **err);
void coco_kbs_tenants_free(struct coco_kbs_tenants *tenants);
COCO_DEFINE_CLEANUP(struct coco_kbs_tenants *, coco_kbs_tenants_free);

/*
 * The KBS that answers what is asked at path, and what path is there: root itself for
 * a path that is no tenant's, NULL for that of a tenant that nobody knows.
 */
struct coco_kbs_core *coco_kbs_tenants_find(struct coco_kbs_core *root, const char *path,
                                            const char **within);

/* The i-th of them; NULL behind the last, and without any. */
const struct coco_kbs_core *coco_kbs_tenants_at(const struct coco_kbs_tenants *tenants, size_t i);

#endif
