/*
 * attester/tsm.h - configfs-tsm: evidence from the kernel, one form for all TEEs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_ATTESTER_TSM_H
#define COCO_ATTESTER_TSM_H

#include "attester/kernel.h"

/* Documentation/ABI/testing/configfs-tsm-report: what the kernel takes at most. */
#define COCO_TSM_INBLOB_MAX 64
/* Quotes, reports and tokens have some thousand bytes; the kernel lets there be 32 KiB or more. */
#define COCO_TSM_OUTBLOB_MAX ((size_t)64 << 10)
#define COCO_TSM_AUXBLOB_MAX ((size_t)64 << 10)

#define COCO_TSM_TDX "tdx_guest"
#define COCO_TSM_SEV "sev_guest"
#define COCO_TSM_CCA "arm_cca_guest"

struct coco_tsm_request {
    const char *provider;  /* who must answer */
    const uint8_t *inblob; /* 1 to COCO_TSM_INBLOB_MAX bytes */
    size_t len;
    /* At the most privileged level that the kernel may ask at: below an SVSM that is not 0. */
    bool at_floor;
};

/* Whether configfs-tsm is there and provider is who answers. */
bool coco_tsm_detect(const struct coco_kernel *kernel, const char *provider);

/*
 * Asks once: the kernel's answer is appended to outblob, and what it has beside
 * it to auxblob, if that is not NULL; a kernel without an auxblob appends nothing.
 *
 * COCO_ERR_NOTSUP without configfs-tsm or with another provider, COCO_ERR_VERIFY
 * if somebody else wrote to our entry meanwhile, so that the answer may not be
 * to our question (T30 in doc/threats.md), COCO_ERR_LIMIT, COCO_ERR_IO.
 */
coco_status coco_tsm_ask(const struct coco_kernel *kernel, const struct coco_tsm_request *request,
                         struct coco_buf *outblob, struct coco_buf *auxblob, coco_error **err);

#endif
