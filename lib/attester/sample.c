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
collect(void *self, const uint8_t *report_data, size_t len, struct coco_buf *evidence,
        coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    (void)self;
    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "svn", "1", err);
    if (status == COCO_OK)
        status = coco_json_add_base64(object, "report_data", report_data, len, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, evidence, err);
    return status;
}

const struct coco_attester_driver coco_sample_attester = {
    .tee = "sample",
    .detect = never,
    .collect = collect,
};
