/*
 * collateral/request.h - what the makers' services are asked for collateral
 *
 * Intel: "API Documentation" of the PCS, version 4, which a PCCS speaks as well.
 * AMD: publication 57230, "VCEK Certificate and KDS Interface Specification".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_COLLATERAL_REQUEST_H
#define COCO_COLLATERAL_REQUEST_H

#include "verifier/collateral.h"

#define COCO_INTEL_URL "https://api.trustedservices.intel.com"
#define COCO_AMD_URL "https://kdsintf.amd.com"
/* Where the root's own certificate says that its list is; no service of Intel's has it. */
#define COCO_INTEL_ROOT_CRL_URL "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"

enum coco_maker {
    COCO_INTEL = 1,
    COCO_AMD,
};

struct coco_request {
    enum coco_maker maker;
    bool root_crl;                        /* which is somewhere else if Intel itself is asked */
    char path[COCO_COLLATERAL_NAME_SIZE]; /* with its query; goes behind the service's address */

    /* What the answer is: its body, and the chain in its headers, or "". */
    char body[COCO_COLLATERAL_NAME_SIZE];
    char chain[COCO_COLLATERAL_NAME_SIZE];
    const char *chain_header; /* in lower case */
};

/*
 * The request whose answer holds what is called name; COCO_ERR_NOTFOUND if nobody serves
 * that. early: of Intel's answers those that already demand what was just published.
 */
coco_status coco_request_for(const char *name, bool early, struct coco_request *ret,
                             coco_error **err);

#endif
