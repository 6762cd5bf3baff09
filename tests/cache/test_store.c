/*
 * tests/cache/test_store.c - lib/cache/store.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/store.h"

#include "base/context.h"

#include "tests/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)

struct fixture {
    char dir[64];
    char path[96]; /* of the cache */
    coco_ctx *ctx;
    struct coco_cache_counters counters;
    struct coco_cache_store *store;
};

static void
open_store(struct fixture *f, uint64_t max)
{
    coco_error *err = NULL;

    assert_ok(coco_cache_store_open(f->path, max, f->ctx, &f->counters, &f->store, &err), err);
}

static void
begin(struct fixture *f, uint64_t max)
{
    memset(f, 0, sizeof(*f));
    make_temp_dir(f->dir, sizeof(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/cache", f->dir);
    assert_int_equal(coco_ctx_new(&f->ctx, NULL), COCO_OK);
    open_store(f, max);
}

static void
end(struct fixture *f)
{
    coco_cache_store_close(f->store);
    coco_ctx_free(f->ctx);
    remove_temp_dir(f->dir);
}

static struct coco_cache_key
blob(unsigned number)
{
    struct coco_cache_key key = {.kind = COCO_CACHE_KIND_BLOB};

    assert_int_equal(coco_digest_of(COCO_SHA256, &number, sizeof(number), &key.digest, NULL),
                     COCO_OK);
    return key;
}

/* Keeps a blob of size bytes. */
static coco_status
put(struct fixture *f, const char *class, unsigned number, uint64_t size)
{
    const struct coco_cache_key key = blob(number);
    _cleanup_(coco_cache_temp_freep) struct coco_cache_temp *temp = NULL;

    coco_status status = coco_cache_store_begin(f->store, size, &temp, NULL);
    if (status != COCO_OK)
        return status;
    assert_int_equal(ftruncate(coco_cache_temp_fd(temp), (off_t)size), 0);
    return coco_cache_temp_keep(temp, class, &key, NULL);
}

static bool
has(struct fixture *f, const char *class, unsigned number)
{
    const struct coco_cache_key key = blob(number);
    struct coco_cache_entry entry;

    if (!coco_cache_store_find(f->store, class, &key, &entry))
        return false;
    (void)close(entry.fd);
    return true;
}

static size_t
count(const struct fixture *f, const char *class)
{
    char path[160];
    struct dirent *item;
    size_t n = 0;

    (void)snprintf(path, sizeof(path), "%s/%s", f->path, class);
    DIR *dir = opendir(path);
    while (dir && (item = readdir(dir)))
        n += item->d_name[0] != '.';
    if (dir)
        (void)closedir(dir);
    return n;
}

/* As if it had been used so many seconds ago. */
static void
age(const struct fixture *f, const char *class, unsigned number, time_t seconds)
{
    const struct coco_cache_key key = blob(number);
    const struct timespec when = {.tv_sec = time(NULL) - seconds};
    const struct timespec times[2] = {when, when};
    char text[COCO_DIGEST_TEXT_SIZE];
    char path[320];

    coco_digest_format(&key.digest, text);
    text[6] = '-';
    (void)snprintf(path, sizeof(path), "%s/%s/blob-%s", f->path, class, text);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void
what_was_not_kept_leaves_nothing(void **state)
{
    struct fixture f;
    struct coco_cache_temp *temp = NULL;
    coco_error *err = NULL;

    (void)state;
    begin(&f, MIB);
    assert_false(has(&f, "public", 1));
    assert_ok(coco_cache_store_begin(f.store, 5000, &temp, &err), err);
    assert_int_equal(count(&f, "tmp"), 1);
    coco_cache_temp_free(temp);
    coco_cache_temp_free(NULL);
    assert_int_equal(count(&f, "tmp"), 0);
    assert_false(has(&f, "public", 1));
    /* And takes nothing of the budget. */
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(put(&f, "public", 1, 5000), COCO_OK);
    end(&f);
}

static void
what_does_not_fit_is_refused(void **state)
{
    struct fixture f;
    struct coco_cache_temp *one = NULL;
    struct coco_cache_temp *two = NULL;
    coco_error *err = NULL;

    (void)state;
    begin(&f, MIB);
    assert_fails(coco_cache_store_begin(f.store, MIB + 1, &one, &err), err, COCO_ERR_LIMIT,
                 "larger than all");
    assert_fails(coco_cache_store_begin(f.store, UINT64_MAX, &one, &err), err, COCO_ERR_LIMIT,
                 "larger than all");
    assert_ok(coco_cache_store_begin(f.store, MIB / 2, &one, &err), err);
    assert_fails(coco_cache_store_begin(f.store, MIB / 2 + 1, &two, &err), err, COCO_ERR_LIMIT,
                 "under way");
    assert_ok(coco_cache_store_begin(f.store, MIB / 2, &two, &err), err);
    coco_cache_temp_free(one);
    coco_cache_temp_free(two);
    end(&f);
}

static void
what_was_used_least_lately_makes_room(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, MIB);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(put(&f, i % 2 ? "public" : "private", i, 100000), COCO_OK);
        age(&f, i % 2 ? "public" : "private", i, 1000 - i);
    }
    assert_true(has(&f, "private", 0)); /* is a use */
    assert_int_equal(put(&f, "public", 10, 100000), COCO_OK);
    assert_true(has(&f, "private", 0));
    assert_false(has(&f, "public", 1));
    for (unsigned i = 3; i < 11; i++)
        if (!has(&f, i % 2 || i == 10 ? "public" : "private", i))
            fail_msg("%u is gone", i);
    assert_in_range(coco_cache_store_used(f.store), 1, MIB);
    assert_true(f.counters.values[COCO_CACHE_EVICTIONS] >= 1);
    end(&f);
}

static void
small_files_count_too(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, MIB);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(put(&f, "public", i, 1), COCO_OK);
    assert_in_range(count(&f, "public"), 100, 256);
    end(&f);
}

static void
a_budget_that_shrinks_is_kept_from_the_start(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 4 * MIB);
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(put(&f, "public", i, 100000), COCO_OK);
    coco_cache_store_close(f.store);
    open_store(&f, MIB);
    assert_in_range(count(&f, "public"), 5, 10);
    assert_in_range(coco_cache_store_used(f.store), 1, MIB);
    end(&f);
}

static void
write_file(const struct fixture *f, const char *name)
{
    char path[320];

    (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 2 * MIB), 0);
    assert_int_equal(close(fd), 0);
}

static bool
file_is_there(const struct fixture *f, const char *name)
{
    char path[320];

    (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
    return access(path, F_OK) == 0;
}

/* Whoever names /var for the cache has more there than the cache. */
static void
files_of_others_are_left_alone(void **state)
{
    static const char *const files[] = {
        "a",
        "tmp/session",
        "tmp/0123",
        "Documents/thesis",
        "public/thesis",
        "public/blob-x",
        "public/blob-md5-00",
        "public/manifest-sha256-00",
        "publications/thesis",
    };
    static const char *const dirs[] = {"Documents", "public", "publications"};
    struct fixture f;

    (void)state;
    begin(&f, MIB);
    coco_cache_store_close(f.store);
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        char path[320];

        (void)snprintf(path, sizeof(path), "%s/%s", f.path, dirs[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        write_file(&f, files[i]);
    open_store(&f, MIB);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(put(&f, "public", i, 100000), COCO_OK);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (!file_is_there(&f, files[i]))
            fail_msg("%s is gone", files[i]);
    assert_in_range(coco_cache_store_used(f.store), 1, MIB);
    end(&f);
}

static void
manifests_have_their_type(void **state)
{
    struct fixture f;
    struct coco_cache_key key = blob(1);
    struct coco_cache_entry entry;
    char text[16] = "";
    char junk[200];
    struct coco_buf body = {.limit = 100};
    coco_error *err = NULL;

    (void)state;
    begin(&f, MIB);
    key.kind = COCO_CACHE_KIND_MANIFEST;
    memset(junk, 'x', sizeof(junk) - 1);
    junk[sizeof(junk) - 1] = '\0';
    assert_ok(coco_buf_append_text(&body, "{\n}", &err), err);
    assert_fails(coco_cache_store_put_manifest(f.store, "public", &key.digest, "a\nb", &body, &err),
                 err, COCO_ERR_PROTO, "media type");
    assert_fails(coco_cache_store_put_manifest(f.store, "public", &key.digest, junk, &body, &err),
                 err, COCO_ERR_PROTO, "media type");
    assert_ok(coco_cache_store_put_manifest(f.store, "public", &key.digest, "a/b", &body, &err),
              err);
    assert_true(coco_cache_store_find(f.store, "public", &key, &entry));
    assert_string_equal(entry.type, "a/b");
    assert_int_equal(entry.size, 3);
    assert_int_equal(pread(entry.fd, text, sizeof(text), (off_t)entry.offset), 3);
    assert_string_equal(text, "{\n}");
    (void)close(entry.fd);
    assert_false(has(&f, "public", 1)); /* a blob of the same digest is something else */
    coco_buf_done(&body);
    end(&f);
}

static void
a_manifest_without_a_type_is_none(void **state)
{
    struct fixture f;
    struct coco_cache_key key = blob(1);
    struct coco_cache_entry entry;
    struct coco_cache_temp *temp = NULL;
    char junk[300];
    char bad[] = "a\r/b\n{}";

    (void)state;
    begin(&f, MIB);
    key.kind = COCO_CACHE_KIND_MANIFEST;
    for (const char *c = "\1\r\x7f\x80"; *c; c++) {
        bad[1] = *c;
        assert_int_equal(coco_cache_store_begin(f.store, sizeof(bad), &temp, NULL), COCO_OK);
        assert_int_equal(write(coco_cache_temp_fd(temp), bad, sizeof(bad) - 1),
                         (ssize_t)sizeof(bad) - 1);
        assert_int_equal(coco_cache_temp_keep(temp, "public", &key, NULL), COCO_OK);
        coco_cache_temp_free(temp);
        assert_false(coco_cache_store_find(f.store, "public", &key, &entry));
    }
    memset(junk, 'x', sizeof(junk));
    for (size_t len = 0; len <= sizeof(junk); len += sizeof(junk)) {
        assert_int_equal(coco_cache_store_begin(f.store, len, &temp, NULL), COCO_OK);
        assert_int_equal(write(coco_cache_temp_fd(temp), junk, len), (ssize_t)len);
        assert_int_equal(coco_cache_temp_keep(temp, "public", &key, NULL), COCO_OK);
        coco_cache_temp_free(temp);
        assert_false(coco_cache_store_find(f.store, "public", &key, &entry));
    }
    end(&f);
}

static void
what_is_no_file_is_not_there(void **state)
{
    struct fixture f;
    char path[320];
    char name[COCO_DIGEST_TEXT_SIZE];

    (void)state;
    begin(&f, MIB);
    const struct coco_cache_key key = blob(1);
    coco_digest_format(&key.digest, name);
    name[6] = '-';
    (void)snprintf(path, sizeof(path), "%s/public", f.path);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/public/blob-%s", f.path, name);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_false(has(&f, "public", 1));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(has(&f, "public", 1));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* whose writer is not waited for */
    assert_false(has(&f, "public", 1));
    end(&f);
}

static void
what_lost_all_its_bytes_is_not_there(void **state)
{
    struct fixture f;
    struct coco_cache_key empty = {.kind = COCO_CACHE_KIND_BLOB};
    struct coco_cache_temp *temp = NULL;
    struct coco_cache_entry entry;

    (void)state;
    begin(&f, MIB);
    assert_int_equal(put(&f, "public", 1, 0), COCO_OK);
    assert_false(has(&f, "public", 1));
    assert_int_equal(coco_digest_of(COCO_SHA256, "", 0, &empty.digest, NULL), COCO_OK);
    assert_int_equal(coco_cache_store_begin(f.store, 0, &temp, NULL), COCO_OK);
    assert_int_equal(coco_cache_temp_keep(temp, "public", &empty, NULL), COCO_OK);
    coco_cache_temp_free(temp);
    assert_true(coco_cache_store_find(f.store, "public", &empty, &entry));
    (void)close(entry.fd);
    end(&f);
}

static void
entries_move_and_go(void **state)
{
    struct fixture f;
    const struct coco_cache_key key = blob(1);

    (void)state;
    begin(&f, MIB);
    coco_cache_store_move(f.store, &key, "private", "public");
    assert_int_equal(put(&f, "private", 1, 10), COCO_OK);
    coco_cache_store_move(f.store, &key, "private", "public");
    assert_false(has(&f, "private", 1));
    assert_true(has(&f, "public", 1));
    coco_cache_store_remove(f.store, "public", &key);
    coco_cache_store_remove(f.store, "public", &key);
    assert_false(has(&f, "public", 1));
    end(&f);
}

/* A process that begins a file, says so, and waits to be killed. */
static pid_t
begin_elsewhere(struct fixture *f)
{
    int pipes[2];
    char c;

    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct coco_cache_store *store = NULL;
        struct coco_cache_temp *temp = NULL;

        if (coco_cache_store_open(f->path, MIB, f->ctx, &f->counters, &store, NULL) == COCO_OK
            && coco_cache_store_begin(store, 10, &temp, NULL) == COCO_OK)
            (void)!write(pipes[1], "x", 1);
        for (;;)
            (void)pause();
    }
    assert_true(pid > 0);
    (void)close(pipes[1]);
    assert_int_equal(read(pipes[0], &c, 1), 1);
    (void)close(pipes[0]);
    return pid;
}

static void
what_a_killed_process_left_is_cleared_and_no_more(void **state)
{
    struct fixture f;
    struct coco_cache_temp *temp = NULL;
    coco_error *err = NULL;

    (void)state;
    begin(&f, MIB);
    assert_ok(coco_cache_store_begin(f.store, 10, &temp, &err), err);
    pid_t alive = begin_elsewhere(&f);
    pid_t dead = begin_elsewhere(&f);
    assert_int_equal(count(&f, "tmp"), 3);
    assert_int_equal(kill(dead, SIGKILL), 0);
    assert_int_equal(waitpid(dead, NULL, 0), dead);
    assert_int_equal(count(&f, "tmp"), 3);

    struct coco_cache_store *first = f.store;
    open_store(&f, MIB);
    assert_int_equal(count(&f, "tmp"), 2);
    assert_int_equal(kill(alive, SIGKILL), 0);
    assert_int_equal(waitpid(alive, NULL, 0), alive);
    /* What is still wanted is kept as if nothing had been. */
    const struct coco_cache_key key = blob(1);
    assert_int_equal(ftruncate(coco_cache_temp_fd(temp), 10), 0);
    assert_ok(coco_cache_temp_keep(temp, "public", &key, &err), err);
    coco_cache_temp_free(temp);
    assert_true(has(&f, "public", 1));
    coco_cache_store_close(first);
    end(&f);
}

static void
a_directory_that_cannot_be_is_refused(void **state)
{
    struct coco_cache_store *store = NULL;
    struct coco_cache_counters counters = {0};
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_cache_store_open("/no/such/place", MIB, NULL, &counters, &store, &err), err,
                 COCO_ERR_IO, "/no/such/place");
    assert_fails(coco_cache_store_open("/dev/null", MIB, NULL, &counters, &store, &err), err,
                 COCO_ERR_IO, "/dev/null");
    assert_null(store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_kept_leaves_nothing),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(what_was_used_least_lately_makes_room),
        cmocka_unit_test(small_files_count_too),
        cmocka_unit_test(a_budget_that_shrinks_is_kept_from_the_start),
        cmocka_unit_test(files_of_others_are_left_alone),
        cmocka_unit_test(manifests_have_their_type),
        cmocka_unit_test(a_manifest_without_a_type_is_none),
        cmocka_unit_test(what_is_no_file_is_not_there),
        cmocka_unit_test(what_lost_all_its_bytes_is_not_there),
        cmocka_unit_test(entries_move_and_go),
        cmocka_unit_test(what_a_killed_process_left_is_cleared_and_no_more),
        cmocka_unit_test(a_directory_that_cannot_be_is_refused),
    };

    return cmocka_run_group_tests_name("cache/store", tests, NULL, NULL);
}
