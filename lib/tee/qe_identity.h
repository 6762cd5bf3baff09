/*
 * tee/qe_identity.h - which quoting enclaves are Intel's and up to date
 *
 * The value of "enclaveIdentity" in answers of Intel's PCS, version 2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_QE_IDENTITY_H
#define COCO_TEE_QE_IDENTITY_H

#include "tee/pcs.h"
#include "tee/quote.h"

struct coco_qe_identity {
    cJSON *json; /* lends the advisories; NULL where a formatter is given some of the caller's */
    bool tdx;    /* "TD_QE", the other being "QE" */
    int64_t issue_date;
    int64_t next_update;
    uint32_t evaluation; /* tcbEvaluationDataNumber */
    uint8_t misc_select[4];
    uint8_t misc_select_mask[4];
    uint8_t attributes[16]; /* flags and XFRM */
    uint8_t attributes_mask[16];
    uint8_t mr_signer[32];
    uint16_t isv_prod_id;
    struct coco_pcs_levels levels;
};

void coco_qe_identity_done(struct coco_qe_identity *identity);
#define _cleanup_qe_identity_ _cleanup_(coco_qe_identity_done)

/* COCO_ERR_PROTO, COCO_ERR_LIMIT, or COCO_ERR_NOTSUP for other versions and enclaves. */
coco_status coco_qe_identity_parse(const char *text, size_t len, struct coco_qe_identity *ret,
                                   coco_error **err);

/* Appends it. */
coco_status coco_qe_identity_format(const struct coco_qe_identity *identity, struct coco_buf *buf,
                                    coco_error **err);

/* COCO_ERR_VERIFY unless report is of that enclave; its version is another matter. */
coco_status coco_qe_identity_check(const struct coco_qe_identity *identity,
                                   const struct coco_sgx_report *report, coco_error **err);

#endif
