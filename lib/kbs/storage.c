/*
 * kbs/storage.c - the store that a configuration names
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/storage.h"

#include "base/fail.h"
#include "kbs/database.h"
#include "kbs/seal_key.h"

/* Opens it with the key in key_file, if that is not NULL. */
static coco_status
open_with(const struct coco_kbs_config *config, const char *key_file, struct coco_kbs_store **ret,
          coco_error **err)
{
    _cleanup_secret_ struct coco_secret key = {0};
    const struct coco_postgres_options postgres = {
        .host = config->storage.postgres.host,
        .port = (uint16_t)config->storage.postgres.port,
        .database = config->storage.postgres.db,
        .user = config->storage.postgres.username,
        .password = config->storage.postgres.password,
        .ca = config->storage.postgres.ca_file,
    };
    const struct coco_kbs_store_options options = {
        .path = config->storage.path,
        .postgres = config->storage.on_postgres ? &postgres : NULL,
        .key = key_file ? &key : NULL,
        .versions = config->storage.versions,
    };

    coco_status status = key_file ? coco_kbs_seal_key_read(key_file, &key, err) : COCO_OK;
    return status == COCO_OK ? coco_kbs_store_open(&options, ret, err) : status;
}

coco_status
coco_kbs_storage_open(const struct coco_kbs_config *config, struct coco_kbs_store **ret,
                      coco_error **err)
{
    return open_with(config, config->storage.key_file, ret, err);
}

coco_status
coco_kbs_storage_reseal(const struct coco_kbs_config *config, const char *old_key_file,
                        coco_error **err)
{
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = NULL;
    _cleanup_secret_ struct coco_secret key = {0};
    const char *key_file = config->storage.key_file;

    if (!config->storage.on_postgres && !config->storage.path)
        return coco_fail(err, COCO_ERR_INVALID, "the configuration names no database");
    coco_status status = key_file ? coco_kbs_seal_key_read(key_file, &key, err) : COCO_OK;
    if (status == COCO_OK)
        status = open_with(config, old_key_file, &store, err);
    if (status == COCO_OK)
        status = coco_kbs_store_reseal(store, key_file ? &key : NULL, err);
    return status;
}
