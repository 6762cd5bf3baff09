/*
 * kbs/callbacks.c - what C calls that are Go functions
 *
 * Go exports functions without const and takes a handle as a number, so each
 * is called by one of the right type.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "callbacks.h"

#include "_cgo_export.h"

static void
handle(void *user, coco_ctx *ctx, const coco_kbs_request *request, coco_kbs_reply *reply)
{
    (void)ctx;
    coco_go_kbs_handle((uintptr_t)user, (coco_kbs_request *)request, reply);
}

static coco_kbs_access
find_access(void *user, const coco_kbs_request *request)
{
    return (coco_kbs_access)coco_go_kbs_access((uintptr_t)user, (coco_kbs_request *)request);
}

static void
configure(void *user, coco_ctx *ctx, const char *config, coco_kbs_reply *reply)
{
    (void)ctx;
    coco_go_kbs_configure((uintptr_t)user, (char *)config, reply);
}

static void
destroy(void *user)
{
    coco_go_kbs_destroy((uintptr_t)user);
}

coco_status
coco_go_kbs_add_plugin(coco_kbs *kbs, const char *name, uintptr_t user, coco_error **err)
{
    const coco_kbs_plugin plugin = {
        .size = sizeof(plugin),
        .name = name,
        .handle = handle,
        .access = find_access,
        .configure = configure,
        .destroy = destroy,
    };

    return coco_kbs_add_plugin(kbs, &plugin, (void *)user, err);
}
