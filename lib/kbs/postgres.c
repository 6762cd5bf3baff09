/*
 * kbs/postgres.c - values in a PostgreSQL database, which replicas share
 *
 * Writers wait for each other (an advisory lock for the length of a transaction):
 * so versions count on without gaps whoever writes, and what is checked in a
 * transaction still holds when it ends. Values go in binary, never as text of SQL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/database.h"

#include "base/fail.h"
#include <config.h>

#if COCO_HAVE_POSTGRES

#include <arpa/inet.h>
#include <endian.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* synchronous_commit is what makes a write that was acknowledged durable. */
#define TEXT_OF_(n) #n
#define TEXT_OF(n) TEXT_OF_(n)
static const char settings[] =
    "-c synchronous_commit=on -c search_path=public -c statement_timeout=" TEXT_OF(
        COCO_DATABASE_WAIT_MS);

#define PARAMETERS_MAX COCO_DATABASE_COLUMNS_MAX
#define BINARY 1

/* Types of values (pg_type.dat of PostgreSQL; they never change). */
#define BYTEA_OID 17
#define INT8_OID 20
#define INT4_OID 23
#define TEXT_OID 25

/* "coco-kbs" as a number that no other program is likely to lock. */
#define LOCK "7165064768394949235"

/* NOTICEs of what is there already are nobody's business: they would go to stderr. */
static void
ignore_notice(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

static const char create[] = "CREATE TABLE IF NOT EXISTS coco_kbs_schema (version BIGINT NOT NULL);"
                             "CREATE TABLE IF NOT EXISTS coco_kbs_value ("
                             " tenant TEXT COLLATE \"C\" NOT NULL,"
                             " kind BIGINT NOT NULL,"
                             " name TEXT COLLATE \"C\" NOT NULL,"
                             " version BIGINT NOT NULL,"
                             " time BIGINT NOT NULL,"
                             " seal BIGINT NOT NULL,"
                             " data BYTEA,"
                             " PRIMARY KEY (tenant, kind, name, version));"
                             "INSERT INTO coco_kbs_schema SELECT 2"
                             " WHERE NOT EXISTS (SELECT 1 FROM coco_kbs_schema);";

struct postgres {
    struct coco_database base;
    PGconn *conn;
    bool prepared[COCO_KBS_STATEMENTS];
    bool is_lost;        /* the connection: libpq itself notices late */
    char *snapshot;      /* that was seen last, or NULL */
    uint64_t generation; /* counts those that there were */
};

static struct postgres *
of(struct coco_database *db)
{
    return (struct postgres *)db;
}

typedef PGresult *result;

static void
clear(result r)
{
    PQclear(r);
}
COCO_DEFINE_CLEANUP(result, clear);
#define _cleanup_result_ _cleanup_(clearp)

/* What the server says is one line or more; the first says it. */
static coco_status
fail_db(const struct postgres *postgres, const char *what, coco_error **err)
{
    const char *message = PQerrorMessage(postgres->conn);

    return coco_fail(err, COCO_ERR_IO, "store: %s: %.*s", what, (int)strcspn(message, "\n"),
                     message);
}

/*
 * Whether the server did it. A failure that it does not number is libpq's own; classes
 * 08 and 57P are of connections that end (appendix A of PostgreSQL's manual).
 */
static bool
is_done(struct postgres *postgres, const PGresult *r)
{
    if (PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK)
        return true;
    const char *code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    postgres->is_lost = !code || strncmp(code, "08", 2) == 0 || strncmp(code, "57P", 3) == 0;
    return false;
}

/* Runs SQL that has no parameters. */
static coco_status
exec(struct postgres *postgres, const char *sql, const char *what, coco_error **err)
{
    _cleanup_result_ result r = PQexec(postgres->conn, sql);

    return is_done(postgres, r) ? COCO_OK : fail_db(postgres, what, err);
}

static void
rollback(struct coco_database *db)
{
    PQclear(PQexec(of(db)->conn, "ROLLBACK"));
}

static coco_status
begin(struct coco_database *db, coco_error **err)
{
    coco_status status =
        exec(of(db), "BEGIN; SELECT pg_advisory_xact_lock(" LOCK ")", "write", err);

    /* A lock that was waited for in vain leaves a transaction in which nothing works. */
    if (status != COCO_OK)
        rollback(db);
    return status;
}

static coco_status
snapshot(struct coco_database *db, coco_error **err)
{
    return exec(of(db), "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "read", err);
}

static coco_status
commit(struct coco_database *db, coco_error **err)
{
    return exec(of(db), "COMMIT", "write", err);
}

static coco_status
check_schema(const struct postgres *postgres, coco_error **err)
{
    _cleanup_result_ result r =
        PQexec(postgres->conn, "SELECT version FROM coco_kbs_schema ORDER BY version DESC LIMIT 1");

    if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1)
        return fail_db(postgres, "version", err);
    const char *version = PQgetvalue(r, 0, 0);
    if (strtol(version, NULL, 10) != COCO_KBS_SCHEMA)
        return coco_fail(err, COCO_ERR_NOTSUP, "store has version %.20s, this program knows %d",
                         version, COCO_KBS_SCHEMA);
    return COCO_OK;
}

/* Makes what is missing; another replica may do the same. */
static coco_status
set_up(struct postgres *postgres, coco_error **err)
{
    struct coco_database *db = &postgres->base;

    coco_status status = begin(db, err);
    if (status != COCO_OK)
        return status;
    status = exec(postgres, create, "set up", err);
    if (status == COCO_OK)
        status = check_schema(postgres, err);
    if (status == COCO_OK)
        return commit(db, err);
    rollback(db);
    return status;
}

/* A value as the server takes it; number is where one of those is kept meanwhile. */
static void
encode(const struct coco_sql_value *value, uint64_t *number, const char **text, int *len)
{
    if (value->type == COCO_SQL_NUMBER) {
        *number = htobe64((uint64_t)value->number);
        *text = (const char *)number;
        *len = sizeof(*number);
    } else {
        *text = value->data;
        *len = (int)value->len;
    }
}

static coco_status
prepare(struct postgres *postgres, const struct coco_sql_query *query, const char *name,
        coco_error **err)
{
    static const Oid oids[] = {
        [COCO_SQL_NUMBER] = INT8_OID,
        [COCO_SQL_TEXT] = TEXT_OID,
        [COCO_SQL_BYTES] = BYTEA_OID,
    };
    Oid types[PARAMETERS_MAX];

    if (postgres->prepared[query->statement])
        return COCO_OK;
    for (size_t i = 0; i < query->n; i++)
        types[i] = oids[query->parameters[i].type];
    _cleanup_result_ result r = PQprepare(
        postgres->conn, name, coco_kbs_statements[query->statement], (int)query->n, types);
    if (!is_done(postgres, r))
        return fail_db(postgres, "prepare", err);
    postgres->prepared[query->statement] = true;
    return COCO_OK;
}

/* False for what no column of ours is. */
static bool
decode(const PGresult *r, int row, int column, struct coco_sql_value *ret)
{
    const char *data = PQgetvalue(r, row, column);
    size_t len = (size_t)PQgetlength(r, row, column);
    uint64_t wide;
    uint32_t narrow;

    if (PQgetisnull(r, row, column)) {
        *ret = (struct coco_sql_value)COCO_SQL_OF_BYTES(NULL, 0);
        return true;
    }
    switch (PQftype(r, column)) {
    case INT8_OID:
        if (len != sizeof(wide))
            return false;
        memcpy(&wide, data, sizeof(wide));
        *ret = (struct coco_sql_value)COCO_SQL_OF_NUMBER(be64toh(wide));
        return true;
    case INT4_OID:
        if (len != sizeof(narrow))
            return false;
        memcpy(&narrow, data, sizeof(narrow));
        *ret = (struct coco_sql_value)COCO_SQL_OF_NUMBER((int32_t)ntohl(narrow));
        return true;
    case TEXT_OID:
        *ret = (struct coco_sql_value){.type = COCO_SQL_TEXT, .data = data, .len = len};
        return true;
    case BYTEA_OID:
        *ret = (struct coco_sql_value)COCO_SQL_OF_BYTES(data, len);
        return true;
    default:
        return false;
    }
}

static coco_status
read_rows(const PGresult *r, const struct coco_sql_query *query, coco_error **err)
{
    coco_status status = COCO_OK;
    int columns = PQnfields(r);

    if (!query->row)
        return COCO_OK;
    for (int row = 0; row < PQntuples(r) && status == COCO_OK; row++) {
        struct coco_sql_value values[COCO_DATABASE_COLUMNS_MAX] = {0};

        for (int i = 0; i < columns && i < COCO_DATABASE_COLUMNS_MAX; i++)
            if (!decode(r, row, i, &values[i]))
                return coco_fail(err, COCO_ERR_IO, "store: column %d is of another type", i);
        status = query->row(query->arg, values, err);
    }
    return status;
}

static coco_status
run(struct coco_database *db, const struct coco_sql_query *query, coco_error **err)
{
    struct postgres *postgres = of(db);
    uint64_t numbers[PARAMETERS_MAX];
    const char *texts[PARAMETERS_MAX];
    int lens[PARAMETERS_MAX];
    int formats[PARAMETERS_MAX];
    char name[16];

    (void)snprintf(name, sizeof(name), "coco_%d", (int)query->statement);
    coco_status status = prepare(postgres, query, name, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < query->n; i++) {
        encode(&query->parameters[i], &numbers[i], &texts[i], &lens[i]);
        formats[i] = BINARY;
    }
    _cleanup_result_ result r =
        PQexecPrepared(postgres->conn, name, (int)query->n, texts, lens, formats, BINARY);
    return is_done(postgres, r) ? read_rows(r, query, err) : fail_db(postgres, "query", err);
}

/*
 * A snapshot is the set of transactions that one sees (section 9.27.8 of PostgreSQL's
 * manual): as long as it is the same, so is all that there is to see. Others that write
 * to the same cluster make another of it, too, which costs a look at the tables.
 */
static coco_status
generation(struct coco_database *db, uint64_t *ret, coco_error **err)
{
    struct postgres *postgres = of(db);
    _cleanup_result_ result r = PQexec(postgres->conn, "SELECT txid_current_snapshot()");

    if (!is_done(postgres, r) || PQntuples(r) != 1)
        return fail_db(postgres, "snapshot", err);
    const char *snapshot = PQgetvalue(r, 0, 0);
    if (!postgres->snapshot || strcmp(postgres->snapshot, snapshot) != 0) {
        /* Without memory for it, the next one is another, too. */
        free(postgres->snapshot);
        postgres->snapshot = strdup(snapshot);
        postgres->generation++;
    }
    *ret = postgres->generation;
    return COCO_OK;
}

static bool
reconnect(struct coco_database *db)
{
    struct postgres *postgres = of(db);

    if (!postgres->is_lost && PQstatus(postgres->conn) == CONNECTION_OK)
        return false;
    postgres->is_lost = false;
    /* It may be another server, which got its data from a copy. */
    free(postgres->snapshot);
    postgres->snapshot = NULL;
    memset(postgres->prepared, 0, sizeof(postgres->prepared));
    PQreset(postgres->conn);
    return PQstatus(postgres->conn) == CONNECTION_OK;
}

static void
close_postgres(struct coco_database *db)
{
    PQfinish(of(db)->conn);
    free(of(db)->snapshot);
    free(of(db));
}

static const struct coco_database_ops ops = {
    .close = close_postgres,
    .begin = begin,
    .snapshot = snapshot,
    .commit = commit,
    .rollback = rollback,
    .run = run,
    .generation = generation,
    .reconnect = reconnect,
};

/* Whether what is said to host stays on this machine. */
static bool
is_here(const char *host)
{
    return host[0] == '/' || strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0
           || strcmp(host, "::1") == 0;
}

/*
 * All that is said, so that nothing comes from PGHOST and the like.
 */
static PGconn *
connect_to(const struct coco_postgres_options *options, const char *port)
{
    const char *names[] = {
        "host",
        "port",
        "dbname",
        "user",
        "password",
        "sslmode",
        "sslrootcert",
        "connect_timeout",
        "options",
        "application_name",
        "keepalives",
        "tcp_user_timeout",
        "client_encoding",
        NULL,
    };
    const char *values[] = {
        options->host,
        port,
        options->database,
        options->user,
        options->password,
        is_here(options->host) ? "prefer" : "verify-full",
        options->ca,
        "5",
        settings,
        "coco-kbs",
        "1",
        "10000",
        "UTF8",
        NULL,
    };

    _Static_assert(sizeof(names) == sizeof(values), "a value for each name");
    return PQconnectdbParams(names, values, 0);
}

coco_status
coco_database_open_postgres(const struct coco_postgres_options *options, struct coco_database **ret,
                            coco_error **err)
{
    char port[8];

    if (PQisthreadsafe() != 1)
        return coco_fail(err, COCO_ERR_NOTSUP, "store: libpq is not for threads");
    struct postgres *postgres = calloc(1, sizeof(*postgres));
    if (!postgres)
        return coco_fail_nomem(err);
    postgres->base.ops = &ops;
    _cleanup_(coco_database_closep) struct coco_database *db = &postgres->base;
    (void)snprintf(port, sizeof(port), "%u", (unsigned)options->port);
    postgres->conn = connect_to(options, port);
    if (!postgres->conn)
        return coco_fail_nomem(err);
    if (PQstatus(postgres->conn) != CONNECTION_OK)
        return fail_db(postgres, "connect", err);
    (void)PQsetNoticeProcessor(postgres->conn, ignore_notice, NULL);
    coco_status status = set_up(postgres, err);
    if (status == COCO_OK)
        *ret = coco_steal(&db);
    return status;
}

#else

coco_status
coco_database_open_postgres(const struct coco_postgres_options *options, struct coco_database **ret,
                            coco_error **err)
{
    (void)options;
    (void)ret;
    return coco_fail(err, COCO_ERR_NOTSUP, "store: this build has no PostgreSQL");
}

#endif
