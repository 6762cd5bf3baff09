/*
 * tests/kbc/test_offline_fs_kbc.c - lib/kbc/offline_fs_kbc.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/offline_fs_kbc.h"

#include "base/context.h"
#include "tests/faults.h"

#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>

#define KEYS "aa-offline_fs_kbc-keys.json"
#define RESOURCES "aa-offline_fs_kbc-resources.json"

struct fixture {
    char dir[64];
    char params[128];
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    make_temp_dir(f->dir, sizeof(f->dir));
    int len = snprintf(f->params, sizeof(f->params), "offline_fs_kbc::unprotected:%s", f->dir);
    assert_in_range(len, 1, sizeof(f->params) - 1);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    remove_temp_dir(f->dir);
    coco_ctx_free(f->ctx);
    return 0;
}

static coco_status
get(struct fixture *f, const char *uri, coco_bytes **ret)
{
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;

    coco_status status = coco_kbc_new(f->params, &kbc, &f->err);
    if (status == COCO_OK)
        status = coco_kbc_get_resource(kbc, f->ctx, uri, ret, &f->err);
    return status;
}

static void
assert_gets(struct fixture *f, const char *uri, const char *want)
{
    _cleanup_(coco_bytes_freep) coco_bytes *secret = NULL;

    assert_ok(get(f, uri, &secret), f->err);
    assert_string_equal((const char *)coco_bytes_data(secret), want);
}

static void
secrets_come_from_either_file(void **state)
{
    struct fixture *f = *state;

    write_text_under(f->dir, KEYS, "{\"default/key/1\":\"a2V5\",\"default/both/1\":\"a2V5\"}");
    write_text_under(f->dir, RESOURCES,
                     "{\"default/policy/1\":\"cG9saWN5\",\"default/both/1\":\"cmVzb3VyY2U=\"}");
    assert_gets(f, "kbs:///default/key/1", "key");
    assert_gets(f, "kbs:///default/policy/1", "policy");
    assert_gets(f, "kbs://ignored.test:8080/default/key/1", "key");
    assert_gets(f, "kbs:///default/both/1", "resource");
}

static void
one_file_is_enough(void **state)
{
    struct fixture *f = *state;

    write_text_under(f->dir, KEYS, "{\"default/key/1\":\"a2V5\"}");
    assert_gets(f, "kbs:///default/key/1", "key");
}

static void
what_is_in_no_file_is_not_found(void **state)
{
    struct fixture *f = *state;
    coco_bytes *secret = NULL;

    assert_fails(get(f, "kbs:///default/key/1", &secret), f->err, COCO_ERR_NOTFOUND,
                 "kbs:///default/key/1");
    write_text_under(f->dir, KEYS, "{\"default/key/1\":\"a2V5\"}");
    assert_fails(get(f, "kbs:///default/key/2", &secret), f->err, COCO_ERR_NOTFOUND, f->dir);
    assert_null(secret);
}

static void
a_broken_file_is_an_error_not_an_empty_one(void **state)
{
    struct fixture *f = *state;
    coco_bytes *secret = NULL;

    write_text_under(f->dir, RESOURCES, "{\"default/policy/1\":\"cG9saWN5\"}");
    write_text_under(f->dir, KEYS, "{");
    assert_fails(get(f, "kbs:///default/policy/1", &secret), f->err, COCO_ERR_PROTO, KEYS);
    write_text_under(f->dir, KEYS, "{\"default/key/1\":\"*\"}");
    assert_fails(get(f, "kbs:///default/policy/1", &secret), f->err, COCO_ERR_PROTO,
                 "default/key/1");
}

static void
a_file_that_cannot_be_read_is_an_error(void **state)
{
    struct fixture *f = *state;
    coco_bytes *secret = NULL;
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/" KEYS, f->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_fails(get(f, "kbs:///default/key/1", &secret), f->err, COCO_ERR_IO, KEYS);
}

/* Files of the host's, and files in memory. */
static int
statfs_9p(int fd, struct statfs *ret)
{
    (void)fd;
    *ret = (struct statfs){.f_type = V9FS_MAGIC};
    return 0;
}

static int
statfs_tmpfs(int fd, struct statfs *ret)
{
    (void)fd;
    *ret = (struct statfs){.f_type = TMPFS_MAGIC};
    return 0;
}

static int
stat_anonymous(int fd, struct stat *ret)
{
    (void)fd;
    *ret = (struct stat){.st_dev = 0x21, .st_mode = S_IFREG | 0600};
    return 0;
}

static const struct coco_storage host = {
    .fstat = stat_anonymous, .fstatfs = statfs_9p, .devices = "/nonexistent"};
static const struct coco_storage memory = {
    .fstat = stat_anonymous, .fstatfs = statfs_tmpfs, .devices = "/nonexistent"};

static void
files_that_may_be_the_hosts_are_refused_and_it_says_how_to_take_them(void **state)
{
    static const char *const names[] = {KEYS, RESOURCES};
    struct fixture *f = *state;
    void *self = NULL;

    for (size_t i = 0; i < 2; i++) {
        char path[128];

        write_text_under(f->dir, names[i], "{\"default/key/1\":\"a2V5\"}");
        assert_fails(coco_offline_fs_kbc_open(&host, f->dir, &self, &f->err), f->err,
                     COCO_ERR_DENIED, names[i]);
        assert_fails(coco_offline_fs_kbc_open(&host, f->dir, &self, &f->err), f->err,
                     COCO_ERR_DENIED, "'unprotected:' takes it");
        assert_ok(coco_offline_fs_kbc_open(&memory, f->dir, &self, &f->err), f->err);
        coco_offline_fs_kbc.close(self);
        (void)snprintf(path, sizeof(path), "unprotected:%s", f->dir);
        assert_ok(coco_offline_fs_kbc_open(&host, path, &self, &f->err), f->err);
        coco_offline_fs_kbc.close(self);
        self = NULL;
        (void)snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
        assert_int_equal(unlink(path), 0);
    }
}

static void
where_there_are_no_files_nothing_is_asked_of_what_they_lie_on(void **state)
{
    struct fixture *f = *state;
    void *self = NULL;

    assert_ok(coco_offline_fs_kbc_open(&host, f->dir, &self, &f->err), f->err);
    coco_offline_fs_kbc.close(self);
    self = NULL;
    assert_fails(coco_offline_fs_kbc_open(&host, "unprotected:etc", &self, &f->err), f->err,
                 COCO_ERR_INVALID, "absolute");
}

static void
getting_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    write_text_under(f->dir, KEYS, "{\"default/key/1\":\"a2V5\"}");
    write_text_under(f->dir, RESOURCES, "{\"default/policy/1\":\"cG9saWN5\"}");
    for_each_fault()
    {
        coco_bytes *secret = NULL;

        coco_status status = get(f, "kbs:///default/key/1", &secret);
        fault_expect(status, f->err);
        coco_bytes_free(secret);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(secrets_come_from_either_file),
        TEST(one_file_is_enough),
        TEST(what_is_in_no_file_is_not_found),
        TEST(a_broken_file_is_an_error_not_an_empty_one),
        TEST(a_file_that_cannot_be_read_is_an_error),
        TEST(files_that_may_be_the_hosts_are_refused_and_it_says_how_to_take_them),
        TEST(where_there_are_no_files_nothing_is_asked_of_what_they_lie_on),
        TEST(getting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
