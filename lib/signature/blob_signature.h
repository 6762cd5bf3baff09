/*
 * signature/blob_signature.h - signatures of bytes of which only the digest is told
 *
 * They say nothing of what they are for: who signs the bytes of a manifest has signed the image.
 * sigstore-go verifies them by a digest, and so is it here; "cosign verify" refuses them for
 * images, for it wants a statement.
 *
 * Source: sigstore/protobuf-specs, sigstore_common.proto, "MessageSignature"; sigstore-go,
 * pkg/verify/signature.go, verifyMessageSignatureWithArtifactDigest().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_BLOB_SIGNATURE_H
#define COCO_SIGNATURE_BLOB_SIGNATURE_H

#include "signature/signer.h"

/* One taken apart, not yet verified. */
struct coco_blob_signature {
    struct coco_digest digest; /* of the bytes, as whoever brought it says */
    struct coco_buf signature;
};

coco_status coco_blob_signature_parse(const cJSON *json, struct coco_blob_signature *ret,
                                      coco_error **err);
void coco_blob_signature_done(struct coco_blob_signature *message);
#define _cleanup_blob_signature_ _cleanup_(coco_blob_signature_done)

/*
 * COCO_ERR_VERIFY unless it is made of bytes of that digest by one of the trusted keys, or the
 * certificate's; COCO_ERR_NOTSUP for a key that signs no digest, which is Ed25519.
 */
coco_status coco_blob_signature_check(const struct coco_blob_signature *message,
                                      struct coco_signer *signer, const struct coco_trust *trust,
                                      struct coco_buf *detail, coco_error **err);

#endif
