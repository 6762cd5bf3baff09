/*
 * kbc/offline_fs_kbc.h - secrets in files that came with the measured root
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_OFFLINE_FS_KBC_H
#define COCO_KBC_OFFLINE_FS_KBC_H

#include "kbc/driver.h"
#include "kbc/storage.h"

/*
 * What coco_offline_fs_kbc opens, with storage to say what files lie on. uri is a
 * directory or "", and "unprotected:" before it takes files wherever they lie.
 */
coco_status coco_offline_fs_kbc_open(const struct coco_storage *storage, const char *uri,
                                     void **ret, coco_error **err);

#endif
