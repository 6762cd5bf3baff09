/*
 * tests/collateral/test_folder.c - lib/collateral/folder.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/folder.h"

#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static coco_error *err;
static char dir[64];
static int fd;

static int
setup(void **state)
{
    (void)state;
    make_temp_dir(dir, sizeof(dir));
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    (void)close(fd);
    remove_temp_dir(dir);
    return 0;
}

static void
files_are_as_old_as_what_they_hold(void **state)
{
    struct stat st;

    (void)state;
    assert_ok(coco_folder_put(fd, "amd/Milan/vcek/00ff/a.der", "old", 3, 1700000000, &err), err);
    assert_ok(coco_folder_put(fd, "amd/Milan/vcek/00ff/a.der", "new", 3, 1700000001, &err), err);
    assert_file(dir, "amd/Milan/vcek/00ff/a.der", "new");
    assert_int_equal(fstatat(fd, "amd/Milan/vcek/00ff/a.der", &st, 0), 0);
    assert_int_equal(st.st_mtim.tv_sec, 1700000001);
    assert_ok(coco_folder_put(fd, "top.pem", "x", 1, 0, &err), err);
    assert_int_equal(fstatat(fd, "top.pem", &st, 0), 0);
    assert_in_range(st.st_mtim.tv_sec, time(NULL) - 60, time(NULL) + 60);
}

static void
nothing_is_written_elsewhere(void **state)
{
    char path[128];

    (void)state;
    assert_fails(coco_folder_put(fd, "../x", "x", 1, 0, &err), err, COCO_ERR_INVALID,
                 "cannot be called");
    (void)snprintf(path, sizeof(path), "%s/link", dir);
    assert_int_equal(symlink("/tmp", path), 0);
    assert_fails(coco_folder_put(fd, "link/x", "x", 1, 0, &err), err, COCO_ERR_IO, "link/x");
    assert_ok(coco_folder_put(fd, "file", "x", 1, 0, &err), err);
    assert_fails(coco_folder_put(fd, "file/x", "x", 1, 0, &err), err, COCO_ERR_IO, "file/x");
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        coco_status status = coco_folder_put(fd, "a/b", "x", 1, 0, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_as_old_as_what_they_hold),
        cmocka_unit_test(nothing_is_written_elsewhere),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
