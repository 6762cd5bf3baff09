/*
 * kbs/references.c - reference values
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/references.h"

#include "base/base64.h"
#include "base/fail.h"

#include <string.h>

#define VALUE_MAX ((size_t)1 << 20)
#define NAMED_MAX (VALUE_MAX + ((size_t)8 << 10)) /* a name, however it is escaped */
#define RVPS_VERSION "0.1.0"

static coco_status
store_value(struct coco_kbs_store *store, const char *name, const cJSON *value, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = VALUE_MAX};

    coco_status status = coco_json_write(value, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = coco_kbs_store_put(store, COCO_KBS_REFERENCE, name, text.data, text.len, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "reference value");
}

/*
 * All of them or none. They are looked at as a policy gets them: each is a member
 * of an object, and one that could not be written there would stop every policy.
 */
static coco_status
store_values(struct coco_kbs_store *store, const cJSON *values, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = NAMED_MAX};
    const cJSON *value;

    coco_status status = coco_json_write(values, COCO_JSON_COMPACT, &text, err);
    cJSON_ArrayForEach(value, values)
        if (status == COCO_OK)
            status = coco_kbs_store_check_name(value->string, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "reference value");
    cJSON_ArrayForEach(value, values)
        if (status == COCO_OK)
            status = store_value(store, value->string, value, err);
    return status;
}

coco_status
coco_kbs_reference_set(struct coco_kbs_store *store, const char *name, const char *value,
                       coco_error **err)
{
    _cleanup_json_ cJSON *named = NULL;
    cJSON *parsed = NULL;

    coco_status status = coco_json_new_object(&named, err);
    if (status == COCO_OK)
        status = coco_json_parse(value, strlen(value), &parsed, err);
    if (status == COCO_OK)
        status = coco_json_add_item(named, name, parsed, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "reference value");
    return store_values(store, named, err);
}

static coco_status
register_payload(struct coco_kbs_store *store, const char *payload, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = VALUE_MAX};
    _cleanup_json_ cJSON *values = NULL;

    coco_status status = coco_base64_decode(COCO_BASE64, payload, strlen(payload), &text, err);
    if (status == COCO_OK)
        status = coco_json_parse_object(coco_buf_text(&text), text.len, &values, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "payload");
    return store_values(store, values, err);
}

coco_status
coco_kbs_references_register(struct coco_kbs_store *store, const void *message, size_t len,
                             coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    const char *version = NULL;
    const char *type = NULL;
    const char *payload = NULL;

    coco_status status = coco_json_parse_object(message, len, &object, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "version", &version, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "type", &type, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "payload", &payload, err);
    if (status != COCO_OK)
        return status;
    if (strcmp(version, RVPS_VERSION) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "version of the message is not " RVPS_VERSION);
    if (strcmp(type, "sample") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "reference values come as type \"sample\"");
    return register_payload(store, payload, err);
}
