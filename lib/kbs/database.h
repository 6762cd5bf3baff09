/*
 * kbs/database.h - a database that speaks SQL
 *
 * One connection, for one thread at a time: the store has the lock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_DATABASE_H
#define COCO_KBS_DATABASE_H

#include "base/cleanup.h"
#include "kbs/schema.h"

#include <coco/error.h>

#include <stdbool.h>
#include <stdint.h>

#define COCO_DATABASE_COLUMNS_MAX 7 /* of a result, and of parameters */

/* How long a database that others write to, or that does not answer, is waited for. */
#define COCO_DATABASE_WAIT_MS 5000

/* A value on its way in or out; one of bytes without data is NULL. */
struct coco_sql_value {
    enum coco_sql_type {
        COCO_SQL_NUMBER,
        COCO_SQL_TEXT,
        COCO_SQL_BYTES,
    } type;
    int64_t number;
    const void *data; /* a text ends with a NUL that is not counted */
    size_t len;
};

#define COCO_SQL_OF_NUMBER(n)                                                                      \
    {                                                                                              \
        .type = COCO_SQL_NUMBER, .number = (int64_t)(n)                                            \
    }
#define COCO_SQL_OF_TEXT(s)                                                                        \
    {                                                                                              \
        .type = COCO_SQL_TEXT, .data = (s), .len = strlen(s)                                       \
    }
#define COCO_SQL_OF_BYTES(p, n)                                                                    \
    {                                                                                              \
        .type = COCO_SQL_BYTES, .data = (p), .len = (n)                                            \
    }

/* Takes a row of a result; the values are lent to it. */
typedef coco_status coco_sql_row(void *arg, const struct coco_sql_value *values, coco_error **err);

struct coco_sql_query {
    enum coco_kbs_statement statement;
    const struct coco_sql_value *parameters;
    size_t n;
    coco_sql_row *row; /* NULL: the result does not matter */
    void *arg;
};

struct coco_database;

struct coco_database_ops {
    void (*close)(struct coco_database *db);
    /* Begins a transaction that writes, and waits until no other does. */
    coco_status (*begin)(struct coco_database *db, coco_error **err);
    /* Begins one that reads, and sees everything as it is now. Others go on writing. */
    coco_status (*snapshot)(struct coco_database *db, coco_error **err);
    /* What was written is on the disk when it says COCO_OK. */
    coco_status (*commit)(struct coco_database *db, coco_error **err);
    void (*rollback)(struct coco_database *db);
    coco_status (*run)(struct coco_database *db, const struct coco_sql_query *query,
                       coco_error **err);
    /*
     * A number that differs from the one of before if anything was written meanwhile, by
     * whomever. What is read after it was asked is not older. Not in a transaction.
     */
    coco_status (*generation)(struct coco_database *db, uint64_t *ret, coco_error **err);
    /*
     * True: the connection was lost, and there is another, so that trying again may
     * help. No row of what failed so was given.
     */
    bool (*reconnect)(struct coco_database *db);
};

struct coco_database {
    const struct coco_database_ops *ops;
};

static inline void
coco_database_close(struct coco_database *db)
{
    if (db)
        db->ops->close(db);
}
COCO_DEFINE_CLEANUP(struct coco_database *, coco_database_close);

/*
 * Opens or makes the SQLite database at path; NULL is one in memory. COCO_ERR_DENIED
 * if others than its owner may read the file that is there.
 */
coco_status coco_database_open_sqlite(const char *path, struct coco_database **ret,
                                      coco_error **err);

/*
 * Makes a new SQLite database at path, where nothing may be, that is whole on the disk only
 * when it was closed and synced: a backup.
 */
coco_status coco_database_make_backup(const char *path, struct coco_database **ret,
                                      coco_error **err);

/*
 * Opens such a file to read it, wherever it comes from: COCO_ERR_PROTO for what is none, or
 * damaged. Nothing is written, and nothing in it is believed but the values of its columns.
 */
coco_status coco_database_open_backup(const char *path, struct coco_database **ret,
                                      coco_error **err);

/* Where a PostgreSQL database is. TLS is verified unless host is this machine. */
struct coco_postgres_options {
    const char *host; /* name, address, or directory of its socket */
    uint16_t port;
    const char *database;
    const char *user;
    const char *password; /* NULL: what libpq finds in ~/.pgpass */
    const char *ca;       /* path of a PEM file; NULL: ~/.postgresql/root.crt */
};

/* COCO_ERR_NOTSUP in a build without libpq. */
coco_status coco_database_open_postgres(const struct coco_postgres_options *options,
                                        struct coco_database **ret, coco_error **err);

#endif
