/*
 * kbs/config_storage.c - where a KBS keeps what it holds
 *
 * [storage_backend]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config_section.h"

#include "base/fail.h"
#include "kbs/config_field.h"

#include <string.h>

coco_status
coco_kbs_read_storage(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    _cleanup_free_ char *type = NULL;
    const struct coco_kbs_field fields[] = {
        {"storage_type", COCO_FIELD_TEXT, &type, 0, 0, NULL},
        {"versions", COCO_FIELD_NUMBER, &config->store_versions, 1, 1000, NULL},
        {"backends", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
    };
    const struct coco_kbs_field backends[] = {{"sqlite", COCO_FIELD_SECTION, NULL, 0, 0, NULL}};
    const struct coco_kbs_field sqlite[] = {
        {"path", COCO_FIELD_TEXT, &config->store_path, 0, 0, NULL}};
    const cJSON *table = coco_kbs_section(root, "storage_backend");
    const cJSON *of = coco_kbs_section(table, "backends");

    coco_status status = COCO_KBS_READ(table, fields, err);
    if (status == COCO_OK)
        status = COCO_KBS_READ(of, backends, err);
    if (status == COCO_OK)
        status = COCO_KBS_READ(coco_kbs_section(of, "sqlite"), sqlite, err);
    if (status != COCO_OK)
        return coco_kbs_in_section("storage_backend", status, err);

    bool on_disk = type && (strcmp(type, "Sqlite") == 0 || strcmp(type, "sqlite") == 0);
    bool in_memory = !type || strcmp(type, "Memory") == 0 || strcmp(type, "memory") == 0;
    if (!on_disk && !in_memory)
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "[storage_backend]: storage_type is \"Memory\" or \"Sqlite\"");
    if (on_disk != (config->store_path != NULL))
        return coco_fail(err, COCO_ERR_PROTO,
                         "[storage_backend]: storage_type = \"Sqlite\" and backends.sqlite.path "
                         "go together");
    return COCO_OK;
}

void
coco_kbs_storage_done(struct coco_kbs_config *config)
{
    free(config->store_path);
}
