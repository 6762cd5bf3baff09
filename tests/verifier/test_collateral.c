/*
 * tests/verifier/test_collateral.c - lib/verifier/collateral.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/collateral.h"

#include "base/bytes.h"
#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static coco_error *err;
static char dir[64];
static coco_collateral *source;

static int
setup(void **state)
{
    char path[128];

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(path, sizeof(path), "%s/amd", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/amd/a.pem", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "content", 7), 7);
    assert_int_equal(close(fd), 0);
    (void)snprintf(path, sizeof(path), "%s/amd/large", dir);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, COCO_COLLATERAL_MAX + 1), 0);
    assert_int_equal(close(fd), 0);
    (void)snprintf(path, sizeof(path), "%s/amd/fifo", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_ok(coco_collateral_new_dir(dir, &source, &err), err);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coco_collateral_free(source);
    remove_temp_dir(dir);
    return 0;
}

static void
files_are_found_by_their_name(void **state)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_buf_ struct coco_buf buf = {.limit = 64};

    (void)state;
    assert_ok(coco_collateral_get(source, "amd/a.pem", &bytes, &err), err);
    assert_int_equal(coco_bytes_size(bytes), 7);
    assert_memory_equal(coco_bytes_data(bytes), "content", 7);
    assert_ok(coco_collateral_read(source, &buf, &err, "amd/%c.pem", 'a'), err);
    assert_string_equal(coco_buf_text(&buf), "content");
}

static void
what_is_not_there_is_not_found(void **state)
{
    coco_bytes *bytes = NULL;
    coco_collateral *none = NULL;

    (void)state;
    assert_fails(coco_collateral_get(source, "amd/b.pem", &bytes, &err), err, COCO_ERR_NOTFOUND,
                 "collateral amd/b.pem");
    assert_fails(coco_collateral_get(source, "amd/a.pem/x", &bytes, &err), err, COCO_ERR_NOTFOUND,
                 "no such file");
    assert_fails(coco_collateral_get(source, "amd", &bytes, &err), err, COCO_ERR_IO, "not a file");
    assert_fails(coco_collateral_get(source, "amd/fifo", &bytes, &err), err, COCO_ERR_IO,
                 "not a file");
    assert_fails(coco_collateral_get(source, "amd/large", &bytes, &err), err, COCO_ERR_LIMIT, "");
    assert_fails(coco_collateral_new_dir("/no/such/directory", &none, &err), err, COCO_ERR_NOTFOUND,
                 "/no/such/directory");
    assert_fails(coco_collateral_read(NULL, NULL, &err, "a"), err, COCO_ERR_NOTFOUND, "no source");
    assert_null(bytes);
}

/* Parts of names come from evidence. */
static void
names_lead_nowhere_else(void **state)
{
    static const char *const names[] = {
        "",
        "/",
        "/etc/passwd",
        "..",
        "../x",
        "amd/../../etc/passwd",
        "amd/..",
        "./amd/a.pem",
        "amd//a.pem",
        "amd/",
        "amd/.a",
        "amd/a pem",
        "amd/a\npem",
        "amd/%s",
        "amd\\a",
        "amd/\xc3\xa4",
    };
    coco_bytes *bytes = NULL;
    char long_name[600];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_fails(coco_collateral_get(source, names[i], &bytes, &err), err, COCO_ERR_INVALID,
                     "cannot be called");
    memset(long_name, 'a', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = '\0';
    assert_fails(coco_collateral_get(source, long_name, &bytes, &err), err, COCO_ERR_INVALID,
                 "cannot be called");
    assert_fails(coco_collateral_read(source, NULL, &err, "%s", long_name), err, COCO_ERR_INVALID,
                 "too long");
    assert_null(bytes);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_(coco_collateral_freep) coco_collateral *again = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

        coco_status status = coco_collateral_new_dir(dir, &again, &err);
        if (status == COCO_OK)
            status = coco_collateral_get(again, "amd/a.pem", &bytes, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_found_by_their_name),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(names_lead_nowhere_else),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("verifier/collateral", tests, setup, teardown);
}
