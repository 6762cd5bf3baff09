/*
 * ocicrypt/annotations.h - from a layer's annotations to its key, and back
 *
 * Annotations are the registry's to write. They name ways to unwrap the private
 * options; the nonce is taken from the private ones only (T17 in doc/threats.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_OCICRYPT_ANNOTATIONS_H
#define COCO_OCICRYPT_ANNOTATIONS_H

#include "base/json.h"
#include "crypto/key.h"
#include "ocicrypt/layer.h"

#include <coco/context.h>

/* Gets a key-encryption key of COCO_LAYER_KEY_SIZE bytes by its kbs:/// URI. */
struct coco_kek_source {
    coco_status (*get)(void *self, coco_ctx *ctx, const char *uri, struct coco_secret *ret,
                       coco_error **err);
    void *self;
};

/* Who can open a layer. */
struct coco_openers {
    EVP_PKEY *const *keys; /* private keys for keys.jwe; lent */
    size_t n_keys;
    const struct coco_kek_source *kek; /* for keys.provider.attestation-agent; or NULL */
};

/* As many may wrap the key of one layer; each may cost a request to the KBS. */
#define COCO_KEKS_MAX 16

/* A recipient that wraps by a key-encryption key in a KBS. */
struct coco_kek {
    const char *uri; /* kbs:///repository/type/tag */
    const struct coco_secret *key;
};

struct coco_recipients {
    EVP_PKEY *const *keys; /* public keys for keys.jwe; lent */
    size_t n_keys;
    const struct coco_kek *keks; /* lent */
    size_t n_keks;
};

/* Whether a layer's media type ends in "+encrypted". */
bool coco_media_type_encrypted(const char *media_type);

/*
 * Opens the layer whose descriptor has these annotations, trying each way that
 * is there. COCO_ERR_PROTO for broken annotations, COCO_ERR_NOTSUP for another
 * cipher or when no way that is named there is known here, COCO_ERR_NOTFOUND when
 * there are no openers at all, COCO_ERR_VERIFY when none opens it; failures of a
 * KBS (denied, network) are given as they are.
 */
coco_status coco_annotations_open(const cJSON *annotations, const struct coco_openers *openers,
                                  coco_ctx *ctx, struct coco_layer_key *ret, coco_error **err);

/*
 * Adds the enc.* annotations to the object, which has none yet, once key->mac and
 * key->plain are known. COCO_ERR_INVALID without a recipient.
 */
coco_status coco_annotations_add(cJSON *annotations, const struct coco_layer_key *key,
                                 const struct coco_recipients *recipients, coco_error **err);

/* Appends to the JSON array one object {"scheme"[,"kid"]} for each way a layer can be opened. */
coco_status coco_annotations_list(const cJSON *annotations, cJSON *array, coco_error **err);

#endif
