/*
 * references/file.c - files of reference values, in JSON and in all forms
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/base64.h"
#include "base/bytes.h"
#include "base/fail.h"
#include "crypto/cose.h"
#include "references/references.h"

#include <string.h>

#define ENDS "expirations" /* of a message, by name: ours alone */

/* ---- JSON, read ---- */

/* As RVPS keeps it (Trustee, rvps/src/reference_value.rs). */
static coco_status
read_entry(const cJSON *entry, coco_references *ret, coco_error **err)
{
    static const char *const known[] = {"version", "name", "expiration", "value", NULL};
    _cleanup_json_ cJSON *holder = NULL;
    const char *version = NULL;
    const char *name = NULL;
    const char *expiration = NULL;
    const cJSON *value = NULL;
    int64_t expires = 0;

    if (!cJSON_IsObject(entry))
        return coco_fail(err, COCO_ERR_PROTO, "entry that is no object");
    coco_status status = coco_json_check_members(entry, known, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(entry, "version", &version, err);
    if (status == COCO_OK)
        status = coco_json_get_string(entry, "name", &name, err);
    if (status == COCO_OK)
        status = coco_json_get_string(entry, "expiration", &expiration, err);
    if (status == COCO_OK)
        status = coco_json_get_any(entry, "value", &value, err);
    if (status == COCO_OK)
        status = coco_reference_time_parse(expiration, &expires, err);
    if (status == COCO_OK && version && strcmp(version, COCO_REFERENCE_VERSION) != 0)
        status = coco_fail(err, COCO_ERR_NOTSUP, "version is not " COCO_REFERENCE_VERSION);
    if (status == COCO_OK)
        status = coco_json_new_object(&holder, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(holder, "value", value, err);
    if (status != COCO_OK)
        return status;
    return coco_references_put(ret, name, cJSON_DetachItemViaPointer(holder, holder->child),
                               expires, err);
}

static coco_status
read_entries(const cJSON *list, coco_references *ret, coco_error **err)
{
    coco_status status = COCO_OK;
    const cJSON *entry;
    size_t i = 0;

    cJSON_ArrayForEach(entry, list) {
        status = read_entry(entry, ret, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "reference value %zu", i);
        i++;
    }
    return COCO_OK;
}

/* {name: value}, which is emptied. */
static coco_status
read_values(cJSON *object, coco_references *ret, coco_error **err)
{
    while (object->child) {
        cJSON *value = cJSON_DetachItemViaPointer(object, object->child);
        _cleanup_free_ char *name = strdup(value->string);

        if (!name) {
            coco_json_free(value);
            return coco_fail_nomem(err);
        }
        coco_status status = coco_references_put(ret, name, value, 0, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "reference value '%.80s'", name);
    }
    return COCO_OK;
}

/* What a message of type "sample" says of when its values end. */
static coco_status
read_ends(const cJSON *message, coco_references *references, coco_error **err)
{
    const cJSON *ends = NULL;
    const cJSON *end;

    coco_status status = coco_json_get_object_opt(message, ENDS, &ends, err);
    cJSON_ArrayForEach(end, ends) {
        struct coco_reference *value = coco_references_find(references, end->string);

        if (status == COCO_OK && (!value || !cJSON_IsString(end)))
            status = coco_fail(err, COCO_ERR_PROTO, "end of '%.80s', which is no value or no time",
                               end->string);
        if (status == COCO_OK)
            status = coco_reference_time_parse(end->valuestring, &value->expires, err);
    }
    return status;
}

/* kbs-protocol C.3. */
static coco_status
read_message(const cJSON *message, coco_references *ret, coco_error **err)
{
    static const char *const known[] = {"version", "type", "payload", ENDS, NULL};
    _cleanup_buf_ struct coco_buf payload = {.limit = COCO_REFERENCES_FILE_MAX};
    _cleanup_json_ cJSON *values = NULL;
    const char *version = NULL;
    const char *type = NULL;
    const char *text = NULL;

    coco_status status = coco_json_check_members(message, known, err);
    if (status == COCO_OK)
        status = coco_json_get_string(message, "version", &version, err);
    if (status == COCO_OK)
        status = coco_json_get_string(message, "type", &type, err);
    if (status == COCO_OK)
        status = coco_json_get_string(message, "payload", &text, err);
    if (status == COCO_OK && strcmp(version, COCO_REFERENCE_VERSION) != 0)
        status = coco_fail(err, COCO_ERR_NOTSUP, "version is not " COCO_REFERENCE_VERSION);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, text, strlen(text), &payload, err);
    if (status != COCO_OK)
        return status;
    if (strcmp(type, "sample") != 0 && cJSON_GetObjectItemCaseSensitive(message, ENDS))
        return coco_fail(err, COCO_ERR_PROTO, "'" ENDS "' of type '%.20s'", type);
    if (strcmp(type, "corim") == 0)
        return coco_references_read_corim(payload.data, payload.len, ret, err);
    if (strcmp(type, "sample") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "values of type '%.20s'", type);
    status = coco_json_parse_object(coco_buf_text(&payload), payload.len, &values, err);
    if (status == COCO_OK)
        status = read_values(values, ret, err);
    return status == COCO_OK ? read_ends(message, ret, err) : status;
}

/* One value that "coco measure --json" tells; those that cannot be known have none. */
static coco_status
read_measured(const cJSON *entry, coco_references *ret, coco_error **err)
{
    const char *name = NULL;
    const char *value = NULL;
    bool single = false;

    coco_status status = coco_json_get_string(entry, "name", &name, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(entry, "value", &value, err);
    if (status == COCO_OK)
        status = coco_json_get_bool_opt(entry, "single", false, &single, err);
    if (status != COCO_OK || !value)
        return status;
    cJSON *item = cJSON_CreateString(value);
    if (!item)
        return coco_fail_nomem(err);
    return single ? coco_references_put(ret, name, item, 0, err)
                  : coco_references_append(ret, name, item, 0, err);
}

static coco_status
read_measurement(const cJSON *object, coco_references *ret, coco_error **err)
{
    const cJSON *list = NULL;
    const cJSON *entry;

    coco_status status = coco_json_get_array(object, "values", &list, err);
    cJSON_ArrayForEach(entry, list) {
        if (status == COCO_OK && !cJSON_IsObject(entry))
            status = coco_fail(err, COCO_ERR_PROTO, "value that is no object");
        if (status == COCO_OK)
            status = read_measured(entry, ret, err);
    }
    return status == COCO_OK ? status : coco_wrap(err, status, "measurement");
}

/* Whether object has just these members. */
static bool
has_just(const cJSON *object, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!cJSON_GetObjectItemCaseSensitive(object, names[i]))
            return false;
    return cJSON_GetArraySize(object) == (int)n;
}

/* Whether an object, which may be {name: value}, is taken for a message or a measurement. */
static bool
is_message(const cJSON *object)
{
    static const char *const names[] = {"version", "type", "payload", ENDS};

    return has_just(object, names, 3) || has_just(object, names, 4);
}

static bool
is_measurement(const cJSON *object)
{
    static const char *const names[] = {"tee", "values"};

    return has_just(object, names, 2)
           && cJSON_IsString(cJSON_GetObjectItemCaseSensitive(object, "tee"));
}

coco_status
coco_references_read_json(const char *text, size_t len, coco_references *ret, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;

    coco_status status = coco_json_parse(text, len, &json, err);
    if (status != COCO_OK)
        return status;
    if (cJSON_IsArray(json))
        return read_entries(json, ret, err);
    if (!cJSON_IsObject(json))
        return coco_fail(err, COCO_ERR_PROTO, "no list and no object of reference values");
    if (is_message(json))
        return read_message(json, ret, err);
    if (is_measurement(json))
        return read_measurement(json, ret, err);
    return read_values(json, ret, err);
}

/* ---- JSON, written ---- */

static coco_status
add_entry(cJSON *list, const struct coco_reference *value, coco_error **err)
{
    char time[COCO_REFERENCE_TIME_SIZE];
    cJSON *entry = NULL;

    if (value->expires == 0)
        return coco_fail(err, COCO_ERR_INVALID, "value '%.80s': nobody said when it ends",
                         value->name);
    coco_status status = coco_reference_time_format(value->expires, time, err);
    if (status == COCO_OK)
        status = coco_json_add_object(list, NULL, &entry, err);
    if (status == COCO_OK)
        status = coco_json_add_string(entry, "version", COCO_REFERENCE_VERSION, err);
    if (status == COCO_OK)
        status = coco_json_add_string(entry, "name", value->name, err);
    if (status == COCO_OK)
        status = coco_json_add_string(entry, "expiration", time, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(entry, "value", value->value, err);
    return status;
}

coco_status
coco_references_write_json(const coco_references *references, struct coco_buf *buf,
                           coco_error **err)
{
    _cleanup_json_ cJSON *holder = NULL;
    cJSON *list = NULL;

    coco_status status = coco_json_new_object(&holder, err);
    if (status == COCO_OK)
        status = coco_json_add_array(holder, "list", &list, err);
    for (size_t i = 0; i < references->n && status == COCO_OK; i++)
        status = add_entry(list, &references->values[i], err);
    if (status == COCO_OK)
        status = coco_json_write(list, COCO_JSON_PRETTY, buf, err);
    return status == COCO_OK ? coco_buf_append_text(buf, "\n", err) : status;
}

coco_status
coco_references_values(const coco_references *references, cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    for (size_t i = 0; i < references->n && status == COCO_OK; i++)
        status = coco_json_add_copy(object, references->values[i].name, references->values[i].value,
                                    err);
    if (status == COCO_OK)
        *ret = coco_steal(&object);
    return status;
}

static coco_status
write_values(const coco_references *references, enum coco_json_style style, struct coco_buf *buf,
             coco_error **err)
{
    _cleanup_json_ cJSON *values = NULL;

    coco_status status = coco_references_values(references, &values, err);
    if (status != COCO_OK)
        return status;
    if (is_message(values) || is_measurement(values))
        return coco_fail(err, COCO_ERR_INVALID,
                         "values with names of another form: they would be read as that");
    return coco_json_write(values, style, buf, err);
}

/* Trustee's RVPS has nothing for it in a message, and overlooks it. */
static coco_status
add_ends(const coco_references *references, cJSON *message, coco_error **err)
{
    cJSON *ends = NULL;
    coco_status status = COCO_OK;

    for (size_t i = 0; i < references->n && status == COCO_OK; i++) {
        const struct coco_reference *value = &references->values[i];
        char text[COCO_REFERENCE_TIME_SIZE];

        if (value->expires == 0)
            continue;
        if (!ends)
            status = coco_json_add_object(message, ENDS, &ends, err);
        if (status == COCO_OK)
            status = coco_reference_time_format(value->expires, text, err);
        if (status == COCO_OK)
            status = coco_json_add_string(ends, value->name, text, err);
    }
    return status;
}

coco_status
coco_references_write_message(const coco_references *references, struct coco_buf *buf,
                              coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_REFERENCES_FILE_MAX};
    _cleanup_json_ cJSON *message = NULL;

    coco_status status = write_values(references, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&message, err);
    if (status == COCO_OK)
        status = coco_json_add_string(message, "version", COCO_REFERENCE_VERSION, err);
    if (status == COCO_OK)
        status = coco_json_add_string(message, "type", "sample", err);
    if (status == COCO_OK)
        status = coco_json_add_base64(message, "payload", text.data, text.len, err);
    if (status == COCO_OK)
        status = add_ends(references, message, err);
    return status == COCO_OK ? coco_json_write(message, COCO_JSON_COMPACT, buf, err) : status;
}

/* ---- all forms ---- */

/* Text begins with what JSON begins with, CBOR with the tag of a manifest or of what is signed. */
static bool
is_text(const uint8_t *data, size_t len)
{
    return len == 0 || data[0] < 0x80;
}

coco_status
coco_references_parse(const uint8_t *data, size_t len, coco_references **ret, coco_error **err)
{
    _cleanup_references_ coco_references *references = NULL;
    struct coco_cose_sign1 message;

    if (len > COCO_REFERENCES_FILE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "reference values of %zu bytes", len);
    coco_status status = coco_references_new(&references, err);
    if (status != COCO_OK)
        return status;
    if (is_text(data, len))
        status = coco_references_read_json((const char *)data, len, references, err);
    else if (coco_cose_sign1_parse(data, len, &message, NULL) == COCO_OK)
        return coco_fail(err, COCO_ERR_INVALID,
                         "reference values that are signed: say whose key did");
    else
        status = coco_references_read_corim(data, len, references, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "reference values");
    *ret = coco_steal(&references);
    return COCO_OK;
}

coco_status
coco_references_format(const coco_references *references, const char *form, coco_bytes **ret,
                       coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 2 * COCO_REFERENCES_FILE_MAX};
    coco_status status = COCO_OK;

    if (strcmp(form, "json") == 0)
        status = coco_references_write_json(references, &buf, err);
    else if (strcmp(form, "values") == 0)
        status = write_values(references, COCO_JSON_PRETTY, &buf, err);
    else if (strcmp(form, "rvps") == 0)
        status = coco_references_write_message(references, &buf, err);
    else if (strcmp(form, "corim") == 0)
        status = coco_references_write_corim(references, &buf, err);
    else
        return coco_fail(err, COCO_ERR_NOTSUP, "'%.20s' is no form of reference values", form);
    if (status == COCO_OK && buf.len > COCO_REFERENCES_FILE_MAX)
        status = coco_fail(err, COCO_ERR_LIMIT, "reference values of %zu bytes", buf.len);
    return status == COCO_OK ? coco_bytes_take(&buf, ret, err) : status;
}
