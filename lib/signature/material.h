/*
 * signature/material.h - keys and certificates that a policy names or holds
 *
 * A member's name tells what it holds (containers-policy.json(5)): stem "key" stands for
 * keyPath, keyPaths, keyData and keyDatas. A path is a file or kbs:///…; data is base64,
 * or PEM itself, as image-rs reads it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_MATERIAL_H
#define COCO_SIGNATURE_MATERIAL_H

#include "crypto/cert.h"
#include "crypto/key.h"
#include "signature/signature.h"

#define COCO_MATERIAL_MAX ((size_t)1 << 20)
#define COCO_SIGNER_KEYS_MAX 32

/* Whether there is any of a stem's members. */
bool coco_material_has(const cJSON *object, const char *stem);

/* Gives each of a stem's to fn; what is wrong with it is told by its member. */
typedef coco_status coco_material_fn(void *self, const void *data, size_t len, coco_error **err);
coco_status coco_material_each(const cJSON *object, const char *stem,
                               const struct coco_signature_source *source, coco_material_fn *fn,
                               void *self, coco_error **err);

struct coco_signer_keys {
    EVP_PKEY *list[COCO_SIGNER_KEYS_MAX];
    size_t n;
};

void coco_signer_keys_done(struct coco_signer_keys *keys);
#define _cleanup_signer_keys_ _cleanup_(coco_signer_keys_done)

/* Appends a public key, which is taken on success. */
coco_status coco_signer_keys_add(struct coco_signer_keys *keys, EVP_PKEY **key, coco_error **err);

/* Appends the public keys of a stem. */
coco_status coco_material_keys(const cJSON *object, const char *stem,
                               const struct coco_signature_source *source,
                               struct coco_signer_keys *ret, coco_error **err);

/*
 * COCO_ERR_VERIFY unless one of the keys made sig, as cosign does: ECDSA with SHA-256
 * whatever the curve or with the SHA-2 that fits it, RSASSA-PKCS1-v1_5 with SHA-256, Ed25519.
 * *ret is which.
 */
coco_status coco_signer_keys_verify(const struct coco_signer_keys *keys, const void *data,
                                    size_t len, const void *sig, size_t sig_len, size_t *ret,
                                    coco_error **err);
coco_status coco_signer_key_verify(EVP_PKEY *key, const void *data, size_t len, const void *sig,
                                   size_t sig_len, coco_error **err);

#endif
