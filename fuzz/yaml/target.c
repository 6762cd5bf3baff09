/*
 * fuzz/yaml/target.c - what is read of YAML can be written as JSON and read again
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/yaml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_json_ cJSON *tree = NULL;
    _cleanup_json_ cJSON *again = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};

    if (coco_yaml_parse((const char *)data, len, &tree, NULL) != COCO_OK)
        return 0;
    if (coco_json_write(tree, COCO_JSON_COMPACT, &text, NULL) != COCO_OK
        || coco_json_parse_object(coco_buf_text(&text), text.len, &again, NULL) != COCO_OK
        || !coco_json_equal(tree, again))
        abort();
    return 0;
}
