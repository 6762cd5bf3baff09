/*
 * signature/bundle.h - Sigstore bundles: a signature and all that verifying it takes
 *
 * Source: sigstore/protobuf-specs, sigstore_bundle.proto, as JSON; versions 0.1 to 0.3.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_BUNDLE_H
#define COCO_SIGNATURE_BUNDLE_H

#include "signature/dsse.h"
#include "signature/signer.h"

#define COCO_MEDIA_BUNDLE "application/vnd.dev.sigstore.bundle.v0.3+json"

struct coco_sigstore_bundle {
    struct coco_signer signer;
    struct coco_dsse envelope;
};

/* Whether media_type is one of a bundle of any version. */
bool coco_sigstore_bundle_is(const char *media_type);

/* COCO_ERR_NOTSUP for one that signs bytes rather than an envelope: it says not what of. */
coco_status coco_sigstore_bundle_parse(const void *json, size_t len,
                                       struct coco_sigstore_bundle *ret, coco_error **err);
void coco_sigstore_bundle_done(struct coco_sigstore_bundle *bundle);
#define _cleanup_sigstore_bundle_ _cleanup_(coco_sigstore_bundle_done)

#endif
