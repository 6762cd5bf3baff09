/*
 * kbs/storage.h - the store that a configuration names
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_STORAGE_H
#define COCO_KBS_STORAGE_H

#include "kbs/config.h"
#include "kbs/database.h"
#include "kbs/store.h"

coco_status coco_kbs_storage_open(const struct coco_kbs_config *config, struct coco_kbs_store **ret,
                                  coco_error **err);

/*
 * Seals it as config says. So far it was sealed with the key in old_key_file, or not
 * at all if that is NULL.
 */
coco_status coco_kbs_storage_reseal(const struct coco_kbs_config *config, const char *old_key_file,
                                    coco_error **err);

/* The key that config says it is sealed with; nothing where it says none. */
coco_status coco_kbs_storage_seal_key(const struct coco_kbs_config *config, struct coco_secret *ret,
                                      coco_error **err);

/* The rows of it, as they lie there. COCO_ERR_INVALID if it is in memory. */
coco_status coco_kbs_storage_open_database(const struct coco_kbs_config *config,
                                           struct coco_database **ret, coco_error **err);

/* As coco_kbs_seal_key_wrap(), by the token that config names. */
coco_status coco_kbs_storage_wrap_key(const struct coco_kbs_config *config, const void *key,
                                      size_t len, struct coco_buf *ret, coco_error **err);

#endif
