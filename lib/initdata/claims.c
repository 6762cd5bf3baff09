/*
 * initdata/claims.c - what a token says of init data
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"
#include "base/toml.h"
#include "initdata/initdata.h"

#include <string.h>

#define CLAIMS_MAX COCO_JSON_SIZE_MAX

/* The JSON behind "policy_data := ", if that is the last thing in the file. */
static cJSON *
policy_data(const char *rego)
{
    static const char mark[] = "policy_data := ";
    const char *at = strstr(rego, mark);
    cJSON *value = NULL;

    if (!at)
        return NULL;
    at += strlen(mark);
    if (coco_json_parse_object(at, strlen(at), &value, NULL) != COCO_OK)
        return NULL;
    return value;
}

static coco_status
add_file(cJSON *claims, const cJSON *file, coco_error **err)
{
    cJSON *value = NULL;
    const char *text = file->valuestring;

    if (strcmp(file->string, "policy.rego") == 0) {
        value = policy_data(text);
        if (value)
            return coco_json_add_item(claims, "agent_policy_claims", value, err);
    }
    if (strcmp(file->string, "aa.toml") == 0 || strcmp(file->string, "cdh.toml") == 0) {
        coco_status status = coco_toml_parse(text, strlen(text), &value, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "init data: %s", file->string);
        return coco_json_add_item(claims, file->string, value, err);
    }
    return coco_json_add_string(claims, file->string, text, err);
}

/*
 * Whoever reads the token must see one claim of a name: a file may be called
 * like what policy.rego becomes, and TOML tells names apart by their case.
 */
static coco_status
check_claims(const cJSON *claims, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = CLAIMS_MAX};
    _cleanup_json_ cJSON *read = NULL;

    coco_status status = coco_json_write(claims, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = coco_json_parse_object(coco_buf_text(&text), text.len, &read, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "init data: claims of a token");
}

coco_status
coco_initdata_claims(const coco_initdata *initdata, cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *claims = NULL;
    const cJSON *file;

    coco_status status = coco_json_new_object(&claims, err);
    cJSON_ArrayForEach(file, initdata->data) {
        if (status == COCO_OK)
            status = add_file(claims, file, err);
    }
    if (status == COCO_OK)
        status = check_claims(claims, err);
    if (status == COCO_OK)
        *ret = coco_steal(&claims);
    return status;
}
