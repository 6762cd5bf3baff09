/*
 * kbs/seal_key.h - the key in whose hands a store is
 *
 * It seals nothing but the keys that values are sealed with, so that another one
 * takes over without a value being sealed anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_SEAL_KEY_H
#define COCO_KBS_SEAL_KEY_H

#include "base/secret.h"

/*
 * Reads it from a file of 32 bytes or 64 hex digits. COCO_ERR_DENIED if everybody may
 * read that file, COCO_ERR_PROTO if it holds anything else.
 */
coco_status coco_kbs_seal_key_read(const char *path, struct coco_secret *ret, coco_error **err);

#endif
