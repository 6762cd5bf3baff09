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
#include "ocicrypt/layer.h"
#include "ocicrypt/wrapper.h"

#include <coco/context.h>

/* Whether a layer's media type ends in "+encrypted". */
bool coco_media_type_encrypted(const char *media_type);

/*
 * Opens the layer whose descriptor has these annotations, trying each opener in turn: those
 * that cost no request come first. COCO_ERR_PROTO for broken annotations, COCO_ERR_NOTSUP for
 * another cipher or when the layer has no key in a form known here, COCO_ERR_NOTFOUND when
 * there are no openers at all, COCO_ERR_VERIFY when none opens it; failures of a KBS (denied,
 * network) are given as they are.
 */
coco_status coco_annotations_open(const cJSON *annotations, const struct coco_wrapper *openers,
                                  size_t n, coco_ctx *ctx, struct coco_layer_key *ret,
                                  coco_error **err);

/*
 * Adds the enc.* annotations to the object, which has none yet, once key->mac and
 * key->plain are known. COCO_ERR_INVALID without a recipient. What fails leaves none.
 */
coco_status coco_annotations_add(cJSON *annotations, const struct coco_layer_key *key,
                                 const struct coco_wrapper *recipients, size_t n, coco_ctx *ctx,
                                 coco_error **err);

/*
 * Lets more recipients open a layer that is encrypted already, with key. What stands there
 * stays. COCO_ERR_INVALID without a recipient or for a layer that is not encrypted,
 * COCO_ERR_LIMIT for the 17th of one scheme.
 */
coco_status coco_annotations_add_recipients(cJSON *annotations, const struct coco_layer_key *key,
                                            const struct coco_wrapper *recipients, size_t n,
                                            coco_ctx *ctx, coco_error **err);

/* Removes all annotations of encryption. */
void coco_annotations_strip(cJSON *annotations);

/* The list of the layer's chunks; *ret is left alone where there is none. As coco_chunks_read(). */
coco_status coco_annotations_chunks(const cJSON *annotations, struct coco_chunks *ret,
                                    coco_error **err);

/* Appends to the JSON array one object {"scheme"[,"kid"]} for each way a layer can be opened. */
coco_status coco_annotations_list(const cJSON *annotations, cJSON *array, coco_error **err);

#endif
