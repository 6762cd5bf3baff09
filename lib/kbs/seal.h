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

/* Keys by their numbers, which count from 1; the newest seals, all of them open. */
#define COCO_KBS_RING_MAX 4

struct coco_kbs_ring {
    struct {
        uint64_t number;
        struct coco_secret key;
    } keys[COCO_KBS_RING_MAX]; /* sorted by number */
    size_t n;
};

/* The number of the key that seals; 0: none, values stay as they are. */
uint64_t coco_kbs_ring_newest(const struct coco_kbs_ring *ring);

/* Takes key; COCO_ERR_LIMIT if there are too many, COCO_ERR_VERIFY for one that is none. */
coco_status coco_kbs_ring_add(struct coco_kbs_ring *ring, uint64_t number, struct coco_secret *key,
                              coco_error **err);

/* Makes a key that is newer than all; the oldest goes when there are too many. */
coco_status coco_kbs_ring_renew(struct coco_kbs_ring *ring, coco_error **err);

/* NULL if it is not there. */
const struct coco_secret *coco_kbs_ring_find(const struct coco_kbs_ring *ring, uint64_t number);

void coco_kbs_ring_done(struct coco_kbs_ring *ring);
#define _cleanup_ring_ _cleanup_(coco_kbs_ring_done)

/* Appends what may be seen of a value; key is COCO_AEAD_KEY_SIZE bytes. */
coco_status coco_kbs_seal(const struct coco_secret *key, const struct coco_kbs_label *label,
                          const void *data, size_t len, struct coco_buf *ret, coco_error **err);

/* COCO_ERR_VERIFY for what was not sealed with key and label. */
coco_status coco_kbs_unseal(const struct coco_secret *key, const struct coco_kbs_label *label,
                            const uint8_t *data, size_t len, struct coco_secret *ret,
                            coco_error **err);

#endif
