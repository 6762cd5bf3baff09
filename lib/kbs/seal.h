/*
 * kbs/seal.h - values that a database may see
 *
 *     iv[12] tag[16] AES-256-GCM( value ), bound to whose it is, its kind and its name
 *
 * So one that is moved to another name in the database does not open (T36 in
 * doc/threats.md). That an older version was put in place of a newer one cannot be
 * seen: neither could it be when the whole database was put back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_SEAL_H
#define COCO_KBS_SEAL_H

#include "base/buf.h"
#include "base/secret.h"
#include "crypto/aead.h"

#define COCO_KBS_SEAL_OVERHEAD ((size_t)COCO_AEAD_IV_SIZE + COCO_AEAD_TAG_SIZE)

/* What a value is bound to. */
struct coco_kbs_label {
    const char *tenant; /* without blanks */
    int kind;
    const char *name;
};

/* Appends what may be seen of a value; key is COCO_AEAD_KEY_SIZE bytes. */
coco_status coco_kbs_seal(const struct coco_secret *key, const struct coco_kbs_label *label,
                          const void *data, size_t len, struct coco_buf *ret, coco_error **err);

/* COCO_ERR_VERIFY for what was not sealed with key and label. */
coco_status coco_kbs_unseal(const struct coco_secret *key, const struct coco_kbs_label *label,
                            const uint8_t *data, size_t len, struct coco_secret *ret,
                            coco_error **err);

#endif
