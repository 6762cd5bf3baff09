/*
 * signature/bundle.h - Sigstore bundles: a signature and all that verifying it takes
 *
 * Source: sigstore/protobuf-specs, sigstore_bundle.proto, as JSON; versions 0.1 to 0.3. What each
 * of them must have: sigstore-go, pkg/bundle/bundle.go, validate().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_BUNDLE_H
#define COCO_SIGNATURE_BUNDLE_H

#include "signature/blob_signature.h"
#include "signature/dsse.h"

#define COCO_MEDIA_BUNDLE "application/vnd.dev.sigstore.bundle.v0.3+json"

struct coco_sigstore_bundle {
    struct coco_signer signer;
    bool is_message; /* which of the two it has */
    struct coco_dsse envelope;
    struct coco_blob_signature message;
};

/* Whether media_type is one of a bundle of any version. */
bool coco_sigstore_bundle_is(const char *media_type);

/* COCO_ERR_NOTSUP for a version that is not known. */
coco_status coco_sigstore_bundle_parse(const void *json, size_t len,
                                       struct coco_sigstore_bundle *ret, coco_error **err);
void coco_sigstore_bundle_done(struct coco_sigstore_bundle *bundle);
#define _cleanup_sigstore_bundle_ _cleanup_(coco_sigstore_bundle_done)

#endif
