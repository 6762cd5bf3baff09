/*
 * tests/kbs/test_store.c - lib/kbs/store.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/store.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct fixture {
    char dir[64];
    char path[128];
    struct coco_kbs_store *store;
};

static int
begin(void **state)
{
    static struct fixture f;
    coco_error *err = NULL;

    make_temp_dir(f.dir, sizeof(f.dir));
    (void)snprintf(f.path, sizeof(f.path), "%s/kbs.db", f.dir);
    assert_ok(coco_kbs_store_open(f.path, &f.store, &err), err);
    *state = &f;
    return 0;
}

static int
end(void **state)
{
    struct fixture *f = *state;

    coco_kbs_store_close(f->store);
    remove_temp_dir(f->dir);
    return 0;
}

static void
put(struct fixture *f, enum coco_kbs_kind kind, const char *name, const char *text)
{
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_put(f->store, kind, name, text, strlen(text), &err), err);
}

static void
assert_holds(struct fixture *f, enum coco_kbs_kind kind, const char *name, const char *text)
{
    _cleanup_secret_ struct coco_secret got = {0};
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_get(f->store, kind, name, &got, &err), err);
    assert_int_equal(got.len, strlen(text));
    if (got.len)
        assert_memory_equal(got.data, text, got.len);
}

static void
values_are_kept_over_a_restart(void **state)
{
    struct fixture *f = *state;
    coco_error *err = NULL;

    put(f, COCO_KBS_RESOURCE, "a/b/c", "one");
    put(f, COCO_KBS_RESOURCE, "a/b/c", "two");
    put(f, COCO_KBS_RESOURCE, "empty", "");
    put(f, COCO_KBS_POLICY, "a/b/c", "three");
    coco_kbs_store_close(f->store);
    f->store = NULL;
    assert_ok(coco_kbs_store_open(f->path, &f->store, &err), err);
    assert_holds(f, COCO_KBS_RESOURCE, "a/b/c", "two");
    assert_holds(f, COCO_KBS_RESOURCE, "empty", "");
    assert_holds(f, COCO_KBS_POLICY, "a/b/c", "three");
}

static void
what_is_not_there_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct coco_secret got = {0};
    coco_error *err = NULL;

    assert_fails(coco_kbs_store_get(f->store, COCO_KBS_RESOURCE, "a", &got, &err), err,
                 COCO_ERR_NOTFOUND, "a is not there");
    assert_fails(coco_kbs_store_delete(f->store, COCO_KBS_RESOURCE, "a", &err), err,
                 COCO_ERR_NOTFOUND, "a is not there");
    put(f, COCO_KBS_POLICY, "a", "x");
    assert_fails(coco_kbs_store_delete(f->store, COCO_KBS_RESOURCE, "a", &err), err,
                 COCO_ERR_NOTFOUND, "a is not there");
    assert_ok(coco_kbs_store_delete(f->store, COCO_KBS_POLICY, "a", &err), err);
    assert_fails(coco_kbs_store_get(f->store, COCO_KBS_POLICY, "a", &got, &err), err,
                 COCO_ERR_NOTFOUND, "a is not there");
}

static void
names_are_never_sql(void **state)
{
    struct fixture *f = *state;

    put(f, COCO_KBS_RESOURCE, "'; DROP TABLE item; --", "x");
    assert_holds(f, COCO_KBS_RESOURCE, "'; DROP TABLE item; --", "x");
}

static void
the_first_of_two_that_make_a_key_wins(void **state)
{
    struct fixture *f = *state;
    struct coco_kbs_store *other = NULL;
    _cleanup_secret_ struct coco_secret first = {0};
    _cleanup_secret_ struct coco_secret second = {0};
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_open(f->path, &other, &err), err);
    assert_ok(coco_kbs_store_put_new(f->store, COCO_KBS_KEY, "k", "aaaa", 4, &first, &err), err);
    assert_ok(coco_kbs_store_put_new(other, COCO_KBS_KEY, "k", "bbbb", 4, &second, &err), err);
    assert_true(coco_secret_equal(&second, "aaaa", 4));
    coco_kbs_store_close(other);
}

static void
lists_are_sorted(void **state)
{
    struct fixture *f = *state;
    _cleanup_json_ cJSON *names = NULL;
    _cleanup_json_ cJSON *values = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 256};
    coco_error *err = NULL;

    put(f, COCO_KBS_REFERENCE, "b", "[1]");
    put(f, COCO_KBS_REFERENCE, "a", "\"x\"");
    put(f, COCO_KBS_RESOURCE, "c", "{");
    assert_ok(coco_kbs_store_names(f->store, COCO_KBS_REFERENCE, &names, &err), err);
    assert_ok(coco_json_write(names, COCO_JSON_COMPACT, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), "[\"a\",\"b\"]");
    assert_ok(coco_kbs_store_values(f->store, COCO_KBS_REFERENCE, &values, &err), err);
    coco_buf_reset(&text);
    assert_ok(coco_json_write(values, COCO_JSON_COMPACT, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), "{\"a\":\"x\",\"b\":[1]}");
}

static void
nobody_else_may_read_the_file(void **state)
{
    struct fixture *f = *state;
    struct coco_kbs_store *store = NULL;
    struct stat st;
    char path[160];
    coco_error *err = NULL;

    put(f, COCO_KBS_RESOURCE, "a", "x");
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof(path), "%s%s", f->path, suffixes[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    assert_int_equal(chmod(f->path, 0640), 0);
    assert_fails(coco_kbs_store_open(f->path, &store, &err), err, COCO_ERR_DENIED, "chmod 600");
    assert_int_equal(chmod(f->path, 0600), 0);
}

static void
files_of_others_are_refused(void **state)
{
    struct fixture *f = *state;
    struct coco_kbs_store *store = NULL;
    char path[160];
    coco_error *err = NULL;

    (void)snprintf(path, sizeof(path), "%s/link", f->dir);
    assert_int_equal(symlink(f->path, path), 0);
    assert_fails(coco_kbs_store_open(path, &store, &err), err, COCO_ERR_IO, "store");
    (void)snprintf(path, sizeof(path), "%s/text", f->dir);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    for (unsigned i = 0; i < 200; i++)
        (void)fputs("this is not a database\n", file);
    (void)fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
    assert_fails(coco_kbs_store_open(path, &store, &err), err, COCO_ERR_IO, "not a database");
    assert_fails(coco_kbs_store_open(f->dir, &store, &err), err, COCO_ERR_IO, "store");
    (void)snprintf(path, sizeof(path), "%s/no/such", f->dir);
    assert_fails(coco_kbs_store_open(path, &store, &err), err, COCO_ERR_IO, "store");
}

static void
sizes_are_bounded(void **state)
{
    struct fixture *f = *state;
    char name[COCO_KBS_NAME_MAX + 2];
    coco_error *err = NULL;

    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    assert_fails(coco_kbs_store_put(f->store, COCO_KBS_RESOURCE, name, "", 0, &err), err,
                 COCO_ERR_INVALID, "name of 1024 bytes");
    assert_fails(coco_kbs_store_put(f->store, COCO_KBS_RESOURCE, "", "", 0, &err), err,
                 COCO_ERR_INVALID, "name of 0 bytes");
    assert_fails(
        coco_kbs_store_put(f->store, COCO_KBS_RESOURCE, "a", "", COCO_KBS_VALUE_MAX + 1, &err), err,
        COCO_ERR_LIMIT, "value");
}

static void *
write_many(void *arg)
{
    struct fixture *f = arg;
    char name[32];

    for (unsigned i = 0; i < 50; i++) {
        (void)snprintf(name, sizeof(name), "n%u", i);
        if (coco_kbs_store_put(f->store, COCO_KBS_RESOURCE, name, name, strlen(name), NULL)
            != COCO_OK)
            return f;
    }
    return NULL;
}

static void
threads_share_it(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, f), 0);
    for (size_t i = 0; i < 4; i++) {
        void *failed;

        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_holds(f, COCO_KBS_RESOURCE, "n49", "n49");
}

static void
open_and_get_survive_failed_allocations(void **state)
{
    struct fixture *f = *state;

    put(f, COCO_KBS_RESOURCE, "a", "x");
    for_each_fault()
    {
        _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = NULL;
        _cleanup_secret_ struct coco_secret got = {0};
        coco_error *err = NULL;

        coco_status status = coco_kbs_store_open(NULL, &store, &err);
        if (status == COCO_OK)
            status = coco_kbs_store_get(f->store, COCO_KBS_RESOURCE, "a", &got, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

static void
of_several_values_all_are_put_or_none(void **state)
{
    _cleanup_json_ cJSON *values = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_json_parse("{\"a\":[1],\"b\":{\"c\":2},\"d\":\"e\"}", 29, &values, &err), err);
    for_each_fault()
    {
        struct coco_kbs_store *store = NULL;
        cJSON *names = NULL;

        faults_pause();
        assert_ok(coco_kbs_store_open(NULL, &store, &err), err);
        faults_resume();
        coco_status status = coco_kbs_store_put_values(store, COCO_KBS_REFERENCE, values, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
        faults_pause();
        assert_ok(coco_kbs_store_names(store, COCO_KBS_REFERENCE, &names, &err), err);
        assert_int_equal(cJSON_GetArraySize(names), status == COCO_OK ? 3 : 0);
        coco_json_free(names);
        coco_kbs_store_close(store);
        faults_resume();
    }
    cJSON *nameless = cJSON_CreateNull();
    assert_ok(coco_json_add_item(values, "", nameless, &err), err);
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = NULL;
    assert_ok(coco_kbs_store_open(NULL, &store, &err), err);
    assert_fails(coco_kbs_store_put_values(store, COCO_KBS_REFERENCE, values, &err), err,
                 COCO_ERR_INVALID, "name");
    _cleanup_json_ cJSON *names = NULL;
    assert_ok(coco_kbs_store_names(store, COCO_KBS_REFERENCE, &names, &err), err);
    assert_int_equal(cJSON_GetArraySize(names), 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(values_are_kept_over_a_restart),
        T(what_is_not_there_is_not_found),
        T(names_are_never_sql),
        T(the_first_of_two_that_make_a_key_wins),
        T(lists_are_sorted),
        T(nobody_else_may_read_the_file),
        T(files_of_others_are_refused),
        T(sizes_are_bounded),
        T(threads_share_it),
        T(open_and_get_survive_failed_allocations),
        cmocka_unit_test(of_several_values_all_are_put_or_none),
    };

    return cmocka_run_group_tests_name("kbs/store", tests, NULL, NULL);
}
