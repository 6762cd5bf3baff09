/*
 * kbs/schema.h - how the values of a KBS lie in a database
 *
 * One table, coco_kbs_value, of a row for each version of each value:
 *
 *     tenant, kind, name, version   the primary key; versions of a name count from 1
 *     time                          when it was put, seconds since 1970
 *     seal                          number of the key that data is sealed with; 0: none
 *     data                          NULL: this version says that the value was deleted
 *
 * The newest version is the value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_SCHEMA_H
#define COCO_KBS_SCHEMA_H

#include <stddef.h>

/* Another number is another program's database, or a later one's. */
#define COCO_KBS_SCHEMA 2

/*
 * What is asked of it, in the SQL that SQLite and PostgreSQL share. All take tenant and
 * kind as $1 and $2, those of one value its name as $3.
 */
enum coco_kbs_statement {
    COCO_KBS_SQL_PUT,      /* time, seal, data -> version */
    COCO_KBS_SQL_GET,      /* -> version, seal, data */
    COCO_KBS_SQL_PRUNE,    /* version: that and those before it go */
    COCO_KBS_SQL_PURGE,    /* -> version, of each that goes */
    COCO_KBS_SQL_RESTORE,  /* time, version, put again -> version */
    COCO_KBS_SQL_VERSIONS, /* -> version, time, seal, size or NULL; the newest first */
    COCO_KBS_SQL_NAMES,    /* -> name, sorted by its bytes */
    COCO_KBS_SQL_ENTRIES,  /* -> name, version, time, seal, size; sorted by name */
    COCO_KBS_SQL_VALUES,   /* -> name, seal, data, sorted by name */
    COCO_KBS_SQL_EXPIRE,   /* time, instead of a name: versions from before that go */
    /* tenant and kind -> number of its names, and bytes of all that an owner puts */
    COCO_KBS_SQL_USAGE,
    COCO_KBS_SQL_USAGE_OF_KIND, /* -> number of names, and bytes of the kind alone */
    COCO_KBS_SQL_RESEAL,        /* of all tenants, see below */
    COCO_KBS_SQL_OTHERS,        /* the same */
    COCO_KBS_SQL_EXPORT,        /* the same, as all that follow */
    COCO_KBS_SQL_IMPORT,
    COCO_KBS_SQL_ANY,
    COCO_KBS_SQL_CLEAR,
    COCO_KBS_STATEMENTS,
};

/*
 * Some are about all tenants. OTHERS takes the number of a seal and a kind, and gives
 * some (tenant, kind, name, version, seal, data) that are sealed otherwise and are not
 * of that kind. RESEAL takes tenant, kind, name and version, and the seal and data that
 * these have now. EXPORT takes tenant, kind, name and version, and gives the next rows behind
 * that, a few and sorted by these: tenant, kind, name, version, time, seal and data, which IMPORT
 * takes. ANY gives the version of one row, if there is any; CLEAR deletes them all.
 */
extern const char *const coco_kbs_statements[COCO_KBS_STATEMENTS];

#endif
