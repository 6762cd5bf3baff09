/*
 * kbs/config_storage.c - where a KBS keeps what it holds
 *
 * [storage_backend]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config_section.h"

#include "base/fail.h"
#include "crypto/pkcs11_uri.h"
#include "kbs/config_field.h"

#include <string.h>
#include <strings.h>

#define SECTION "[storage_backend]: "

static coco_status
read_backends(const cJSON *backends, struct coco_kbs_config *config, coco_error **err)
{
    const struct coco_kbs_field known[] = {
        {"sqlite", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"postgres", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
    };
    const struct coco_kbs_field sqlite[] = {
        {"path", COCO_FIELD_TEXT, &config->storage.path, 0, 0, NULL},
    };
    const struct coco_kbs_field postgres[] = {
        {"host", COCO_FIELD_TEXT, &config->storage.postgres.host, 0, 0, NULL},
        {"port", COCO_FIELD_NUMBER, &config->storage.postgres.port, 1, UINT16_MAX, NULL},
        {"db", COCO_FIELD_TEXT, &config->storage.postgres.db, 0, 0, NULL},
        {"username", COCO_FIELD_TEXT, &config->storage.postgres.username, 0, 0, NULL},
        {"password", COCO_FIELD_TEXT, &config->storage.postgres.password, 0, 0, NULL},
        {"ca_file", COCO_FIELD_TEXT, &config->storage.postgres.ca_file, 0, 0, NULL},
    };

    coco_status status = COCO_KBS_READ(backends, known, err);
    if (status == COCO_OK)
        status = COCO_KBS_READ(coco_kbs_section(backends, "sqlite"), sqlite, err);
    if (status == COCO_OK)
        status = COCO_KBS_READ(coco_kbs_section(backends, "postgres"), postgres, err);
    return status;
}

/* A token that is not used would be taken to protect what it does not. */
static coco_status
check_token(const struct coco_kbs_config *config, coco_error **err)
{
    struct coco_pkcs11_uri uri;

    if (!config->storage.pkcs11 != !config->storage.pkcs11_key
        || (config->storage.pkcs11 && !config->storage.key_file))
        return coco_fail(err, COCO_ERR_PROTO,
                         SECTION "seal.pkcs11, seal.pkcs11_key and seal.key_file go together");
    if ((config->storage.tpm && (config->storage.pkcs11 || !config->storage.key_file))
        || (config->storage.tpm_pcrs && !config->storage.tpm))
        return coco_fail(err, COCO_ERR_PROTO,
                         SECTION "seal.tpm goes with seal.key_file and without seal.pkcs11, "
                                 "seal.tpm_pcrs with seal.tpm");
    if (!config->storage.pkcs11)
        return COCO_OK;
    coco_status status = coco_pkcs11_uri_parse(config->storage.pkcs11, &uri, err);
    return status == COCO_OK ? status : coco_wrap(err, status, SECTION "seal.pkcs11");
}

/* Before its backend is read, which is unknown if this is. type is NULL for the default. */
static coco_status
check_type(const char *type, coco_error **err)
{
    if (!type || strcasecmp(type, "memory") == 0 || strcasecmp(type, "sqlite") == 0
        || strcasecmp(type, "postgres") == 0)
        return COCO_OK;
    return coco_fail(err, COCO_ERR_NOTSUP,
                     "storage_type is \"Memory\", \"Sqlite\" or \"Postgres\", not '%.40s'", type);
}

/* What was said must go together. */
static coco_status
check(const char *type, struct coco_kbs_config *config, coco_error **err)
{
    const bool on_postgres = type && strcasecmp(type, "postgres") == 0;
    const bool on_sqlite = type && strcasecmp(type, "sqlite") == 0;

    if (on_sqlite != (config->storage.path != NULL))
        return coco_fail(err, COCO_ERR_PROTO,
                         SECTION "storage_type = \"Sqlite\" and backends.sqlite.path go together");
    if (on_postgres
        && (!config->storage.postgres.host || !config->storage.postgres.db
            || !config->storage.postgres.username))
        return coco_fail(err, COCO_ERR_PROTO,
                         SECTION "storage_type = \"Postgres\" needs host, db and username of "
                                 "backends.postgres");
    if (!on_postgres && config->storage.postgres.host)
        return coco_fail(err, COCO_ERR_PROTO,
                         SECTION "backends.postgres goes with storage_type = \"Postgres\"");
    if (on_postgres && !config->storage.key_file && !config->storage.unsealed)
        return coco_fail(err, COCO_ERR_PROTO,
                         SECTION "secrets go to PostgreSQL sealed: say seal.key_file, or "
                                 "unsealed = true");
    if (config->storage.key_file && (config->storage.unsealed || (!on_postgres && !on_sqlite)))
        return coco_fail(err, COCO_ERR_PROTO,
                         SECTION "seal.key_file is of no use in memory, and excludes unsealed");
    config->storage.on_postgres = on_postgres;
    return check_token(config, err);
}

coco_status
coco_kbs_read_storage(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    _cleanup_free_ char *type = NULL;
    const struct coco_kbs_field fields[] = {
        {"storage_type", COCO_FIELD_TEXT, &type, 0, 0, NULL},
        {"versions", COCO_FIELD_NUMBER, &config->storage.versions, 1, 1000, NULL},
        {"shared_nonces", COCO_FIELD_BOOL, &config->storage.shared_nonces, 0, 0, NULL},
        {"unsealed", COCO_FIELD_BOOL, &config->storage.unsealed, 0, 0, NULL},
        {"seal", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"backends", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
    };
    const struct coco_kbs_field seal[] = {
        {"key_file", COCO_FIELD_TEXT, &config->storage.key_file, 0, 0, NULL},
        {"pkcs11", COCO_FIELD_TEXT, &config->storage.pkcs11, 0, 0, NULL},
        {"pkcs11_key", COCO_FIELD_TEXT, &config->storage.pkcs11_key, 0, 0, NULL},
        {"tpm", COCO_FIELD_TEXT, &config->storage.tpm, 0, 0, NULL},
        {"tpm_pcrs", COCO_FIELD_TEXT, &config->storage.tpm_pcrs, 0, 0, NULL},
    };
    const cJSON *table = coco_kbs_section(root, "storage_backend");

    coco_status status = COCO_KBS_READ(table, fields, err);
    if (status == COCO_OK)
        status = check_type(type, err);
    if (status == COCO_OK)
        status = COCO_KBS_READ(coco_kbs_section(table, "seal"), seal, err);
    if (status == COCO_OK)
        status = read_backends(coco_kbs_section(table, "backends"), config, err);
    if (status != COCO_OK)
        return coco_kbs_in_section("storage_backend", status, err);
    return check(type, config, err);
}

void
coco_kbs_storage_done(struct coco_kbs_config *config)
{
    free(config->storage.path);
    free(config->storage.key_file);
    free(config->storage.pkcs11);
    free(config->storage.pkcs11_key);
    free(config->storage.tpm);
    free(config->storage.tpm_pcrs);
    free(config->storage.postgres.host);
    free(config->storage.postgres.db);
    free(config->storage.postgres.username);
    if (config->storage.postgres.password)
        OPENSSL_cleanse(config->storage.postgres.password,
                        strlen(config->storage.postgres.password));
    free(config->storage.postgres.password);
    free(config->storage.postgres.ca_file);
}
