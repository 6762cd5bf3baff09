/*
 * ocicrypt/provider_json.c - requests to key providers and their replies
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/provider_json.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/json.h"

#include <string.h>

#define WRAP "keywrap"
#define UNWRAP "keyunwrap"

void
coco_provider_request_done(struct coco_provider_request *request)
{
    for (size_t i = 0; i < request->n_parameters; i++)
        coco_secret_done(&request->parameters[i]);
    coco_secret_done(&request->data);
}

/* {"Parameters":{name:[base64]}}, and what upstream's provider insists on besides. */
static coco_status
add_config(cJSON *to, const char *member, const char *name, const char *parameter, cJSON **ret,
           coco_error **err)
{
    cJSON *config = NULL;
    cJSON *parameters = NULL;
    cJSON *array = NULL;

    coco_status status = coco_json_add_object(to, member, &config, err);
    if (status == COCO_OK)
        status = coco_json_add_object(config, "Parameters", &parameters, err);
    if (status == COCO_OK)
        status = coco_json_add_array(parameters, name, &array, err);
    /* What ocicrypt says where a user says nothing. */
    if (status == COCO_OK && !parameter)
        parameter = "Enabled";
    if (status == COCO_OK)
        status = coco_json_add_base64(array, NULL, parameter, strlen(parameter), err);
    *ret = config;
    return status;
}

static coco_status
add_wrap(cJSON *to, const char *name, const char *parameter, const struct coco_buf *data,
         coco_error **err)
{
    cJSON *params = NULL;
    cJSON *config = NULL;
    cJSON *decrypt = NULL;
    cJSON *none = NULL;

    coco_status status = coco_json_add_object(to, "keywrapparams", &params, err);
    if (status == COCO_OK)
        status = add_config(params, "ec", name, parameter, &config, err);
    if (status == COCO_OK)
        status = coco_json_add_object(config, "DecryptConfig", &decrypt, err);
    if (status == COCO_OK)
        status = coco_json_add_object(decrypt, "Parameters", &none, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(params, "optsdata", data->data, data->len, err);
    return status;
}

static coco_status
add_unwrap(cJSON *to, const char *name, const char *parameter, const struct coco_buf *data,
           coco_error **err)
{
    cJSON *params = NULL;
    cJSON *config = NULL;

    coco_status status = coco_json_add_object(to, "keyunwrapparams", &params, err);
    if (status == COCO_OK)
        status = add_config(params, "dc", name, parameter, &config, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(params, "annotation", data->data, data->len, err);
    return status;
}

/* The half of a request that is not meant. */
static coco_status
add_nothing(cJSON *to, const char *member, const char *first, const char *second, coco_error **err)
{
    cJSON *params = NULL;

    coco_status status = coco_json_add_object(to, member, &params, err);
    if (status == COCO_OK)
        status = coco_json_add_null(params, first, err);
    if (status == COCO_OK)
        status = coco_json_add_null(params, second, err);
    return status;
}

coco_status
coco_provider_request_write(const char *name, const char *parameter, bool wrap,
                            const struct coco_buf *data, struct coco_buf *text, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;

    coco_status status = coco_json_new_object(&json, err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "op", wrap ? WRAP : UNWRAP, err);
    if (status == COCO_OK && wrap)
        status = add_wrap(json, name, parameter, data, err);
    if (status == COCO_OK && !wrap)
        status = add_nothing(json, "keywrapparams", "ec", "optsdata", err);
    if (status == COCO_OK && !wrap)
        status = add_unwrap(json, name, parameter, data, err);
    if (status == COCO_OK && wrap)
        status = add_nothing(json, "keyunwrapparams", "dc", "annotation", err);
    if (status == COCO_OK)
        status = coco_json_write(json, COCO_JSON_COMPACT, text, err);
    return status;
}

static coco_status
read_numbers(const cJSON *array, struct coco_buf *bytes, coco_error **err)
{
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, array) {
        uint64_t number = 0;

        coco_status status = coco_json_u64(item, &number, err);
        if (status == COCO_OK && number > UINT8_MAX)
            status = coco_fail(err, COCO_ERR_PROTO, "a byte of more than 255");
        const uint8_t byte = (uint8_t)number;
        if (status == COCO_OK)
            status = coco_buf_append(bytes, &byte, 1, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

/* A string of base64, or an array of the bytes' numbers. */
static coco_status
read_bytes(const cJSON *value, const char *name, struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = COCO_PROVIDER_JSON_MAX};
    coco_status status = COCO_OK;

    if (cJSON_IsString(value))
        status = coco_base64_decode(COCO_BASE64, value->valuestring, strlen(value->valuestring),
                                    &bytes, err);
    else if (cJSON_IsArray(value))
        status = read_numbers(value, &bytes, err);
    else
        status = coco_fail(err, COCO_ERR_PROTO, "neither base64 nor an array of bytes");
    if (status == COCO_OK && bytes.len == 0)
        status = coco_fail(err, COCO_ERR_PROTO, "empty");
    if (status == COCO_OK)
        status = coco_secret_take(&bytes, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "member '%s'", name);
}

/* What ocicrypt-rs asks to wrap is the text of the private options, which no base64 is. */
static coco_status
read_options(const cJSON *params, struct coco_secret *ret, coco_error **err)
{
    const char *text = NULL;

    if (!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(params, "optsdata")))
        return read_bytes(cJSON_GetObjectItemCaseSensitive(params, "optsdata"), "optsdata", ret,
                          err);
    coco_status status = coco_json_get_string(params, "optsdata", &text, err);
    if (status == COCO_OK && text[0] == '{')
        return coco_secret_copy(text, strlen(text), ret, err);
    if (status == COCO_OK)
        status =
            read_bytes(cJSON_GetObjectItemCaseSensitive(params, "optsdata"), "optsdata", ret, err);
    return status;
}

/* Those for name; upstream looks at no other either. None of them is fine. */
static coco_status
read_parameters(const cJSON *params, const char *member, const char *name,
                struct coco_provider_request *ret, coco_error **err)
{
    const cJSON *config = NULL;
    const cJSON *parameters = NULL;
    const cJSON *array = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_get_object_opt(params, member, &config, err);
    if (status == COCO_OK && config)
        status = coco_json_get_object_opt(config, "Parameters", &parameters, err);
    if (status == COCO_OK && parameters)
        status = coco_json_get_array_opt(parameters, name, &array, err);
    if (status != COCO_OK)
        return status;
    cJSON_ArrayForEach(item, array) {
        if (ret->n_parameters == COCO_PROVIDER_PARAMETERS_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "more than %d parameters",
                             COCO_PROVIDER_PARAMETERS_MAX);
        status = read_bytes(item, name, &ret->parameters[ret->n_parameters], err);
        if (status != COCO_OK)
            return status;
        ret->n_parameters++;
    }
    return COCO_OK;
}

static coco_status
read_request(const cJSON *json, const char *name, struct coco_provider_request *ret,
             coco_error **err)
{
    const char *op = NULL;
    const cJSON *params = NULL;

    coco_status status = coco_json_get_string(json, "op", &op, err);
    if (status != COCO_OK)
        return status;
    ret->wrap = strcmp(op, WRAP) == 0;
    if (!ret->wrap && strcmp(op, UNWRAP) != 0)
        return coco_fail(err, COCO_ERR_PROTO, "op is neither " WRAP " nor " UNWRAP);
    status =
        coco_json_get_object(json, ret->wrap ? "keywrapparams" : "keyunwrapparams", &params, err);
    if (status == COCO_OK)
        status = read_parameters(params, ret->wrap ? "ec" : "dc", name, ret, err);
    if (status == COCO_OK && ret->wrap)
        status = read_options(params, &ret->data, err);
    if (status == COCO_OK && !ret->wrap)
        status = read_bytes(cJSON_GetObjectItemCaseSensitive(params, "annotation"), "annotation",
                            &ret->data, err);
    return status;
}

coco_status
coco_provider_request_read(const char *text, size_t len, const char *name,
                           struct coco_provider_request *ret, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    struct coco_provider_request request = {0};
    coco_status status = COCO_OK;

    if (len > COCO_PROVIDER_JSON_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "request to a key provider of more than %zu bytes",
                         COCO_PROVIDER_JSON_MAX);
    status = coco_json_parse_object(text, len, &json, err);
    if (status == COCO_OK)
        status = read_request(json, name, &request, err);
    if (status != COCO_OK) {
        coco_provider_request_done(&request);
        return coco_wrap(err, status, "request to a key provider");
    }
    *ret = request;
    return COCO_OK;
}

coco_status
coco_provider_reply_write(bool wrap, const void *data, size_t len, struct coco_buf *text,
                          coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    const uint8_t *bytes = data;
    cJSON *results = NULL;
    cJSON *array = NULL;

    coco_status status = coco_json_new_object(&json, err);
    if (status == COCO_OK)
        status =
            coco_json_add_object(json, wrap ? "keywrapresults" : "keyunwrapresults", &results, err);
    if (status == COCO_OK)
        status = coco_json_add_array(results, wrap ? "annotation" : "optsdata", &array, err);
    for (size_t i = 0; i < len && status == COCO_OK; i++)
        status = coco_json_add_u64(array, NULL, bytes[i], err);
    if (status == COCO_OK)
        status = coco_json_write(json, COCO_JSON_COMPACT, text, err);
    return status;
}

coco_status
coco_provider_reply_read(const char *text, size_t len, bool wrap, struct coco_secret *ret,
                         coco_error **err)
{
    const char *member = wrap ? "annotation" : "optsdata";
    _cleanup_json_ cJSON *json = NULL;
    const cJSON *results = NULL;
    coco_status status = COCO_OK;

    if (len > COCO_PROVIDER_JSON_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "reply of a key provider of more than %zu bytes",
                         COCO_PROVIDER_JSON_MAX);
    status = coco_json_parse_object(text, len, &json, err);
    if (status == COCO_OK)
        status =
            coco_json_get_object(json, wrap ? "keywrapresults" : "keyunwrapresults", &results, err);
    if (status == COCO_OK)
        status = read_bytes(cJSON_GetObjectItemCaseSensitive(results, member), member, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "reply of a key provider");
}
