/*
 * attester/se.c - IBM Secure Execution: the ultravisor answers the broker's request
 *
 * The nonce of the challenge is a request that the broker made, JSON with a
 * control block in it that only the ultravisor can open (evidence 10).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/se.h"

#include "attester/paths.h"
#include "base/fail.h"
#include "tee/se.h"

#include <string.h>

static bool
detect(void)
{
    _cleanup_free_ char *path = NULL;
    _cleanup_buf_ struct coco_buf line = {.limit = 16};

    return coco_path_get(COCO_PATH_UV_GUEST, NULL, &path, NULL) == COCO_OK
           && coco_kernel_read_line(&coco_kernel, path, &line, NULL) == COCO_OK
           && strcmp(coco_buf_text(&line), "1") == 0;
}

/* A broker asks for both: a measurement without bytes would prove nothing. */
static coco_status
check_sizes(const struct coco_se_request *request, coco_error **err)
{
    if (request->measurement_size == 0)
        return coco_fail(err, COCO_ERR_LIMIT, "measurement_size is 0");
    if (request->additional_size == 0)
        return coco_fail(err, COCO_ERR_LIMIT, "additional_size is 0");
    return COCO_OK;
}

static coco_status
request_parse(const char *nonce, struct coco_se_request *ret, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_parse_object(nonce, strlen(nonce), &object, err);
    if (status == COCO_OK)
        status = coco_se_request_parse(object, ret, err);
    if (status == COCO_OK)
        status = check_sizes(ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "request of the KBS");
}

/* What the ultravisor filled in. */
struct answer {
    uint8_t measurement[COCO_SE_ADDITIONAL_MAX];
    uint8_t additional[COCO_SE_ADDITIONAL_MAX];
    struct coco_uv_attest attest;
};

static coco_status
ask(const struct coco_kernel *kernel, const struct coco_se_request *request, struct answer *answer,
    coco_error **err)
{
    struct coco_uv_block block = {
        .argument_addr = (uintptr_t)&answer->attest,
        .argument_len = sizeof(answer->attest),
    };
    _cleanup_free_ char *path = NULL;

    coco_status status = coco_path_get(COCO_PATH_UV, NULL, &path, err);
    if (status == COCO_OK)
        status = coco_kernel_ask(kernel, path, COCO_UV_ATTEST, &block, err);
    if (status != COCO_OK)
        return status;
    if (block.rc != COCO_UV_DONE || answer->attest.meas_len != request->measurement_size
        || answer->attest.add_data_len > request->additional_size)
        return coco_fail(err, COCO_ERR_IO, "the ultravisor does not answer: 0x%04x, reason 0x%04x",
                         block.rc, block.rrc);
    return COCO_OK;
}

/* All of it is lent. */
static coco_status
write_evidence(const struct coco_se_request *request, struct answer *answer,
               struct coco_buf *evidence, coco_error **err)
{
    struct coco_uv_attest *attest = &answer->attest;
    struct coco_se_evidence parts = {
        .measurement = {.data = answer->measurement, .len = attest->meas_len},
        .additional = {.data = answer->additional, .len = attest->add_data_len},
        .user = {.data = attest->user_data, .len = attest->user_data_len},
        .key = request->key,
        .nonce = request->nonce,
        .tags = request->tags,
    };

    memcpy(parts.cuid, attest->config_uid, sizeof(parts.cuid));
    return coco_se_evidence_format(&parts, evidence, err);
}

static coco_status
answer_request(const struct coco_kernel *kernel, const struct coco_evidence_request *asked,
               const struct coco_se_request *request, struct coco_buf *evidence, coco_error **err)
{
    _cleanup_free_ struct answer *answer = calloc(1, sizeof(*answer));

    if (!answer)
        return coco_fail_nomem(err);
    struct coco_uv_attest *attest = &answer->attest;
    attest->arcb_addr = (uintptr_t)request->control_block.data;
    attest->arcb_len = (uint32_t)request->control_block.len;
    attest->meas_addr = (uintptr_t)answer->measurement;
    attest->meas_len = (uint32_t)request->measurement_size;
    attest->add_data_addr = (uintptr_t)answer->additional;
    attest->add_data_len = (uint32_t)request->additional_size;
    attest->user_data_len = COCO_REPORT_DATA_MAX;
    memcpy(attest->user_data, asked->report_data, asked->len);

    coco_status status = ask(kernel, request, answer, err);
    if (status == COCO_OK)
        status = write_evidence(request, answer, evidence, err);
    return status;
}

static coco_status
collect(void *self, coco_ctx *ctx, const struct coco_evidence_request *asked,
        struct coco_buf *evidence, coco_error **err)
{
    const struct coco_machine *machine = self;
    _cleanup_se_request_ struct coco_se_request request = {0};

    (void)ctx;
    if (!asked->nonce)
        return coco_fail(err, COCO_ERR_INVALID,
                         "evidence of Secure Execution answers a request of a KBS, and there is "
                         "none");
    coco_status status = request_parse(asked->nonce, &request, err);
    if (status == COCO_OK)
        status = answer_request(machine->kernel, asked, &request, evidence, err);
    return status;
}

const struct coco_attester_driver coco_se_attester = {
    .tee = "se",
    .detect = detect,
    .open = coco_machine_open,
    .close = coco_machine_close,
    .collect = collect,
};
