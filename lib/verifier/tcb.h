/*
 * verifier/tcb.h - what Intel says of the firmware of one machine
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_TCB_H
#define COCO_VERIFIER_TCB_H

#include "tee/pck.h"
#include "tee/quote.h"
#include "tee/tcb_info.h"

/* What it rests on; all lent. */
struct coco_tcb_input {
    const struct coco_tcb_info *info;
    const struct coco_pck *pck;
    const struct coco_quote *quote;
    const struct coco_pcs_level *qe; /* that of the quoting enclave; NULL where there is none */
};

struct coco_tcb_judgement {
    unsigned status;                     /* enum coco_tcb_status, of all parts together */
    const struct coco_tcb_level *level;  /* that of the machine */
    const struct coco_pcs_level *module; /* that of the TDX module; NULL where it has none */
};

/* COCO_ERR_VERIFY unless the TDX module of the quote is Intel's. */
coco_status coco_tcb_check_module(const struct coco_tcb_info *info, const struct coco_td_report *td,
                                  coco_error **err);

/* COCO_ERR_VERIFY where there is no level for it: then it is not supported, or no more. */
coco_status coco_tcb_judge(const struct coco_tcb_input *input, struct coco_tcb_judgement *ret,
                           coco_error **err);

#endif
