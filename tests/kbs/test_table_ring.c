/*
 * tests/kbs/test_table_ring.c - lib/kbs/table_ring.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/table.h"

#include "base/fd.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define CANARY "a secret that no file may hold"

struct fixture {
    char dir[64];
    char path[128];
    struct coco_secret key, other;
};

static int
begin(void **state)
{
    static struct fixture f;
    coco_error *err = NULL;

    make_temp_dir(f.dir, sizeof(f.dir));
    (void)snprintf(f.path, sizeof(f.path), "%s/kbs.db", f.dir);
    assert_ok(coco_secret_random(COCO_AEAD_KEY_SIZE, &f.key, &err), err);
    assert_ok(coco_secret_random(COCO_AEAD_KEY_SIZE, &f.other, &err), err);
    *state = &f;
    return 0;
}

static int
end(void **state)
{
    struct fixture *f = *state;

    coco_secret_done(&f->key);
    coco_secret_done(&f->other);
    remove_temp_dir(f->dir);
    return 0;
}

static coco_status
open_with(struct fixture *f, const struct coco_secret *key, struct coco_kbs_store **ret,
          coco_error **err)
{
    const struct coco_kbs_store_options options = {.path = f->path, .key = key, .versions = 3};

    return coco_kbs_store_open(&options, ret, err);
}

static void
assert_holds(struct coco_kbs_store *store, const char *name, const char *text)
{
    _cleanup_secret_ struct coco_secret got = {0};
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_get(store, COCO_KBS_RESOURCE, name, &got, NULL, &err), err);
    assert_true(coco_secret_equal(&got, text, strlen(text)));
}

/* Puts a value in two versions, and one of another kind, and closes the store. */
static void
fill(struct fixture *f, const struct coco_secret *key)
{
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = NULL;
    coco_error *err = NULL;

    assert_ok(open_with(f, key, &store, &err), err);
    assert_ok(coco_kbs_store_put(store, COCO_KBS_RESOURCE, "a", "old", 3, &err), err);
    assert_ok(coco_kbs_store_put(store, COCO_KBS_RESOURCE, "a", CANARY, strlen(CANARY), &err), err);
    assert_ok(coco_kbs_store_put(store, COCO_KBS_KEY, "k", CANARY, strlen(CANARY), &err), err);
}

/* Whether any file of the database holds the canary. */
static bool
is_on_disk(struct fixture *f)
{
    static const char *const suffixes[] = {"", "-wal", "-journal"};
    bool found = false;

    for (size_t i = 0; i < 3; i++) {
        _cleanup_buf_ struct coco_buf file = {.limit = (size_t)16 << 20};
        char path[160];

        (void)snprintf(path, sizeof(path), "%s%s", f->path, suffixes[i]);
        if (coco_file_read(path, &file, NULL) == COCO_OK && file.len > 0)
            found = found || memmem(file.data, file.len, CANARY, strlen(CANARY));
    }
    return found;
}

static void
what_is_sealed_is_on_no_disk(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = NULL;
    coco_error *err = NULL;

    fill(f, &f->key);
    assert_false(is_on_disk(f));
    assert_ok(open_with(f, &f->key, &store, &err), err);
    assert_holds(store, "a", CANARY);
    assert_false(is_on_disk(f));
}

static void
it_opens_with_its_key_alone(void **state)
{
    struct fixture *f = *state;
    struct coco_kbs_store *store = NULL;
    coco_error *err = NULL;

    fill(f, &f->key);
    assert_fails(open_with(f, NULL, &store, &err), err, COCO_ERR_DENIED, "the store is sealed");
    assert_fails(open_with(f, &f->other, &store, &err), err, COCO_ERR_VERIFY,
                 "sealed with another key");
}

static void
what_was_not_sealed_is_not_taken_for_sealed(void **state)
{
    struct fixture *f = *state;
    struct coco_kbs_store *store = NULL;
    coco_error *err = NULL;

    fill(f, NULL);
    assert_fails(open_with(f, &f->key, &store, &err), err, COCO_ERR_DENIED, "coco kbs reseal");
}

/* Changes the file behind the KBS's back. */
static void
tamper(struct fixture *f, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_true(sqlite3_changes(db) > 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
values_of_who_can_write_the_file_alone_are_refused(void **state)
{
    static const char *const changes[] = {
        "UPDATE coco_kbs_value SET seal = 0, data = x'00' WHERE kind = 1 AND version = 2",
        "UPDATE coco_kbs_value SET seal = 9 WHERE kind = 1 AND version = 2",
        "UPDATE coco_kbs_value SET data = x'00' WHERE kind = 1 AND version = 2",
        ("UPDATE coco_kbs_value SET data = (SELECT data FROM coco_kbs_value WHERE kind = 4)"
         " WHERE kind = 1 AND version = 2"),
        "UPDATE coco_kbs_value SET name = 'b' WHERE kind = 1 AND version = 2",
        "UPDATE coco_kbs_value SET tenant = 't' WHERE kind = 1 AND version = 2",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct coco_kbs_store *store = NULL;
        struct coco_secret got = {0};
        coco_error *err = NULL;

        (void)remove(f->path);
        fill(f, &f->key);
        tamper(f, changes[i]);
        assert_ok(open_with(f, &f->key, &store, &err), err);
        const char *name = strstr(changes[i], "name = 'b'") ? "b" : "a";
        coco_status status = coco_kbs_store_get(store, COCO_KBS_RESOURCE, name, &got, NULL, &err);
        /* That a value was taken away, and the one before it is the newest, is not seen. */
        if (strstr(changes[i], "tenant"))
            assert_int_equal(got.len, 3);
        else
            assert_int_equal(status, COCO_ERR_VERIFY);
        coco_error_free(err);
        coco_secret_done(&got);
        coco_kbs_store_close(store);
    }
}

static void
a_store_gets_another_key_or_none(void **state)
{
    struct fixture *f = *state;
    const struct {
        const struct coco_secret *from, *to;
    } steps[] = {{NULL, &f->key}, {&f->key, &f->other}, {&f->other, &f->other}, {&f->other, NULL}};
    coco_error *err = NULL;

    fill(f, NULL);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = NULL;
        uint64_t version = 0;

        assert_ok(open_with(f, steps[i].from, &store, &err), err);
        assert_ok(coco_kbs_store_reseal(store, steps[i].to, &err), err);
        assert_holds(store, "a", CANARY);
        coco_kbs_store_close(coco_steal(&store));

        assert_ok(open_with(f, steps[i].to, &store, &err), err);
        assert_holds(store, "a", CANARY);
        assert_ok(coco_kbs_store_restore(store, COCO_KBS_RESOURCE, "a", 0, &version, &err), err);
        assert_ok(coco_kbs_store_restore(store, COCO_KBS_RESOURCE, "a", 0, &version, &err), err);
        assert_holds(store, "a", CANARY);
    }
}

static void
other_processes_follow_while_the_key_is_the_same(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *one = NULL;
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *other = NULL;
    coco_error *err = NULL;

    fill(f, &f->key);
    assert_ok(open_with(f, &f->key, &one, &err), err);
    assert_ok(open_with(f, &f->key, &other, &err), err);
    assert_ok(coco_kbs_store_reseal(one, &f->key, &err), err);
    /* It puts with the key of before, and finds the new one when it meets what is sealed so. */
    assert_ok(coco_kbs_store_put(other, COCO_KBS_RESOURCE, "b", "x", 1, &err), err);
    assert_holds(one, "b", "x");
    assert_holds(other, "a", CANARY);
}

/* Who can write the file must not talk a process that has it open out of sealing. */
static void
keys_that_are_taken_away_open_nothing(void **state)
{
    static const char *const changes[] = {
        "DELETE FROM coco_kbs_value WHERE kind = 5",
        "UPDATE coco_kbs_value SET data = x'00' WHERE kind = 5",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct coco_kbs_store *store = NULL;
        struct coco_secret got = {0};
        coco_error *err = NULL;

        (void)remove(f->path);
        fill(f, &f->key);
        assert_ok(open_with(f, &f->key, &store, &err), err);
        tamper(f, changes[i]);
        tamper(f, "INSERT INTO coco_kbs_value VALUES ('', 1, 'unknown', 1, 0, 9, x'00')");
        tamper(f, "INSERT INTO coco_kbs_value VALUES ('', 1, 'plain', 1, 0, 0, x'00')");
        assert_fails(coco_kbs_store_get(store, COCO_KBS_RESOURCE, "unknown", &got, NULL, &err), err,
                     COCO_ERR_VERIFY, "key 9");
        assert_fails(coco_kbs_store_get(store, COCO_KBS_RESOURCE, "plain", &got, NULL, &err), err,
                     COCO_ERR_VERIFY, "is not sealed");
        assert_ok(coco_kbs_store_put(store, COCO_KBS_RESOURCE, "b", CANARY, strlen(CANARY), &err),
                  err);
        assert_holds(store, "b", CANARY);
        coco_kbs_store_close(store);
        assert_false(is_on_disk(f));
    }
}

static void
what_fails_changes_nothing(void **state)
{
    struct fixture *f = *state;

    fill(f, NULL);
    for_each_fault()
    {
        _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = NULL;
        coco_error *err = NULL;

        faults_pause();
        assert_ok(open_with(f, NULL, &store, &err), err);
        faults_resume();
        coco_status status = coco_kbs_store_reseal(store, &f->key, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
        faults_pause();
        coco_kbs_store_close(coco_steal(&store));
        /* It may have been done, and only not been told. */
        if (open_with(f, NULL, &store, NULL) != COCO_OK) {
            assert_ok(open_with(f, &f->key, &store, &err), err);
            assert_holds(store, "a", CANARY);
            assert_ok(coco_kbs_store_reseal(store, NULL, &err), err);
        }
        assert_holds(store, "a", CANARY);
        faults_resume();
    }
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(what_is_sealed_is_on_no_disk),
        T(it_opens_with_its_key_alone),
        T(what_was_not_sealed_is_not_taken_for_sealed),
        T(values_of_who_can_write_the_file_alone_are_refused),
        T(a_store_gets_another_key_or_none),
        T(other_processes_follow_while_the_key_is_the_same),
        T(keys_that_are_taken_away_open_nothing),
        T(what_fails_changes_nothing),
    };

    return cmocka_run_group_tests_name("kbs/table_ring", tests, NULL, NULL);
}
