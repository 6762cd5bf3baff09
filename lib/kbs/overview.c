/*
 * kbs/overview.c - what there is in a KBS, listed for its owner
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/overview.h"

#include "base/fail.h"
#include "kbs/admin.h"
#include "kbs/explain.h"
#include "kbs/policies.h"
#include "kbs/references.h"
#include "kbs/tenants.h"

coco_status
coco_kbs_admin_list_policies(struct coco_kbs_call *call, coco_error **err)
{
    _cleanup_json_ cJSON *list = NULL;

    coco_status status = coco_kbs_admin_check(call, err);
    if (status != COCO_OK)
        return status;
    call->name = "PolicyEngineError";
    status = coco_kbs_policies_describe(call->core->policies, &list, err);
    return status == COCO_OK ? coco_kbs_answer(call, list, err) : status;
}

coco_status
coco_kbs_admin_list_references(struct coco_kbs_call *call, coco_error **err)
{
    _cleanup_json_ cJSON *list = NULL;

    coco_status status = coco_kbs_admin_check(call, err);
    if (status != COCO_OK)
        return status;
    call->name = "RvpsError";
    status = coco_kbs_references_list(call->core->store, &list, err);
    return status == COCO_OK ? coco_kbs_answer(call, list, err) : status;
}

coco_status
coco_kbs_admin_list_traces(struct coco_kbs_call *call, coco_error **err)
{
    _cleanup_json_ cJSON *list = NULL;

    coco_status status = coco_kbs_admin_check(call, err);
    if (status != COCO_OK)
        return status;
    call->name = "ExplainError";
    status = coco_kbs_traces_list(call->core->traces, &list, err);
    return status == COCO_OK ? coco_kbs_answer(call, list, err) : status;
}

/* How much it has, which whoever runs the KBS pays for, and nothing of what it is. */
static coco_status
add_tenant(cJSON *list, const struct coco_kbs_tenant_config *config,
           const struct coco_kbs_core *core, coco_error **err)
{
    struct coco_kbs_quota used = {0};
    cJSON *tenant = NULL;

    coco_status status = coco_kbs_store_usage(core->store, &used, err);
    if (status == COCO_OK)
        status = coco_json_add_object(list, NULL, &tenant, err);
    if (status == COCO_OK)
        status = coco_json_add_string(tenant, "name", config->name, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(tenant, "resources", used.names, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(tenant, "bytes", used.bytes, err);
    if (status == COCO_OK && config->quota.names)
        status = coco_json_add_u64(tenant, "max_resources", config->quota.names, err);
    if (status == COCO_OK && config->quota.bytes)
        status = coco_json_add_u64(tenant, "max_bytes", config->quota.bytes, err);
    return status;
}

coco_status
coco_kbs_admin_list_tenants(struct coco_kbs_call *call, coco_error **err)
{
    const struct coco_kbs_core *core = call->core;
    const struct coco_kbs_core *tenant;
    _cleanup_json_ cJSON *list = cJSON_CreateArray();

    coco_status status = coco_kbs_admin_check(call, err);
    if (status != COCO_OK)
        return status;
    call->name = "StorageError";
    if (!list)
        return coco_fail_nomem(err);
    for (size_t i = 0; status == COCO_OK && (tenant = coco_kbs_tenants_at(core->tenants, i)); i++)
        status = add_tenant(list, &core->config.tenants.items[i], tenant, err);
    return status == COCO_OK ? coco_kbs_answer(call, list, err) : status;
}
