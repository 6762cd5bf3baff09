/*
 * tests/kbs/test_store.c - lib/kbs/store.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/store.h"

#include "kbs/database.h"
#include "tests/faults.h"
#include "tests/postgres.h"
#include "tests/support.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct fixture {
    char dir[64];
    char path[128];
    struct coco_kbs_store_options options;
    struct coco_kbs_store *store;
};

static const struct coco_kbs_store_options in_memory = {.versions = 3};

static int
begin(void **state)
{
    static struct fixture f;
    coco_error *err = NULL;

    make_temp_dir(f.dir, sizeof(f.dir));
    (void)snprintf(f.path, sizeof(f.path), "%s/kbs.db", f.dir);
    f.options = (struct coco_kbs_store_options){.path = f.path, .versions = 3};
    assert_ok(coco_kbs_store_open(&f.options, &f.store, &err), err);
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

static struct postgres_server server;
static struct coco_postgres_options on_server = {
    .host = server.dir,
    .port = POSTGRES_PORT,
    .database = POSTGRES_DATABASE,
    .user = POSTGRES_USER,
};

/* The same tests in PostgreSQL, sealed. */
static int
begin_postgres(void **state)
{
    static struct fixture f;
    static uint8_t bytes[32] = {1};
    static const struct coco_secret key = {bytes, sizeof(bytes)};
    coco_error *err = NULL;

    postgres_run(&server, "DROP TABLE IF EXISTS coco_kbs_value, coco_kbs_schema");
    f.options = (struct coco_kbs_store_options){.postgres = &on_server, .key = &key, .versions = 3};
    assert_ok(coco_kbs_store_open(&f.options, &f.store, &err), err);
    *state = &f;
    return 0;
}

static int
end_postgres(void **state)
{
    struct fixture *f = *state;

    coco_kbs_store_close(f->store);
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

    assert_ok(coco_kbs_store_get(f->store, kind, name, &got, NULL, &err), err);
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
    assert_ok(coco_kbs_store_open(&f->options, &f->store, &err), err);
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

    assert_fails(coco_kbs_store_get(f->store, COCO_KBS_RESOURCE, "a", &got, NULL, &err), err,
                 COCO_ERR_NOTFOUND, "a is not there");
    assert_fails(coco_kbs_store_delete(f->store, COCO_KBS_RESOURCE, "a", &err), err,
                 COCO_ERR_NOTFOUND, "a is not there");
    put(f, COCO_KBS_POLICY, "a", "x");
    assert_fails(coco_kbs_store_delete(f->store, COCO_KBS_RESOURCE, "a", &err), err,
                 COCO_ERR_NOTFOUND, "a is not there");
    assert_ok(coco_kbs_store_delete(f->store, COCO_KBS_POLICY, "a", &err), err);
    assert_fails(coco_kbs_store_get(f->store, COCO_KBS_POLICY, "a", &got, NULL, &err), err,
                 COCO_ERR_NOTFOUND, "a is not there");
}

/* What is kept of a resource, as "version+size" and "version-" of a deletion. */
static void
assert_versions(struct fixture *f, const char *name, const char *expected)
{
    _cleanup_json_ cJSON *versions = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 1024};
    const cJSON *version;
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_versions(f->store, COCO_KBS_RESOURCE, name, &versions, &err), err);
    cJSON_ArrayForEach(version, versions) {
        uint64_t number;
        uint64_t size = 0;
        const bool deleted = cJSON_GetObjectItemCaseSensitive(version, "deleted") != NULL;

        assert_ok(coco_json_get_u64(version, "version", &number, &err), err);
        if (!deleted)
            assert_ok(coco_json_get_u64(version, "size", &size, &err), err);
        assert_ok(coco_buf_printf(&text, &err, deleted ? "%s%ju-" : "%s%ju+%ju",
                                  text.len ? " " : "", (uintmax_t)number, (uintmax_t)size),
                  err);
    }
    assert_string_equal(coco_buf_text(&text), expected);
}

static void
earlier_versions_are_kept_as_far_as_asked(void **state)
{
    struct fixture *f = *state;
    _cleanup_secret_ struct coco_secret got = {0};
    _cleanup_json_ cJSON *versions = NULL;
    uint64_t version = 0;
    coco_error *err = NULL;

    put(f, COCO_KBS_RESOURCE, "a", "1");
    put(f, COCO_KBS_RESOURCE, "a", "22");
    assert_versions(f, "a", "2+2 1+1");
    put(f, COCO_KBS_RESOURCE, "a", "333");
    put(f, COCO_KBS_RESOURCE, "a", "");
    assert_versions(f, "a", "4+0 3+3 2+2");
    assert_ok(coco_kbs_store_get(f->store, COCO_KBS_RESOURCE, "a", &got, &version, &err), err);
    assert_int_equal(version, 4);
    assert_int_equal(got.len, 0);

    put(f, COCO_KBS_POLICY, "a", "x");
    put(f, COCO_KBS_POLICY, "a", "y");
    assert_ok(coco_kbs_store_versions(f->store, COCO_KBS_POLICY, "a", &versions, &err), err);
    assert_int_equal(cJSON_GetArraySize(versions), 1);
}

static void
what_was_deleted_comes_back(void **state)
{
    struct fixture *f = *state;
    struct coco_secret got = {0};
    _cleanup_json_ cJSON *names = NULL;
    _cleanup_secret_ struct coco_secret made = {0};
    uint64_t version = 0;
    coco_error *err = NULL;

    put(f, COCO_KBS_RESOURCE, "a", "1");
    put(f, COCO_KBS_RESOURCE, "a", "22");
    assert_ok(coco_kbs_store_delete(f->store, COCO_KBS_RESOURCE, "a", &err), err);
    assert_versions(f, "a", "3- 2+2 1+1");
    assert_fails(coco_kbs_store_get(f->store, COCO_KBS_RESOURCE, "a", &got, &version, &err), err,
                 COCO_ERR_NOTFOUND, "a is not there");
    assert_fails(coco_kbs_store_delete(f->store, COCO_KBS_RESOURCE, "a", &err), err,
                 COCO_ERR_NOTFOUND, "a is not there");
    assert_ok(coco_kbs_store_names(f->store, COCO_KBS_RESOURCE, &names, &err), err);
    assert_int_equal(cJSON_GetArraySize(names), 0);

    assert_ok(coco_kbs_store_restore(f->store, COCO_KBS_RESOURCE, "a", 0, &version, &err), err);
    assert_int_equal(version, 4);
    assert_holds(f, COCO_KBS_RESOURCE, "a", "22");
    assert_versions(f, "a", "4+2 3- 2+2");

    assert_ok(coco_kbs_store_delete(f->store, COCO_KBS_RESOURCE, "a", &err), err);
    assert_ok(coco_kbs_store_put_new(f->store, COCO_KBS_RESOURCE, "a", "new", 3, &made, &err), err);
    assert_true(coco_secret_equal(&made, "new", 3));
    assert_versions(f, "a", "6+3 5- 4+2");
}

static void
an_earlier_version_is_put_again(void **state)
{
    struct fixture *f = *state;
    uint64_t version = 0;
    coco_error *err = NULL;

    put(f, COCO_KBS_RESOURCE, "a", "1");
    put(f, COCO_KBS_RESOURCE, "a", "22");
    put(f, COCO_KBS_RESOURCE, "a", "333");
    assert_ok(coco_kbs_store_restore(f->store, COCO_KBS_RESOURCE, "a", 0, &version, &err), err);
    assert_holds(f, COCO_KBS_RESOURCE, "a", "22");
    assert_int_equal(version, 4);
    assert_ok(coco_kbs_store_restore(f->store, COCO_KBS_RESOURCE, "a", 3, &version, &err), err);
    assert_holds(f, COCO_KBS_RESOURCE, "a", "333");
    static const uint64_t unknown[] = {1, 6, UINT64_MAX};
    for (size_t i = 0; i < 3; i++)
        assert_fails(
            coco_kbs_store_restore(f->store, COCO_KBS_RESOURCE, "a", unknown[i], &version, &err),
            err, COCO_ERR_NOTFOUND, "no such version of a");
    assert_fails(coco_kbs_store_restore(f->store, COCO_KBS_RESOURCE, "b", 0, &version, &err), err,
                 COCO_ERR_NOTFOUND, "no such version of b");
    put(f, COCO_KBS_RESOURCE, "b", "alone");
    assert_fails(coco_kbs_store_restore(f->store, COCO_KBS_RESOURCE, "b", 0, &version, &err), err,
                 COCO_ERR_NOTFOUND, "no such version of b");
}

static void
what_was_purged_is_gone_for_good(void **state)
{
    struct fixture *f = *state;
    _cleanup_json_ cJSON *versions = NULL;
    uint64_t version = 0;
    coco_error *err = NULL;

    put(f, COCO_KBS_RESOURCE, "a", "1");
    put(f, COCO_KBS_RESOURCE, "a", "22");
    put(f, COCO_KBS_RESOURCE, "ab", "3");
    assert_ok(coco_kbs_store_delete(f->store, COCO_KBS_RESOURCE, "a", &err), err);
    assert_ok(coco_kbs_store_purge(f->store, COCO_KBS_RESOURCE, "a", &err), err);
    assert_fails(coco_kbs_store_versions(f->store, COCO_KBS_RESOURCE, "a", &versions, &err), err,
                 COCO_ERR_NOTFOUND, "a is not there");
    assert_fails(coco_kbs_store_restore(f->store, COCO_KBS_RESOURCE, "a", 0, &version, &err), err,
                 COCO_ERR_NOTFOUND, "no such version of a");
    assert_fails(coco_kbs_store_purge(f->store, COCO_KBS_RESOURCE, "a", &err), err,
                 COCO_ERR_NOTFOUND, "a is not there");
    assert_holds(f, COCO_KBS_RESOURCE, "ab", "3");
}

static void
without_versions_nothing_deleted_is_kept(void **state)
{
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = NULL;
    _cleanup_json_ cJSON *versions = NULL;
    const struct coco_kbs_store_options options = {.versions = 1};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_store_open(&options, &store, &err), err);
    assert_ok(coco_kbs_store_put(store, COCO_KBS_RESOURCE, "a", "1", 1, &err), err);
    assert_ok(coco_kbs_store_put(store, COCO_KBS_RESOURCE, "a", "2", 1, &err), err);
    assert_ok(coco_kbs_store_versions(store, COCO_KBS_RESOURCE, "a", &versions, &err), err);
    assert_int_equal(cJSON_GetArraySize(versions), 1);
    assert_ok(coco_kbs_store_delete(store, COCO_KBS_RESOURCE, "a", &err), err);
    coco_json_free(coco_steal(&versions));
    assert_fails(coco_kbs_store_versions(store, COCO_KBS_RESOURCE, "a", &versions, &err), err,
                 COCO_ERR_NOTFOUND, "a is not there");
}

static void
writes_and_lists_survive_failed_allocations(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        _cleanup_json_ cJSON *versions = NULL;
        uint64_t version = 0;
        coco_error *err = NULL;

        faults_pause();
        assert_ok(coco_kbs_store_put(f->store, COCO_KBS_RESOURCE, "a", "x", 1, &err), err);
        faults_resume();
        coco_status status = coco_kbs_store_put(f->store, COCO_KBS_RESOURCE, "a", "y", 1, &err);
        if (status == COCO_OK)
            status = coco_kbs_store_delete(f->store, COCO_KBS_RESOURCE, "a", &err);
        if (status == COCO_OK)
            status = coco_kbs_store_restore(f->store, COCO_KBS_RESOURCE, "a", 0, &version, &err);
        if (status == COCO_OK)
            status = coco_kbs_store_versions(f->store, COCO_KBS_RESOURCE, "a", &versions, &err);
        if (status == COCO_OK)
            status = coco_kbs_store_purge(f->store, COCO_KBS_RESOURCE, "a", &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

static void
tenants_see_nothing_of_each_other(void **state)
{
    struct fixture *f = *state;
    static const struct coco_kbs_quota none = {0};
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *a = NULL;
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *b = NULL;
    _cleanup_json_ cJSON *names = NULL;
    _cleanup_secret_ struct coco_secret got = {0};
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_of(f->store, "a", &none, &a, &err), err);
    assert_ok(coco_kbs_store_of(f->store, "b-1", &none, &b, &err), err);
    put(f, COCO_KBS_RESOURCE, "x", "of nobody");
    assert_ok(coco_kbs_store_put(a, COCO_KBS_RESOURCE, "x", "of a", 4, &err), err);
    assert_fails(coco_kbs_store_get(b, COCO_KBS_RESOURCE, "x", &got, NULL, &err), err,
                 COCO_ERR_NOTFOUND, "x is not there");
    assert_fails(coco_kbs_store_purge(b, COCO_KBS_RESOURCE, "x", &err), err, COCO_ERR_NOTFOUND,
                 "x is not there");
    assert_ok(coco_kbs_store_names(b, COCO_KBS_RESOURCE, &names, &err), err);
    assert_int_equal(cJSON_GetArraySize(names), 0);
    assert_ok(coco_kbs_store_get(a, COCO_KBS_RESOURCE, "x", &got, NULL, &err), err);
    assert_true(coco_secret_equal(&got, "of a", 4));
    assert_holds(f, COCO_KBS_RESOURCE, "x", "of nobody");

    static const char *const bad[] = {"",    "A",   "a b",
                                      "a/b", "a_b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct coco_kbs_store *of = NULL;

        assert_fails(coco_kbs_store_of(f->store, bad[i], &none, &of, &err), err, COCO_ERR_INVALID,
                     "tenant");
    }
}

static void
a_quota_is_kept(void **state)
{
    struct fixture *f = *state;
    /* What a database sees of a value may be larger by its seal. */
    static const struct coco_kbs_quota quota = {.names = 2, .bytes = 4000};
    static const char kilobyte[1000] = "x";
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *a = NULL;
    uint64_t version = 0;
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_of(f->store, "a", &quota, &a, &err), err);
    assert_ok(coco_kbs_store_put(a, COCO_KBS_RESOURCE, "1", "x", 1, &err), err);
    assert_ok(coco_kbs_store_put(a, COCO_KBS_RESOURCE, "2", "x", 1, &err), err);
    assert_fails(coco_kbs_store_put(a, COCO_KBS_RESOURCE, "3", "x", 1, &err), err, COCO_ERR_LIMIT,
                 "more than 2 resources");
    assert_ok(coco_kbs_store_put(a, COCO_KBS_POLICY, "3", "x", 1, &err), err);
    assert_ok(coco_kbs_store_purge(a, COCO_KBS_RESOURCE, "2", &err), err);
    for (unsigned i = 0; i < 3; i++)
        assert_ok(coco_kbs_store_put(a, COCO_KBS_RESOURCE, "3", kilobyte, 1000, &err), err);
    /* Three versions are kept, so the next takes the place of the first. */
    assert_ok(coco_kbs_store_put(a, COCO_KBS_RESOURCE, "3", kilobyte, 1000, &err), err);
    assert_fails(coco_kbs_store_put(a, COCO_KBS_RESOURCE, "1", kilobyte, 1000, &err), err,
                 COCO_ERR_LIMIT, "more than 4000 bytes");
    assert_ok(coco_kbs_store_delete(a, COCO_KBS_RESOURCE, "3", &err), err);
    assert_ok(coco_kbs_store_restore(a, COCO_KBS_RESOURCE, "3", 0, &version, &err), err);
    put(f, COCO_KBS_RESOURCE, "4", "others have their own");
}

/* What a quota is for is the database that all share: it counts whatever an owner may put. */
static void
a_quota_is_of_all_that_an_owner_puts(void **state)
{
    struct fixture *f = *state;
    static const struct coco_kbs_quota quota = {.bytes = 4000};
    static char kilobytes[3000];
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *a = NULL;
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *b = NULL;
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *c = NULL;
    _cleanup_json_ cJSON *values = NULL;
    struct coco_kbs_quota used = {0};
    coco_error *err = NULL;

    memset(kilobytes, 'x', sizeof(kilobytes));
    assert_ok(coco_kbs_store_of(f->store, "a", &quota, &a, &err), err);
    assert_ok(coco_kbs_store_put(a, COCO_KBS_POLICY, "p", kilobytes, 3000, &err), err);
    assert_fails(coco_kbs_store_put(a, COCO_KBS_POLICY, "q", kilobytes, 3000, &err), err,
                 COCO_ERR_LIMIT, "more than 4000 bytes");
    assert_fails(coco_kbs_store_put(a, COCO_KBS_RESOURCE, "r", kilobytes, 1000, &err), err,
                 COCO_ERR_LIMIT, "more than 4000 bytes");
    assert_ok(coco_json_new_object(&values, &err), err);
    kilobytes[1500] = '\0';
    assert_ok(coco_json_add_string(values, "v", kilobytes, &err), err);
    const struct coco_kbs_set set = {COCO_KBS_REFERENCE, values};
    assert_fails(coco_kbs_store_put_sets(a, &set, 1, &err), err, COCO_ERR_LIMIT,
                 "more than 4000 bytes");
    assert_ok(coco_kbs_store_delete(a, COCO_KBS_POLICY, "p", &err), err);
    assert_ok(coco_kbs_store_put_sets(a, &set, 1, &err), err);
    /* Its own keys are the KBS's affair. */
    assert_ok(coco_kbs_store_usage(a, &used, &err), err);
    assert_ok(coco_kbs_store_put(a, COCO_KBS_KEY, "key", kilobytes, 1500, &err), err);
    const uint64_t before = used.bytes;
    assert_ok(coco_kbs_store_usage(a, &used, &err), err);
    assert_int_equal(used.bytes, before);

    /* Nothing is for nothing: neither names nor values that are empty. */
    assert_ok(coco_kbs_store_of(f->store, "b", &quota, &b, &err), err);
    coco_status status = COCO_OK;
    unsigned n = 0;
    for (; status == COCO_OK && n < 100; n++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "%u", n);
        status = coco_kbs_store_put(b, COCO_KBS_RESOURCE, name, "", 0, &err);
    }
    assert_fails(status, err, COCO_ERR_LIMIT, "more than 4000 bytes");
    assert_true(n > 30);
    /* Names of 900 bytes: four of them and what they are counted for are 3856, and their seals. */
    kilobytes[900] = '\0';
    assert_ok(coco_kbs_store_of(f->store, "c", &quota, &c, &err), err);
    for (unsigned i = 0; i < 5; i++) {
        kilobytes[0] = (char)('a' + i);
        status = coco_kbs_store_put(c, COCO_KBS_RESOURCE, kilobytes, "", 0, &err);
        assert_int_equal(status, i < 4 ? COCO_OK : COCO_ERR_LIMIT);
    }
    coco_error_free(err);
}

/* Each decision looks at all of them, so that there are not any number, whoever pays for it. */
static void
policies_and_reference_values_are_bounded(void **state)
{
    struct fixture *f = *state;
    static char text[COCO_KBS_REFERENCES_MAX / 3];
    coco_error *err = NULL;

    for (unsigned i = 0; i < COCO_KBS_POLICIES_MAX; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "p%u", i);
        put(f, COCO_KBS_POLICY, name, "x");
    }
    put(f, COCO_KBS_POLICY, "p7", "another");
    assert_fails(coco_kbs_store_put(f->store, COCO_KBS_POLICY, "one more", "x", 1, &err), err,
                 COCO_ERR_LIMIT, "more than 1024 policies");

    memset(text, 'x', sizeof(text) - 1);
    for (unsigned i = 0; i < 4; i++) {
        _cleanup_json_ cJSON *values = NULL;
        char name[16];

        (void)snprintf(name, sizeof(name), "v%u", i % 3);
        assert_ok(coco_json_new_object(&values, &err), err);
        assert_ok(coco_json_add_string(values, name, text, &err), err);
        const struct coco_kbs_set set = {COCO_KBS_REFERENCE, values};
        coco_status status = coco_kbs_store_put_sets(f->store, &set, 1, &err);
        if (i % 3 < 2)
            assert_ok(status, err);
        else
            assert_fails(status, err, COCO_ERR_LIMIT, "bytes of reference values");
    }
}

static void
names_are_never_sql(void **state)
{
    struct fixture *f = *state;

    put(f, COCO_KBS_RESOURCE, "'; DROP TABLE coco_kbs_value; --", "x");
    assert_holds(f, COCO_KBS_RESOURCE, "'; DROP TABLE coco_kbs_value; --", "x");
}

static void
the_first_of_two_that_make_a_key_wins(void **state)
{
    struct fixture *f = *state;
    struct coco_kbs_store *other = NULL;
    _cleanup_secret_ struct coco_secret first = {0};
    _cleanup_secret_ struct coco_secret second = {0};
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_open(&f->options, &other, &err), err);
    assert_ok(coco_kbs_store_put_new(f->store, COCO_KBS_KEY, "k", "aaaa", 4, &first, &err), err);
    assert_ok(coco_kbs_store_put_new(other, COCO_KBS_KEY, "k", "bbbb", 4, &second, &err), err);
    assert_true(coco_secret_equal(&second, "aaaa", 4));
    coco_kbs_store_close(other);
}

static uint64_t
generation_of(struct coco_kbs_store *store)
{
    uint64_t generation = 0;
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_generation(store, &generation, &err), err);
    assert_int_not_equal(generation, 0);
    return generation;
}

/* One of the kinds of write; they go together. */
static void
write_in(struct coco_kbs_store *store, unsigned step)
{
    _cleanup_secret_ struct coco_secret made = {0};
    uint64_t version = 0;
    coco_error *err = NULL;

    if (step == 0)
        assert_ok(coco_kbs_store_put(store, COCO_KBS_POLICY, "p", "x", 1, &err), err);
    else if (step == 1)
        assert_ok(coco_kbs_store_put_new(store, COCO_KBS_KEY, "k", "x", 1, &made, &err), err);
    else if (step == 2)
        assert_ok(coco_kbs_store_restore(store, COCO_KBS_POLICY, "p", 1, &version, &err), err);
    else if (step == 3)
        assert_ok(coco_kbs_store_delete(store, COCO_KBS_POLICY, "p", &err), err);
    else
        assert_ok(coco_kbs_store_purge(store, COCO_KBS_KEY, "k", &err), err);
}

/* Whether this process writes or another; that somebody reads makes none. */
static void
whatever_is_written_makes_another_generation(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *other = NULL;
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *tenant = NULL;
    static const struct coco_kbs_quota no_quota;
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_open(&f->options, &other, &err), err);
    assert_ok(coco_kbs_store_of(other, "tenant", &no_quota, &tenant, &err), err);
    uint64_t before = generation_of(f->store);
    struct coco_kbs_store *const writers[] = {f->store, other, tenant};
    for (unsigned i = 0; i < 15; i++) {
        _cleanup_json_ cJSON *names = NULL;

        write_in(writers[i / 5], i % 5);
        uint64_t after = generation_of(f->store);
        assert_int_not_equal(after, before);
        assert_ok(coco_kbs_store_names(f->store, COCO_KBS_POLICY, &names, &err), err);
        assert_int_equal(generation_of(f->store), after);
        before = after;
    }
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
entries_say_what_is_there_and_nothing_of_what_it_is(void **state)
{
    struct fixture *f = *state;
    struct coco_kbs_quota used = {0};
    coco_error *err = NULL;

    put(f, COCO_KBS_RESOURCE, "b", "secret");
    put(f, COCO_KBS_RESOURCE, "b", "its second version");
    put(f, COCO_KBS_RESOURCE, "a", "");
    put(f, COCO_KBS_RESOURCE, "gone", "x");
    put(f, COCO_KBS_REFERENCE, "c", "1");
    assert_ok(coco_kbs_store_delete(f->store, COCO_KBS_RESOURCE, "gone", &err), err);
    for_each_fault()
    {
        _cleanup_json_ cJSON *entries = NULL;
        _cleanup_buf_ struct coco_buf text = {.limit = 512};

        err = NULL;
        coco_status status = coco_kbs_store_entries(f->store, COCO_KBS_RESOURCE, &entries, &err);
        fault_expect(status, err);
        coco_error_free(err);
        if (status != COCO_OK)
            continue;
        assert_int_equal(cJSON_GetArraySize(entries), 2);
        assert_ok(coco_json_write(entries, COCO_JSON_COMPACT, &text, &err), err);
        assert_contains(coco_buf_text(&text), "[{\"name\":\"a\",\"version\":1,\"time\":");
        assert_contains(coco_buf_text(&text),
                        "\"size\":0},{\"name\":\"b\",\"version\":2,\"time\":");
        assert_contains(coco_buf_text(&text), "\"size\":18}]");
    }
    assert_ok(coco_kbs_store_usage(f->store, &used, &err), err);
    assert_int_equal(used.names, 3);
    assert_true(used.bytes >= 25);
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

/* By whoever shares the database, each tenant for itself, until it has expired. */
static void
a_nonce_is_used_once_by_all(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *other = NULL;
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *tenant = NULL;
    const struct coco_kbs_quota none = {0};
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_open(&f->options, &other, &err), err);
    assert_ok(coco_kbs_store_of(f->store, "acme", &none, &tenant, &err), err);
    assert_ok(coco_kbs_store_use_once(f->store, "a", 1300, 1000, &err), err);
    assert_fails(coco_kbs_store_use_once(f->store, "a", 1300, 1001, &err), err, COCO_ERR_DENIED,
                 "used before");
    assert_fails(coco_kbs_store_use_once(other, "a", 1300, 1002, &err), err, COCO_ERR_DENIED,
                 "used before");
    assert_ok(coco_kbs_store_use_once(other, "b", 1300, 1003, &err), err);
    assert_fails(coco_kbs_store_use_once(f->store, "b", 1300, 1004, &err), err, COCO_ERR_DENIED,
                 "used before");
    assert_ok(coco_kbs_store_use_once(tenant, "a", 1300, 1005, &err), err);
    /* As long as the challenge lasts, which nobody takes any more then, and no longer. */
    assert_fails(coco_kbs_store_use_once(f->store, "a", 1300, 1300, &err), err, COCO_ERR_DENIED,
                 "used before");
    assert_ok(coco_kbs_store_use_once(f->store, "a", 1700, 1311, &err), err);
    assert_ok(coco_kbs_store_use_once(f->store, "b", 1700, 1312, &err), err);
    assert_fails(coco_kbs_store_use_once(tenant, "a", 1300, 1300, &err), err, COCO_ERR_DENIED,
                 "used before");
    assert_fails(coco_kbs_store_use_once(f->store, "", 1300, 1300, &err), err, COCO_ERR_INVALID,
                 "name");
    /* They are no values, and in the way of nothing that is done with values. */
    _cleanup_json_ cJSON *names = NULL;
    assert_ok(coco_kbs_store_names(f->store, COCO_KBS_NONCE, &names, &err), err);
    assert_int_equal(cJSON_GetArraySize(names), 0);
    put(f, COCO_KBS_RESOURCE, "a", "x");
    if (f->options.key)
        assert_ok(coco_kbs_store_reseal(f->store, f->options.key, &err), err);
    assert_holds(f, COCO_KBS_RESOURCE, "a", "x");
    assert_fails(coco_kbs_store_use_once(other, "b", 1700, 1313, &err), err, COCO_ERR_DENIED,
                 "used before");
}

static void
using_survives_failed_allocations(void **state)
{
    struct fixture *f = *state;
    unsigned n = 0;

    for_each_fault()
    {
        char name[16];
        coco_error *err = NULL;

        (void)snprintf(name, sizeof(name), "n%u", n++);
        coco_status status = coco_kbs_store_use_once(f->store, name, 1300, 1000, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
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

        coco_status status = coco_kbs_store_open(&in_memory, &store, &err);
        if (status == COCO_OK)
            status = coco_kbs_store_get(f->store, COCO_KBS_RESOURCE, "a", &got, NULL, &err);
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
    const struct coco_kbs_set set = {COCO_KBS_REFERENCE, values};
    for_each_fault()
    {
        struct coco_kbs_store *store = NULL;
        cJSON *names = NULL;

        faults_pause();
        assert_ok(coco_kbs_store_open(&in_memory, &store, &err), err);
        faults_resume();
        coco_status status = coco_kbs_store_put_sets(store, &set, 1, &err);
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
    assert_ok(coco_kbs_store_open(&in_memory, &store, &err), err);
    assert_fails(coco_kbs_store_put_sets(store, &set, 1, &err), err, COCO_ERR_INVALID, "name");
    _cleanup_json_ cJSON *names = NULL;
    assert_ok(coco_kbs_store_names(store, COCO_KBS_REFERENCE, &names, &err), err);
    assert_int_equal(cJSON_GetArraySize(names), 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define P(name)                                                                                    \
    {                                                                                              \
#name " in PostgreSQL", name, begin_postgres, end_postgres, NULL                           \
    }
#define BOTH(use)                                                                                  \
    use(values_are_kept_over_a_restart), use(what_is_not_there_is_not_found),                      \
        use(earlier_versions_are_kept_as_far_as_asked), use(what_was_deleted_comes_back),          \
        use(an_earlier_version_is_put_again), use(what_was_purged_is_gone_for_good),               \
        use(tenants_see_nothing_of_each_other), use(a_quota_is_kept),                              \
        use(a_quota_is_of_all_that_an_owner_puts), use(policies_and_reference_values_are_bounded), \
        use(writes_and_lists_survive_failed_allocations), use(names_are_never_sql),                \
        use(the_first_of_two_that_make_a_key_wins), use(lists_are_sorted), use(sizes_are_bounded), \
        use(whatever_is_written_makes_another_generation),                                         \
        use(entries_say_what_is_there_and_nothing_of_what_it_is), use(threads_share_it),           \
        use(a_nonce_is_used_once_by_all), use(using_survives_failed_allocations),                  \
        use(open_and_get_survive_failed_allocations)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_versions_nothing_deleted_is_kept),
        cmocka_unit_test(of_several_values_all_are_put_or_none),
        BOTH(T),
        BOTH(P),
    };
    const bool on_both = postgres_start(&server);
    size_t n = sizeof(tests) / sizeof(tests[0]);

    if (!on_both)
        n -= sizeof((const struct CMUnitTest[]){BOTH(P)}) / sizeof(tests[0]);
    int failed = _cmocka_run_group_tests("kbs/store", tests, n, NULL, NULL);
    if (on_both)
        postgres_stop(&server);
    return failed;
}
