/*
 * keyprovider/provider.h - a key provider for those who encrypt images for guests
 *
 * It answers what coco_keyprovider does: with a key that it makes, reads from a file or has, it
 * wraps the private options of a layer into an annotation packet, and gives the key to a KBS. It
 * unwraps nothing: that is for a guest, which has to attest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KEYPROVIDER_PROVIDER_H
#define COCO_KEYPROVIDER_PROVIDER_H

#include "base/buf.h"

#include <coco/context.h>

/* The name that upstream's, and all guests, know it by. */
#define COCO_KEYPROVIDER_NAME "attestation-agent"

struct coco_keyprovider {
    const char *kbs;           /* URL of a KBS that gets the keys, or NULL */
    struct coco_buf admin_key; /* PEM, who puts them there; empty where nobody asks */
    struct coco_buf kbs_ca;    /* PEM; empty for the system's */
};

/*
 * Answers a request, JSON by JSON, on any thread. COCO_ERR_PROTO and COCO_ERR_INVALID for what is
 * no request; COCO_ERR_INVALID for a key that would be nowhere; COCO_ERR_NOTSUP for unwrapping;
 * what a file or the KBS fails with. The KBS has the key before anybody else learns of it.
 */
coco_status coco_keyprovider_answer(const struct coco_keyprovider *provider, coco_ctx *ctx,
                                    const char *request, size_t len, struct coco_buf *reply,
                                    coco_error **err);

#endif
