/*
 * tee/hcl_evidence.h - evidence of Azure's confidential VMs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_HCL_EVIDENCE_H
#define COCO_TEE_HCL_EVIDENCE_H

#include "tee/hcl.h"
#include "tee/tpm.h"

/*
 * The evidence of upstream's TEEs "az-snp-vtpm" and "az-tdx-vtpm". Versions 1 and
 * 2 look alike; in 2 the runtime data hold the report data, too. Version 0 had no
 * number, and bytes as numbers.
 */
struct coco_hcl_evidence {
    unsigned version;
    struct coco_tpm_quote quote;
    struct coco_buf report;  /* of the HCL */
    struct coco_buf voucher; /* the certificate of the chip, DER or PEM; or the quote of the TD */
};

struct coco_hcl_evidence coco_hcl_evidence_empty(void);
void coco_hcl_evidence_done(struct coco_hcl_evidence *evidence);
#define _cleanup_hcl_evidence_ _cleanup_(coco_hcl_evidence_done)

/* Nothing is looked into: COCO_ERR_PROTO, COCO_ERR_LIMIT, COCO_ERR_NOTSUP. */
coco_status coco_hcl_evidence_parse(const cJSON *object, enum coco_hcl_hardware hardware,
                                    struct coco_hcl_evidence *ret, coco_error **err);

/* Appends the JSON text; COCO_ERR_INVALID for version 0, which nobody makes any more. */
coco_status coco_hcl_evidence_format(const struct coco_hcl_evidence *evidence,
                                     enum coco_hcl_hardware hardware, struct coco_buf *buf,
                                     coco_error **err);

#endif
