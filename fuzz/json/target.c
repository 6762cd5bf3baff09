/*
 * fuzz/json/target.c - what is read can be written, and reads the same again, packed or not
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Writing what was read back must give the same text. */
static void
check_stable(const cJSON *value, enum coco_json_style style)
{
    _cleanup_buf_ struct coco_buf once = {.limit = SIZE_MAX / 2};
    _cleanup_buf_ struct coco_buf twice = {.limit = SIZE_MAX / 2};
    _cleanup_json_ cJSON *again = NULL;

    coco_status status = coco_json_write(value, style, &once, NULL);
    if (status == COCO_ERR_INVALID && style == COCO_JSON_CANONICAL)
        return; /* a number that no double holds */
    if (status != COCO_OK)
        abort();
    if (once.len > COCO_JSON_SIZE_MAX)
        return;
    if (coco_json_parse(coco_buf_text(&once), once.len, &again, NULL) != COCO_OK
        || coco_json_write(again, style, &twice, NULL) != COCO_OK)
        abort();
    if (once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
        abort();
}

/* Packed, the same texts are read, and written as they are otherwise. */
static void
check_packed(const cJSON *value, const char *text, size_t len)
{
    _cleanup_buf_ struct coco_buf plain = {.limit = SIZE_MAX / 2};
    _cleanup_buf_ struct coco_buf written = {.limit = SIZE_MAX / 2};
    _cleanup_json_ cJSON *packed = NULL;

    coco_status status = coco_json_parse_packed(text, len, &packed, NULL);
    if ((status == COCO_OK) != (value && cJSON_IsObject(value)))
        abort();
    if (status != COCO_OK)
        return;
    if (coco_json_write(value, COCO_JSON_COMPACT, &plain, NULL) != COCO_OK
        || coco_json_write(packed, COCO_JSON_COMPACT, &written, NULL) != COCO_OK)
        abort();
    if (plain.len != written.len || memcmp(plain.data, written.data, plain.len) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_json_ cJSON *value = NULL;
    coco_error *err = NULL;

    coco_status status = coco_json_parse((const char *)data, len, &value, &err);
    coco_error_free(err);
    check_packed(value, (const char *)data, len);
    if (status != COCO_OK) {
        if (value)
            abort();
        return 0;
    }
    check_stable(value, COCO_JSON_COMPACT);
    check_stable(value, COCO_JSON_CANONICAL);
    check_stable(value, COCO_JSON_PRETTY);
    return 0;
}
