/*
 * verifier/snp_cert.h - what AMD says of a chip in its certificate
 *
 * AMD, "Versioned Chip Endorsement Key (VCEK) Certificate and KDS Interface
 * Specification" (57230), section 3.1: extensions below 1.3.6.1.4.1.3704.1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_SNP_CERT_H
#define COCO_VERIFIER_SNP_CERT_H

#include "crypto/cert.h"
#include "tee/snp.h"

struct coco_snp_cert_facts {
    enum coco_snp_product product;
    struct coco_snp_tcb tcb;
    uint8_t chip_id[COCO_SNP_CHIP_ID_SIZE]; /* zeros behind it */
    size_t chip_id_len;                     /* 64; 8 on Turin; 0: it is of no chip, but a VLEK */
};

/* COCO_ERR_PROTO where one that must be there is missing or malformed. */
coco_status coco_snp_cert_read(X509 *cert, struct coco_snp_cert_facts *ret, coco_error **err);

#endif
