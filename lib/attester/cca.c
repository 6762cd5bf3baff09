/*
 * attester/cca.c - Arm CCA: tokens of a realm
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/cca.h"

#include "attester/tsm.h"
#include "tee/cca.h"

#include <string.h>

static bool
detect(void)
{
    return coco_tsm_detect(&coco_kernel, COCO_TSM_CCA);
}

/* The challenge in the token is not compared here: a token is only read by who verifies it. */
static coco_status
collect(void *self, coco_ctx *ctx, const struct coco_evidence_request *request,
        struct coco_buf *evidence, coco_error **err)
{
    const struct coco_machine *machine = self;
    uint8_t challenge[COCO_TSM_INBLOB_MAX] = {0};
    _cleanup_buf_ struct coco_buf token = {.limit = COCO_TSM_OUTBLOB_MAX};
    const struct coco_tsm_request question = {
        .provider = COCO_TSM_CCA,
        .inblob = challenge,
        .len = sizeof(challenge),
    };

    (void)ctx;
    memcpy(challenge, request->report_data, request->len);
    coco_status status = coco_tsm_ask(machine->kernel, &question, &token, NULL, err);
    if (status == COCO_OK)
        status = coco_cca_evidence_format((struct coco_cbor_string){token.data, token.len},
                                          evidence, err);
    return status;
}

const struct coco_attester_driver coco_cca_attester = {
    .tee = "cca",
    .detect = detect,
    .open = coco_machine_open,
    .close = coco_machine_close,
    .collect = collect,
};
