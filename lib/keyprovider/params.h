/*
 * keyprovider/params.h - what a user tells a key provider: provider:attestation-agent:key=value::…
 *
 * Source: guest-components attestation-agent/coco_keyprovider (guest-protocols 5.7).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KEYPROVIDER_PARAMS_H
#define COCO_KEYPROVIDER_PARAMS_H

#include "base/buf.h"
#include "base/resource.h"

#include <stdbool.h>

struct coco_keyprovider_params {
    bool sample;                   /* by the key that all samples have */
    struct coco_buf uri;           /* "kbs://[host]/repository/type/tag"; empty unless told */
    struct coco_resource_path key; /* of uri */
    struct coco_buf path;          /* of a file with the key; empty unless told */
};

/*
 * Reads sample=true or false, keyid=, keypath= and algorithm=A256GCM, each at most once, with "::"
 * between; "" and "Enabled", which ocicrypt says where a user says nothing, are none of them.
 * COCO_ERR_INVALID for anything else; COCO_ERR_NOTSUP for algorithm=A256CTR, which authenticates
 * nothing, so that no guest takes it, and for keys that a plug-in of the KBS has.
 */
coco_status coco_keyprovider_params_parse(const char *text, size_t len,
                                          struct coco_keyprovider_params *ret, coco_error **err);
void coco_keyprovider_params_done(struct coco_keyprovider_params *params);

#endif
