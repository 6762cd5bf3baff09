/*
 * signature/identity.h - which image a signature is for ("signedIdentity")
 *
 * Source: containers-policy.json(5), "signedIdentity".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_IDENTITY_H
#define COCO_SIGNATURE_IDENTITY_H

#include "signature/policy.h"
#include "signature/signature.h"

/* Where a requirement has no signedIdentity. */
enum coco_identity_default {
    COCO_IDENTITY_DEFAULT, /* matchRepoDigestOrExact, as for everybody */
    /*
     * The same, but a signature for a name without a tag is for all of the repository:
     * cosign writes no other, and image-rs, whose policies leave signedIdentity out,
     * looks at no name at all.
     */
    COCO_IDENTITY_COSIGN,
};

/*
 * COCO_ERR_VERIFY, with both names, unless a signature for the image reference is one for
 * asked, as requirement's signedIdentity has it; COCO_ERR_INVALID if reference is no name.
 */
coco_status coco_identity_check(const cJSON *requirement, enum coco_identity_default otherwise,
                                const struct coco_policy_image *asked, const char *reference,
                                const struct coco_signature_source *source, coco_error **err);

#endif
