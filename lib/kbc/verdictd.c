/*
 * kbc/verdictd.c - what Verdictd is asked, once there is TLS (guest-protocols 5.10)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/verdictd.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/json.h"

#include <openssl/crypto.h>
#include <string.h>

#define RECORD_SIZE ((size_t)16384) /* of TLS; one that is full has another behind it */
#define REQUEST_MAX ((size_t)4096)  /* what the server reads at once */
#define REPLY_MAX ((size_t)1 << 20)
#define KEY_MAX ((size_t)64 << 10)
#define SIZE_DIGITS_MAX 8

/* ---- replies ---- */

/* COCO_OK for "OK"; "Fail" is one of many things, of which the error is all that is told. */
static coco_status
check_status(const cJSON *reply, coco_error **err)
{
    const char *status = NULL;
    const char *why = NULL;

    coco_status rc = coco_json_get_string(reply, "status", &status, err);
    if (rc != COCO_OK || strcmp(status, "OK") == 0)
        return rc;
    if (strcmp(status, "Fail") != 0)
        return coco_fail(err, COCO_ERR_PROTO, "status '%.40s'", status);
    rc = coco_json_get_string_opt(reply, "error", &why, err);
    if (rc != COCO_OK)
        return rc;
    return coco_fail(err, COCO_ERR_NOTFOUND, "Verdictd says: %.200s", why ? why : "Fail");
}

coco_status
coco_verdictd_parse_version(const struct coco_buf *reply, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    const char *version = NULL;

    coco_status status = coco_json_parse_object(coco_buf_text(reply), reply->len, &object, err);
    if (status == COCO_OK)
        status = check_status(object, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "version", &version, err);
    if (status == COCO_OK && strcmp(version, "v1") != 0)
        status = coco_fail(err, COCO_ERR_PROTO, "version '%.40s' of Verdictd", version);
    return status;
}

coco_status
coco_verdictd_parse_text(const struct coco_buf *reply, const char *name, struct coco_buf *text,
                         coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    const cJSON *data = NULL;
    const char *value = NULL;

    coco_status status = coco_json_parse_object(coco_buf_text(reply), reply->len, &object, err);
    if (status == COCO_OK)
        status = check_status(object, err);
    if (status == COCO_OK)
        status = coco_json_get_object(object, "data", &data, err);
    if (status == COCO_OK)
        status = coco_json_get_string(data, name, &value, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(text, value, err);
    return status;
}

/* A failure comes in a resource's place, as one: an object that says "Fail". */
static coco_status
check_resource(const struct coco_buf *bytes, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    const cJSON *status = NULL;

    if (bytes->len == 0 || bytes->data[0] != '{'
        || coco_json_parse_object(coco_buf_text(bytes), bytes->len, &object, NULL) != COCO_OK)
        return COCO_OK;
    status = cJSON_GetObjectItemCaseSensitive(object, "status");
    if (!cJSON_IsString(status) || strcmp(status->valuestring, "Fail") != 0
        || !cJSON_GetObjectItemCaseSensitive(object, "error"))
        return COCO_OK;
    return check_status(object, err);
}

coco_status
coco_verdictd_parse_resource(const struct coco_buf *reply, struct coco_secret *ret,
                             coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = COCO_VERDICTD_RESOURCE_MAX};

    coco_status status =
        coco_base64_decode(COCO_BASE64, coco_buf_text(reply), reply->len, &bytes, err);
    if (status == COCO_OK)
        status = check_resource(&bytes, err);
    if (status == COCO_OK)
        status = coco_secret_take(&bytes, ret, err);
    return status;
}

/* ---- requests ---- */

static coco_status
receive(struct coco_stream *stream, size_t expected, struct coco_buf *reply, coco_error **err)
{
    uint8_t record[RECORD_SIZE];
    coco_status status = COCO_OK;
    size_t n = RECORD_SIZE;

    while (status == COCO_OK && n == RECORD_SIZE && reply->len < expected) {
        status = coco_stream_read(stream, record, sizeof(record), &n, err);
        if (status == COCO_OK)
            status = coco_buf_append(reply, record, n, err);
    }
    OPENSSL_cleanse(record, sizeof(record));
    if (status == COCO_OK && reply->len == 0)
        status = coco_fail(err, COCO_ERR_NET, "Verdictd has closed the connection");
    return status;
}

static coco_status
ask(struct coco_stream *stream, const cJSON *request, size_t expected, struct coco_buf *reply,
    coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = REQUEST_MAX};

    coco_status status = coco_json_write(request, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = coco_stream_write(stream, text.data, text.len, err);
    if (status == COCO_OK)
        status = receive(stream, expected, reply, err);
    return status;
}

static coco_status
new_request(const char *command, cJSON **ret, coco_error **err)
{
    coco_status status = coco_json_new_object(ret, err);

    return status == COCO_OK ? coco_json_add_string(*ret, "command", command, err) : status;
}

coco_status
coco_verdictd_greet(struct coco_stream *stream, coco_error **err)
{
    _cleanup_buf_ struct coco_buf reply = {.limit = REPLY_MAX};
    _cleanup_json_ cJSON *request = NULL;

    coco_status status = new_request("version", &request, err);
    if (status == COCO_OK)
        status = ask(stream, request, REPLY_MAX, &reply, err);
    if (status == COCO_OK)
        status = coco_verdictd_parse_version(&reply, err);
    return status;
}

static coco_status
add_first(cJSON *request, const char *name, const char *value, coco_error **err)
{
    cJSON *list = NULL;
    coco_status status = coco_json_add_array(request, name, &list, err);

    return status == COCO_OK ? coco_json_add_string(list, NULL, value, err) : status;
}

coco_status
coco_verdictd_get_key(struct coco_stream *stream, const char *id, struct coco_secret *ret,
                      coco_error **err)
{
    _cleanup_buf_ struct coco_buf reply = {.limit = REPLY_MAX};
    _cleanup_buf_ struct coco_buf text = {.limit = 2 * KEY_MAX};
    _cleanup_buf_ struct coco_buf key = {.limit = KEY_MAX};
    _cleanup_json_ cJSON *request = NULL;

    coco_status status = new_request("Get KEK", &request, err);
    if (status == COCO_OK)
        status = add_first(request, "kids", id, err);
    if (status == COCO_OK)
        status = ask(stream, request, REPLY_MAX, &reply, err);
    if (status == COCO_OK)
        status = coco_verdictd_parse_text(&reply, id, &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, coco_buf_text(&text), text.len, &key, err);
    if (status == COCO_OK)
        status = coco_secret_take(&key, ret, err);
    return status;
}

/* How many bytes of base64 there will be. */
static coco_status
get_size(struct coco_stream *stream, const char *path, size_t *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf reply = {.limit = REPLY_MAX};
    _cleanup_buf_ struct coco_buf text = {.limit = SIZE_DIGITS_MAX};
    _cleanup_json_ cJSON *request = NULL;
    size_t size = 0;

    coco_status status = new_request("Get Resource Info", &request, err);
    if (status == COCO_OK)
        status = coco_json_add_string(request, "name", path, err);
    if (status == COCO_OK)
        status = ask(stream, request, REPLY_MAX, &reply, err);
    if (status == COCO_OK)
        status = coco_verdictd_parse_text(&reply, "base64size", &text, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return coco_fail(err, COCO_ERR_PROTO, "size of a resource is no number");
        size = size * 10 + (size_t)(text.data[i] - '0');
    }
    if (size == 0 || size > COCO_VERDICTD_RESOURCE_MAX)
        return coco_fail(err, size == 0 ? COCO_ERR_PROTO : COCO_ERR_LIMIT, "resource of %zu bytes",
                         size);
    *ret = size;
    return COCO_OK;
}

coco_status
coco_verdictd_get_resource(struct coco_stream *stream, const char *path, struct coco_secret *ret,
                           coco_error **err)
{
    _cleanup_buf_ struct coco_buf reply = {.limit = COCO_VERDICTD_RESOURCE_MAX};
    _cleanup_json_ cJSON *request = NULL;
    cJSON *optional = NULL;
    size_t size = 0;

    coco_status status = get_size(stream, path, &size, err);
    if (status == COCO_OK)
        status = new_request("Get Resource", &request, err);
    if (status == COCO_OK)
        status = coco_json_add_object(request, "optional", &optional, err);
    if (status == COCO_OK)
        status = coco_json_add_string(optional, "resource_path", path, err);
    if (status == COCO_OK)
        status = ask(stream, request, size, &reply, err);
    if (status == COCO_OK)
        status = coco_verdictd_parse_resource(&reply, ret, err);
    return status;
}
