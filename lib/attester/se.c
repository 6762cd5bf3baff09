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
#include "base/base64.h"
#include "base/fail.h"
#include "base/json.h"

#include <string.h>

/* Linux, arch/s390/include/uapi/asm/uvdevice.h */
#define CONTROL_BLOCK_MAX ((size_t)1 << 20)
#define ANSWER_MAX ((size_t)32 << 10)

#define TAGS_SIZE 208
#define KEY_MAX 1024 /* RSA-4096 has 512 bytes */

static bool
detect(void)
{
    _cleanup_free_ char *path = NULL;
    _cleanup_buf_ struct coco_buf line = {.limit = 16};

    return coco_path_get(COCO_PATH_UV_GUEST, NULL, &path, NULL) == COCO_OK
           && coco_kernel_read_line(&coco_kernel, path, &line, NULL) == COCO_OK
           && strcmp(coco_buf_text(&line), "1") == 0;
}

/* A request, and what goes back as it came. */
struct request {
    struct coco_buf control_block;
    uint64_t measurement_size;
    uint64_t additional_size;
    struct coco_buf key;
    struct coco_buf nonce;
    struct coco_buf tags;
};

static void
request_done(struct request *request)
{
    coco_buf_done(&request->control_block);
    coco_buf_done(&request->key);
    coco_buf_done(&request->nonce);
    coco_buf_done(&request->tags);
}

#define _cleanup_request_ _cleanup_(request_done)

static coco_status
get_bytes(const cJSON *object, const char *name, struct coco_buf *ret, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(object, name, &text, err);
    if (status != COCO_OK)
        return status;
    status = coco_base64_decode(COCO_BASE64, text, strlen(text), ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%s", name);
}

static coco_status
get_size(const cJSON *object, const char *name, uint64_t *ret, coco_error **err)
{
    coco_status status = coco_json_get_u64(object, name, ret, err);
    if (status == COCO_OK && (*ret == 0 || *ret > ANSWER_MAX))
        return coco_fail(err, COCO_ERR_LIMIT, "%s is not 1 to %zu", name, ANSWER_MAX);
    return status;
}

static coco_status
request_parse(const char *nonce, struct request *ret, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_parse_object(nonce, strlen(nonce), &object, err);
    if (status == COCO_OK)
        status = get_bytes(object, "request_blob", &ret->control_block, err);
    if (status == COCO_OK)
        status = get_size(object, "measurement_size", &ret->measurement_size, err);
    if (status == COCO_OK)
        status = get_size(object, "additional_size", &ret->additional_size, err);
    if (status == COCO_OK)
        status = get_bytes(object, "encr_measurement_key", &ret->key, err);
    if (status == COCO_OK)
        status = get_bytes(object, "encr_request_nonce", &ret->nonce, err);
    if (status == COCO_OK)
        status = get_bytes(object, "image_hdr_tags", &ret->tags, err);
    if (status == COCO_OK && ret->tags.len != TAGS_SIZE)
        status = coco_fail(err, COCO_ERR_PROTO, "image_hdr_tags has not %d bytes", TAGS_SIZE);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "request of the KBS");
}

/* What the ultravisor filled in. */
struct answer {
    uint8_t measurement[ANSWER_MAX];
    uint8_t additional[ANSWER_MAX];
    struct coco_uv_attest attest;
};

static coco_status
ask(const struct coco_kernel *kernel, const struct request *request, struct answer *answer,
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

static coco_status
add_buf(cJSON *object, const char *name, const struct coco_buf *buf, coco_error **err)
{
    return coco_json_add_base64(object, name, buf->data, buf->len, err);
}

static coco_status
write_evidence(const struct request *request, const struct answer *answer,
               struct coco_buf *evidence, coco_error **err)
{
    const struct coco_uv_attest *attest = &answer->attest;
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status =
            coco_json_add_base64(object, "measurement", answer->measurement, attest->meas_len, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(object, "additional_data", answer->additional,
                                      attest->add_data_len, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(object, "user_data", attest->user_data, attest->user_data_len,
                                      err);
    if (status == COCO_OK)
        status = coco_json_add_base64(object, "cuid", attest->config_uid,
                                      sizeof(attest->config_uid), err);
    if (status == COCO_OK)
        status = add_buf(object, "encr_measurement_key", &request->key, err);
    if (status == COCO_OK)
        status = add_buf(object, "encr_request_nonce", &request->nonce, err);
    if (status == COCO_OK)
        status = add_buf(object, "image_hdr_tags", &request->tags, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, evidence, err);
    return status;
}

static coco_status
answer_request(const struct coco_kernel *kernel, const struct coco_evidence_request *asked,
               const struct request *request, struct coco_buf *evidence, coco_error **err)
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
    _cleanup_request_ struct request request = {
        .control_block = {.limit = CONTROL_BLOCK_MAX},
        .key = {.limit = KEY_MAX},
        .nonce = {.limit = KEY_MAX},
        .tags = {.limit = TAGS_SIZE},
    };

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
