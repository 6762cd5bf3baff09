/*
 * attester/cca.c - Arm CCA: tokens of a realm
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/cca.h"

#include "attester/tsm.h"
#include "base/fail.h"
#include "tee/serde.h"

#include <string.h>

static bool
detect(void)
{
    return coco_tsm_detect(&coco_kernel, COCO_TSM_CCA);
}

/* Upstream's: {"token":[210,132,...]}. */
static coco_status
write_evidence(const struct coco_buf *token, struct coco_buf *evidence, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_serde_add_bytes(object, "token", token->data, token->len, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, evidence, err);
    return status;
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
        status = write_evidence(&token, evidence, err);
    return status;
}

const struct coco_attester_driver coco_cca_attester = {
    .tee = "cca",
    .detect = detect,
    .open = coco_machine_open,
    .close = coco_machine_close,
    .collect = collect,
};
