/*
 * kbs/config_section.h - the larger sections of a configuration
 *
 * Each has a file of its own, config_<section>.c, that reads it from root and
 * frees what it has read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_CONFIG_SECTION_H
#define COCO_KBS_CONFIG_SECTION_H

#include "kbs/config.h"

/* What is missing keeps its default, which is set already. COCO_ERR_PROTO or COCO_ERR_NOTSUP. */
coco_status coco_kbs_read_http(const cJSON *root, struct coco_kbs_config *config, coco_error **err);
coco_status coco_kbs_read_attestation(const cJSON *root, struct coco_kbs_config *config,
                                      coco_error **err);
coco_status coco_kbs_read_admin(const cJSON *root, struct coco_kbs_config *config,
                                coco_error **err);
coco_status coco_kbs_read_tenants(const cJSON *root, struct coco_kbs_config *config,
                                  coco_error **err);
coco_status coco_kbs_read_storage(const cJSON *root, struct coco_kbs_config *config,
                                  coco_error **err);

void coco_kbs_http_done(struct coco_kbs_config *config);
void coco_kbs_attestation_done(struct coco_kbs_config *config);
void coco_kbs_admin_done(struct coco_kbs_config *config);
void coco_kbs_tenants_done(struct coco_kbs_config *config);
void coco_kbs_storage_done(struct coco_kbs_config *config);

#endif
