/*
 * tests/kbs/test_backup.c - lib/kbs/backup.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/backup.h"

#include <coco/kbs.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "kbs/storage.h"
#include "tests/faults.h"
#include "tests/postgres.h"
#include "tests/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CANARY "canary-51c04e77aa"

static struct postgres_server server;
static char dir[64];

static char *
in_dir(const char *name)
{
    static char paths[4][160];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

static int
begin(void **state)
{
    coco_error *err = NULL;

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    assert_ok(coco_file_write(in_dir("key"), "0123456789abcdef0123456789abcdef", 32, 0600, &err),
              err);
    assert_ok(coco_file_write(in_dir("other"), "fedcba9876543210fedcba9876543210", 32, 0600, &err),
              err);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    remove_temp_dir(dir);
    return 0;
}

/* The configuration of a database; key is a file in dir, or NULL, name "postgres" or one in dir. */
static const char *
config(const char *name, const char *key)
{
    static char texts[4][1024];
    static unsigned next;
    char *text = texts[next++ % 4];
    char seal[256] = "";

    if (key)
        (void)snprintf(seal, sizeof(seal), "[storage_backend.seal]\nkey_file = \"%s\"\n",
                       in_dir(key));
    if (strcmp(name, "postgres") == 0)
        (void)snprintf(text, sizeof(texts[0]),
                       "[storage_backend]\nstorage_type = \"Postgres\"\nunsealed = %s\n%s"
                       "[storage_backend.backends.postgres]\nhost = \"%s\"\nport = %d\ndb = "
                       "\"" POSTGRES_DATABASE "\"\nusername = \"" POSTGRES_USER "\"\n",
                       key ? "false" : "true", seal, server.dir, POSTGRES_PORT);
    else
        (void)snprintf(text, sizeof(texts[0]),
                       "[storage_backend]\nstorage_type = \"Sqlite\"\n%s"
                       "[storage_backend.backends.sqlite]\npath = \"%s\"\n",
                       seal, in_dir(name));
    return text;
}

static void
open_store(const char *text, struct coco_kbs_store **ret)
{
    _cleanup_config_ struct coco_kbs_config parsed = {0};
    coco_error *err = NULL;

    assert_ok(coco_kbs_config_parse(text, strlen(text), &parsed, &err), err);
    assert_ok(coco_kbs_storage_open(&parsed, ret, &err), err);
}

/* Something of everything. */
static void
fill(const char *text)
{
    static const struct coco_kbs_quota none;
    static uint8_t large[300000];
    struct coco_kbs_store *store = NULL;
    struct coco_kbs_store *tenant = NULL;
    coco_error *err = NULL;

    open_store(text, &store);
    assert_ok(coco_kbs_store_of(store, "acme", &none, &tenant, &err), err);
    for (unsigned i = 0; i < 9; i++)
        assert_ok(coco_kbs_store_put(store, COCO_KBS_RESOURCE, i % 2 ? "a/b/c" : "a/b/d", CANARY,
                                     strlen(CANARY), &err),
                  err);
    assert_ok(coco_kbs_store_delete(store, COCO_KBS_RESOURCE, "a/b/d", &err), err);
    assert_ok(coco_kbs_store_put(store, COCO_KBS_RESOURCE, "empty/of/it", "", 0, &err), err);
    memset(large, 0xa5, sizeof(large));
    assert_ok(coco_kbs_store_put(tenant, COCO_KBS_RESOURCE, "x/y/z", large, sizeof(large), &err),
              err);
    assert_ok(coco_kbs_store_put(store, COCO_KBS_POLICY, "resource-policy", "rego", 4, &err), err);
    assert_ok(coco_kbs_store_put(tenant, COCO_KBS_REFERENCE, "\xc3\xa4 <name>", "1", 1, &err), err);
    coco_kbs_store_close(tenant);
    coco_kbs_store_close(store);
}

struct dump {
    struct coco_buf *rows;
    char tenant[64];
    int64_t kind;
    char name[1024];
    int64_t version;
    unsigned got;
};

static coco_status
dump_row(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    struct dump *dump = arg;

    dump->got++;
    (void)snprintf(dump->tenant, sizeof(dump->tenant), "%s", (const char *)values[0].data);
    dump->kind = values[1].number;
    (void)snprintf(dump->name, sizeof(dump->name), "%s", (const char *)values[2].data);
    dump->version = values[3].number;
    coco_status status = coco_buf_printf(
        dump->rows, err, "%s %" PRId64 " %s %" PRId64 " %" PRId64 " %" PRId64 " %s%zu ",
        dump->tenant, dump->kind, dump->name, dump->version, values[4].number, values[5].number,
        values[6].data ? "" : "NULL ", values[6].len);
    if (status == COCO_OK && values[6].data)
        status = coco_buf_append(dump->rows, values[6].data, values[6].len, err);
    return status;
}

/* All rows of a database; the caller frees it. */
static void
dump_all(const char *text, struct coco_buf *ret)
{
    _cleanup_config_ struct coco_kbs_config parsed = {0};
    _cleanup_(coco_database_closep) struct coco_database *db = NULL;
    static struct dump dump;
    coco_error *err = NULL;

    ret->limit = (size_t)8 << 20;
    dump = (struct dump){.rows = ret, .kind = -1};
    assert_ok(coco_kbs_config_parse(text, strlen(text), &parsed, &err), err);
    assert_ok(coco_kbs_storage_open_database(&parsed, &db, &err), err);
    do {
        const struct dump last = dump;
        const struct coco_sql_value behind[] = {
            COCO_SQL_OF_TEXT(last.tenant),
            COCO_SQL_OF_NUMBER(last.kind),
            COCO_SQL_OF_TEXT(last.name),
            COCO_SQL_OF_NUMBER(last.version),
        };
        const struct coco_sql_query query = {COCO_KBS_SQL_EXPORT, behind, 4, dump_row, &dump};

        dump.got = 0;
        assert_ok(db->ops->run(db, &query, &err), err);
    } while (dump.got > 0);
}

static void
assert_same(const char *a, const char *b)
{
    _cleanup_buf_ struct coco_buf of_a = {0};
    _cleanup_buf_ struct coco_buf of_b = {0};

    dump_all(a, &of_a);
    dump_all(b, &of_b);
    assert_true(of_a.len > 300000);
    assert_int_equal(of_a.len, of_b.len);
    assert_memory_equal(of_a.data, of_b.data, of_a.len);
}

static void
back_up(const char *text, const char *name, bool plain)
{
    _cleanup_(coco_bytes_freep) coco_bytes *report = NULL;
    coco_error *err = NULL;

    assert_ok(coco_kbs_backup(text, in_dir(name), plain, &report, &err), err);
    assert_contains((const char *)coco_bytes_data(report), "\"digest\":\"");
}

static coco_status
restore(const char *text, const char *name, bool force, coco_error **err)
{
    _cleanup_(coco_bytes_freep) coco_bytes *report = NULL;

    return coco_kbs_restore(text, in_dir(name), NULL, force, &report, err);
}

static bool
holds(const char *name, const char *what)
{
    _cleanup_buf_ struct coco_buf content = {.limit = (size_t)8 << 20};
    coco_error *err = NULL;

    assert_ok(coco_file_read(in_dir(name), &content, &err), err);
    return memmem(content.data, content.len, what, strlen(what)) != NULL;
}

/* Files in dir that are not whole yet. */
static unsigned
count_unfinished(void)
{
    DIR *d = opendir(dir);
    const struct dirent *entry;
    unsigned n = 0;

    assert_non_null(d);
    while ((entry = readdir(d)))
        n += coco_file_is_temporary(entry->d_name);
    (void)closedir(d);
    return n;
}

static void
what_is_restored_is_what_was_there(void **state)
{
    struct stat st;
    coco_error *err = NULL;

    (void)state;
    fill(config("one.db", "key"));
    back_up(config("one.db", "key"), "backup", false);
    assert_int_equal(stat(in_dir("backup"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_false(holds("backup", CANARY));
    assert_ok(restore(config("two.db", "key"), "backup", false, &err), err);
    assert_same(config("one.db", "key"), config("two.db", "key"));
    struct coco_kbs_store *store = NULL;
    open_store(config("two.db", "key"), &store);
    _cleanup_secret_ struct coco_secret secret = {0};
    assert_ok(coco_kbs_store_get(store, COCO_KBS_RESOURCE, "a/b/c", &secret, NULL, &err), err);
    assert_true(coco_secret_equal(&secret, CANARY, strlen(CANARY)));
    coco_kbs_store_close(store);
    assert_int_equal(count_unfinished(), 0);
}

static void
it_goes_from_one_database_to_another_and_back(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        const char *key = sealed ? "key" : NULL;
        char names[4][16];

        for (int i = 0; i < 4; i++)
            (void)snprintf(names[i], sizeof(names[i]), "file%d.%d", sealed, i);
        postgres_run(&server, "DROP TABLE IF EXISTS coco_kbs_value, coco_kbs_schema");
        fill(config(names[0], key));
        back_up(config(names[0], key), names[1], !sealed);
        assert_ok(restore(config("postgres", key), names[1], false, &err), err);
        back_up(config("postgres", key), names[2], !sealed);
        assert_ok(restore(config(names[3], key), names[2], false, &err), err);
        assert_same(config(names[0], key), config("postgres", key));
        assert_same(config(names[0], key), config(names[3], key));
        assert_fails(restore(config("postgres", key), names[1], false, &err), err, COCO_ERR_DENIED,
                     "not empty");
        assert_ok(restore(config("postgres", key), names[1], true, &err), err);
    }
}

static void
secrets_lie_nowhere_as_they_are_unless_it_is_said(void **state)
{
    _cleanup_(coco_bytes_freep) coco_bytes *report = NULL;
    coco_error *err = NULL;

    (void)state;
    fill(config("one.db", NULL));
    assert_fails(coco_kbs_backup(config("one.db", NULL), in_dir("backup"), false, &report, &err),
                 err, COCO_ERR_DENIED, "not sealed");
    assert_int_not_equal(access(in_dir("backup"), F_OK), 0);
    back_up(config("one.db", NULL), "backup", true);
    assert_true(holds("backup", CANARY));
    assert_ok(restore(config("two.db", NULL), "backup", false, &err), err);
    assert_same(config("one.db", NULL), config("two.db", NULL));
}

static void
keys_must_fit(void **state)
{
    _cleanup_(coco_bytes_freep) coco_bytes *report = NULL;
    coco_error *err = NULL;

    (void)state;
    fill(config("plain.db", NULL));
    fill(config("sealed.db", "key"));
    back_up(config("plain.db", NULL), "plain", true);
    back_up(config("sealed.db", "key"), "sealed", false);
    assert_fails(coco_kbs_backup(config("sealed.db", NULL), in_dir("b"), true, &report, &err), err,
                 COCO_ERR_DENIED, "sealed");
    assert_fails(coco_kbs_backup(config("sealed.db", "other"), in_dir("b"), true, &report, &err),
                 err, COCO_ERR_VERIFY, "another key");
    assert_fails(coco_kbs_backup(config("plain.db", "key"), in_dir("b"), true, &report, &err), err,
                 COCO_ERR_DENIED, "not sealed");
    assert_int_not_equal(access(in_dir("b"), F_OK), 0);
    assert_fails(restore(config("two.db", NULL), "sealed", false, &err), err, COCO_ERR_DENIED,
                 "is sealed");
    assert_fails(restore(config("two.db", "other"), "sealed", false, &err), err, COCO_ERR_VERIFY,
                 "this key");
    assert_fails(restore(config("two.db", "key"), "plain", false, &err), err, COCO_ERR_DENIED,
                 "is not sealed");
    assert_int_not_equal(access(in_dir("two.db"), F_OK), 0);
    assert_int_equal(count_unfinished(), 0);
}

static void
nothing_that_is_there_goes_unless_it_is_said(void **state)
{
    _cleanup_(coco_bytes_freep) coco_bytes *report = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *again = NULL;
    char digest[65];
    struct coco_kbs_store *store = NULL;
    coco_error *err = NULL;

    (void)state;
    fill(config("one.db", "key"));
    assert_ok(coco_kbs_backup(config("one.db", "key"), in_dir("backup"), false, &report, &err),
              err);
    const char *hex = strstr((const char *)coco_bytes_data(report), "\"digest\":\"");
    (void)snprintf(digest, sizeof(digest), "%s", hex + strlen("\"digest\":\""));
    /* The database itself, or a backup of before, is no place for one. */
    assert_fails(coco_kbs_backup(config("one.db", "key"), in_dir("one.db"), false, &again, &err),
                 err, COCO_ERR_INVALID, "there already");
    assert_fails(coco_kbs_backup(config("one.db", "key"), in_dir("backup"), false, &again, &err),
                 err, COCO_ERR_INVALID, "there already");
    assert_int_equal(symlink(in_dir("nowhere"), in_dir("link")), 0);
    assert_fails(coco_kbs_backup(config("one.db", "key"), in_dir("link"), false, &again, &err), err,
                 COCO_ERR_INVALID, "there already");
    assert_fails(coco_kbs_backup(config("one.db", "key"), in_dir("no/dir"), false, &again, &err),
                 err, COCO_ERR_IO, "");

    open_store(config("two.db", "key"), &store);
    assert_ok(coco_kbs_store_put(store, COCO_KBS_RESOURCE, "only/in/two", "x", 1, &err), err);
    coco_kbs_store_close(store);
    assert_fails(restore(config("two.db", "key"), "backup", false, &err), err, COCO_ERR_DENIED,
                 "not empty");
    digest[0] = digest[0] == '0' ? '1' : '0';
    assert_fails(
        coco_kbs_restore(config("two.db", "key"), in_dir("backup"), digest, true, &again, &err),
        err, COCO_ERR_VERIFY, "another one");
    assert_fails(
        coco_kbs_restore(config("two.db", "key"), in_dir("backup"), "00", true, &again, &err), err,
        COCO_ERR_INVALID, "64 hex");
    digest[0] = hex[strlen("\"digest\":\"")];
    assert_ok(
        coco_kbs_restore(config("two.db", "key"), in_dir("backup"), digest, true, &again, &err),
        err);
    assert_same(config("one.db", "key"), config("two.db", "key"));
    assert_fails(restore("[storage_backend]\nstorage_type = \"Memory\"\n", "backup", true, &err),
                 err, COCO_ERR_DENIED, "");
}

/* ---- files that somebody made, or changed ---- */

static void
run_sql(const char *name, const char *sql)
{
    sqlite3 *db = NULL;
    char *why = NULL;

    assert_int_equal(sqlite3_open(in_dir(name), &db), SQLITE_OK);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1, NULL);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    (void)sqlite3_close(db);
}

static void
copy_file(const char *from, const char *to)
{
    _cleanup_buf_ struct coco_buf content = {.limit = (size_t)8 << 20};
    coco_error *err = NULL;

    assert_ok(coco_file_read(in_dir(from), &content, &err), err);
    assert_ok(coco_file_write(in_dir(to), content.data, content.len, 0600, &err), err);
}

static void
what_somebody_changed_is_refused(void **state)
{
    static const struct {
        const char *sql;
        coco_status status;
    } cases[] = {
        {"UPDATE coco_kbs_value SET data = x'00' WHERE name = 'a/b/c' AND version = 2",
         COCO_ERR_VERIFY},
        {"UPDATE coco_kbs_value SET data = NULL WHERE name = 'a/b/c' AND version = 2",
         COCO_ERR_VERIFY},
        {"UPDATE coco_kbs_value SET time = time + 1 WHERE name = 'a/b/c'", COCO_ERR_VERIFY},
        {"UPDATE coco_kbs_value SET tenant = 'b' WHERE tenant = 'acme'", COCO_ERR_VERIFY},
        {"UPDATE coco_kbs_value SET version = version + 9 WHERE name = 'a/b/c'", COCO_ERR_VERIFY},
        {"DELETE FROM coco_kbs_value WHERE kind = 1", COCO_ERR_VERIFY},
        {"DELETE FROM coco_kbs_value WHERE kind = 5", COCO_ERR_VERIFY},
        {"DELETE FROM coco_kbs_value WHERE kind > 0", COCO_ERR_VERIFY},
        {"INSERT INTO coco_kbs_value VALUES ('', 2, 'resource-policy', 9, 1, 1, x'61')",
         COCO_ERR_VERIFY},
        {"INSERT INTO coco_kbs_value VALUES ('', 2, 'p', 1, 1, 0, x'61')", COCO_ERR_DENIED},
        {"INSERT INTO coco_kbs_value VALUES ('', 5, '9', 1, 1, 0, zeroblob(60))", COCO_ERR_VERIFY},
        {"INSERT INTO coco_kbs_value VALUES ('', 0, 'x', 1, 1, 0, x'61')", COCO_ERR_PROTO},
        {"INSERT INTO coco_kbs_value VALUES ('', -1, 'x', 1, 1, 0, x'61')", COCO_ERR_PROTO},
        {"INSERT INTO coco_kbs_value VALUES ('', -9223372036854775807 - 1, '', 0, 1, 0, x'61')",
         COCO_ERR_PROTO},
        {"INSERT INTO coco_kbs_value VALUES ('', 4294967297, 'x', 1, 1, 1, x'61')", COCO_ERR_PROTO},
        {"INSERT INTO coco_kbs_value VALUES ('UP', 1, 'x', 1, 1, 1, x'61')", COCO_ERR_INVALID},
        {"INSERT INTO coco_kbs_value VALUES ('', 1, '', 1, 1, 1, x'61')", COCO_ERR_INVALID},
        {"INSERT INTO coco_kbs_value VALUES ('', 1, cast(x'610062' AS TEXT), 1, 1, 1, x'61')",
         COCO_ERR_PROTO},
        {"INSERT INTO coco_kbs_value VALUES ('', 1, cast(zeroblob(2000) AS TEXT), 1, 1, 1, x'61')",
         COCO_ERR_PROTO},
        {"INSERT INTO coco_kbs_value VALUES ('', 1, 'x', 0, 1, 1, x'61')", COCO_ERR_PROTO},
        {"INSERT INTO coco_kbs_value VALUES ('', 1, 'x', 1, -1, 1, x'61')", COCO_ERR_PROTO},
        {"INSERT INTO coco_kbs_value VALUES ('', 1, 'x', 1, 1, -1, x'61')", COCO_ERR_PROTO},
        {"INSERT INTO coco_kbs_value VALUES ('', 1, 'x', 1, 1, 1, zeroblob(67108900))",
         COCO_ERR_PROTO},
        {"DELETE FROM coco_kbs_value WHERE kind = 0", COCO_ERR_PROTO},
        {"UPDATE coco_kbs_value SET data = x'7b7d' WHERE kind = 0", COCO_ERR_PROTO},
        {"UPDATE coco_kbs_value SET data = NULL WHERE kind = 0", COCO_ERR_PROTO},
        {"UPDATE coco_kbs_value SET data = zeroblob(5000) WHERE kind = 0", COCO_ERR_PROTO},
        {"UPDATE coco_kbs_value SET data = cast(replace(cast(data AS TEXT), '\"version\":1',"
         " '\"version\":2') AS BLOB) WHERE kind = 0",
         COCO_ERR_NOTSUP},
        {"UPDATE coco_kbs_value SET data = cast(replace(cast(data AS TEXT), '\"sealed\":true',"
         " '\"sealed\":false') AS BLOB) WHERE kind = 0",
         COCO_ERR_DENIED},
        {"UPDATE coco_kbs_value SET data = cast(replace(cast(data AS TEXT), '\"time\":1',"
         " '\"time\":2') AS BLOB) WHERE kind = 0",
         COCO_ERR_VERIFY},
        {"PRAGMA user_version = 3", COCO_ERR_NOTSUP},
        {"PRAGMA user_version = 0", COCO_ERR_NOTSUP},
        {"CREATE TABLE x (a)", COCO_ERR_PROTO},
        {"CREATE INDEX x ON coco_kbs_value (time)", COCO_ERR_PROTO},
        {"CREATE VIEW x AS SELECT 1", COCO_ERR_PROTO},
        {"CREATE TRIGGER x AFTER INSERT ON coco_kbs_value BEGIN DELETE FROM coco_kbs_value; END",
         COCO_ERR_PROTO},
        {"DROP TABLE coco_kbs_value", COCO_ERR_PROTO},
        {"ALTER TABLE coco_kbs_value RENAME TO y; CREATE VIEW coco_kbs_value AS SELECT tenant, "
         "kind,"
         " name, version, time, seal, data FROM y",
         COCO_ERR_PROTO},
        {"ALTER TABLE coco_kbs_value ADD COLUMN more INTEGER", COCO_ERR_PROTO},
        {"UPDATE sqlite_schema SET sql = replace(sql, 'data BLOB', 'data ANY')", COCO_ERR_PROTO},
        {"UPDATE sqlite_schema SET sql = 'x'", COCO_ERR_PROTO},
    };
    coco_error *err = NULL;

    (void)state;
    fill(config("one.db", "key"));
    back_up(config("one.db", "key"), "backup", false);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        copy_file("backup", "changed");
        run_sql("changed", cases[i].sql);
        coco_status status = restore(config("two.db", "key"), "changed", false, &err);
        if (status != cases[i].status)
            fail_msg("%s: %d, %s", cases[i].sql, (int)status,
                     err ? coco_error_message(err) : "no error");
        coco_error_free(err);
        err = NULL;
    }
    /* And nothing of all that is there. */
    assert_ok(restore(config("two.db", "key"), "backup", false, &err), err);
    assert_same(config("one.db", "key"), config("two.db", "key"));
}

static void
any_byte_and_any_length_is_as_it_was_made_or_refused(void **state)
{
    _cleanup_buf_ struct coco_buf whole = {.limit = (size_t)8 << 20};
    _cleanup_buf_ struct coco_buf good = {0};
    struct coco_kbs_store *store = NULL;
    unsigned refused = 0;
    unsigned n = 0;
    coco_error *err = NULL;

    (void)state;
    open_store(config("one.db", "key"), &store);
    assert_ok(coco_kbs_store_put(store, COCO_KBS_RESOURCE, "a/b/c", "x", 1, &err), err);
    coco_kbs_store_close(store);
    back_up(config("one.db", "key"), "backup", false);
    dump_all(config("one.db", "key"), &good);
    assert_ok(coco_file_read(in_dir("backup"), &whole, &err), err);
    for (size_t at = 0; at < 2 * whole.len; at += at < 120 ? 1 : 61) {
        const bool cut = at >= whole.len;
        size_t len = cut ? at - whole.len : whole.len;

        if (!cut)
            whole.data[at] ^= 0x41;
        assert_ok(coco_file_write(in_dir("changed"), whole.data, len, 0600, &err), err);
        if (!cut)
            whole.data[at] ^= 0x41;
        coco_status status = restore(config("two.db", "key"), "changed", true, NULL);
        n++;
        refused += status != COCO_OK;
        if (status == COCO_OK) {
            /* A byte that says nothing, such as that of a page's free room. */
            _cleanup_buf_ struct coco_buf got = {0};

            dump_all(config("two.db", "key"), &got);
            if (cut || got.len != good.len || memcmp(got.data, good.data, got.len) != 0)
                fail_msg("byte %zu of %zu", at, whole.len);
        }
    }
    assert_true(refused > n / 2);
}

static void
what_is_no_backup_is_refused(void **state)
{
    coco_error *err = NULL;

    (void)state;
    fill(config("one.db", "key"));
    copy_file("one.db", "store");
    assert_fails(restore(config("two.db", "key"), "nowhere", false, &err), err, COCO_ERR_NOTFOUND,
                 "nowhere");
    assert_fails(restore(config("two.db", "key"), "store", false, &err), err, COCO_ERR_PROTO, "");
    assert_fails(restore(config("two.db", "key"), "key", false, &err), err, COCO_ERR_PROTO, "");
    assert_ok(coco_file_write(in_dir("empty"), "", 0, 0600, &err), err);
    assert_fails(restore(config("two.db", "key"), "empty", false, &err), err, COCO_ERR_PROTO,
                 "none");
    assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
    assert_fails(restore(config("two.db", "key"), "fifo", false, &err), err, COCO_ERR_INVALID,
                 "not a file");
    assert_fails(restore(config("two.db", "key"), ".", false, &err), err, COCO_ERR_INVALID,
                 "not a file");
    /* Not what SQLite would take for parts of an address. */
    back_up(config("one.db", "key"), "b?mode=rwc&x=%41#y", false);
    assert_ok(restore(config("two.db", "key"), "b?mode=rwc&x=%41#y", false, &err), err);
}

static void
headers_are_read_strictly(void **state)
{
#define HEX32 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    static const struct {
        const char *text;
        coco_status status;
    } cases[] = {
        {"{\"version\":1,\"time\":7,\"rows\":2,\"sealed\":true,\"digest\":\"" HEX32
         "\",\"mac\":\"" HEX32 "\"}",
         COCO_OK},
        {"{\"version\":1,\"time\":7,\"rows\":2,\"sealed\":false,\"digest\":\"" HEX32 "\"}",
         COCO_OK},
        {"{\"version\":1,\"time\":7,\"rows\":2,\"sealed\":true,\"digest\":\"" HEX32 "\"}",
         COCO_ERR_PROTO},
        {"{\"version\":1,\"time\":7,\"rows\":2,\"digest\":\"" HEX32 "0\"}", COCO_ERR_PROTO},
        {"{\"version\":1,\"time\":7,\"rows\":2,\"digest\":\"x" HEX32 "\"}", COCO_ERR_PROTO},
        {"{\"version\":1,\"time\":-7,\"rows\":2,\"digest\":\"" HEX32 "\"}", COCO_ERR_PROTO},
        {"{\"version\":1,\"time\":9223372036854775808,\"rows\":2,\"digest\":\"" HEX32 "\"}",
         COCO_ERR_PROTO},
        {"{\"version\":1,\"time\":7,\"rows\":2,\"digest\":\"" HEX32 "\",\"more\":1}",
         COCO_ERR_PROTO},
        {"{\"version\":2,\"more\":1}", COCO_ERR_NOTSUP},
        {"{\"version\":\"1\"}", COCO_ERR_PROTO},
        {"[]", COCO_ERR_PROTO},
        {"", COCO_ERR_PROTO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_kbs_backup backup = {0};

        if (coco_kbs_backup_parse(cases[i].text, strlen(cases[i].text), &backup, NULL)
            != cases[i].status)
            fail_msg("case %zu", i);
        assert_int_equal(backup.rows, cases[i].status == COCO_OK ? 2 : 0);
    }
}

static void
a_failed_allocation_leaves_nothing_half(void **state)
{
    char name[32];
    unsigned round = 0;

    (void)state;
    fill(config("one.db", "key"));
    faults_pause();
    back_up(config("one.db", "key"), "backup", false);
    faults_resume();
    for_each_fault()
    {
        _cleanup_(coco_bytes_freep) coco_bytes *report = NULL;
        coco_error *err = NULL;

        (void)snprintf(name, sizeof(name), "b%u", round++);
        coco_status status =
            coco_kbs_backup(config("one.db", "key"), in_dir(name), false, &report, &err);
        fault_expect(status, err);
        coco_error_free(err);
        faults_pause();
        assert_int_equal(access(in_dir(name), F_OK) == 0, status == COCO_OK);
        assert_int_equal(count_unfinished(), 0);
        faults_resume();
    }
    for_each_fault()
    {
        coco_error *err = NULL;

        coco_status status = restore(config("two.db", "key"), "backup", false, &err);
        fault_expect(status, err);
        coco_error_free(err);
        faults_pause();
        if (status != COCO_OK) {
            _cleanup_buf_ struct coco_buf rows = {0};

            dump_all(config("two.db", "key"), &rows);
            assert_int_equal(rows.len, 0);
        }
        faults_resume();
    }
    assert_same(config("one.db", "key"), config("two.db", "key"));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(what_is_restored_is_what_was_there),
        T(secrets_lie_nowhere_as_they_are_unless_it_is_said),
        T(keys_must_fit),
        T(nothing_that_is_there_goes_unless_it_is_said),
        T(what_somebody_changed_is_refused),
        T(any_byte_and_any_length_is_as_it_was_made_or_refused),
        T(what_is_no_backup_is_refused),
        cmocka_unit_test(headers_are_read_strictly),
        T(a_failed_allocation_leaves_nothing_half),
        T(it_goes_from_one_database_to_another_and_back),
    };
    const bool on_both = postgres_start(&server);

    int failed = _cmocka_run_group_tests("kbs/backup", tests,
                                         sizeof(tests) / sizeof(tests[0]) - !on_both, NULL, NULL);
    if (on_both)
        postgres_stop(&server);
    return failed;
}
