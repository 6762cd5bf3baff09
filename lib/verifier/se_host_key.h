/*
 * verifier/se_host_key.h - whether a host key is that of a machine of IBM
 *
 * IBM, "Introducing IBM Secure Execution for Linux" (SC34-7721), "Verifying the
 * host key document": a document is a certificate that a signing key has issued,
 * which is no CA, so that it is not part of the chain below it; root, CAs and
 * lists of revoked ones come from the collateral:
 *
 *     ibm/chain.pem             signing key, intermediate CA, root
 *     ibm/signing-key.crl       of the host keys; also intermediate-ca.crl, root-ca.crl
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_SE_HOST_KEY_H
#define COCO_VERIFIER_SE_HOST_KEY_H

#include "crypto/key.h"
#include "verifier/driver.h"

/*
 * Gives the key of document. COCO_ERR_VERIFY unless it is one that IBM vouches for
 * now: "revocation-list" and "certificate-dates" may be allowed to fail as they may
 * for evidence. COCO_ERR_NOTFOUND without collateral, COCO_ERR_PROTO.
 */
coco_status coco_se_host_key_check(const coco_verifier *verifier, X509 *document, EVP_PKEY **ret,
                                   coco_error **err);

#endif
