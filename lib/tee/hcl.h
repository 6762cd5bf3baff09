/*
 * tee/hcl.h - the report that Azure's confidential VMs find in their TPM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_HCL_H
#define COCO_TEE_HCL_H

#include "base/buf.h"
#include "base/json.h"

/*
 * The HCL, which runs below the guest and gives it its TPM, keeps there: a report
 * of the hardware, and the runtime data that this is bound to, which name the
 * TPM's attestation key. Numbers are little-endian:
 *
 *        0     4  "HCLA"
 *        4     4  version, 1 or 2
 *        8     4  bytes of all but what fills the space up
 *       12     4  kind of request, 2
 *       16     4  status, 0
 *       20    12  zero
 *       32  1184  report of SNP, or of TDX (TDREPORT, 1024 bytes) and zeros
 *     1216     4  bytes from here on, but for what fills the space up
 *     1220     4  version, 1
 *     1224     4  what the report is of, 2 for SNP and 4 for TDX
 *     1228     4  hash whose value is in the report, 1 for SHA-256
 *     1232     4  bytes of the runtime data
 *     1236        runtime data, JSON; zeros behind it
 */
#define COCO_HCL_SNP_SIZE 1184
#define COCO_HCL_TDX_SIZE 1024
#define COCO_HCL_REPORT_MAX ((size_t)16 << 10)
#define COCO_HCL_USER_DATA_SIZE 64

enum coco_hcl_hardware {
    COCO_HCL_SNP = 2,
    COCO_HCL_TDX = 4,
};

/* All lent by what was parsed. */
struct coco_hcl_report {
    enum coco_hcl_hardware hardware;
    const uint8_t *report; /* COCO_HCL_SNP_SIZE or COCO_HCL_TDX_SIZE */
    const uint8_t *runtime;
    size_t runtime_len;
};

/* COCO_ERR_PROTO unless every byte is what the format above allows; COCO_ERR_NOTSUP, _LIMIT. */
coco_status coco_hcl_report_parse(const void *data, size_t len, struct coco_hcl_report *ret,
                                  coco_error **err);

/* Appends it. */
coco_status coco_hcl_report_format(const struct coco_hcl_report *report, struct coco_buf *buf,
                                   coco_error **err);

/* What of the runtime data counts here. */
struct coco_hcl_runtime {
    cJSON *object;
    const cJSON *ak; /* JWK of the TPM's attestation key, "HCLAkPub" */
    uint8_t user_data[COCO_HCL_USER_DATA_SIZE];
    size_t user_data_len; /* 0: there is none */
};

void coco_hcl_runtime_done(struct coco_hcl_runtime *runtime);
#define _cleanup_hcl_runtime_ _cleanup_(coco_hcl_runtime_done)

/* COCO_ERR_PROTO, also for two attestation keys. */
coco_status coco_hcl_runtime_parse(const struct coco_hcl_report *report,
                                   struct coco_hcl_runtime *ret, coco_error **err);

#endif
