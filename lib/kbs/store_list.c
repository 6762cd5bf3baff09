/*
 * kbs/store_list.c - lists of what a KBS keeps, and how much that is
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/store_task.h"

#include "base/json.h"

/* Of a version, time, seal and size. */
static coco_status
describe(cJSON *version, const struct coco_sql_value *values, coco_error **err)
{
    const bool is_data = values[3].type == COCO_SQL_NUMBER;
    uint64_t size = (uint64_t)values[3].number;

    if (values[2].number && size >= COCO_KBS_SEAL_OVERHEAD)
        size -= COCO_KBS_SEAL_OVERHEAD;
    coco_status status = coco_json_add_u64(version, "version", (uint64_t)values[0].number, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(version, "time", (uint64_t)values[1].number, err);
    if (status == COCO_OK)
        status = is_data ? coco_json_add_u64(version, "size", size, err)
                         : coco_json_add_bool(version, "deleted", true, err);
    return status;
}

static coco_status
add_version(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    const struct coco_kbs_task *task = arg;
    cJSON *version = NULL;

    coco_status status = coco_json_add_object(task->list, NULL, &version, err);
    return status == COCO_OK ? describe(version, values, err) : status;
}

static coco_status
list_versions(struct coco_kbs_value *value, coco_error **err)
{
    return coco_kbs_table_run(value, COCO_KBS_SQL_VERSIONS, NULL, 0, add_version, value->arg, err);
}

/* Fills the task's list and gives it to *ret. */
static coco_status
list(struct coco_kbs_value *value, coco_kbs_work *work, cJSON **ret, coco_error **err)
{
    struct coco_kbs_task *task = value->arg;

    coco_status status = task->list ? coco_kbs_table_read(value, work, err) : coco_fail_nomem(err);
    if (status == COCO_OK)
        *ret = coco_steal(&task->list);
    coco_json_free(task->list);
    return status;
}

coco_status
coco_kbs_store_versions(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                        cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *versions = NULL;
    struct coco_kbs_task task = {.list = cJSON_CreateArray()};
    struct coco_kbs_value value = coco_kbs_store_value(store, kind, name, &task);

    coco_status status = list(&value, list_versions, &versions, err);
    if (status == COCO_OK && cJSON_GetArraySize(versions) == 0)
        status = coco_kbs_store_fail_missing(name, err);
    if (status == COCO_OK)
        *ret = coco_steal(&versions);
    return status;
}

static coco_status
add_name(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    const struct coco_kbs_task *task = arg;

    return coco_json_add_string(task->list, NULL, values[0].data, err);
}

static coco_status
list_names(struct coco_kbs_value *value, coco_error **err)
{
    return coco_kbs_table_run(value, COCO_KBS_SQL_NAMES, NULL, 0, add_name, value->arg, err);
}

coco_status
coco_kbs_store_names(struct coco_kbs_store *store, enum coco_kbs_kind kind, cJSON **ret,
                     coco_error **err)
{
    struct coco_kbs_task task = {.list = cJSON_CreateArray()};
    struct coco_kbs_value value = coco_kbs_store_value(store, kind, NULL, &task);

    return list(&value, list_names, ret, err);
}

static coco_status
add_entry(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    const struct coco_kbs_task *task = arg;
    cJSON *entry = NULL;

    coco_status status = coco_json_add_object(task->list, NULL, &entry, err);
    if (status == COCO_OK)
        status = coco_json_add_string(entry, "name", values[0].data, err);
    return status == COCO_OK ? describe(entry, &values[1], err) : status;
}

static coco_status
list_entries(struct coco_kbs_value *value, coco_error **err)
{
    return coco_kbs_table_run(value, COCO_KBS_SQL_ENTRIES, NULL, 0, add_entry, value->arg, err);
}

coco_status
coco_kbs_store_entries(struct coco_kbs_store *store, enum coco_kbs_kind kind, cJSON **ret,
                       coco_error **err)
{
    struct coco_kbs_task task = {.list = cJSON_CreateArray()};
    struct coco_kbs_value value = coco_kbs_store_value(store, kind, NULL, &task);

    return list(&value, list_entries, ret, err);
}

static coco_status
take_usage(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    struct coco_kbs_quota *used = arg;

    (void)err;
    used->names = (uint64_t)values[0].number;
    used->bytes = (uint64_t)values[1].number;
    return COCO_OK;
}

static coco_status
measure(struct coco_kbs_value *value, coco_error **err)
{
    struct coco_kbs_task *task = value->arg;

    return coco_kbs_table_run(value, COCO_KBS_SQL_USAGE, NULL, 0, take_usage, &task->quota, err);
}

coco_status
coco_kbs_store_usage(struct coco_kbs_store *store, struct coco_kbs_quota *ret, coco_error **err)
{
    struct coco_kbs_task task = {0};
    struct coco_kbs_value value = coco_kbs_store_value(store, COCO_KBS_RESOURCE, NULL, &task);

    coco_status status = coco_kbs_table_read(&value, measure, err);
    if (status == COCO_OK)
        *ret = task.quota;
    return status;
}

static coco_status
add_value(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    const struct coco_kbs_value *value = arg;
    const struct coco_kbs_task *task = value->arg;
    const char *name = values[0].data;
    _cleanup_secret_ struct coco_secret text = {0};
    cJSON *json = NULL;

    coco_status status = coco_kbs_table_unseal(value, name, &values[1], &values[2], &text, err);
    if (status == COCO_OK)
        status = coco_json_parse((const char *)text.data, text.len, &json, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "stored value %s", name);
    return coco_json_add_item(task->list, name, json, err);
}

static coco_status
list_values(struct coco_kbs_value *value, coco_error **err)
{
    return coco_kbs_table_run(value, COCO_KBS_SQL_VALUES, NULL, 0, add_value, value, err);
}

coco_status
coco_kbs_store_values(struct coco_kbs_store *store, enum coco_kbs_kind kind, cJSON **ret,
                      coco_error **err)
{
    struct coco_kbs_task task = {0};
    struct coco_kbs_value value = coco_kbs_store_value(store, kind, NULL, &task);

    coco_status status = coco_json_new_object(&task.list, err);
    return status == COCO_OK ? list(&value, list_values, ret, err) : status;
}
