/*
 * verifier/dcap_collateral.h - what Intel says of a quote's machine
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_DCAP_COLLATERAL_H
#define COCO_VERIFIER_DCAP_COLLATERAL_H

#include "verifier/dcap.h"

/* Common names of Intel's certificates, which all have one root: none may stand for another. */
#define COCO_INTEL_PCK "CN=Intel SGX PCK Certificate"
#define COCO_INTEL_PLATFORM_CA "CN=Intel SGX PCK Platform CA"
#define COCO_INTEL_PROCESSOR_CA "CN=Intel SGX PCK Processor CA"
#define COCO_INTEL_SIGNER "CN=Intel SGX TCB Signing"

/* Whether cert is called name. */
coco_status coco_dcap_is_called(X509 *cert, const char *name, bool *ret, coco_error **err);

/*
 * Adds the checks of lists of revoked certificates, of TCB info and of the identity
 * of the QE, and keeps in dcap, whose chain and PCK are there, what may be believed.
 */
coco_status coco_dcap_check_collateral(struct coco_dcap *dcap, coco_error **err);

#endif
