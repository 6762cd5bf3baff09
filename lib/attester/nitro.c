/*
 * attester/nitro.c - AWS Nitro Enclaves: documents of the security module
 *
 * {"Attestation":{"nonce":...}} -> {"Attestation":{"document":...}}, or {"Error":"..."}
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/nitro.h"

#include "attester/paths.h"
#include "base/cbor.h"
#include "base/fail.h"
#include "base/json.h"

#include <string.h>

#define ERROR_MAX 40

static bool
detect(void)
{
    return coco_path_exists(COCO_PATH_NSM);
}

/* Report data is the nonce; the other two fields are for what an enclave wants to say besides. */
static coco_status
write_request(const struct coco_evidence_request *request, struct coco_buf *buf, coco_error **err)
{
    struct coco_cbor_writer w = coco_cbor_writer_of(buf, err);

    coco_cbor_put_map(&w, 1);
    coco_cbor_put_string(&w, "Attestation");
    coco_cbor_put_map(&w, 3);
    coco_cbor_put_string(&w, "user_data");
    coco_cbor_put_null(&w);
    coco_cbor_put_string(&w, "nonce");
    coco_cbor_put_bytes(&w, request->report_data, request->len);
    coco_cbor_put_string(&w, "public_key");
    coco_cbor_put_null(&w);
    return w.status;
}

static coco_status
read_response(const uint8_t *data, size_t len, struct coco_cbor_string *document, coco_error **err)
{
    struct coco_cbor response;
    struct coco_cbor item;
    struct coco_cbor_string why;

    coco_status status = coco_cbor_parse(data, len, "response of the NSM", &response, err);
    if (status != COCO_OK)
        return status;
    if (coco_cbor_find_text(response, "Error", &item)
        && coco_cbor_text(item, &why, NULL) == COCO_OK)
        return coco_fail(err, COCO_ERR_IO, "the NSM says: %.*s",
                         (int)(why.len < ERROR_MAX ? why.len : ERROR_MAX), (const char *)why.data);
    if (!coco_cbor_find_text(response, "Attestation", &item)
        || !coco_cbor_find_text(item, "document", &item))
        return coco_fail(err, COCO_ERR_PROTO, "response of the NSM has no document");
    return coco_cbor_bytes(item, document, err);
}

static coco_status
write_evidence(struct coco_cbor_string document, struct coco_buf *evidence, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(object, "document", document.data, document.len, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, evidence, err);
    return status;
}

static coco_status
ask(const struct coco_kernel *kernel, const struct coco_buf *request,
    uint8_t *response, /* the device's to write. NOLINT(readability-non-const-parameter) */
    size_t *len, coco_error **err)
{
    struct coco_nsm_message message = {
        .request_addr = (uintptr_t)request->data,
        .request_len = request->len,
        .response_addr = (uintptr_t)response,
        .response_len = COCO_NSM_RESPONSE_MAX,
    };
    _cleanup_free_ char *path = NULL;

    coco_status status = coco_path_get(COCO_PATH_NSM, NULL, &path, err);
    if (status == COCO_OK)
        status = coco_kernel_ask(kernel, path, COCO_NSM_RAW, &message, err);
    if (status != COCO_OK)
        return status;
    if (message.response_len > COCO_NSM_RESPONSE_MAX)
        return coco_fail(err, COCO_ERR_IO, "the NSM answers more than there is room for");
    *len = (size_t)message.response_len;
    return COCO_OK;
}

static coco_status
collect(void *self, coco_ctx *ctx, const struct coco_evidence_request *request,
        struct coco_buf *evidence, coco_error **err)
{
    const struct coco_machine *machine = self;
    _cleanup_buf_ struct coco_buf question = {.limit = COCO_NSM_REQUEST_MAX};
    uint8_t response[COCO_NSM_RESPONSE_MAX];
    struct coco_cbor_string document;
    size_t len = 0;

    (void)ctx;
    coco_status status = write_request(request, &question, err);
    if (status == COCO_OK)
        status = ask(machine->kernel, &question, response, &len, err);
    if (status == COCO_OK)
        status = read_response(response, len, &document, err);
    if (status == COCO_OK)
        status = write_evidence(document, evidence, err);
    return status;
}

const struct coco_attester_driver coco_nitro_attester = {
    .tee = "nitro",
    .detect = detect,
    .open = coco_machine_open,
    .close = coco_machine_close,
    .collect = collect,
};
