/*
 * kbs/storage.c - the store that a configuration names
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/storage.h"

#include "base/fail.h"
#include "kbs/database.h"
#include "kbs/seal_key.h"

static struct coco_postgres_options
postgres_of(const struct coco_kbs_config *config)
{
    return (struct coco_postgres_options){
        .host = config->storage.postgres.host,
        .port = (uint16_t)config->storage.postgres.port,
        .database = config->storage.postgres.db,
        .user = config->storage.postgres.username,
        .password = config->storage.postgres.password,
        .ca = config->storage.postgres.ca_file,
    };
}

static coco_status
check_database(const struct coco_kbs_config *config, coco_error **err)
{
    return config->storage.on_postgres || config->storage.path
               ? COCO_OK
               : coco_fail(err, COCO_ERR_INVALID, "the configuration names no database");
}

static struct coco_kbs_seal_source
source_of(const struct coco_kbs_config *config)
{
    return (struct coco_kbs_seal_source){
        .file = config->storage.key_file,
        .pkcs11 = config->storage.pkcs11,
        .pkcs11_key = config->storage.pkcs11_key,
        .tpm = config->storage.tpm,
        .tpm_pcrs = config->storage.tpm_pcrs,
    };
}

coco_status
coco_kbs_storage_seal_key(const struct coco_kbs_config *config, struct coco_secret *ret,
                          coco_error **err)
{
    const struct coco_kbs_seal_source source = source_of(config);

    return source.file ? coco_kbs_seal_key_read(&source, ret, err) : COCO_OK;
}

/* Opens it with the key from source, if there is a file. */
static coco_status
open_with(const struct coco_kbs_config *config, const struct coco_kbs_seal_source *source,
          struct coco_kbs_store **ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret key = {0};
    const struct coco_postgres_options postgres = postgres_of(config);
    const struct coco_kbs_store_options options = {
        .path = config->storage.path,
        .postgres = config->storage.on_postgres ? &postgres : NULL,
        .key = source->file ? &key : NULL,
        .versions = config->storage.versions,
    };

    coco_status status = source->file ? coco_kbs_seal_key_read(source, &key, err) : COCO_OK;
    return status == COCO_OK ? coco_kbs_store_open(&options, ret, err) : status;
}

coco_status
coco_kbs_storage_open(const struct coco_kbs_config *config, struct coco_kbs_store **ret,
                      coco_error **err)
{
    const struct coco_kbs_seal_source source = source_of(config);

    return open_with(config, &source, ret, err);
}

coco_status
coco_kbs_storage_reseal(const struct coco_kbs_config *config, const char *old_key_file,
                        coco_error **err)
{
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = NULL;
    _cleanup_secret_ struct coco_secret key = {0};
    const struct coco_kbs_seal_source old = {.file = old_key_file};

    coco_status status = check_database(config, err);
    if (status == COCO_OK)
        status = coco_kbs_storage_seal_key(config, &key, err);
    if (status == COCO_OK)
        status = open_with(config, &old, &store, err);
    if (status == COCO_OK)
        status = coco_kbs_store_reseal(store, key.data ? &key : NULL, err);
    return status;
}

coco_status
coco_kbs_storage_open_database(const struct coco_kbs_config *config, struct coco_database **ret,
                               coco_error **err)
{
    const struct coco_postgres_options postgres = postgres_of(config);

    coco_status status = check_database(config, err);
    if (status != COCO_OK)
        return status;
    return config->storage.on_postgres ? coco_database_open_postgres(&postgres, ret, err)
                                       : coco_database_open_sqlite(config->storage.path, ret, err);
}

coco_status
coco_kbs_storage_wrap_key(const struct coco_kbs_config *config, const void *key, size_t len,
                          struct coco_buf *ret, coco_error **err)
{
    const struct coco_kbs_seal_source source = source_of(config);

    return coco_kbs_seal_key_wrap(&source, key, len, ret, err);
}
