/*
 * kbs/tenants.c - who shares a KBS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/tenants.h"

#include "base/fail.h"
#include "base/fd.h"

#include <string.h>

#define CONFIG_MAX ((size_t)1 << 20)

struct coco_kbs_tenants {
    struct tenant {
        const char *name; /* lent by root's configuration */
        struct coco_kbs_core *core;
    } * items;
    size_t n;
};

static coco_status
open_tenant(struct coco_kbs_core *root, const struct coco_kbs_tenant_config *config,
            struct tenant *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = CONFIG_MAX};

    ret->name = config->name;
    coco_status status = coco_file_read(config->config_file, &text, err);
    if (status == COCO_OK && strlen(coco_buf_text(&text)) != text.len)
        status = coco_fail(err, COCO_ERR_PROTO, "%s holds a NUL byte", config->config_file);
    if (status == COCO_OK)
        status = coco_kbs_core_new_tenant(root, config, coco_buf_text(&text), &ret->core, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "tenant %s", config->name);
}

coco_status
coco_kbs_tenants_open(struct coco_kbs_core *root, struct coco_kbs_tenants **ret, coco_error **err)
{
    _cleanup_(coco_kbs_tenants_freep) struct coco_kbs_tenants *tenants =
        calloc(1, sizeof(*tenants));
    coco_status status = COCO_OK;

    if (tenants)
        tenants->items = calloc(root->config.tenants.n, sizeof(*tenants->items));
    if (!tenants || !tenants->items)
        return coco_fail_nomem(err);
    tenants->n = root->config.tenants.n;
    for (size_t i = 0; i < tenants->n && status == COCO_OK; i++)
        status = open_tenant(root, &root->config.tenants.items[i], &tenants->items[i], err);
    if (status == COCO_OK)
        *ret = coco_steal(&tenants);
    return status;
}

void
coco_kbs_tenants_free(struct coco_kbs_tenants *tenants)
{
    if (!tenants)
        return;
    for (size_t i = 0; i < tenants->n; i++)
        coco_kbs_core_free(tenants->items[i].core);
    free(tenants->items);
    free(tenants);
}

struct coco_kbs_core *
coco_kbs_tenants_find(struct coco_kbs_core *root, const char *path, const char **within)
{
    const struct coco_kbs_tenants *tenants = root->tenants;

    *within = path;
    if (!tenants || strncmp(path, COCO_KBS_TENANTS_PATH, strlen(COCO_KBS_TENANTS_PATH)) != 0)
        return root;
    const char *name = path + strlen(COCO_KBS_TENANTS_PATH);
    size_t len = strcspn(name, "/");
    *within = name + len;
    for (size_t i = 0; i < tenants->n; i++)
        if (strlen(tenants->items[i].name) == len
            && strncmp(tenants->items[i].name, name, len) == 0)
            return tenants->items[i].core;
    return NULL;
}

const struct coco_kbs_core *
coco_kbs_tenants_at(const struct coco_kbs_tenants *tenants, size_t i)
{
    return tenants && i < tenants->n ? tenants->items[i].core : NULL;
}
