/*
 * tests/kbs/test_sqlite.c - lib/kbs/sqlite.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/database.h"

#include "kbs/store.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct fixture {
    char dir[64];
    char path[128];
    struct coco_database *db;
};

static int
begin(void **state)
{
    static struct fixture f;
    coco_error *err = NULL;

    make_temp_dir(f.dir, sizeof(f.dir));
    (void)snprintf(f.path, sizeof(f.path), "%s/kbs.db", f.dir);
    assert_ok(coco_database_open_sqlite(f.path, &f.db, &err), err);
    *state = &f;
    return 0;
}

static int
end(void **state)
{
    struct fixture *f = *state;

    coco_database_close(f->db);
    remove_temp_dir(f->dir);
    return 0;
}

static void
nobody_else_may_read_the_file(void **state)
{
    struct fixture *f = *state;
    struct coco_database *db = NULL;
    struct stat st;
    char path[160];
    coco_error *err = NULL;

    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof(path), "%s%s", f->path, suffixes[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    assert_int_equal(chmod(f->path, 0640), 0);
    assert_fails(coco_database_open_sqlite(f->path, &db, &err), err, COCO_ERR_DENIED, "chmod 600");
    assert_int_equal(chmod(f->path, 0600), 0);
}

static void
files_of_others_are_refused(void **state)
{
    struct fixture *f = *state;
    struct coco_database *db = NULL;
    char path[160];
    coco_error *err = NULL;

    (void)snprintf(path, sizeof(path), "%s/link", f->dir);
    assert_int_equal(symlink(f->path, path), 0);
    assert_fails(coco_database_open_sqlite(path, &db, &err), err, COCO_ERR_IO, "store");
    (void)snprintf(path, sizeof(path), "%s/text", f->dir);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    for (unsigned i = 0; i < 200; i++)
        (void)fputs("this is not a database\n", file);
    (void)fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
    assert_fails(coco_database_open_sqlite(path, &db, &err), err, COCO_ERR_IO, path);
    assert_fails(coco_database_open_sqlite(f->dir, &db, &err), err, COCO_ERR_IO, "store");
    (void)snprintf(path, sizeof(path), "%s/no/such", f->dir);
    assert_fails(coco_database_open_sqlite(path, &db, &err), err, COCO_ERR_IO, "store");
}

/* What other programs, or this one before, made of a file. */
static void
make_database(const char *path, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(chmod(path, 0600), 0);
}

static void
a_database_of_version_1_is_taken_over(void **state)
{
    struct fixture *f = *state;
    char path[160];
    coco_error *err = NULL;

    (void)snprintf(path, sizeof(path), "%s/old.db", f->dir);
    make_database(path, "PRAGMA journal_mode = WAL;"
                        "CREATE TABLE item (kind INTEGER NOT NULL, name TEXT NOT NULL,"
                        " data BLOB NOT NULL, UNIQUE (kind, name)) STRICT;"
                        "INSERT INTO item VALUES (1, 'a/b/c', x'6f6e65');"
                        "INSERT INTO item VALUES (1, 'e/m/pty', x'');"
                        "INSERT INTO item VALUES (3, 'digest', x'5b315d');"
                        "PRAGMA user_version = 1;");
    const struct coco_kbs_store_options options = {.path = path, .versions = 2};
    for (unsigned i = 0; i < 2; i++) {
        _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = NULL;
        _cleanup_secret_ struct coco_secret got = {0};
        _cleanup_json_ cJSON *names = NULL;
        uint64_t version = 0;

        assert_ok(coco_kbs_store_open(&options, &store, &err), err);
        assert_ok(coco_kbs_store_get(store, COCO_KBS_RESOURCE, "a/b/c", &got, &version, &err), err);
        assert_true(coco_secret_equal(&got, "one", 3));
        assert_int_equal(version, 1);
        assert_ok(coco_kbs_store_names(store, COCO_KBS_RESOURCE, &names, &err), err);
        assert_int_equal(cJSON_GetArraySize(names), 2);
        coco_json_free(coco_steal(&names));
        assert_ok(coco_kbs_store_names(store, COCO_KBS_REFERENCE, &names, &err), err);
        assert_int_equal(cJSON_GetArraySize(names), 1);
    }
}

static void
a_database_of_a_later_version_is_refused(void **state)
{
    struct fixture *f = *state;
    struct coco_database *db = NULL;
    char path[160];
    coco_error *err = NULL;

    (void)snprintf(path, sizeof(path), "%s/new.db", f->dir);
    make_database(path, "PRAGMA user_version = 3;");
    assert_fails(coco_database_open_sqlite(path, &db, &err), err, COCO_ERR_NOTSUP,
                 "store has version 3, this program knows 2");
}

static coco_status
count_row(void *arg, const struct coco_sql_value *values, coco_error **err)
{
    unsigned *n = arg;

    (void)values;
    (void)err;
    (*n)++;
    return COCO_OK;
}

static coco_status
put(struct coco_database *db, const char *name, coco_error **err)
{
    const struct coco_sql_value parameters[] = {
        COCO_SQL_OF_TEXT(""),  COCO_SQL_OF_NUMBER(1), COCO_SQL_OF_TEXT(name),
        COCO_SQL_OF_NUMBER(0), COCO_SQL_OF_NUMBER(0), COCO_SQL_OF_BYTES("x", 1),
    };
    const struct coco_sql_query query = {COCO_KBS_SQL_PUT, parameters, 6, NULL, NULL};

    return db->ops->run(db, &query, err);
}

static unsigned
count_names(struct coco_database *db)
{
    const struct coco_sql_value parameters[] = {COCO_SQL_OF_TEXT(""), COCO_SQL_OF_NUMBER(1)};
    unsigned n = 0;
    const struct coco_sql_query query = {COCO_KBS_SQL_NAMES, parameters, 2, count_row, &n};
    coco_error *err = NULL;

    assert_ok(db->ops->run(db, &query, &err), err);
    return n;
}

static void
what_is_rolled_back_was_never_there(void **state)
{
    struct fixture *f = *state;
    coco_error *err = NULL;

    assert_ok(f->db->ops->begin(f->db, &err), err);
    assert_ok(put(f->db, "a", &err), err);
    assert_int_equal(count_names(f->db), 1);
    f->db->ops->rollback(f->db);
    assert_int_equal(count_names(f->db), 0);
    assert_ok(f->db->ops->begin(f->db, &err), err);
    assert_ok(put(f->db, "a", &err), err);
    assert_ok(f->db->ops->commit(f->db, &err), err);
    assert_int_equal(count_names(f->db), 1);
}

static void
open_survives_failed_allocations(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        _cleanup_(coco_database_closep) struct coco_database *db = NULL;
        coco_error *err = NULL;

        coco_status status = coco_database_open_sqlite(f->path, &db, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(nobody_else_may_read_the_file),         T(files_of_others_are_refused),
        T(a_database_of_version_1_is_taken_over), T(a_database_of_a_later_version_is_refused),
        T(what_is_rolled_back_was_never_there),   T(open_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/sqlite", tests, NULL, NULL);
}
