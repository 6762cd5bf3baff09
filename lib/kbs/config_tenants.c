/*
 * kbs/config_tenants.c - who shares a KBS
 *
 * [[tenants]]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config_section.h"

#include "base/fail.h"
#include "kbs/config_field.h"

#include <string.h>

static bool
is_known(const struct coco_kbs_config *config, const char *name)
{
    for (size_t i = 0; i < config->tenants.n; i++)
        if (config->tenants.items[i].name && strcmp(config->tenants.items[i].name, name) == 0)
            return true;
    return false;
}

static coco_status
read_tenant(const cJSON *item, struct coco_kbs_config *config, coco_error **err)
{
    struct coco_kbs_tenant_config *to = &config->tenants.items[config->tenants.n];
    _cleanup_free_ char *name = NULL;
    const struct coco_kbs_field fields[] = {
        {"name", COCO_FIELD_TEXT, &name, 0, 0, NULL},
        {"config_file", COCO_FIELD_TEXT, &to->config_file, 0, 0, NULL},
        {"max_resources", COCO_FIELD_NUMBER, &to->quota.names, 1, INT64_MAX, NULL},
        {"max_bytes", COCO_FIELD_NUMBER, &to->quota.bytes, 1, INT64_MAX, NULL},
    };

    coco_status status = COCO_KBS_READ(item, fields, err);
    if (status != COCO_OK)
        return status;
    if (!name || !to->config_file)
        return coco_fail(err, COCO_ERR_PROTO, "name or config_file is missing");
    if (coco_kbs_tenant_check(name, NULL) != COCO_OK)
        return coco_fail(err, COCO_ERR_PROTO, "name is not 1 to %d of [a-z0-9-]",
                         COCO_KBS_TENANT_MAX);
    if (is_known(config, name))
        return coco_fail(err, COCO_ERR_PROTO, "%s is there twice", name);
    to->name = coco_steal(&name);
    return COCO_OK;
}

coco_status
coco_kbs_read_tenants(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    const cJSON *list = coco_kbs_section(root, "tenants");
    const cJSON *item;
    size_t n = 0;

    coco_status status = coco_kbs_list_size(list, "tenants", &n, err);
    if (status != COCO_OK || n == 0)
        return coco_kbs_in_section("tenants", status, err);
    config->tenants.items = calloc(n, sizeof(*config->tenants.items));
    if (!config->tenants.items)
        return coco_fail_nomem(err);
    cJSON_ArrayForEach(item, list) {
        if (status == COCO_OK)
            status = read_tenant(item, config, err);
        /* One that is read by halves has to be freed, too. */
        config->tenants.n++;
    }
    return coco_kbs_in_section("tenants", status, err);
}

void
coco_kbs_tenants_done(struct coco_kbs_config *config)
{
    for (size_t i = 0; i < config->tenants.n; i++) {
        free(config->tenants.items[i].name);
        free(config->tenants.items[i].config_file);
    }
    free(config->tenants.items);
}
