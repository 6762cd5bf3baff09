/*
 * softtee/swtpm.h - a TPM of software, made to be that of a machine
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SOFTTEE_SWTPM_H
#define COCO_SOFTTEE_SWTPM_H

#include "softtee/launch.h"
#include "softtee/tpm.h"

/*
 * Makes the TPM at tcti, as tpm2-tss names it, which nothing was done with yet, have the
 * maker's attestation key where attesters look for it, and in its PCRs what was measured.
 * COCO_ERR_NOTSUP in a build without tpm2-tss.
 */
coco_status coco_swtpm_boot(const char *tcti, const struct coco_tpm_maker *maker,
                            const struct coco_softtee_vtpm *vtpm, coco_error **err);

#endif
