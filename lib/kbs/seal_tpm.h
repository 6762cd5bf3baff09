/*
 * kbs/seal_tpm.h - a key that one TPM 2.0 gives out, and no other
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_SEAL_TPM_H
#define COCO_KBS_SEAL_TPM_H

#include "base/buf.h"
#include "base/secret.h"

/* Of what is wrapped: marks, a public area with a policy, and what the TPM has encrypted. */
#define COCO_SEAL_TPM_MAX ((size_t)1 << 10)

#define COCO_SEAL_TPM_PCRS 24

/* "0,2,7" as bits, and NULL as none. COCO_ERR_PROTO for anything else. */
coco_status coco_seal_tpm_pcrs(const char *text, uint32_t *ret, coco_error **err);

/*
 * Appends key, of up to 128 bytes, as the TPM seals it under the storage key of its owner
 * hierarchy (TPM 2.0 Library, part 1, section 23.7; TCG EK Credential Profile has the template).
 * tcti names the TPM as tss2-tctildr(3) has it, such as "device:/dev/tpmrm0". With pcrs it is given
 * out only while those PCRs of SHA-256 hold what they hold now.
 */
coco_status coco_seal_tpm_wrap(const char *tcti, uint32_t pcrs, const void *key, size_t len,
                               struct coco_buf *ret, coco_error **err);

/*
 * COCO_ERR_VERIFY for what this TPM has not wrapped, or PCRs that hold something else;
 * COCO_ERR_PROTO for what no TPM has.
 */
coco_status coco_seal_tpm_unwrap(const char *tcti, const void *wrapped, size_t len,
                                 struct coco_secret *ret, coco_error **err);

#endif
