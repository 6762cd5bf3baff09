/*
 * tee/tcb_info.h - which versions of a machine's firmware are up to date
 *
 * The value of "tcbInfo" in answers of Intel's PCS: version 3, and version 2 of
 * SGX, which has no id and names each component by itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TEE_TCB_INFO_H
#define COCO_TEE_TCB_INFO_H

#include "tee/pcs.h"

#define COCO_TCB_COMPONENTS 16

/* A state of the machine. */
struct coco_tcb_level {
    uint8_t sgx[COCO_TCB_COMPONENTS];
    uint8_t tdx[COCO_TCB_COMPONENTS]; /* for TDX */
    uint16_t pce_svn;
    int64_t date;
    unsigned status; /* enum coco_tcb_status */
    const cJSON *advisories;
};

/* A module of TDX. */
struct coco_tcb_module {
    uint8_t version; /* of TDX_01 and so on; 0 of the one that has none */
    uint8_t mrsigner[48];
    uint8_t attributes[8];
    uint8_t attributes_mask[8];
    struct coco_pcs_levels
        levels; /* none for version 0, whose number is among the TDX components */
};

#define COCO_TCB_MODULES_MAX 64

struct coco_tcb_info {
    cJSON *json; /* lends the advisories; NULL where a formatter is given some of the caller's */
    bool tdx;
    unsigned version;
    int64_t issue_date;
    int64_t next_update;
    uint8_t fmspc[6];
    uint8_t pce_id[2];
    uint32_t evaluation;           /* tcbEvaluationDataNumber */
    struct coco_tcb_level *levels; /* as they come: highest first */
    size_t n_levels;
    struct coco_tcb_module *modules; /* for TDX; the first is that of version 0 */
    size_t n_modules;
};

void coco_tcb_info_done(struct coco_tcb_info *info);
#define _cleanup_tcb_info_ _cleanup_(coco_tcb_info_done)

/* COCO_ERR_PROTO, COCO_ERR_LIMIT, or COCO_ERR_NOTSUP for other versions. */
coco_status coco_tcb_info_parse(const char *text, size_t len, struct coco_tcb_info *ret,
                                coco_error **err);

/* Appends version 3 of it. */
coco_status coco_tcb_info_format(const struct coco_tcb_info *info, struct coco_buf *buf,
                                 coco_error **err);

/* The module of that version, or NULL. Lent. */
const struct coco_tcb_module *coco_tcb_info_module(const struct coco_tcb_info *info,
                                                   uint8_t version);

#endif
