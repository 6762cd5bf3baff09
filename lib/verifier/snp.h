/*
 * verifier/snp.h - whether an AMD chip made an SNP report
 *
 * For what brings reports in a form of its own, such as Azure's vTPM, as well as
 * for evidence of the TEE "snp".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_SNP_H
#define COCO_VERIFIER_SNP_H

#include "tee/snp_certs.h"
#include "verifier/driver.h"

/*
 * Adds all checks of report but "report-data" and "init-data", which each TEE
 * uses as it likes. Of certs, which may be empty, what fits is used; what is
 * missing comes from the collateral.
 */
coco_status coco_check_snp_report(const struct coco_verification *verification,
                                  coco_verdict *verdict, const struct coco_snp_report *report,
                                  const struct coco_snp_certs *certs, coco_error **err);

/* Adds what upstream's verifier claims of a report, "report_data" and "init_data" too. */
coco_status coco_claim_snp_report(cJSON *claims, const struct coco_snp_report *report,
                                  coco_error **err);

#endif
