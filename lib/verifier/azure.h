/*
 * verifier/azure.h - what evidence of Azure's confidential VMs has in common
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_AZURE_H
#define COCO_VERIFIER_AZURE_H

#include "tee/hcl_evidence.h"
#include "verifier/driver.h"

/* Evidence, and what is in it. */
struct coco_azure {
    struct coco_hcl_evidence evidence;
    struct coco_hcl_report report;
    struct coco_hcl_runtime runtime;
    struct coco_tpm_attest attest; /* after coco_check_azure() */
};

void coco_azure_done(struct coco_azure *azure);
#define _cleanup_azure_ _cleanup_(coco_azure_done)

/* COCO_ERR_PROTO if it is not of that hardware, or anything of it malformed. */
coco_status coco_azure_parse(const cJSON *evidence, enum coco_hcl_hardware hardware,
                             struct coco_azure *ret, coco_error **err);

/*
 * Adds "runtime-data", that report_data, of what the hardware has signed, are those
 * of the runtime data; the checks of coco_check_tpm_quote() with the key that these
 * name; "report-data" of the quote, and "user-data", the same for the report.
 */
coco_status coco_check_azure(const struct coco_verification *verification, coco_verdict *verdict,
                             struct coco_azure *azure, const uint8_t *report_data, size_t len,
                             coco_error **err);

/* Adds "tpm", and "report_data" and "init_data" in the place of the hardware's. */
coco_status coco_claim_azure(cJSON *claims, const struct coco_azure *azure, coco_error **err);

#endif
