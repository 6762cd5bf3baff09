/*
 * kbs/config_field.c - the keys of one table of a configuration
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config_field.h"

#include "base/fail.h"
#include "base/fd.h"

#include <string.h>

#define PEM_MAX ((size_t)256 << 10)
#define FIELDS_MAX 24

void
coco_kbs_texts_done(struct coco_kbs_texts *texts)
{
    for (size_t i = 0; i < texts->n; i++)
        free(texts->items[i]);
    free(texts->items);
    *texts = (struct coco_kbs_texts){0};
}

coco_status
coco_kbs_in_section(const char *section, coco_status status, coco_error **err)
{
    return status == COCO_OK ? status : coco_wrap(err, status, "[%s]", section);
}

coco_status
coco_kbs_set_text(const char *value, char **to, coco_error **err)
{
    char *copy = strdup(value);

    if (!copy)
        return coco_fail_nomem(err);
    free(*to);
    *to = copy;
    return COCO_OK;
}

/* PEM as it stands, or the file that is named. */
static coco_status
set_pem(const char *value, char **to, coco_error **err)
{
    static const char scheme[] = "file://";
    _cleanup_buf_ struct coco_buf buf = {.limit = PEM_MAX};

    if (strstr(value, "-----BEGIN "))
        return coco_kbs_set_text(value, to, err);
    if (strncmp(value, scheme, strlen(scheme)) == 0)
        value += strlen(scheme);
    coco_status status = coco_file_read(value, &buf, err);
    if (status != COCO_OK)
        return status;
    return coco_kbs_set_text(coco_buf_text(&buf), to, err);
}

coco_status
coco_kbs_set_texts(const cJSON *value, bool pem, struct coco_kbs_texts *to, coco_error **err)
{
    const cJSON *item;
    coco_status status = COCO_OK;
    int n = cJSON_GetArraySize(value);

    if (!cJSON_IsArray(value) || n > COCO_KBS_LIST_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "is not a list of at most %d texts",
                         COCO_KBS_LIST_MAX);
    char **items = calloc((size_t)n + 1, sizeof(*items));
    if (!items)
        return coco_fail_nomem(err);
    coco_kbs_texts_done(to);
    to->items = items;
    cJSON_ArrayForEach(item, value) {
        if (!cJSON_IsString(item))
            return coco_fail(err, COCO_ERR_PROTO, "is not a list of texts");
        status = (pem ? set_pem : coco_kbs_set_text)(item->valuestring, &items[to->n], err);
        if (status != COCO_OK)
            return status;
        to->n++;
    }
    return COCO_OK;
}

static coco_status
set_number(const cJSON *value, const struct coco_kbs_field *field, coco_error **err)
{
    uint64_t number;

    if (!cJSON_IsNumber(value) || coco_json_u64(value, &number, NULL) != COCO_OK
        || number < field->min || number > field->max)
        return coco_fail(err, COCO_ERR_PROTO, "is not a number from %llu to %llu",
                         (unsigned long long)field->min, (unsigned long long)field->max);
    *(uint64_t *)field->to = number;
    return COCO_OK;
}

static coco_status
set_field(const cJSON *value, const struct coco_kbs_field *field, coco_error **err)
{
    switch (field->type) {
    case COCO_FIELD_TEXT:
    case COCO_FIELD_PEM:
        if (!cJSON_IsString(value))
            return coco_fail(err, COCO_ERR_PROTO, "is not a text");
        return (field->type == COCO_FIELD_PEM ? set_pem : coco_kbs_set_text)(value->valuestring,
                                                                             field->to, err);
    case COCO_FIELD_TEXTS:
    case COCO_FIELD_PEMS:
        return coco_kbs_set_texts(value, field->type == COCO_FIELD_PEMS, field->to, err);
    case COCO_FIELD_BOOL:
        if (!cJSON_IsBool(value))
            return coco_fail(err, COCO_ERR_PROTO, "is neither true nor false");
        *(bool *)field->to = cJSON_IsTrue(value);
        return COCO_OK;
    case COCO_FIELD_NUMBER:
        return set_number(value, field, err);
    case COCO_FIELD_REFUSED:
        return coco_fail(err, COCO_ERR_NOTSUP, "is not supported: %s", field->text);
    case COCO_FIELD_CONSTANT:
        if (!cJSON_IsString(value) || strcmp(value->valuestring, field->text) != 0)
            return coco_fail(err, COCO_ERR_NOTSUP, "can only be \"%s\"", field->text);
        return COCO_OK;
    case COCO_FIELD_SECTION:
        return COCO_OK;
    }
    return coco_fail(err, COCO_ERR_INVALID, "no such type");
}

/* What leaves no choice is what says whether the rest of a table can be read at all. */
static bool
is_firm(const struct coco_kbs_field *field)
{
    return field->type == COCO_FIELD_CONSTANT || field->type == COCO_FIELD_REFUSED;
}

static coco_status
set_fields(const cJSON *object, const struct coco_kbs_field *fields, size_t n, bool firm,
           coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < n && status == COCO_OK; i++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, fields[i].name);

        if (!value || is_firm(&fields[i]) != firm)
            continue;
        status = set_field(value, &fields[i], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "%s", fields[i].name);
    }
    return status;
}

coco_status
coco_kbs_read_fields(const cJSON *object, const struct coco_kbs_field *fields, size_t n,
                     coco_error **err)
{
    const char *names[FIELDS_MAX + 1] = {NULL};

    if (!object)
        return COCO_OK;
    if (!cJSON_IsObject(object))
        return coco_fail(err, COCO_ERR_PROTO, "is not a table");
    for (size_t i = 0; i < n; i++)
        names[i] = fields[i].name;
    /* Of upstream's "coco_as_grpc" it is said, and not of the keys that come with it. */
    coco_status status = set_fields(object, fields, n, true, err);
    if (status == COCO_OK)
        status = coco_json_check_members(object, names, err);
    if (status == COCO_OK)
        status = set_fields(object, fields, n, false, err);
    return status;
}

const cJSON *
coco_kbs_section(const cJSON *parent, const char *name)
{
    return parent ? cJSON_GetObjectItemCaseSensitive(parent, name) : NULL;
}

coco_status
coco_kbs_list_size(const cJSON *list, const char *name, size_t *ret, coco_error **err)
{
    if (list && (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > COCO_KBS_LIST_MAX))
        return coco_fail(err, COCO_ERR_PROTO, "%s is not a list of at most %d tables", name,
                         COCO_KBS_LIST_MAX);
    *ret = list ? (size_t)cJSON_GetArraySize(list) : 0;
    return COCO_OK;
}
