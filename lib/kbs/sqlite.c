/*
 * kbs/sqlite.c - values in an SQLite database
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/buf.h"
#include "base/fail.h"
#include "base/fd.h"
#include "kbs/database.h"
#include "kbs/store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * FULL: in WAL mode only that puts every commit on the disk before it returns.
 * secure_delete: a deleted secret is overwritten, not only forgotten.
 */
static const char settings[] = "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA secure_delete = ON;"
                               "PRAGMA trusted_schema = OFF;";

/* Of a new file that goes away if it does not become whole. */
static const char backup_settings[] = "PRAGMA journal_mode = OFF;"
                                      "PRAGMA synchronous = OFF;"
                                      "PRAGMA locking_mode = EXCLUSIVE;"
                                      "PRAGMA trusted_schema = OFF;";

/* Of a file that anybody may have made. */
static const char foreign_settings[] = "PRAGMA query_only = ON;"
                                       "PRAGMA cell_size_check = ON;"
                                       "PRAGMA mmap_size = 0;"
                                       "PRAGMA trusted_schema = OFF;";

static const char create[] = "CREATE TABLE coco_kbs_value ("
                             " tenant TEXT NOT NULL,"
                             " kind INTEGER NOT NULL,"
                             " name TEXT NOT NULL,"
                             " version INTEGER NOT NULL,"
                             " time INTEGER NOT NULL,"
                             " seal INTEGER NOT NULL,"
                             " data BLOB,"
                             " PRIMARY KEY (tenant, kind, name, version)) STRICT;";

/* Version 1 had one version of each value, and no tenants. */
static const char from_1[] = "INSERT INTO coco_kbs_value"
                             " SELECT '', kind, name, 1, strftime('%s', 'now') + 0, 0, data"
                             " FROM item;"
                             "DROP TABLE item;";

struct sqlite {
    struct coco_database base;
    sqlite3 *db;
    sqlite3_stmt *statements[COCO_KBS_STATEMENTS];
    sqlite3_stmt *data_version;
    sqlite3_int64 theirs; /* data_version: what other connections committed */
    sqlite3_int64 ours;   /* rows that this one changed */
    uint64_t generation;  /* counts the pairs of these that there were */
    bool is_foreign;      /* a file that anybody may have made */
};

static struct sqlite *
of(struct coco_database *db)
{
    return (struct sqlite *)db;
}

static coco_status
fail_db(const struct sqlite *sqlite, const char *what, coco_error **err)
{
    int code = sqlite->db ? sqlite3_errcode(sqlite->db) : SQLITE_NOMEM;

    if (code == SQLITE_NOMEM)
        return coco_fail_nomem(err);
    if (sqlite->is_foreign)
        return coco_fail(err, COCO_ERR_PROTO, "backup: %s: %s", what, sqlite3_errmsg(sqlite->db));
    return coco_fail(err, COCO_ERR_IO, "store: %s: %s", what, sqlite3_errmsg(sqlite->db));
}

static coco_status
exec(const struct sqlite *sqlite, const char *sql, const char *what, coco_error **err)
{
    return sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? COCO_OK
               : fail_db(sqlite, what, err);
}

/* SQLite gives a new file the umask's mode, and its WAL that of the file: so we make it. */
static coco_status
prepare_file(const char *path, coco_error **err)
{
    struct stat st;

    _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return coco_fail_errno(err, errno, "store %s", path);
    if (fstat(fd, &st) != 0)
        return coco_fail_errno(err, errno, "store %s", path);
    if (!S_ISREG(st.st_mode))
        return coco_fail(err, COCO_ERR_INVALID, "store %s is not a file", path);
    if (st.st_mode & 077)
        return coco_fail(err, COCO_ERR_DENIED,
                         "store %s may be read by others (mode %04o): chmod 600 it", path,
                         (unsigned)st.st_mode & 07777U);
    return COCO_OK;
}

static coco_status
read_schema(const struct sqlite *sqlite, int *ret, coco_error **err)
{
    sqlite3_stmt *stmt = NULL;
    int version = -1;

    if (sqlite3_prepare_v2(sqlite->db, "PRAGMA user_version", -1, &stmt, NULL) == SQLITE_OK
        && sqlite3_step(stmt) == SQLITE_ROW)
        version = sqlite3_column_int(stmt, 0);
    (void)sqlite3_finalize(stmt);
    if (version < 0)
        return fail_db(sqlite, "version", err);
    *ret = version;
    return COCO_OK;
}

/* Another process may do the same: what there is is asked in the transaction. */
static coco_status
migrate(const struct sqlite *sqlite, coco_error **err)
{
    int version = 0;

    coco_status status = read_schema(sqlite, &version, err);
    if (status != COCO_OK || version == COCO_KBS_SCHEMA)
        return status;
    if (version > COCO_KBS_SCHEMA)
        return coco_fail(err, COCO_ERR_NOTSUP, "store has version %d, this program knows %d",
                         version, COCO_KBS_SCHEMA);
    status = exec(sqlite, create, "set up", err);
    if (status == COCO_OK && version == 1)
        status = exec(sqlite, from_1, "take over version 1", err);
    if (status == COCO_OK)
        status = exec(sqlite, "PRAGMA user_version = 2", "set up", err);
    return status;
}

static coco_status
prepare(struct sqlite *sqlite, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < COCO_KBS_STATEMENTS && status == COCO_OK; i++)
        if (sqlite3_prepare_v3(sqlite->db, coco_kbs_statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &sqlite->statements[i], NULL)
            != SQLITE_OK)
            status = fail_db(sqlite, "prepare", err);
    if (status == COCO_OK
        && sqlite3_prepare_v3(sqlite->db, "PRAGMA data_version", -1, SQLITE_PREPARE_PERSISTENT,
                              &sqlite->data_version, NULL)
               != SQLITE_OK)
        status = fail_db(sqlite, "prepare", err);
    return status;
}

static coco_status
set_up(struct sqlite *sqlite, const char *with, coco_error **err)
{
    int version = 0;

    coco_status status = exec(sqlite, with, "open", err);
    if (status == COCO_OK)
        status = read_schema(sqlite, &version, err);
    if (status == COCO_OK && version != COCO_KBS_SCHEMA) {
        status = exec(sqlite, "BEGIN IMMEDIATE", "set up", err);
        if (status == COCO_OK)
            status = migrate(sqlite, err);
        if (status == COCO_OK)
            status = exec(sqlite, "COMMIT", "set up", err);
    }
    return status == COCO_OK ? prepare(sqlite, err) : status;
}

static void
close_sqlite(struct coco_database *db)
{
    struct sqlite *sqlite = of(db);

    for (size_t i = 0; i < COCO_KBS_STATEMENTS; i++)
        (void)sqlite3_finalize(sqlite->statements[i]);
    (void)sqlite3_finalize(sqlite->data_version);
    (void)sqlite3_close(sqlite->db);
    free(sqlite);
}

static coco_status
begin(struct coco_database *db, coco_error **err)
{
    return exec(of(db), "BEGIN IMMEDIATE", "write", err);
}

static coco_status
snapshot(struct coco_database *db, coco_error **err)
{
    return exec(of(db), "BEGIN; SELECT 1 FROM coco_kbs_value LIMIT 1", "read", err);
}

static coco_status
commit(struct coco_database *db, coco_error **err)
{
    return exec(of(db), "COMMIT", "write", err);
}

static void
rollback(struct coco_database *db)
{
    (void)sqlite3_exec(of(db)->db, "ROLLBACK", NULL, NULL, NULL);
}

/* SQLite numbers "$1" and the like as they come, not as they are called. */
static int
bind(sqlite3_stmt *stmt, size_t n, const struct coco_sql_value *value)
{
    const char name[] = {'$', (char)('1' + n), '\0'};
    int i = sqlite3_bind_parameter_index(stmt, name);

    switch (value->type) {
    case COCO_SQL_NUMBER:
        return sqlite3_bind_int64(stmt, i, value->number);
    case COCO_SQL_TEXT:
        return sqlite3_bind_text64(stmt, i, value->data, value->len, SQLITE_STATIC, SQLITE_UTF8);
    case COCO_SQL_BYTES:
        return sqlite3_bind_blob64(stmt, i, value->data, value->len, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

/* False if there was no memory for a text. */
static bool
read_column(sqlite3_stmt *stmt, int i, struct coco_sql_value *ret)
{
    switch (sqlite3_column_type(stmt, i)) {
    case SQLITE_INTEGER:
        *ret = (struct coco_sql_value)COCO_SQL_OF_NUMBER(sqlite3_column_int64(stmt, i));
        return true;
    case SQLITE_TEXT:
        ret->type = COCO_SQL_TEXT;
        ret->data = sqlite3_column_text(stmt, i);
        break;
    case SQLITE_NULL:
        *ret = (struct coco_sql_value)COCO_SQL_OF_BYTES(NULL, 0);
        return true;
    default:
        ret->type = COCO_SQL_BYTES;
        ret->data = sqlite3_column_blob(stmt, i);
        if (!ret->data && sqlite3_column_bytes(stmt, i) == 0)
            ret->data = ""; /* SQLite's empty value is NULL, ours is not */
        break;
    }
    ret->len = (size_t)sqlite3_column_bytes(stmt, i);
    return ret->data != NULL;
}

static coco_status
read_row(const struct sqlite *sqlite, sqlite3_stmt *stmt, const struct coco_sql_query *query,
         coco_error **err)
{
    struct coco_sql_value values[COCO_DATABASE_COLUMNS_MAX] = {0};
    int n = sqlite3_column_count(stmt);

    for (int i = 0; i < n && i < COCO_DATABASE_COLUMNS_MAX; i++)
        if (!read_column(stmt, i, &values[i]))
            return fail_db(sqlite, "read", err);
    return query->row ? query->row(query->arg, values, err) : COCO_OK;
}

static coco_status
run(struct coco_database *db, const struct coco_sql_query *query, coco_error **err)
{
    const struct sqlite *sqlite = of(db);
    sqlite3_stmt *stmt = sqlite->statements[query->statement];
    coco_status status = COCO_OK;
    int code = SQLITE_OK;

    for (size_t i = 0; i < query->n && code == SQLITE_OK; i++)
        code = bind(stmt, i, &query->parameters[i]);
    if (code == SQLITE_OK)
        while ((code = sqlite3_step(stmt)) == SQLITE_ROW && status == COCO_OK)
            status = read_row(sqlite, stmt, query, err);
    if (status == COCO_OK && code != SQLITE_DONE)
        status = fail_db(sqlite, "query", err);
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    return status;
}

/* SQLite tells a connection of what others wrote, and that it wrote itself it knows. */
static coco_status
generation(struct coco_database *db, uint64_t *ret, coco_error **err)
{
    struct sqlite *sqlite = of(db);
    coco_status status = COCO_OK;
    sqlite3_int64 theirs = 0;

    if (sqlite3_step(sqlite->data_version) == SQLITE_ROW)
        theirs = sqlite3_column_int64(sqlite->data_version, 0);
    else
        status = fail_db(sqlite, "data_version", err);
    (void)sqlite3_reset(sqlite->data_version);
    if (status != COCO_OK)
        return status;
    sqlite3_int64 ours = sqlite3_total_changes64(sqlite->db);
    if (sqlite->generation == 0 || theirs != sqlite->theirs || ours != sqlite->ours) {
        sqlite->theirs = theirs;
        sqlite->ours = ours;
        sqlite->generation++;
    }
    *ret = sqlite->generation;
    return COCO_OK;
}

static bool
reconnect(struct coco_database *db)
{
    (void)db;
    return false; /* there is nothing to lose */
}

static const struct coco_database_ops ops = {
    .close = close_sqlite,
    .begin = begin,
    .snapshot = snapshot,
    .commit = commit,
    .rollback = rollback,
    .run = run,
    .generation = generation,
    .reconnect = reconnect,
};

/* Nobody may write the text of a file's schema but us. */
static coco_status
check_entry(const char *type, const char *name, const char *sql, coco_error **err)
{
    /* As SQLite keeps it: without the semicolon. */
    const bool is_ours =
        strlen(sql) == sizeof(create) - 2 && strncmp(sql, create, sizeof(create) - 2) == 0;
    const bool is_table =
        strcmp(type, "table") == 0 && strcmp(name, "coco_kbs_value") == 0 && is_ours;
    const bool is_key = strcmp(type, "index") == 0
                        && strcmp(name, "sqlite_autoindex_coco_kbs_value_1") == 0 && !*sql;

    return is_table || is_key ? COCO_OK
                              : coco_fail(err, COCO_ERR_PROTO, "backup: holds '%.40s'", name);
}

static const char *
column_text(sqlite3_stmt *stmt, int i)
{
    const char *text = (const char *)sqlite3_column_text(stmt, i);

    return text ? text : "";
}

static coco_status
check_schema(const struct sqlite *sqlite, coco_error **err)
{
    static const char sql[] = "SELECT type, name, sql FROM sqlite_schema";
    coco_status status = COCO_OK;
    sqlite3_stmt *stmt = NULL;
    unsigned n = 0;

    int code = sqlite3_prepare_v2(sqlite->db, sql, -1, &stmt, NULL);
    while (code == SQLITE_OK && status == COCO_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        status = check_entry(column_text(stmt, 0), column_text(stmt, 1), column_text(stmt, 2), err);
        code = SQLITE_OK;
        n++;
    }
    if (status == COCO_OK && code != SQLITE_DONE)
        status = fail_db(sqlite, "schema", err);
    if (status == COCO_OK && n != 2)
        status = coco_fail(err, COCO_ERR_PROTO, "backup: is none");
    (void)sqlite3_finalize(stmt);
    return status;
}

static coco_status
check_pages(const struct sqlite *sqlite, coco_error **err)
{
    sqlite3_stmt *stmt = NULL;
    bool good = false;

    int code = sqlite3_prepare_v2(sqlite->db, "PRAGMA integrity_check(1)", -1, &stmt, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        good = strcmp(column_text(stmt, 0), "ok") == 0;
    coco_status status =
        code == SQLITE_ROW && !good
            ? coco_fail(err, COCO_ERR_PROTO, "backup: is damaged: %.80s", column_text(stmt, 0))
        : good ? COCO_OK
               : fail_db(sqlite, "check", err);
    (void)sqlite3_finalize(stmt);
    return status;
}

/* Far less than SQLite lets a schema, or what is asked, be and do. */
static void
bound(sqlite3 *db)
{
    static const struct {
        int id, most;
    } limits[] = {
        {SQLITE_LIMIT_SQL_LENGTH, 4096},    {SQLITE_LIMIT_COLUMN, 16},
        {SQLITE_LIMIT_EXPR_DEPTH, 32},      {SQLITE_LIMIT_COMPOUND_SELECT, 2},
        {SQLITE_LIMIT_FUNCTION_ARG, 8},     {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 16}, {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        (void)sqlite3_limit(db, limits[i].id, limits[i].most);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
}

static coco_status
open_foreign(struct sqlite *sqlite, const char *ignored, coco_error **err)
{
    int version = 0;

    (void)ignored;
    sqlite->is_foreign = true;
    bound(sqlite->db);
    coco_status status = exec(sqlite, foreign_settings, "open", err);
    if (status == COCO_OK)
        status = check_schema(sqlite, err);
    if (status == COCO_OK)
        status = read_schema(sqlite, &version, err);
    if (status == COCO_OK && version != COCO_KBS_SCHEMA)
        status = coco_fail(err, COCO_ERR_NOTSUP, "backup: has version %d, this program knows %d",
                           version, COCO_KBS_SCHEMA);
    if (status == COCO_OK)
        status = check_pages(sqlite, err);
    return status == COCO_OK ? prepare(sqlite, err) : status;
}

/* Opens what is named, and makes it ready. */
static coco_status
open_with(const char *name, int flags,
          coco_status (*ready)(struct sqlite *sqlite, const char *with, coco_error **err),
          const char *with, struct coco_database **ret, coco_error **err)
{
    struct sqlite *sqlite = calloc(1, sizeof(*sqlite));

    if (!sqlite)
        return coco_fail_nomem(err);
    sqlite->base.ops = &ops;
    _cleanup_(coco_database_closep) struct coco_database *db = &sqlite->base;
    if (sqlite3_open_v2(name, &sqlite->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return fail_db(sqlite, "open", err);
    (void)sqlite3_busy_timeout(sqlite->db, COCO_DATABASE_WAIT_MS);
    (void)sqlite3_limit(sqlite->db, SQLITE_LIMIT_LENGTH, (int)COCO_KBS_VALUE_MAX + 4096);
    coco_status status = ready(sqlite, with, err);
    if (status == COCO_OK)
        *ret = coco_steal(&db);
    return status;
}

coco_status
coco_database_open_sqlite(const char *path, struct coco_database **ret, coco_error **err)
{
    coco_status status = path ? prepare_file(path, err) : COCO_OK;

    if (status != COCO_OK)
        return status;
    status = open_with(
        path ? path : ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW,
        set_up, settings, ret, err);
    return status == COCO_OK || !path ? status : coco_wrap(err, status, "%s", path);
}

coco_status
coco_database_make_backup(const char *path, struct coco_database **ret, coco_error **err)
{
    _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return coco_fail_errno(err, errno, "backup %s", path);
    return open_with(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, set_up, backup_settings,
                     ret, err);
}

/* As SQLite takes a path together with what is to be said of it; "?" and the like are escaped. */
static coco_status
uri_of(const char *path, struct coco_buf *ret, coco_error **err)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-";

    coco_status status = coco_buf_append_text(ret, *path == '/' ? "file://" : "file:", err);
    for (const char *p = path; *p && status == COCO_OK; p++)
        status = strchr(plain, *p) ? coco_buf_append(ret, p, 1, err)
                                   : coco_buf_printf(ret, err, "%%%02X", (unsigned char)*p);
    /* What lies beside it, such as a journal, does not belong to it. */
    return status == COCO_OK ? coco_buf_append_text(ret, "?immutable=1", err) : status;
}

static coco_status
check_file(const char *path, coco_error **err)
{
    struct stat st;

    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return coco_fail(err, COCO_ERR_NOTFOUND, "backup %s is not there", path);
    if (fd < 0 || fstat(fd, &st) != 0)
        return coco_fail_errno(err, errno, "backup %s", path);
    if (!S_ISREG(st.st_mode))
        return coco_fail(err, COCO_ERR_INVALID, "backup %s is not a file", path);
    return COCO_OK;
}

coco_status
coco_database_open_backup(const char *path, struct coco_database **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf uri = {.limit = (size_t)64 << 10};

    coco_status status = check_file(path, err);
    if (status == COCO_OK)
        status = uri_of(path, &uri, err);
    if (status != COCO_OK)
        return status;
    return open_with(coco_buf_text(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, open_foreign,
                     NULL, ret, err);
}
