/*
 * kbc/eaa_kbc.h - secrets of Verdictd
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_EAA_KBC_H
#define COCO_KBC_EAA_KBC_H

#include "kbc/driver.h"
#include "kbc/rats_cert.h"

/* What coco_eaa_kbc opens; source, which is copied, gives evidence in the attester's place. */
coco_status coco_eaa_kbc_open(const struct coco_rats_source *source, const char *uri, void **ret,
                              coco_error **err);

#endif
