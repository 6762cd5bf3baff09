/*
 * base/json_build.c - making trees of JSON, and unmaking them
 *
 * All text of a tree is allocated through cJSON's hooks, which also free it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/json.h"

#include "base/base64.h"
#include "base/fail.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_SIZE sizeof("-9223372036854775808")

static void
wipe(cJSON *item)
{
    for (; item; item = item->next) {
        if (item->valuestring)
            OPENSSL_cleanse(item->valuestring, strlen(item->valuestring));
        wipe(item->child);
    }
}

void
coco_json_free(cJSON *value)
{
    wipe(value);
    cJSON_Delete(value);
}

coco_status
coco_json_new_object(cJSON **ret, coco_error **err)
{
    cJSON *object = cJSON_CreateObject();

    if (!object)
        return coco_fail_nomem(err);
    *ret = object;
    return COCO_OK;
}

coco_status
coco_json_add_item(cJSON *to, const char *name, cJSON *item, coco_error **err)
{
    bool added = name ? cJSON_AddItemToObject(to, name, item) : cJSON_AddItemToArray(to, item);

    if (!added) {
        coco_json_free(item);
        return coco_fail_nomem(err);
    }
    return COCO_OK;
}

/* Adds what a cJSON_Create function gave, which is NULL when memory is short. */
static coco_status
add(cJSON *to, const char *name, cJSON *item, coco_error **err)
{
    return item ? coco_json_add_item(to, name, item, err) : coco_fail_nomem(err);
}

coco_status
coco_json_add_string(cJSON *to, const char *name, const char *value, coco_error **err)
{
    return add(to, name, cJSON_CreateString(value), err);
}

static coco_status
add_number(cJSON *to, const char *name, const char *text, coco_error **err)
{
    cJSON *item = cJSON_CreateString(text);

    if (item)
        item->type = cJSON_Number;
    return add(to, name, item, err);
}

coco_status
coco_json_add_u64(cJSON *to, const char *name, uint64_t value, coco_error **err)
{
    char text[NUMBER_SIZE];

    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    return add_number(to, name, text, err);
}

coco_status
coco_json_add_i64(cJSON *to, const char *name, int64_t value, coco_error **err)
{
    char text[NUMBER_SIZE];

    (void)snprintf(text, sizeof(text), "%" PRId64, value);
    return add_number(to, name, text, err);
}

coco_status
coco_json_add_bool(cJSON *to, const char *name, bool value, coco_error **err)
{
    return add(to, name, cJSON_CreateBool(value), err);
}

coco_status
coco_json_add_null(cJSON *to, const char *name, coco_error **err)
{
    return add(to, name, cJSON_CreateNull(), err);
}

static coco_status
add_container(cJSON *to, const char *name, cJSON *container, cJSON **ret, coco_error **err)
{
    coco_status status = add(to, name, container, err);
    if (status == COCO_OK)
        *ret = container;
    return status;
}

coco_status
coco_json_add_object(cJSON *to, const char *name, cJSON **ret, coco_error **err)
{
    return add_container(to, name, cJSON_CreateObject(), ret, err);
}

coco_status
coco_json_add_array(cJSON *to, const char *name, cJSON **ret, coco_error **err)
{
    return add_container(to, name, cJSON_CreateArray(), ret, err);
}

coco_status
coco_json_add_copy(cJSON *to, const char *name, const cJSON *item, coco_error **err)
{
    cJSON *copy = cJSON_Duplicate(item, true);

    /* A member's name comes with it, and would be written in front of an array's item, too. */
    if (copy && !name && copy->string) {
        if (!(copy->type & cJSON_StringIsConst))
            cJSON_free(copy->string);
        copy->string = NULL;
    }
    return add(to, name, copy, err);
}

static coco_status
add_encoded(cJSON *to, const char *name, enum coco_base64 kind, const void *data, size_t len,
            coco_error **err)
{
    if (len > COCO_JSON_LONG_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %zu bytes", COCO_JSON_LONG_MAX);

    _cleanup_buf_ struct coco_buf text = {.limit = len / 3 * 4 + 4};
    coco_status status = coco_base64_encode(kind, data, len, &text, err);
    if (status != COCO_OK)
        return status;
    return coco_json_add_string(to, name, coco_buf_text(&text), err);
}

coco_status
coco_json_add_base64(cJSON *to, const char *name, const void *data, size_t len, coco_error **err)
{
    return add_encoded(to, name, COCO_BASE64, data, len, err);
}

coco_status
coco_json_add_base64url(cJSON *to, const char *name, const void *data, size_t len, coco_error **err)
{
    return add_encoded(to, name, COCO_BASE64URL, data, len, err);
}
