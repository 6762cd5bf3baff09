/*
 * signature/protojson.h - what the JSON of Sigstore's messages has in common
 *
 * Sources: protobuf.dev, "ProtoJSON Format"; sigstore/protobuf-specs, sigstore_common.proto.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_PROTOJSON_H
#define COCO_SIGNATURE_PROTOJSON_H

#include "base/digest.h"
#include "base/json.h"

/* An int64 that is not below 0: a text, to some who write it a number; 0 where it is left out. */
coco_status coco_protojson_u64(const cJSON *json, const char *name, uint64_t *ret,
                               coco_error **err);

/* Appends bytes, which are base64. */
coco_status coco_protojson_bytes(const cJSON *json, const char *name, struct coco_buf *ret,
                                 coco_error **err);

/*
 * A HashOutput: {"algorithm": "SHA2_256", "digest": base64}. COCO_ERR_NOTSUP for an algorithm
 * other than SHA-2, COCO_ERR_PROTO for a digest of another length.
 */
coco_status coco_protojson_hash(const cJSON *json, const char *name, struct coco_digest *ret,
                                coco_error **err);

#endif
