/*
 * kbs/versions.c - versions of resources, for their owner
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/versions.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/text.h"
#include "kbs/admin.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 18

/* What the store says is not there is a resource. */
static coco_status
found(struct coco_kbs_call *call, coco_status status)
{
    if (status == COCO_ERR_NOTFOUND)
        call->name = "ResourceNotFound";
    return status;
}

coco_status
coco_kbs_admin_list_versions(struct coco_kbs_call *call, coco_error **err)
{
    _cleanup_json_ cJSON *versions = NULL;
    const char *name = NULL;

    coco_status status = coco_kbs_admin_resource(call, &name, err);
    if (status != COCO_OK)
        return status;
    status = coco_kbs_store_versions(call->core->store, COCO_KBS_RESOURCE, name, &versions, err);
    return status == COCO_OK ? coco_kbs_answer(call, versions, err) : found(call, status);
}

coco_status
coco_kbs_admin_purge_resource(struct coco_kbs_call *call, coco_error **err)
{
    const char *name = NULL;

    coco_status status = coco_kbs_admin_resource(call, &name, err);
    if (status != COCO_OK)
        return status;
    status = coco_kbs_store_purge(call->core->store, COCO_KBS_RESOURCE, name, err);
    if (status == COCO_OK)
        coco_ctx_log(call->core->ctx, COCO_LOG_INFO, "resource %s purged", name);
    return found(call, status);
}

/* 0 without a query. */
static coco_status
read_version(struct coco_kbs_call *call, uint64_t *ret, coco_error **err)
{
    static const char member[] = "version=";
    const char *query = call->request->query;
    uint64_t version = 0;

    if (query && strncmp(query, member, strlen(member)) == 0
        && coco_text_is_all(query + strlen(member), "0123456789", DIGITS_MAX))
        version = strtoull(query + strlen(member), NULL, 10);
    if (query && !version)
        return coco_kbs_refuse(call, 400, NULL,
                               coco_fail(err, COCO_ERR_PROTO, "the query is not version=NUMBER"));
    *ret = version;
    return COCO_OK;
}

static coco_status
answer_version(struct coco_kbs_call *call, uint64_t version, coco_error **err)
{
    _cleanup_json_ cJSON *answer = NULL;

    coco_status status = coco_json_new_object(&answer, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(answer, "version", version, err);
    return status == COCO_OK ? coco_kbs_answer(call, answer, err) : status;
}

coco_status
coco_kbs_admin_restore_resource(struct coco_kbs_call *call, coco_error **err)
{
    const char *name = NULL;
    uint64_t version = 0;

    coco_status status = coco_kbs_admin_resource(call, &name, err);
    if (status == COCO_OK)
        status = read_version(call, &version, err);
    if (status != COCO_OK)
        return status;
    status =
        coco_kbs_store_restore(call->core->store, COCO_KBS_RESOURCE, name, version, &version, err);
    if (status != COCO_OK)
        return found(call, status);
    coco_ctx_log(call->core->ctx, COCO_LOG_INFO, "resource %s restored as version %" PRIu64, name,
                 version);
    return answer_version(call, version, err);
}
