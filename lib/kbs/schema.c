/*
 * kbs/schema.c - how the values of a KBS lie in a database
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/schema.h"

#define OF_NAME " WHERE tenant = $1 AND kind = $2 AND name = $3"

/* The newest versions of a kind that are not deletions. */
#define NEWEST                                                                                     \
    " FROM coco_kbs_value AS v WHERE tenant = $1 AND kind = $2 AND data IS NOT NULL AND version =" \
    " (SELECT max(version) FROM coco_kbs_value WHERE tenant = v.tenant AND kind = v.kind"          \
    " AND name = v.name) ORDER BY name"

/* A value is not there for nothing, even if it is empty. */
#define BYTES "coalesce(sum(64 + length(name) + coalesce(length(data), 0)), 0)"

const char *const coco_kbs_statements[COCO_KBS_STATEMENTS] = {
    [COCO_KBS_SQL_PUT] =
        "INSERT INTO coco_kbs_value (tenant, kind, name, version, time, seal, data)"
        " SELECT $1, $2, $3, coalesce(max(version), 0) + 1, $4, $5, $6"
        " FROM coco_kbs_value" OF_NAME " RETURNING version",
    [COCO_KBS_SQL_GET] =
        "SELECT version, seal, data FROM coco_kbs_value" OF_NAME " ORDER BY version DESC LIMIT 1",
    [COCO_KBS_SQL_PRUNE] = "DELETE FROM coco_kbs_value" OF_NAME " AND version <= $4",
    [COCO_KBS_SQL_PURGE] = "DELETE FROM coco_kbs_value" OF_NAME " RETURNING version",
    [COCO_KBS_SQL_RESTORE] =
        "INSERT INTO coco_kbs_value (tenant, kind, name, version, time, seal, data)"
        " SELECT tenant, kind, name,"
        " (SELECT max(version) + 1 FROM coco_kbs_value" OF_NAME "), $4, seal, data"
        " FROM coco_kbs_value" OF_NAME " AND version = $5 AND data IS NOT NULL RETURNING version",
    [COCO_KBS_SQL_VERSIONS] = "SELECT version, time, seal, length(data) FROM coco_kbs_value" OF_NAME
                              " ORDER BY version DESC",
    [COCO_KBS_SQL_NAMES] = "SELECT name" NEWEST,
    [COCO_KBS_SQL_ENTRIES] = "SELECT name, version, time, seal, length(data)" NEWEST,
    [COCO_KBS_SQL_VALUES] = "SELECT name, seal, data" NEWEST,
    [COCO_KBS_SQL_EXPIRE] =
        "DELETE FROM coco_kbs_value WHERE tenant = $1 AND kind = $2 AND time < $3",
    [COCO_KBS_SQL_USAGE] = "SELECT count(DISTINCT CASE WHEN kind = $2 AND data IS NOT NULL"
                           " THEN name END), " BYTES " FROM coco_kbs_value"
                           " WHERE tenant = $1 AND kind IN (1, 2, 3, 6)",
    [COCO_KBS_SQL_USAGE_OF_KIND] = "SELECT count(DISTINCT name), " BYTES " FROM coco_kbs_value"
                                   " WHERE tenant = $1 AND kind = $2 AND data IS NOT NULL",
    [COCO_KBS_SQL_RESEAL] =
        "UPDATE coco_kbs_value SET seal = $5, data = $6" OF_NAME " AND version = $4",
    [COCO_KBS_SQL_OTHERS] = ("SELECT tenant, kind, name, version, seal, data FROM coco_kbs_value"
                             " WHERE seal <> $1 AND kind <> $2 AND data IS NOT NULL LIMIT 16"),
    [COCO_KBS_SQL_EXPORT] = ("SELECT tenant, kind, name, version, time, seal, data"
                             " FROM coco_kbs_value"
                             " WHERE (tenant, kind, name, version) > ($1, $2, $3, $4)"
                             " ORDER BY tenant, kind, name, version LIMIT 4"),
    [COCO_KBS_SQL_IMPORT] =
        "INSERT INTO coco_kbs_value (tenant, kind, name, version, time, seal, data)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
    [COCO_KBS_SQL_ANY] = "SELECT version FROM coco_kbs_value LIMIT 1",
    [COCO_KBS_SQL_CLEAR] = "DELETE FROM coco_kbs_value",
};
