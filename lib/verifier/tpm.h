/*
 * verifier/tpm.h - quotes of a TPM, whoever vouches for its key
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_TPM_H
#define COCO_VERIFIER_TPM_H

#include "crypto/key.h"
#include "tee/tpm.h"
#include "verifier/driver.h"

/*
 * Adds "tpm-signature", that quote was signed by the attestation key ak,
 * "pcr-selection" and "pcr-digest", that it is of the PCRs that came with it, and
 * "init-data" if the binding demands some. What the quote is bound to is for the
 * caller to check: attest->extra.
 */
coco_status coco_check_tpm_quote(const struct coco_verification *verification,
                                 coco_verdict *verdict, const struct coco_tpm_quote *quote,
                                 EVP_PKEY *ak, struct coco_tpm_attest *attest, coco_error **err);

/* Adds "pcr00" to "pcr23" to claims. */
coco_status coco_claim_pcrs(cJSON *claims, const struct coco_tpm_quote *quote, coco_error **err);

#endif
