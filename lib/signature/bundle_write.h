/*
 * signature/bundle_write.h - Sigstore bundles of who signs by a key
 *
 *     statement {subject: digest, predicateType} -> envelope -> bundle {hint of the key, envelope}
 *
 * Source: what cosign 2.6 writes with --new-bundle-format (cmd/cosign/cli/sign/sign.go,
 * pkg/cosign/bundle/protobundle.go), version 0.3 of the bundle.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_BUNDLE_WRITE_H
#define COCO_SIGNATURE_BUNDLE_WRITE_H

#include "base/digest.h"
#include "crypto/key.h"

/* Appends the statement that an image of that digest is signed. */
coco_status coco_sign_statement_write(const struct coco_digest *digest, struct coco_buf *ret,
                                      coco_error **err);

/* Appends a bundle of a statement and its signature, whose other half is key's. */
coco_status coco_sigstore_bundle_write(const EVP_PKEY *key, const struct coco_buf *statement,
                                       const struct coco_buf *signature, struct coco_buf *ret,
                                       coco_error **err);

/*
 * Whether it is a bundle of such a statement of digest by that key, whatever else is wrong with it:
 * only out of memory is a failure.
 */
coco_status coco_sigstore_bundle_is_by(const struct coco_buf *bundle, EVP_PKEY *key,
                                       const struct coco_digest *digest, bool *ret,
                                       coco_error **err);

#endif
