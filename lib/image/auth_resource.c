/*
 * image/auth_resource.c - an auth.json that a key broker keeps
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/auth_resource.h"

#include "base/fail.h"
#include "base/resource.h"
#include "image/auth.h"

#include <string.h>

COCO_DEFINE_CLEANUP(coco_bytes *, coco_bytes_free);

void
coco_auth_resource_done(struct coco_auth_resource *resource)
{
    free(resource->uri);
    coco_json_free(resource->file);
    *resource = (struct coco_auth_resource){0};
}

void
coco_auth_resource_lock(struct coco_auth_resource *resource)
{
    pthread_mutex_lock(&resource->lock);
}

void
coco_auth_resource_unlock(struct coco_auth_resource *resource)
{
    pthread_mutex_unlock(&resource->lock);
}

void
coco_auth_resource_forget(struct coco_auth_resource *resource)
{
    coco_auth_resource_lock(resource);
    coco_json_free(resource->file);
    resource->file = NULL;
    coco_auth_resource_unlock(resource);
}

coco_status
coco_auth_resource_set(struct coco_auth_resource *resource, const char *uri, coco_kbc *const *kbc,
                       coco_error **err)
{
    struct coco_resource_path path = {0};

    coco_status status = uri ? coco_resource_uri_parse(uri, &path, err) : COCO_OK;
    if (status != COCO_OK)
        return status;
    char *copy = uri ? strdup(uri) : NULL;
    if (uri && !copy)
        return coco_fail_nomem(err);
    coco_auth_resource_done(resource);
    resource->uri = copy;
    resource->kbc = kbc;
    return COCO_OK;
}

static coco_status
get(struct coco_auth_resource *resource, coco_ctx *ctx, coco_error **err)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    if (!*resource->kbc)
        return coco_fail(err, COCO_ERR_INVALID, "there is no key broker to get it from");
    coco_status status = coco_kbc_get_resource(*resource->kbc, ctx, resource->uri, &bytes, err);
    if (status == COCO_OK)
        status =
            coco_auth_parse(coco_bytes_data(bytes), coco_bytes_size(bytes), &resource->file, err);
    return status;
}

coco_status
coco_auth_resource_file(struct coco_auth_resource *resource, coco_ctx *ctx, const cJSON **ret,
                        coco_error **err)
{
    *ret = NULL;
    if (!resource->uri)
        return COCO_OK;
    coco_status status = resource->file ? COCO_OK : get(resource, ctx, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "credentials for registries, %s", resource->uri);
    *ret = resource->file;
    return COCO_OK;
}
