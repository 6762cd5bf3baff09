/*
 * signature/payload.h - what simple signing and cosign sign: a name and a digest
 *
 *     {"critical": {"type", "image": {"docker-manifest-digest"},
 *                   "identity": {"docker-reference"}},
 *      "optional": null or {}}
 *
 * Source: containers/image, signature/docs (container-signature(5)) and
 * signature/internal/sigstore_payload.go: members that are not known refuse it, for
 * what is in "critical" must be understood.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_PAYLOAD_H
#define COCO_SIGNATURE_PAYLOAD_H

#include "base/digest.h"
#include "base/json.h"

#define COCO_PAYLOAD_ATOMIC "atomic container signature"
#define COCO_PAYLOAD_COSIGN "cosign container image signature"

struct coco_payload {
    cJSON *json;
    struct coco_digest digest;
    const char *reference; /* as it is spelled; lent by json */
};

/* type is one of the two above. COCO_ERR_PROTO for anything else. */
coco_status coco_payload_parse(const void *data, size_t len, const char *type,
                               struct coco_payload *ret, coco_error **err);
void coco_payload_done(struct coco_payload *payload);
#define _cleanup_payload_ _cleanup_(coco_payload_done)

/* Appends the payload as cosign writes it, byte by byte. */
coco_status coco_payload_write(const char *reference, const struct coco_digest *digest,
                               struct coco_buf *ret, coco_error **err);

/* The same as containers/image writes it for simple signing; now is a Unix time. */
coco_status coco_payload_write_atomic(const char *reference, const struct coco_digest *digest,
                                      uint64_t now, struct coco_buf *ret, coco_error **err);

#endif
