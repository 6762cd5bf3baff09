/*
 * attester/cca.c - Arm CCA: tokens of a realm
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/cca.h"

#include "attester/tsm.h"
#include "base/fail.h"
#include "tee/cca.h"

#include <string.h>

static bool
detect(void)
{
    return coco_tsm_detect(&coco_kernel, COCO_TSM_CCA);
}

/*
 * T30: an answer to somebody else's question would only be refused later, and
 * elsewhere. A token of a profile that is not known here is for the verifier to judge.
 */
static coco_status
check_token(const struct coco_buf *data, const uint8_t challenge[COCO_TSM_INBLOB_MAX],
            coco_error **err)
{
    struct coco_cca_token token;
    coco_error *why = NULL;
    bool is_unknown = false;

    (void)coco_cca_token_parse(data->data, data->len, &token, &why);
    coco_status status = coco_forgive(why, COCO_ERR_NOTSUP, &is_unknown, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "token of the kernel");
    if (!is_unknown && memcmp(token.realm.challenge.data, challenge, COCO_CCA_CHALLENGE_SIZE) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "token of the kernel holds another challenge");
    return COCO_OK;
}

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
        status = check_token(&token, challenge, err);
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
