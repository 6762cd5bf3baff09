/*
 * attester/sgx.c - Intel SGX: quotes of an enclave that a library OS runs
 *
 * Gramine makes up files of /dev/attestation, Occlum a device.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/sgx.h"

#include "attester/paths.h"
#include "base/fail.h"
#include "base/json.h"
#include "tee/quote.h"

#include <stdlib.h>
#include <string.h>

#define REPORT_DATA_SIZE 64
/* Occlum sets it in each of its enclaves, upstream's agent looks at it. */
#define OCCLUM_VARIABLE "OCCLUM"

static bool
is_occlum(void)
{
    return secure_getenv(OCCLUM_VARIABLE) != NULL;
}

/* Gramine without attestation says "none", and with what came before DCAP "epid". */
static bool
is_gramine(const struct coco_kernel *kernel)
{
    _cleanup_free_ char *path = NULL;
    _cleanup_buf_ struct coco_buf line = {.limit = 16};

    return coco_path_get(COCO_PATH_GRAMINE, "attestation_type", &path, NULL) == COCO_OK
           && coco_kernel_read_line(kernel, path, &line, NULL) == COCO_OK
           && strcmp(coco_buf_text(&line), "dcap") == 0;
}

static bool
detect(void)
{
    return is_occlum() || is_gramine(&coco_kernel);
}

/* What is read is the quote of what was written last. */
static coco_status
ask_gramine(const struct coco_kernel *kernel, const uint8_t report_data[REPORT_DATA_SIZE],
            struct coco_buf *quote, coco_error **err)
{
    _cleanup_free_ char *question = NULL;
    _cleanup_free_ char *answer = NULL;

    coco_status status = coco_path_get(COCO_PATH_GRAMINE, "user_report_data", &question, err);
    if (status == COCO_OK)
        status = coco_path_get(COCO_PATH_GRAMINE, "quote", &answer, err);
    if (status == COCO_OK)
        status = coco_kernel_write(kernel, question, report_data, REPORT_DATA_SIZE, err);
    if (status == COCO_OK)
        status = coco_kernel_read(kernel, answer, quote, err);
    return status;
}

static coco_status
ask_occlum(const struct coco_kernel *kernel, const uint8_t report_data[REPORT_DATA_SIZE],
           struct coco_buf *quote, coco_error **err)
{
    _cleanup_free_ char *path = NULL;
    _cleanup_free_ uint8_t *room = NULL;
    uint32_t size = 0;

    coco_status status = coco_path_get(COCO_PATH_OCCLUM, NULL, &path, err);
    if (status == COCO_OK)
        status = coco_kernel_ask(kernel, path, COCO_OCCLUM_QUOTE_SIZE, &size, err);
    if (status != COCO_OK)
        return status;
    if (size == 0 || size > COCO_QUOTE_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "a quote of %u bytes, not 1 to %zu", size,
                         COCO_QUOTE_SIZE_MAX);
    room = calloc(1, size);
    if (!room)
        return coco_fail_nomem(err);
    uint32_t len = size;
    struct coco_occlum_quote_request request = {
        .report_data = (uintptr_t)report_data,
        .quote_len = (uintptr_t)&len,
        .quote = (uintptr_t)room,
    };
    status = coco_kernel_ask(kernel, path, COCO_OCCLUM_QUOTE, &request, err);
    if (status == COCO_OK && len > size)
        status =
            coco_fail(err, COCO_ERR_IO, "a quote of %u bytes where %u were promised", len, size);
    return status == COCO_OK ? coco_buf_append(quote, room, len, err) : status;
}

/* T30: another thread of the enclave may have written meanwhile. */
static coco_status
check_quote(const struct coco_buf *data, const uint8_t report_data[REPORT_DATA_SIZE],
            coco_error **err)
{
    struct coco_quote quote;

    coco_status status = coco_quote_parse(data->data, data->len, &quote, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "quote of the enclave");
    if (quote.body != COCO_QUOTE_SGX
        || memcmp(quote.sgx.report_data, report_data, sizeof(quote.sgx.report_data)) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "quote of the enclave holds other report data");
    return COCO_OK;
}

/* Upstream's: {"quote":"<base64>"}. */
static coco_status
write_evidence(const struct coco_buf *quote, struct coco_buf *evidence, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(object, "quote", quote->data, quote->len, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, evidence, err);
    return status;
}

static coco_status
collect(void *self, coco_ctx *ctx, const struct coco_evidence_request *request,
        struct coco_buf *evidence, coco_error **err)
{
    const struct coco_machine *machine = self;
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX};
    uint8_t report_data[REPORT_DATA_SIZE] = {0};

    (void)ctx;
    memcpy(report_data, request->report_data, request->len);
    coco_status status = is_occlum() ? ask_occlum(machine->kernel, report_data, &quote, err)
                                     : ask_gramine(machine->kernel, report_data, &quote, err);
    if (status == COCO_OK)
        status = check_quote(&quote, report_data, err);
    if (status == COCO_OK)
        status = write_evidence(&quote, evidence, err);
    return status;
}

const struct coco_attester_driver coco_sgx_attester = {
    .tee = "sgx",
    .detect = detect,
    .open = coco_machine_open,
    .close = coco_machine_close,
    .collect = collect,
};
