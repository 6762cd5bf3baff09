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

/* The bytes of an array, which may be packed: see coco_json_parse_packed(). */
struct walk {
    const char *name;
    const char *packed; /* or NULL */
    const cJSON *item;
};

static coco_status
walk_begin(const cJSON *array, const char *name, struct walk *ret, coco_error **err)
{
    *ret = (struct walk){.name = name, .packed = coco_json_bytes(array)};
    if (!ret->packed && !cJSON_IsArray(array))
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' is not an array", name);
    if (!ret->packed)
        ret->item = array->child;
    return COCO_OK;
}

/* *more says whether there was one. */
static coco_status
walk_next(struct walk *walk, uint8_t *ret, bool *more, coco_error **err)
{
    const cJSON *item = walk->item;

    if (walk->packed) {
        *more = coco_json_next_byte(&walk->packed, ret);
        return COCO_OK;
    }
    *more = item != NULL;
    if (!item)
        return COCO_OK;
    walk->item = item->next;
    return get_byte(item, walk->name, ret, err);
}

/* The member, which must be there. */
static coco_status
find(const cJSON *object, const char *name, const cJSON **ret, coco_error **err)
{
    coco_status status = coco_json_get_any(object, name, ret, err);

    if (status == COCO_OK && cJSON_IsNull(*ret))
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' is missing", name);
    return status;
}

coco_status
coco_serde_get_bytes(const cJSON *object, const char *name, uint8_t *ret, size_t len,
                     coco_error **err)
{
    const cJSON *array = NULL;

    coco_status status = find(object, name, &array, err);
    if (status == COCO_OK)
        status = coco_serde_bytes(array, name, ret, len, err);
    return status;
}

coco_status
coco_serde_bytes(const cJSON *array, const char *name, uint8_t *ret, size_t len, coco_error **err)
{
    struct walk walk;
    uint8_t byte = 0;
    bool more = true;
    size_t at = 0;

    coco_status status = walk_begin(array, name, &walk, err);
    while (status == COCO_OK && more) {
        status = walk_next(&walk, &byte, &more, err);
        if (status == COCO_OK && more && at < len)
            ret[at] = byte;
        at += more;
    }
    if (status == COCO_OK && at != len)
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' has %zu bytes, not %zu", name, at, len);
    return status;
}

coco_status
coco_serde_get_buf(const cJSON *object, const char *name, struct coco_buf *ret, coco_error **err)
{
    const cJSON *array = NULL;
    struct walk walk;
    uint8_t bytes[256];
    bool more = true;

    coco_status status = find(object, name, &array, err);
    if (status == COCO_OK)
        status = walk_begin(array, name, &walk, err);
    while (status == COCO_OK && more) {
        size_t n = 0;

        while (status == COCO_OK && more && n < sizeof(bytes)) {
            status = walk_next(&walk, &bytes[n], &more, err);
            n += more;
        }
        if (status == COCO_OK)
            status = coco_buf_append(ret, bytes, n, err);
    }
    return status;
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
