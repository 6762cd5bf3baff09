/*
 * kbc/offline_fs.h - a file of secrets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_OFFLINE_FS_H
#define COCO_KBC_OFFLINE_FS_H

#include "base/cleanup.h"
#include "base/secret.h"

#define COCO_OFFLINE_FS_MAX 4096 /* secrets in one file */

/* The secrets of one file, by name. */
struct coco_offline_fs;

/*
 * Reads a flat object of base64 strings. Names are any: files written for the
 * first attestation-agent call their keys "key_id1" (guest-protocols 5.8).
 */
coco_status coco_offline_fs_parse(const char *text, size_t len, struct coco_offline_fs **ret,
                                  coco_error **err);
void coco_offline_fs_free(struct coco_offline_fs *fs);
COCO_DEFINE_CLEANUP(struct coco_offline_fs *, coco_offline_fs_free);

/* The secret called name, lent; NULL if there is none, or no fs. */
const struct coco_secret *coco_offline_fs_find(const struct coco_offline_fs *fs, const char *name);

#endif
