/*
 * attester/sample.c - no TEE at all, as upstream has it for tests
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/driver.h"
#include "base/json.h"

/* It would be there on every machine and prove nothing: only named, never detected. */
static bool
never(void)
{
    return false;
}

static coco_status
write_evidence(const char *svn, const struct coco_evidence_request *request,
               struct coco_buf *evidence, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "svn", svn, err);
    if (status == COCO_OK)
        status =
            coco_json_add_base64(object, "report_data", request->report_data, request->len, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, evidence, err);
    return status;
}

static coco_status
collect(void *self, coco_ctx *ctx, const struct coco_evidence_request *request,
        struct coco_buf *evidence, coco_error **err)
{
    (void)self;
    (void)ctx;
    return write_evidence("1", request, evidence, err);
}

static coco_status
collect_of_device(void *self, coco_ctx *ctx, const struct coco_evidence_request *request,
                  struct coco_buf *evidence, coco_error **err)
{
    (void)self;
    (void)ctx;
    return write_evidence("2", request, evidence, err);
}

const struct coco_attester_driver coco_sample_attester = {
    .tee = "sample",
    .detect = never,
    .collect = collect,
};

const struct coco_attester_driver coco_sampledevice_attester = {
    .tee = "sampledevice",
    .detect = never,
    .device = true,
    .collect = collect_of_device,
};
