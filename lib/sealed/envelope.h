/*
 * sealed/envelope.h - a secret in a sealed secret, encrypted by a key of its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SEALED_ENVELOPE_H
#define COCO_SEALED_ENVELOPE_H

#include "base/json.h"
#include "base/secret.h"

#define COCO_ENVELOPE_DATA_MAX ((size_t)1 << 20)
#define COCO_ENVELOPE_WRAPPED_MAX ((size_t)16 << 10)
#define COCO_ENVELOPE_WRAP_TYPE "A256GCM"

/* What is in one. */
struct coco_envelope {
    struct coco_buf wrapped; /* its key, as the provider encrypted it */
    struct coco_buf sealed;  /* the secret, and the tag behind it */
    uint8_t iv[12];
};

void coco_envelope_done(struct coco_envelope *envelope);
#define _cleanup_envelope_ _cleanup_(coco_envelope_done)

/* COCO_ERR_PROTO for what is none, COCO_ERR_NOTSUP for a cipher without authentication (T20). */
coco_status coco_envelope_read(const cJSON *payload, struct coco_envelope *ret, coco_error **err);

/* Appends encrypted_key, encrypted_data, wrap_type and iv. */
coco_status coco_envelope_write(const struct coco_envelope *envelope, cJSON *payload,
                                coco_error **err);

/* Bytes of the secret. */
size_t coco_envelope_size(const struct coco_envelope *envelope);

/* Encrypts data by a fresh key, which is given; wrapped stays empty. */
coco_status coco_envelope_seal(const void *data, size_t len, struct coco_envelope *ret,
                               struct coco_secret *key, coco_error **err);

/* COCO_ERR_VERIFY, whatever is wrong with the key or with what it opens (T16). */
coco_status coco_envelope_open(const struct coco_envelope *envelope, const void *key,
                               size_t key_len, struct coco_secret *ret, coco_error **err);

#endif
