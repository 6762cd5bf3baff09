/*
 * kbs/store.c - what a KBS keeps
 *
 * SQLite copies values through memory that it does not wipe. In memory, where no
 * file is to be read by others, it sees them sealed only (T36 in doc/threats.md):
 *
 *     iv[12] tag[16] AES-256-GCM( value ), bound to kind and name
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/store.h"

#include "base/fail.h"
#include "crypto/aead.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

/* How long another process that writes is waited for. */
#define BUSY_MS 5000

#define SEAL_SIZE ((size_t)COCO_AEAD_IV_SIZE + COCO_AEAD_TAG_SIZE)

enum statement {
    PUT,
    PUT_NEW,
    GET,
    DELETE,
    LIST,
    STATEMENTS,
};

static const char *const sql[STATEMENTS] = {
    [PUT] = "INSERT INTO item (kind, name, data) VALUES (?1, ?2, ?3)"
            " ON CONFLICT (kind, name) DO UPDATE SET data = excluded.data",
    [PUT_NEW] = "INSERT INTO item (kind, name, data) VALUES (?1, ?2, ?3)"
                " ON CONFLICT (kind, name) DO NOTHING",
    [GET] = "SELECT data FROM item WHERE kind = ?1 AND name = ?2",
    [DELETE] = "DELETE FROM item WHERE kind = ?1 AND name = ?2",
    [LIST] = "SELECT name, data FROM item WHERE kind = ?1 ORDER BY name",
};

/*
 * FULL: in WAL mode only that puts every commit on the disk before it returns.
 * secure_delete: a deleted secret is overwritten, not only forgotten.
 */
static const char setup[] = "PRAGMA journal_mode = WAL;"
                            "PRAGMA synchronous = FULL;"
                            "PRAGMA secure_delete = ON;"
                            "PRAGMA trusted_schema = OFF;"
                            "BEGIN IMMEDIATE;"
                            "CREATE TABLE IF NOT EXISTS item ("
                            " kind INTEGER NOT NULL,"
                            " name TEXT NOT NULL,"
                            " data BLOB NOT NULL,"
                            " UNIQUE (kind, name)) STRICT;"
                            "COMMIT;";

/* The layout above; another number is another program's file, or a later one's. */
#define SCHEMA 1

struct coco_kbs_store {
    sqlite3 *db;
    struct coco_secret key; /* of the values; none on disk */
    sqlite3_stmt *statements[STATEMENTS];
    pthread_mutex_t lock; /* db's and the statements' */
};

static coco_status
fail_db(struct coco_kbs_store *store, const char *what, coco_error **err)
{
    int code = store->db ? sqlite3_errcode(store->db) : SQLITE_NOMEM;

    if (code == SQLITE_NOMEM)
        return coco_fail_nomem(err);
    return coco_fail(err, COCO_ERR_IO, "store: %s: %s", what, sqlite3_errmsg(store->db));
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
check_schema(struct coco_kbs_store *store, coco_error **err)
{
    sqlite3_stmt *stmt = NULL;
    int version = -1;

    if (sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &stmt, NULL) == SQLITE_OK
        && sqlite3_step(stmt) == SQLITE_ROW)
        version = sqlite3_column_int(stmt, 0);
    (void)sqlite3_finalize(stmt);
    if (version < 0)
        return fail_db(store, "version", err);
    if (version == SCHEMA)
        return COCO_OK;
    if (version != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "store has version %d, this program knows %d",
                         version, SCHEMA);
    if (sqlite3_exec(store->db, setup, NULL, NULL, NULL) != SQLITE_OK
        || sqlite3_exec(store->db, "PRAGMA user_version = 1", NULL, NULL, NULL) != SQLITE_OK)
        return fail_db(store, "set up", err);
    return COCO_OK;
}

static coco_status
prepare(struct coco_kbs_store *store, coco_error **err)
{
    static const char each_time[] = "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
                                    "PRAGMA trusted_schema = OFF;";

    coco_status status = check_schema(store, err);
    if (status != COCO_OK)
        return status;
    if (sqlite3_exec(store->db, each_time, NULL, NULL, NULL) != SQLITE_OK)
        return fail_db(store, "open", err);
    for (size_t i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(store->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &store->statements[i], NULL)
            != SQLITE_OK)
            return fail_db(store, "prepare", err);
    return COCO_OK;
}

coco_status
coco_kbs_store_open(const char *path, struct coco_kbs_store **ret, coco_error **err)
{
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;

    if (path) {
        coco_status status = prepare_file(path, err);
        if (status != COCO_OK)
            return status;
    }

    struct coco_kbs_store *made = calloc(1, sizeof(*made));
    if (!made)
        return coco_fail_nomem(err);
    (void)pthread_mutex_init(&made->lock, NULL);
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = made;

    coco_status status = path ? COCO_OK : coco_secret_random(COCO_AEAD_KEY_SIZE, &store->key, err);
    if (status != COCO_OK)
        return status;
    if (sqlite3_open_v2(path ? path : ":memory:", &store->db, flags, NULL) != SQLITE_OK)
        return fail_db(store, "open", err);
    (void)sqlite3_busy_timeout(store->db, BUSY_MS);
    (void)sqlite3_limit(store->db, SQLITE_LIMIT_LENGTH, (int)COCO_KBS_VALUE_MAX + 4096);

    status = prepare(store, err);
    if (status != COCO_OK)
        return status;
    *ret = coco_steal(&store);
    return COCO_OK;
}

void
coco_kbs_store_close(struct coco_kbs_store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize(store->statements[i]);
    (void)sqlite3_close(store->db);
    coco_secret_done(&store->key);
    (void)pthread_mutex_destroy(&store->lock);
    free(store);
}

/* What a sealed value is bound to. */
static coco_status
set_aad(enum coco_kbs_kind kind, const char *name, struct coco_buf *aad, coco_error **err)
{
    aad->limit = COCO_KBS_NAME_MAX + 16;
    return coco_buf_printf(aad, err, "%d %s", (int)kind, name);
}

/* Appends what SQLite gets to see of a value. */
static coco_status
seal(const struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
     const void *data, size_t len, struct coco_buf *ret, coco_error **err)
{
    uint8_t head[SEAL_SIZE];
    _cleanup_buf_ struct coco_buf aad = {0};
    _cleanup_buf_ struct coco_buf sealed = {.limit = len};

    ret->limit = len + SEAL_SIZE;
    if (store->key.len == 0)
        return coco_buf_append(ret, data, len, err);
    coco_status status = set_aad(kind, name, &aad, err);
    if (status == COCO_OK)
        status = coco_random(head, COCO_AEAD_IV_SIZE, err);
    if (status == COCO_OK)
        status = coco_aead_seal(store->key.data, head, &aad, data, len, &sealed,
                                head + COCO_AEAD_IV_SIZE, err);
    if (status == COCO_OK)
        status = coco_buf_append(ret, head, sizeof(head), err);
    if (status == COCO_OK)
        status = coco_buf_append(ret, sealed.data, sealed.len, err);
    return status;
}

/* The value in a column. */
static coco_status
unseal(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name, sqlite3_stmt *stmt,
       int column, struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf aad = {0};
    const uint8_t *data = sqlite3_column_blob(stmt, column);
    size_t len = (size_t)sqlite3_column_bytes(stmt, column);

    if (!data && len > 0)
        return fail_db(store, "read", err);
    if (store->key.len == 0)
        return coco_secret_copy(data, len, ret, err);
    if (len < SEAL_SIZE)
        return coco_fail(err, COCO_ERR_IO, "store: a value is damaged");
    coco_status status = set_aad(kind, name, &aad, err);
    if (status == COCO_OK)
        status = coco_aead_open(store->key.data, data, &aad, data + SEAL_SIZE, len - SEAL_SIZE,
                                data + COCO_AEAD_IV_SIZE, ret, err);
    return status;
}

/* Binds kind and name; the lock is held. */
static sqlite3_stmt *
begin(struct coco_kbs_store *store, enum statement which, enum coco_kbs_kind kind, const char *name)
{
    sqlite3_stmt *stmt = store->statements[which];

    (void)sqlite3_bind_int(stmt, 1, (int)kind);
    if (name)
        (void)sqlite3_bind_text(stmt, 2, name, -1, SQLITE_STATIC);
    return stmt;
}

static void
end(sqlite3_stmt *stmt)
{
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
}

coco_status
coco_kbs_store_check_name(const char *name, coco_error **err)
{
    size_t len = strlen(name);

    if (len == 0 || len > COCO_KBS_NAME_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "name of %zu bytes, 1 to %d are possible", len,
                         COCO_KBS_NAME_MAX);
    return COCO_OK;
}

static coco_status
write_locked(struct coco_kbs_store *store, enum statement which, enum coco_kbs_kind kind,
             const char *name, const struct coco_buf *value, coco_error **err)
{
    coco_status status = COCO_OK;
    sqlite3_stmt *stmt = begin(store, which, kind, name);

    /* An empty value is a value, not NULL: so never a NULL pointer. */
    (void)sqlite3_bind_blob64(stmt, 3, coco_buf_text(value), value->len, SQLITE_STATIC);
    if (sqlite3_step(stmt) != SQLITE_DONE)
        status = fail_db(store, "write", err);
    end(stmt);
    return status;
}

static coco_status
read_locked(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
            struct coco_secret *ret, coco_error **err)
{
    coco_status status;
    sqlite3_stmt *stmt = begin(store, GET, kind, name);
    int code = sqlite3_step(stmt);

    if (code == SQLITE_ROW)
        status = unseal(store, kind, name, stmt, 0, ret, err);
    else if (code == SQLITE_DONE)
        status = coco_fail(err, COCO_ERR_NOTFOUND, "%s is not there", name);
    else
        status = fail_db(store, "read", err);
    end(stmt);
    return status;
}

static coco_status
check_size(size_t len, coco_error **err)
{
    if (len > COCO_KBS_VALUE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "value of %zu bytes, %zu are possible", len,
                         COCO_KBS_VALUE_MAX);
    return COCO_OK;
}

coco_status
coco_kbs_store_put(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                   const void *data, size_t len, coco_error **err)
{
    _cleanup_buf_ struct coco_buf value = {0};

    coco_status status = coco_kbs_store_check_name(name, err);
    if (status == COCO_OK)
        status = check_size(len, err);
    if (status == COCO_OK)
        status = seal(store, kind, name, data, len, &value, err);
    if (status != COCO_OK)
        return status;
    (void)pthread_mutex_lock(&store->lock);
    status = write_locked(store, PUT, kind, name, &value, err);
    (void)pthread_mutex_unlock(&store->lock);
    return status;
}

static coco_status
put_value_locked(struct coco_kbs_store *store, enum coco_kbs_kind kind, const cJSON *value,
                 coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_KBS_VALUE_MAX};
    _cleanup_buf_ struct coco_buf sealed = {0};

    coco_status status = coco_kbs_store_check_name(value->string, err);
    if (status == COCO_OK)
        status = coco_json_write(value, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = seal(store, kind, value->string, text.data, text.len, &sealed, err);
    if (status == COCO_OK)
        status = write_locked(store, PUT, kind, value->string, &sealed, err);
    return status;
}

static coco_status
put_values_locked(struct coco_kbs_store *store, enum coco_kbs_kind kind, const cJSON *values,
                  coco_error **err)
{
    coco_status status = COCO_OK;
    const cJSON *value;

    if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return fail_db(store, "write", err);
    cJSON_ArrayForEach(value, values)
        if (status == COCO_OK)
            status = put_value_locked(store, kind, value, err);
    if (status == COCO_OK && sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        status = fail_db(store, "write", err);
    if (status != COCO_OK)
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

coco_status
coco_kbs_store_put_values(struct coco_kbs_store *store, enum coco_kbs_kind kind,
                          const cJSON *values, coco_error **err)
{
    (void)pthread_mutex_lock(&store->lock);
    coco_status status = put_values_locked(store, kind, values, err);
    (void)pthread_mutex_unlock(&store->lock);
    return status;
}

coco_status
coco_kbs_store_put_new(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                       const void *data, size_t len, struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf value = {0};

    coco_status status = coco_kbs_store_check_name(name, err);
    if (status == COCO_OK)
        status = check_size(len, err);
    if (status == COCO_OK)
        status = seal(store, kind, name, data, len, &value, err);
    if (status != COCO_OK)
        return status;
    (void)pthread_mutex_lock(&store->lock);
    status = write_locked(store, PUT_NEW, kind, name, &value, err);
    if (status == COCO_OK)
        status = read_locked(store, kind, name, ret, err);
    (void)pthread_mutex_unlock(&store->lock);
    return status;
}

coco_status
coco_kbs_store_get(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                   struct coco_secret *ret, coco_error **err)
{
    (void)pthread_mutex_lock(&store->lock);
    coco_status status = read_locked(store, kind, name, ret, err);
    (void)pthread_mutex_unlock(&store->lock);
    return status;
}

coco_status
coco_kbs_store_delete(struct coco_kbs_store *store, enum coco_kbs_kind kind, const char *name,
                      coco_error **err)
{
    coco_status status = COCO_OK;

    (void)pthread_mutex_lock(&store->lock);
    sqlite3_stmt *stmt = begin(store, DELETE, kind, name);
    if (sqlite3_step(stmt) != SQLITE_DONE)
        status = fail_db(store, "delete", err);
    else if (sqlite3_changes(store->db) == 0)
        status = coco_fail(err, COCO_ERR_NOTFOUND, "%s is not there", name);
    end(stmt);
    (void)pthread_mutex_unlock(&store->lock);
    return status;
}

/* Adds one row to ret: its name, or its value under its name. */
static coco_status
add_row(struct coco_kbs_store *store, enum coco_kbs_kind kind, bool values, cJSON *ret,
        coco_error **err)
{
    sqlite3_stmt *stmt = store->statements[LIST];
    const char *name = (const char *)sqlite3_column_text(stmt, 0);
    _cleanup_secret_ struct coco_secret text = {0};
    cJSON *value = NULL;

    if (!name)
        return coco_fail_nomem(err);
    if (!values)
        return coco_json_add_string(ret, NULL, name, err);

    coco_status status = unseal(store, kind, name, stmt, 1, &text, err);
    if (status == COCO_OK)
        status = coco_json_parse((const char *)text.data, text.len, &value, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "stored value %s", name);
    return coco_json_add_item(ret, name, value, err);
}

static coco_status
list(struct coco_kbs_store *store, enum coco_kbs_kind kind, bool values, cJSON *ret,
     coco_error **err)
{
    coco_status status = COCO_OK;
    int code;

    (void)pthread_mutex_lock(&store->lock);
    sqlite3_stmt *stmt = begin(store, LIST, kind, NULL);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW && status == COCO_OK)
        status = add_row(store, kind, values, ret, err);
    if (status == COCO_OK && code != SQLITE_DONE)
        status = fail_db(store, "list", err);
    end(stmt);
    (void)pthread_mutex_unlock(&store->lock);
    return status;
}

coco_status
coco_kbs_store_names(struct coco_kbs_store *store, enum coco_kbs_kind kind, cJSON **ret,
                     coco_error **err)
{
    _cleanup_json_ cJSON *names = cJSON_CreateArray();

    if (!names)
        return coco_fail_nomem(err);
    coco_status status = list(store, kind, false, names, err);
    if (status == COCO_OK)
        *ret = coco_steal(&names);
    return status;
}

coco_status
coco_kbs_store_values(struct coco_kbs_store *store, enum coco_kbs_kind kind, cJSON **ret,
                      coco_error **err)
{
    _cleanup_json_ cJSON *values = NULL;

    coco_status status = coco_json_new_object(&values, err);
    if (status == COCO_OK)
        status = list(store, kind, true, values, err);
    if (status == COCO_OK)
        *ret = coco_steal(&values);
    return status;
}
