/*
 * fuzz/toml/target.c - what is read is a tree that JSON can hold
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/toml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_json_ cJSON *value = NULL;
    _cleanup_buf_ struct coco_buf json = {.limit = SIZE_MAX / 2};
    coco_error *err = NULL;

    coco_status status = coco_toml_parse((const char *)data, len, &value, &err);
    coco_error_free(err);
    if (status != COCO_OK) {
        if (value)
            abort();
        return 0;
    }
    if (value->type != cJSON_Object
        || coco_json_write(value, COCO_JSON_COMPACT, &json, NULL) != COCO_OK)
        abort();
    return 0;
}
