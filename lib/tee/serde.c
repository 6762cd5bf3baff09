/*
 * tee/serde.c - bytes in JSON as Rust's serde writes them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/serde.h"

#include "base/fail.h"

static coco_status
get_byte(const cJSON *item, const char *name, uint8_t *ret, coco_error **err)
{
    uint64_t value = 0;

    if (!cJSON_IsNumber(item) || coco_json_u64(item, &value, NULL) != COCO_OK || value > UINT8_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' has what is no byte", name);
    *ret = (uint8_t)value;
    return COCO_OK;
}

coco_status
coco_serde_get_bytes(const cJSON *object, const char *name, uint8_t *ret, size_t len,
                     coco_error **err)
{
    const cJSON *array = NULL;

    coco_status status = coco_json_get_array(object, name, &array, err);
    if (status == COCO_OK)
        status = coco_serde_bytes(array, name, ret, len, err);
    return status;
}

coco_status
coco_serde_bytes(const cJSON *array, const char *name, uint8_t *ret, size_t len, coco_error **err)
{
    coco_status status = COCO_OK;
    const cJSON *item;
    size_t at = 0;

    if (!cJSON_IsArray(array))
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' has what is no array", name);
    cJSON_ArrayForEach(item, array) {
        if (at < len)
            status = get_byte(item, name, &ret[at], err);
        if (status != COCO_OK)
            return status;
        at++;
    }
    if (at != len)
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' has %zu bytes, not %zu", name, at, len);
    return COCO_OK;
}

coco_status
coco_serde_get_buf(const cJSON *object, const char *name, struct coco_buf *ret, coco_error **err)
{
    const cJSON *array = NULL;
    const cJSON *item;

    coco_status status = coco_json_get_array(object, name, &array, err);
    if (status != COCO_OK)
        return status;
    cJSON_ArrayForEach(item, array) {
        uint8_t byte = 0;

        status = get_byte(item, name, &byte, err);
        if (status == COCO_OK)
            status = coco_buf_append(ret, &byte, 1, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

static coco_status
check_max(const char *name, uint64_t max, uint64_t value, uint64_t *ret, coco_error **err)
{
    if (value > max)
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' is too large", name);
    *ret = value;
    return COCO_OK;
}

coco_status
coco_serde_get_number(const cJSON *object, const char *name, uint64_t max, uint64_t *ret,
                      coco_error **err)
{
    uint64_t value = 0;

    coco_status status = coco_json_get_u64(object, name, &value, err);
    return status == COCO_OK ? check_max(name, max, value, ret, err) : status;
}

coco_status
coco_serde_get_number_opt(const cJSON *object, const char *name, uint64_t max, uint64_t *ret,
                          coco_error **err)
{
    uint64_t value = 0;

    coco_status status = coco_json_get_u64_opt(object, name, 0, &value, err);
    return status == COCO_OK ? check_max(name, max, value, ret, err) : status;
}

coco_status
coco_serde_add_bytes(cJSON *object, const char *name, const uint8_t *data, size_t len,
                     coco_error **err)
{
    cJSON *array = NULL;

    coco_status status = coco_json_add_array(object, name, &array, err);
    for (size_t i = 0; i < len && status == COCO_OK; i++)
        status = coco_json_add_u64(array, NULL, data[i], err);
    return status;
}
